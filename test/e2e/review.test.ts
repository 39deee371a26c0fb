import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiProblem } from '../../embedded/apiClient.js';
import { connectBothWays, contentOf, Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { Reviewer } from '../support/reviewer.js';
import { type System, startSystem } from '../support/system.js';

quietWorkers();
let system: System;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({ deadlineMs: 2000, patience: { absentAfterMs: 4000, firstWaitMs: 50 } });
});
afterAll(() => system?.stop());

/** A platform whose connection sends nothing unreviewed. */
async function reviewed(wish: object = {}): Promise<{ platform: Platform; reviewer: Reviewer }> {
  const platform = await connectBothWays(system, { limits: { minute: 1000 }, ...wish });
  await system.api.patch(`/connections/${platform.books.id}/settings`, {
    exportMode: 'reviewed',
    accounts: { payments: { card: '090' } },
  });
  return { platform, reviewer: new Reviewer(system, platform) };
}

/** A contact, an invoice and its payment, by ids of their own. */
async function sale(platform: Platform, more: object = {}) {
  const [contact, invoice, payment] = [randomUUID(), randomUUID(), randomUUID()];
  await platform.saveAll([
    { kind: 'contact', externalId: contact, content: contentOf.contact() },
    { kind: 'invoice', externalId: invoice, content: contentOf.invoice(contact, { number: invoice, ...more }) },
    { kind: 'payment', externalId: payment, content: contentOf.payment(invoice) },
  ]);
  return { contact, invoice, payment };
}

describe('a preview', () => {
  test('shows what would move by groups, with errors and warnings, and nothing moves', async () => {
    const { platform, reviewer } = await reviewed();
    const good = await sale(platform);
    const bad = await sale(platform, { total: '99.00' });
    const preview = await reviewer.preview();
    expect(preview.groups).toMatchObject({
      contacts: { records: 2, errors: 0 },
      invoices: { records: 1, errors: 1, total: { [preview.currency]: '20.00' } },
      exportPayments: { records: 1, errors: 1 },
      bills: { records: 0, errors: 0 },
    });
    expect(await reviewer.rows(preview.id, 'invoices')).toMatchObject([
      {
        externalId: good.invoice,
        outcome: 'send',
        action: 'create',
        contact: { match: 'new' },
        lines: [{ account: '200', taxType: null, amount: '20.00', tax: '0.00' }],
      },
      { externalId: bad.invoice, outcome: 'error', errors: [{ code: 'totals_disagree' }] },
    ]);
    expect(await platform.document('invoice', good.invoice)).toMatchObject({
      state: 'waiting',
      code: 'awaiting_export',
    });
    expect(await platform.inXero('invoices', 'InvoiceNumber', good.invoice)).toBe(0);
  });

  test('reads Xero as it is now: what was changed there a moment ago is in it', async () => {
    const { platform, reviewer } = await reviewed();
    const { invoice } = await sale(platform);
    expect((await reviewer.preview()).groups.invoices).toMatchObject({ records: 1, errors: 0 });
    await reviewer.lock(tomorrow());
    const locked = await reviewer.preview();
    expect(locked.groups.invoices).toMatchObject({ records: 0, errors: 1 });
    expect(await reviewer.rows(locked.id, 'invoices')).toMatchObject([
      { externalId: invoice, errors: [{ code: 'period_locked' }] },
    ]);
  });
});

test('asks Xero for numbers, finds those from before the Sync From Date, many in a call, and asks nothing else beyond the sync', async () => {
  const limits = { minute: 1000 };
  const organisation = await system.organisation({ counts: { contacts: 5, items: 3, invoices: 40 }, limits });
  const company = randomUUID();
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const books = await system.connect(organisation, { company, direction: 'two-way', syncFromDate: yesterday });
  await system.api.patch(`/connections/${books.id}/settings`, {
    exportMode: 'reviewed',
    accounts: { sales: '200', purchases: '300' },
  });
  await books.ended();
  const platform = new Platform(system, company, books);
  const reviewer = new Reviewer(system, platform);
  const numbers = [...Array(40).keys()].map((index) => `INV-${String(index * 2 + 1).padStart(5, '0')}`);
  const taken = await Promise.all(numbers.map((number) => isTaken(organisation, number)));
  const found = taken.filter((is) => is).length;
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThan(numbers.length);
  const contact = randomUUID();
  await platform.saveAll([
    { kind: 'contact', externalId: contact, content: contentOf.contact() },
    ...numbers.map((number) => ({
      kind: 'invoice' as const,
      externalId: number,
      content: contentOf.invoice(contact, { number }),
    })),
  ]);
  // The first sync also fetches what the last pages of the first read refer to.
  await reviewer.callsOf('sync');
  const before = await reviewer.callsOf('sync');
  const preview = await reviewer.preview();
  expect(await reviewer.callsOf('preview')).toEqual({ ...before, invoices: (before.invoices ?? 0) + 1 });
  expect(preview.groups.invoices).toMatchObject({ records: numbers.length - found, errors: found });
});

