import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Metrics } from '../../api/metrics.js';
import { createCallbackSecrets } from '../../db/callbackSecrets.js';
import { createPaymentImports } from '../../db/paymentImports.js';
import type { PaymentImports } from '../../domain/ports.js';
import { aCustomer, aDocument, aPayment, openRun, type PaymentBooks } from '../support/paymentBooks.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
let imports: PaymentImports;
let books: PaymentBooks;
let customer: { externalId: string; contactId: string };
beforeAll(async () => {
  api = await startApi();
  imports = createPaymentImports(api.database.pool, { buriedPayments: async () => new Set() });
});
afterAll(() => api.close());
beforeEach(async () => {
  const companyId = `company-${randomUUID()}`;
  const { id: connectionId, state } = await api.connect(companyId);
  const own = organisation('Own');
  await api.callback({ code: api.xero.grant([own]), state });
  await api.stand(connectionId, 'active');
  books = { companyId, connectionId, organisationId: own.tenantId };
  await configure({ paymentsIn: true });
  customer = await aCustomer(api.database.pool, books);
});

const actor = { 'nightledger-actor': 'user:1' };
const path = (more = '') => `/v1/connections/${books.connectionId}/payment-imports${more}`;
const configure = (settings: object) => api.call('PATCH', `/v1/connections/${books.connectionId}/settings`, settings);
const post = (more: string, body?: object, secret?: string) => api.call('POST', path(more), body, secret, actor);
const listed = async (query = '') => (await api.call('GET', path(query))).json();

/** An invoice of the platform that is not in Xero, and a payment there that pays it, or would. */
async function invoiceAndPayment(open: string, amount: number, stampedAt = new Date().toISOString()) {
  const content = { contact: customer.externalId, total: open, amountDue: open, currency: 'NZD' };
  const invoice = await aDocument(api.database.pool, books, { state: 'queued', content });
  const { contactId } = customer;
  const payment = await aPayment(api.database.pool, books, { amount, invoiceId: randomUUID(), contactId, stampedAt });
  await imports.find(books.connectionId);
  return { invoice, payment };
}

test('what was found is listed with its reason, its remedy, the nearest invoices and the age of the oldest', async () => {
  const stamp = '2026-09-01T00:00:00.000Z';
  const { invoice, payment } = await invoiceAndPayment('100.00', 99, stamp);
  const { data, unreconciled } = await listed();
  expect(data).toMatchObject([
    {
      xeroPaymentId: payment,
      state: 'unmatched',
      code: 'no_match',
      message: 'No open invoice of the platform fits it.',
      amount: '99',
      date: '2026-09-01',
      invoice: null,
      candidates: [{ invoice, open: '100.00', because: 'amountDiffers' }],
    },
  ]);
  expect(data[0].remedy).toContain('resolve');
  expect(unreconciled).toEqual({ count: 1, oldestAt: stamp, overdue: 1 });
  expect((await listed('?state=imported')).data).toEqual([]);
  expect((await api.call('GET', path('?state=matched'))).statusCode).toBe(422);
});

test('a payment that is a day old and not imported is a warning on the connection, and in the metrics', async () => {
  await invoiceAndPayment('100.00', 98);
  const connection = async () => (await api.call('GET', `/v1/connections/${books.connectionId}`)).json();
  expect((await connection()).warnings).toEqual([]);
  await invoiceAndPayment('100.00', 99, '2026-09-01T00:00:00Z');
  expect((await connection()).warnings).toEqual([
    '1 payment in Xero is older than 24 hours and not imported: GET …/payment-imports says why.',
  ]);
  const app = (api.deps.metrics as Metrics).app();
  const { body } = await app.inject('/metrics');
  await app.close();
  expect(body).toMatch(/^nightledger_payment_imports\{state="unmatched"\} [1-9]/m);
  expect(Number(/^nightledger_oldest_unreconciled_payment_seconds (.+)$/m.exec(body)?.[1])).toBeGreaterThan(86_400);
});

test('a run is asked for by a person, joins the one in hand, and wants payments in', async () => {
  expect((await api.call('POST', path())).json()).toMatchObject({ code: 'invalid_request' });
  const first = await post('');
  expect(first.statusCode).toBe(202);
  expect(first.json()).toMatchObject({ workflowId: `payment-import:${books.connectionId}`, alreadyRunning: false });
  expect((await post('')).json()).toMatchObject({ runId: first.json().runId, alreadyRunning: true });
  const run = await api.call('GET', `/v1/connections/${books.connectionId}/runs/${first.json().runId}`);
  expect(run.json()).toMatchObject({ kind: 'paymentImport', outcome: 'running', actor: 'user:1' });
  await configure({ paymentsIn: false });
  expect((await post('')).json()).toMatchObject({ code: 'payments_in_off' });
  await configure({ paymentsIn: true });
  await api.stand(books.connectionId, 'authFailed');
  expect((await post('')).json()).toMatchObject({ code: 'connection_not_ready' });
});

