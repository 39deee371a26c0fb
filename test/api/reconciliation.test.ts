import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMirror } from '../../db/mirror.js';
import { MustWait, XeroFault, XeroRefusal } from '../../domain/problems.js';
import { beginFull } from '../../domain/reading.js';
import { type StreamName, streams } from '../../domain/streams.js';
import { eventually } from '../support/waiting.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
let id: string;
let organisationId: string;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  await connect();
});

async function connect(more: object = { syncFromDate: null }): Promise<void> {
  const own = organisation('Own');
  const made = await api.connect(randomUUID(), more);
  await api.callback({ code: api.xero.grant([own]), state: made.state });
  await api.stand(made.id, 'active');
  api.xero.asked.length = 0;
  [id, organisationId] = [made.id, own.tenantId];
}

const pageOf = (stream: StreamName, records: readonly string[]) =>
  `{"Id":"x","${streams[stream].collection}":[${records.join()}]}`;

/** The stream was read to its end, and this is what the mirror has. */
async function mirrored(stream: StreamName, ...records: string[]): Promise<void> {
  const mirror = createMirror(api.database.pool);
  const held = await mirror.acquire(id, stream, 'a run', 60_000);
  if (!held) throw new Error('the stream is held');
  await mirror.begin(held.lease, beginFull(streams[stream], null));
  const page = { organisationId, runId: 'a run', text: pageOf(stream, records), readAt: '2026-10-01T00:00:00.000Z' };
  await mirror.storePage(
    held.lease,
    { ...page, syncFromDate: null, complete: false, seen: false },
    (state) => state,
    60_000,
  );
  await mirror.finish(held.lease, 'complete', null);
}

/** What Xero has now, in pages of so many. */
function inXero(stream: StreamName, records: readonly string[], pageSize = 1000): void {
  api.xero.pages = async ({ page = 1 }) => ({
    text: pageOf(stream, records.slice((page - 1) * pageSize, page * pageSize)),
    itemCount: records.length,
  });
}

const invoice = (name: string, total: string, more = '', date = '2026-05-10') =>
  `{"InvoiceID":"${name}","Type":"ACCREC","Status":"AUTHORISED","DateString":"${date}T00:00:00","Total":${total},"CurrencyCode":"NZD"${more}}`;

const ask = (query = 'kind=invoice&month=2026-05') => api.call('GET', `/v1/connections/${id}/reconciliation?${query}`);
const asked = async (query?: string) => (await ask(query)).json();
const nothing = { missingHere: [], missingInXero: [], different: [] };

describe('a month that is the same on both sides', () => {
  test('is counted and summed by currency, no digit lost', async () => {
    const records = [
      invoice('a', '90071992547409930.01'),
      invoice('b', '0.10'),
      invoice('c', '0.2000'),
      invoice('d', '5', ',"CurrencyCode":"EUR"'),
    ];
    await mirrored('invoices', ...records);
    inXero('invoices', records);
    const totals = [
      { currency: 'EUR', total: '5' },
      { currency: 'NZD', total: '90071992547409930.3100' },
    ];
    expect(await asked()).toEqual({
      kind: 'invoice',
      month: '2026-05',
      from: '2026-05-01',
      asOf: '2026-10-01T12:00:00.000Z',
      here: { count: 4, totals },
      xero: { count: 4, totals },
      differing: nothing,
      more: false,
    });
  });

  test('leaves voided and deleted ones out of count and sum, and compares them all the same', async () => {
    const gone = ['VOIDED', 'DELETED'].map((status) => invoice(status, '7', `,"Status":"${status}"`));
    await mirrored('invoices', invoice('a', '1'), ...gone);
    inXero('invoices', [invoice('a', '1'), gone[0] as string, invoice('DELETED', '7')]);
    expect(await asked()).toMatchObject({
      here: { count: 1, totals: [{ currency: 'NZD', total: '1' }] },
      xero: { count: 2, totals: [{ currency: 'NZD', total: '8' }] },
      differing: { ...nothing, different: ['DELETED'] },
    });
  });

  test('may be written another way: fields in another order, and numbers of the same value', async () => {
    await mirrored('invoices', invoice('a', '1.50'));
    inXero('invoices', [invoice('a', '9', ',"Total":1.5')]);
    expect((await asked()).differing).toEqual(nothing);
  });

  test('is asked for by date and type, first to last day, before background work and for no run', async () => {
    await mirrored('invoices');
    inXero('invoices', []);
    expect(await asked('kind=bill&month=2028-02')).toMatchObject({
      here: { count: 0, totals: [] },
      xero: { count: 0, totals: [] },
    });
    expect(api.xero.asked).toMatchObject([
      {
        stream: 'invoices',
        where: 'Type == "ACCPAY" AND Date >= DateTime(2028,02,01) AND Date < DateTime(2028,03,01)',
        order: 'InvoiceID ASC',
        page: 1,
        pageSize: 1000,
        context: { connectionId: id, organisationId, runId: null, priority: 'people' },
      },
    ]);
  });

  test('is asked for by dates alone where Xero takes no filter', async () => {
    await mirrored('purchaseOrders');
    inXero('purchaseOrders', []);
    await asked('kind=purchaseOrder&month=2026-12');
    const [{ dateFrom, dateTo, where, order } = {}] = api.xero.asked;
    expect([dateFrom, dateTo, where, order]).toEqual(['2026-12-01', '2026-12-31', undefined, undefined]);
  });
});