async function isTaken(organisation: string, number: string): Promise<boolean> {
  const path = `/organisations/${organisation}/truth/invoices/matching?field=InvoiceNumber&value=${number}`;
  return (await system.xero<{ count: number }>('GET', path)).count > 0;
}

const tomorrow = (): string => new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);

async function problemOf(asked: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await asked.then(
    () => new Error('it was not refused'),
    (problem: unknown) => problem,
  );
  if (!(error instanceof ApiProblem)) throw error;
  return { ...error.body, code: error.code };
}

describe('an export', () => {
  test('sends exactly what was reviewed, in order, and reports each row', async () => {
    const { platform, reviewer } = await reviewed();
    const one = await sale(platform);
    const { id } = await reviewer.preview();
    const later = await sale(platform);
    const done = await reviewer.exported(await reviewer.send(id));
    expect(done).toMatchObject({
      state: 'completed',
      groups: { contacts: { sent: 1 }, invoices: { sent: 1 }, exportPayments: { sent: 1 } },
    });
    for (const kind of ['contact', 'invoice', 'payment'] as const) {
      expect(await platform.document(kind, one[kind])).toMatchObject({ state: 'sent', synced: true });
    }
    expect(await platform.document('invoice', later.invoice)).toMatchObject({ code: 'awaiting_export' });
    expect(await reviewer.results(done.id)).toEqual({
      [one.contact]: 'sent',
      [one.invoice]: 'sent',
      [one.payment]: 'sent',
    });
  });

  test('is refused while errors stand, and goes without what was excluded', async () => {
    const { platform, reviewer } = await reviewed();
    const good = await sale(platform);
    const bad = await sale(platform, { total: '99.00' });
    const { id } = await reviewer.preview();
    expect(await problemOf(reviewer.send(id))).toMatchObject({ code: 'preview_has_errors' });
    await platform.wish('invoice', bad.invoice, 'exclude');
    await platform.wish('payment', bad.payment, 'exclude');
    const done = await reviewer.exported(await reviewer.send(id));
    expect(done.state).toBe('completed');
    expect(await platform.document('invoice', good.invoice)).toMatchObject({ state: 'sent' });
    expect(await platform.inXero('invoices', 'InvoiceNumber', bad.invoice)).toBe(0);
  });

  test('is refused as stale, naming what changed: documents, settings, locks, records; and sends nothing', async () => {
    const { platform, reviewer } = await reviewed();
    const { contact, invoice } = await sale(platform);
    const staleAfter = async (change: () => Promise<unknown>) => {
      const { id } = await reviewer.preview();
      await change();
      const { code, errors } = await problemOf(reviewer.send(id));
      return [code, (errors as { field: string }[]).map(({ field }) => field)];
    };
    const again = contentOf.invoice(contact, { number: invoice, reference: 'again' });
    expect(await staleAfter(() => platform.save('invoice', invoice, again))).toEqual(['preview_stale', ['documents']]);
    const settings = { contactGroups: { customers: 'Plants' } };
    const change = () => system.api.patch(`/connections/${platform.books.id}/settings`, settings);
    expect(await staleAfter(change)).toEqual(['preview_stale', ['settings']]);
    expect(await staleAfter(() => reviewer.lock('2001-01-31'))).toEqual(['preview_stale', ['locks']]);
    expect(await platform.document('invoice', invoice)).toMatchObject({ code: 'awaiting_export' });
  });

  test('is refused as stale when a contact that it names was archived in Xero, and the next preview says so', async () => {
    const { platform, reviewer } = await reviewed();
    const { contact, invoice } = await sale(platform);
    await reviewer.exported(await reviewer.send((await reviewer.preview()).id));
    const { xeroId: id } = await platform.document('contact', contact);
    const next = randomUUID();
    await platform.save('invoice', next, contentOf.invoice(contact, { number: next }));
    const before = await reviewer.preview();
    await system.xero('POST', `/organisations/${platform.books.organisation}/edits`, [
      { stream: 'contacts', op: 'archive', id },
    ]);
    expect(await problemOf(reviewer.send(before.id))).toMatchObject({
      code: 'preview_stale',
      errors: [{ field: 'records' }],
    });
    const { id: after } = await reviewer.preview();
    expect(await reviewer.rows(after, 'invoices')).toMatchObject([
      { externalId: next, outcome: 'error', errors: [{ code: 'contact_archived' }] },
    ]);
    expect(await platform.document('invoice', invoice)).toMatchObject({ state: 'sent' });
  });

  test('brings in the payments made in Xero that it showed, each once, and not by itself before', async () => {
    const { platform, reviewer } = await reviewed();
    await system.api.patch(`/connections/${platform.books.id}/settings`, { paymentsIn: true });
    const [contact, invoice] = [randomUUID(), randomUUID()];
    await platform.saveAll([
      { kind: 'contact', externalId: contact, content: contentOf.contact() },
      { kind: 'invoice', externalId: invoice, content: contentOf.invoice(contact, { number: invoice }) },
    ]);
    await reviewer.exported(await reviewer.send((await reviewer.preview()).id));
    const { xeroId: id } = await platform.document('invoice', invoice);
    await system.xero('POST', `/organisations/${platform.books.organisation}/edits`, [
      { stream: 'invoices', op: 'pay', id },
    ]);
    const preview = await reviewer.preview();
    expect(preview.groups.importPayments).toMatchObject({ records: 1, total: { [preview.currency]: '20.00' } });
    expect(await reviewer.rows(preview.id, 'importPayments')).toMatchObject([
      { action: 'import', pays: invoice, total: '20.00', externalId: null },
    ]);
    const imports = async () =>
      (await system.api.get<{ data: { state: string }[] }>(`/connections/${platform.books.id}/payment-imports`)).data;
    expect(await imports()).toMatchObject([{ state: 'unmatched', code: 'awaiting_export' }]);
    const done = await reviewer.exported(await reviewer.send(preview.id));
    expect(done).toMatchObject({ state: 'completed', groups: { importPayments: { imported: 1 } } });
    expect(await imports()).toMatchObject([{ state: 'imported', invoice }]);
    expect((await reviewer.preview()).groups.importPayments).toMatchObject({ records: 0 });
  });

  test('is paused between batches, resumed, and cancelled: what had not gone is in the next preview', async () => {
    const { platform, reviewer } = await reviewed();
    const contacts = [...Array(600).keys()].map((index) => ({
      kind: 'contact' as const,
      externalId: `c-${index}`,
      content: contentOf.contact(),
    }));
    for (const part of [contacts.slice(0, 300), contacts.slice(300)]) await platform.saveAll(part);
    await system.xero('PATCH', '/settings', { latencyMs: 300 });
    const id = await reviewer.send((await reviewer.preview()).id);
    await reviewer.until(id, ({ groups }) => (groups.contacts?.queued ?? 0) > 0);
    await reviewer.step(id, 'pause');
    const paused = await reviewer.until(id, ({ state }) => state === 'paused');
    expect(paused.groups.contacts).toMatchObject({ sent: 500, pending: 100 });
    await reviewer.step(id, 'cancel');
    await system.xero('PATCH', '/settings', { latencyMs: 0 });
    expect(await reviewer.exported(id)).toMatchObject({
      state: 'cancelled',
      groups: { contacts: { sent: 500, cancelled: 100 } },
    });
    const rest = await reviewer.preview();
    expect(rest.groups.contacts).toMatchObject({ records: 100 });
    expect(await reviewer.exported(await reviewer.send(rest.id))).toMatchObject({ state: 'completed' });
    expect(await platform.states()).toEqual({ sent: 600 });
  });
});