test('the schedules follow the settings that they are made of', async () => {
  const { kept } = api.temporal;
  kept.length = 0;
  await configure({ partPayments: true });
  expect(kept).toEqual([]);
  await configure({ paymentsInEveryHours: 2 });
  await configure({ paymentsIn: false });
  expect(kept).toEqual([books.connectionId, books.connectionId]);
});

test('a person resolves what was not imported, once, with a note', async () => {
  const { invoice, payment } = await invoiceAndPayment('100.00', 99);
  const resolve = (body: object) => post(`/${payment}/resolve`, body);
  const faults = async (body: object) =>
    (await resolve(body)).json().errors.map(({ field }: { field: string }) => field);
  expect(await faults({ outcome: 'applied' })).toEqual(['note']);
  expect(await faults({ outcome: 'applied', note: 'x' })).toEqual(['invoice']);
  expect(await faults({ outcome: 'applied', note: 'x', invoice: 'nowhere' })).toEqual(['invoice']);
  expect(await faults({ outcome: 'settled', note: 'x' })).toEqual(['outcome']);
  expect((await api.call('POST', path(`/${payment}/resolve`), { outcome: 'ignored', note: 'x' })).statusCode).toBe(422);
  const applied = await resolve({ outcome: 'applied', invoice, note: 'a fee was kept' });
  expect(applied.json()).toMatchObject({
    state: 'resolved',
    code: expect.anything(),
    invoice,
    resolution: { outcome: 'applied', note: 'a fee was kept', actor: 'user:1' },
  });
  expect((await resolve({ outcome: 'ignored', note: 'x' })).json()).toMatchObject({ code: 'payment_settled' });
  const document = await api.call('GET', `/v1/companies/${books.companyId}/documents/payment/xero:${payment}`);
  expect(document.json()).toMatchObject({ state: 'sent', code: 'from_xero', xeroId: payment });
});

test('what is being attempted is not resolved, and what its run left behind is', async () => {
  const { payment } = await invoiceAndPayment('100.00', 100);
  const run = { connectionId: books.connectionId, runId: await openRun(api.database.pool, books) };
  await imports.claim(run, payment);
  const resolve = () => post(`/${payment}/resolve`, { outcome: 'ignored', note: 'x' });
  expect((await resolve()).json()).toMatchObject({ code: 'payment_in_hand' });
  await api.database.pool.query('UPDATE run SET ended_at = now() WHERE run_id = $1', [run.runId]);
  expect((await listed()).data).toMatchObject([{ state: 'failed', code: 'outcome_unknown' }]);
  expect((await resolve()).json()).toMatchObject({ state: 'resolved' });
});

test("another company's connection and an unknown payment are not there", async () => {
  const { payment } = await invoiceAndPayment('100.00', 99);
  await api.call('PUT', '/v1/companies/other', { name: 'Other' });
  const stranger = await api.key('standard', 'other');
  expect((await api.call('GET', path(), undefined, stranger)).statusCode).toBe(404);
  const body = { outcome: 'ignored', note: 'x' };
  expect((await post(`/${payment}/resolve`, body, stranger)).statusCode).toBe(404);
  expect((await post(`/${randomUUID()}/resolve`, body)).statusCode).toBe(404);
  expect((await post('/nonsense/resolve', body)).statusCode).toBe(404);
  const viewer = await api.key('viewer');
  expect((await post('', undefined, viewer)).statusCode).toBe(403);
  expect((await api.call('POST', `/v1/connections/${books.connectionId}/callback-secret`, {}, viewer)).statusCode).toBe(
    403,
  );
});

test.each([
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://10.1.2.3/',
  'https://169.254.169.254/',
  'http://localhost:1/',
])('a callback at %s is refused when it is set', async (callbackUrl) => {
  const answer = await configure({ callbackUrl });
  expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: 'callbackUrl' }] });
  expect((await configure({ callbackUrl: 'https://platform.test/payments' })).statusCode).toBe(200);
});

test("a callback's secret is shown once, is new each time, and stands sealed in the database", async () => {
  const make = async () => (await api.call('POST', `/v1/connections/${books.connectionId}/callback-secret`, {})).json();
  const [first, second] = [await make(), await make()];
  expect(first.secret).not.toBe(second.secret);
  const { rows } = await api.database.pool.query(
    'SELECT sealed_callback_secret AS sealed FROM connection WHERE id = $1',
    [books.connectionId],
  );
  expect(rows[0].sealed.toString('latin1')).not.toContain(second.secret);
  const other = { seal: () => Buffer.alloc(0), open: () => 'another', currentHead: Buffer.alloc(0) };
  expect(await createCallbackSecrets(api.database.pool, other).open(randomUUID())).toBeNull();
  expect((await api.call('GET', `/v1/connections/${books.connectionId}/settings`)).body).not.toContain(second.secret);
});