describe('what differs', () => {
  test('is named: missing on one side, another content, another month, deleted here', async () => {
    const kept = invoice('kept', '1');
    await mirrored(
      'invoices',
      kept,
      invoice('edited', '2', ',"Reference":"old"'),
      invoice('gone', '3'),
      invoice('movedAway', '4'),
      invoice('movedHere', '5', '', '2026-04-30'),
      invoice('deletedHere', '6'),
      invoice('aprils', '7', '', '2026-04-30'),
      invoice('junes', '8', '', '2026-06-01'),
      invoice('aBill', '9', ',"Type":"ACCPAY"'),
    );
    await api.database.pool.query(
      "UPDATE record SET deleted_at = now() WHERE organisation_id = $1 AND xero_id = 'deletedHere'",
      [organisationId],
    );
    const edited = invoice('edited', '2', ',"Reference":"new"');
    inXero('invoices', [
      kept,
      edited,
      invoice('movedHere', '5'),
      invoice('deletedHere', '6'),
      invoice('new', '10', '', '2026-05-31'),
    ]);
    expect(await asked()).toMatchObject({
      here: { count: 4, totals: [{ currency: 'NZD', total: '10' }] },
      xero: { count: 5, totals: [{ currency: 'NZD', total: '24' }] },
      differing: {
        missingHere: ['deletedHere', 'new'],
        missingInXero: ['gone', 'movedAway'],
        different: ['edited', 'movedHere'],
      },
      more: false,
    });
  });

  test('is found in the last digit', async () => {
    await mirrored('invoices', invoice('a', '90071992547409930.01'));
    inXero('invoices', [invoice('a', '90071992547409930.02')]);
    expect((await asked()).differing.different).toEqual(['a']);
  });

  test('is named for a thousand ids, and said where there are more', async () => {
    await mirrored('invoices', ...Array.from({ length: 600 }, (_, n) => invoice(`here${n}`, '1')));
    inXero(
      'invoices',
      Array.from({ length: 600 }, (_, n) => invoice(`there${n}`, '1')),
    );
    const { differing, more } = await asked();
    expect([differing.missingHere.length, differing.missingInXero.length, more]).toEqual([600, 400, true]);
  });

  test('is found in a record that Postgres cannot hold as JSON too, unless the same text was set aside', async () => {
    const [kept, changed] = ['kept', 'changed'].map((name) => invoice(name, '2', ',"Reference":"a\\u0000b"'));
    await mirrored('invoices', invoice('a', '1'), kept as string, invoice('changed', '2'));
    inXero('invoices', [invoice('a', '1'), kept as string, changed as string, invoice('new', '3', ',"R":"\\ud800"')]);
    expect(await asked()).toMatchObject({
      here: { count: 2 },
      xero: { count: 1, totals: [{ currency: 'NZD', total: '1' }] },
      differing: { missingHere: ['new'], missingInXero: [], different: ['changed'] },
    });
  });
});

test('a payment is summed by its amount, in the currency of what it pays', async () => {
  const payment = (name: string, pays: string) =>
    `{"PaymentID":"${name}","Status":"AUTHORISED","DateString":"2026-05-10T00:00:00","Amount":10.00,"BankAmount":17.31,${pays}}`;
  const records = [
    payment('a', '"Invoice":{"CurrencyCode":"EUR"}'),
    payment('b', '"CreditNote":{"CurrencyCode":"USD"}'),
    payment('c', '"Account":{}'),
  ];
  await mirrored('payments', ...records);
  inXero('payments', records);
  const { here, xero } = await asked('kind=payment&month=2026-05');
  expect(here).toEqual(xero);
  expect(here.totals).toEqual([
    { currency: 'EUR', total: '10.00' },
    { currency: 'USD', total: '10.00' },
    { currency: null, total: '10.00' },
  ]);
});

describe('a month of several pages', () => {
  const many = Array.from({ length: 2500 }, (_, n) => invoice(`id${String(n).padStart(4, '0')}`, '0.01'));

  test('is read to its last record', async () => {
    await mirrored('invoices', ...many);
    inXero('invoices', many);
    expect(await asked()).toMatchObject({
      xero: { count: 2500, totals: [{ currency: 'NZD', total: '25.00' }] },
      differing: nothing,
    });
    expect(api.xero.asked.map(({ page }) => page)).toEqual([1, 2, 3]);
  });

  test('that fills its last page is not asked for one more', async () => {
    await mirrored('invoices');
    inXero('invoices', many.slice(0, 2000));
    expect((await asked()).xero.count).toBe(2000);
    expect(api.xero.asked).toHaveLength(2);
  });

  test('is no answer when a record left it between two pages', async () => {
    await mirrored('invoices', ...many);
    api.xero.pages = async ({ page = 1 }) => {
      const now = page === 1 ? many : many.slice(1);
      return { text: pageOf('invoices', now.slice((page - 1) * 1000, page * 1000)), itemCount: now.length };
    };
    const answer = await ask();
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'unavailable']);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.json().detail).toContain('changed in Xero while it was read');
  });

  test('of more than 20,000 records is refused after one call, and the way out is named', async () => {
    await mirrored('invoices');
    api.xero.pages = async () => ({ text: pageOf('invoices', many.slice(0, 1000)), itemCount: 20_001 });
    const answer = await ask();
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'invalid_request']);
    expect(answer.json().errors).toMatchObject([{ field: 'month', message: expect.stringContaining('"mode":"full"') }]);
    expect(api.xero.asked).toHaveLength(1);
  });
});

test('what lies before the Sync From Date is left out on both sides, and a month before it is refused', async () => {
  await connect({ syncFromDate: '2026-05-10' });
  await mirrored('invoices', invoice('before', '1', '', '2026-05-09'), invoice('on', '2'));
  inXero('invoices', [invoice('on', '2')]);
  expect(await asked()).toMatchObject({ from: '2026-05-10', here: { count: 1 }, differing: nothing });
  expect(api.xero.asked[0]?.where).toContain('Date >= DateTime(2026,05,10)');
  const early = await ask('kind=invoice&month=2026-04');
  expect(early.statusCode).toBe(422);
  expect(early.json().errors).toEqual([{ field: 'month', message: 'lies before the Sync From Date, 2026-05-10' }]);
});

test.each([
  ['kind=cat&month=2026-05', 'kind'],
  ['kind=invoice&month=2026-13', 'month'],
  ['kind=invoice&month=2026-5', 'month'],
  ['kind=invoice&month=2026-05-01', 'month'],
  ['kind=invoice', 'month'],
  ['month=2026-05', 'kind'],
])('%s is refused with the field named', async (query, field) => {
  const answer = await ask(query);
  expect(answer.statusCode).toBe(422);
  expect(answer.json().errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
});

describe('nothing is read', () => {
  const told = async () => {
    const answer = await ask();
    return [answer.statusCode, answer.json().code, api.xero.asked.length];
  };

  test('before an organisation is bound, and before the stream was read to its end', async () => {
    expect(await told()).toEqual([409, 'connection_not_ready', 0]);
    expect((await asked()).detail).toContain('invoices has not been read to its end');
    ({ id } = await api.connect(randomUUID()));
    expect(await told()).toEqual([409, 'connection_not_ready', 0]);
  });

  test('of a connection that was ended or that Xero refuses', async () => {
    await mirrored('invoices');
    await api.stand(id, 'authFailed');
    expect(await told()).toEqual([409, 'xero_auth_failed', 0]);
    await api.stand(id, 'disconnected');
    expect(await told()).toEqual([409, 'disconnected', 0]);
  });
});

test.each([
  ['refuses the connection', new XeroRefusal('authFailed', 401), 409, 'xero_auth_failed', undefined],
  ['misses a permission', new XeroRefusal('scopeMissing', 401), 409, 'scopes_missing', undefined],
  ['is away', new XeroFault('unavailable', 503), 503, 'xero_unavailable', '5'],
  ['allows no more this minute', new MustWait('minute', 12_345), 503, 'unavailable', '13'],
  ['allows no more today', new MustWait('day', 3_600_000), 503, 'daily_rate_limit', '3600'],
])('a Xero that %s is answered as such', async (_, error, status, code, retryAfter) => {
  await mirrored('invoices');
  api.xero.pages = () => Promise.reject(error);
  const answer = await ask();
  expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([status, code, retryAfter]);
  if (code === 'daily_rate_limit') expect(answer.json().detail).toContain('2026-10-01T13:00:00.000Z');
});

test('an answer of Xero that was cut short is no answer here', async () => {
  await mirrored('invoices', invoice('a', '1'));
  api.xero.pages = async () => ({ text: '{"Invoices":[{"InvoiceID":"a"},{"Inv', itemCount: 2 });
  const answer = await ask();
  expect([answer.statusCode, answer.json().code]).toEqual([503, 'xero_unavailable']);
});

test('a client that goes away ends the call to Xero', async () => {
  await mirrored('invoices');
  let ended = false;
  api.xero.pages = (_, signal) =>
    new Promise((_resolve, reject) =>
      signal?.addEventListener('abort', () => {
        ended = true;
        reject(signal.reason);
      }),
    );
  const secret = await api.key('viewer');
  const address = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const away = new AbortController();
  const asking = fetch(`${address}/v1/connections/${id}/reconciliation?kind=invoice&month=2026-05`, {
    headers: { authorization: `Bearer ${secret}` },
    signal: away.signal,
  });
  await eventually(
    'the call is made',
    async () => api.xero.asked.length,
    (calls) => calls === 1,
  );
  away.abort();
  await expect(asking).rejects.toThrow();
  await eventually(
    'the call is ended',
    async () => ended,
    (now) => now,
  );
});
