import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createPaymentImports } from '../../db/paymentImports.js';
import { createSealing } from '../../db/sealing.js';
import { createTombstones, type Tombstones } from '../../db/tombstones.js';
import { type PaymentImports, ResolutionRefused } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import {
  aCustomer,
  aDocument,
  aPayment,
  aRecord,
  openRun,
  type PaymentBooks,
  paymentBooks,
} from '../support/paymentBooks.js';

let database: FreshDatabase;
let tombstones: Tombstones;
let imports: PaymentImports;
let books: PaymentBooks;
let runId: string;
let customer: { externalId: string; contactId: string };
beforeAll(async () => {
  database = await freshDatabase();
  tombstones = createTombstones(createSealing({ current: 'test', keys: { test: randomBytes(32) } }));
  imports = createPaymentImports(database.pool, tombstones);
});
afterAll(() => database.drop());
beforeEach(async () => {
  books = await paymentBooks(database.pool);
  runId = await openRun(database.pool, books);
  customer = await aCustomer(database.pool, books);
});

/** An invoice of ours that is open in Xero and in the books of the platform. */
async function ourInvoice(amount: string, more: Record<string, unknown> = {}, mirrored: object = {}) {
  const invoiceId = await aRecord(database.pool, books, 'invoices', {
    Status: 'AUTHORISED',
    AmountDue: Number(amount),
    ...mirrored,
  });
  const content = { contact: customer.externalId, total: amount, amountDue: amount, currency: 'NZD', ...more };
  const externalId = await aDocument(database.pool, books, { content, xeroId: invoiceId });
  return { externalId, invoiceId };
}

/** One that the platform has and Xero has not. */
const unsentInvoice = (amount: string, more: Record<string, unknown> = {}) =>
  aDocument(database.pool, books, {
    state: 'queued',
    content: { contact: customer.externalId, total: amount, amountDue: amount, currency: 'NZD', ...more },
  });

const paid = (amount: number, invoiceId: string = randomUUID(), more: Partial<Parameters<typeof aPayment>[2]> = {}) =>
  aPayment(database.pool, books, { amount, invoiceId, contactId: customer.contactId, ...more });

const run = () => ({ connectionId: books.connectionId, runId });
const find = () => imports.find(books.connectionId);
const seen = async (id: string) => await imports.get(books.connectionId, id);
const standing = async (id: string) => {
  const found = await seen(id);
  return found && [found.state, found.code, found.invoice];
};

/** Applies it in the books alone, as a run does. */
async function imported(id: string): Promise<boolean> {
  const claimed = await imports.claim(run(), id);
  return claimed !== null && (await imports.settle(run(), id, 'imported', false));
}

async function events(type: string) {
  const { rows } = await database.pool.query<{ external_id: string; xero_id: string; data: object }>(
    'SELECT external_id, xero_id, data FROM feed_event WHERE company_id = $1 AND type = $2 ORDER BY position',
    [books.companyId, type],
  );
  return rows;
}

async function paymentDocuments() {
  const { rows } = await database.pool.query<{ external_id: string; state: string; xero_id: string; content: object }>(
    `SELECT external_id, state, xero_id, content FROM document WHERE company_id = $1 AND kind = 'payment' ORDER BY 1`,
    [books.companyId],
  );
  return rows;
}

describe('what is applied', () => {
  test('a payment on an invoice of ours is applied in the books and told of in one transaction', async () => {
    const { externalId, invoiceId } = await ourInvoice('100.00');
    const id = await paid(100, invoiceId);
    expect(await find()).toEqual({ matched: 1 });
    expect(await standing(id)).toEqual(['unmatched', 'next_run', externalId]);
    expect(await imported(id)).toBe(true);
    expect(await standing(id)).toEqual(['imported', null, externalId]);
    expect(await paymentDocuments()).toMatchObject([
      {
        external_id: `xero:${id}`,
        state: 'sent',
        xero_id: id,
        content: { invoice: externalId, amount: '100', date: '2026-09-01', xeroPaymentId: id },
      },
    ]);
    expect(await events('payment.imported')).toEqual([
      { external_id: externalId, xero_id: id, data: { amount: '100', date: '2026-09-01', by: 'run' } },
    ]);
  });

  test('what is open is what the platform said last, less what was applied since it said so', async () => {
    const { externalId, invoiceId } = await ourInvoice('100.00', { amountDue: '60.00' });
    const [first, second] = [await paid(60, invoiceId), await paid(60, invoiceId, { date: '2026-09-02' })];
    expect(await find()).toEqual({ ambiguous: 2 });
    await database.pool.query('DELETE FROM record WHERE xero_id = $1', [second]);
    await find();
    expect(await imported(first)).toBe(true);
    await paid(60, invoiceId, { xeroId: second });
    await find();
    expect(await standing(second)).toEqual(['unmatched', 'amount_differs', externalId]);
    // The platform saves it anew: sixty more are open now.
    await database.pool.query('UPDATE document SET version = 2 WHERE external_id = $1', [externalId]);
    await find();
    expect(await imported(second)).toBe(true);
  });

  test('an invoice whose amountDue is not told has its total open, less every payment that it has', async () => {
    const { externalId, invoiceId } = await ourInvoice('100.00', { amountDue: undefined });
    await aDocument(database.pool, books, { kind: 'payment', content: { invoice: externalId, amount: '30.00' } });
    const id = await paid(70, invoiceId);
    await find();
    expect(await imported(id)).toBe(true);
    await database.pool.query('UPDATE document SET version = 2 WHERE external_id = $1', [externalId]);
    const again = await paid(70, invoiceId);
    await find();
    expect(await standing(again)).toEqual(['unmatched', 'amount_differs', externalId]);
  });

  test('a payment typed on an invoice that is not ours is applied to ours of exactly its amount that is not in Xero', async () => {
    const externalId = await unsentInvoice('55.50');
    await unsentInvoice('55.51');
    const id = await paid(55.5);
    await find();
    expect(await imported(id)).toBe(true);
    expect(await standing(id)).toEqual(['imported', null, externalId]);
  });

  test('a merged contact is the customer that it was merged into, and the same name is nobody', async () => {
    const merged = await aRecord(database.pool, books, 'contacts', { MergedToContactID: customer.contactId });
    const externalId = await unsentInvoice('20.00');
    const id = await paid(20, randomUUID(), { contactId: merged });
    const stranger = await paid(20, randomUUID(), { contactId: randomUUID() });
    await find();
    expect(await standing(id)).toEqual(['unmatched', 'next_run', externalId]);
    expect(await standing(stranger)).toEqual(['unmatched', 'no_match', null]);
  });
});

describe('what is not looked at', () => {
  test('our own payments, those that the platform saved, refunds, deleted ones and those before the Sync From Date', async () => {
    const { externalId, invoiceId } = await ourInvoice('100.00');
    const own = await paid(100, invoiceId);
    await aDocument(database.pool, books, { kind: 'payment', content: { invoice: externalId }, xeroId: own });
    const saved = await paid(100, invoiceId);
    const content = { invoice: externalId, xeroPaymentId: saved };
    await aDocument(database.pool, books, { kind: 'payment', state: 'queued', content });
    await paid(100, invoiceId, { type: 'ARCREDITPAYMENT' });
    await paid(100, invoiceId, { status: 'DELETED' });
    const before = await paid(100, invoiceId);
    await database.pool.query('UPDATE record SET outside_window = true WHERE xero_id = $1', [before]);
    expect(await find()).toEqual({});
  });

  test('while a payment of ours to an invoice is on its way, what is new on that invoice may be it and waits', async () => {
    const { externalId, invoiceId } = await ourInvoice('100.00');
    await aDocument(database.pool, books, {
      kind: 'payment',
      externalId: 'ours',
      state: 'sending',
      content: { invoice: externalId, amount: '100.00' },
    });
    await database.pool.query(
      `INSERT INTO push_attempt (id, document_id, version, attempt)
       SELECT gen_random_uuid(), id, 1, 1 FROM document WHERE company_id = $1 AND external_id = 'ours'`,
      [books.companyId],
    );
    const id = await paid(100, invoiceId);
    expect(await find()).toEqual({});
    expect(await imports.claim(run(), id)).toBeNull();
  });

  test('a payment that was never attempted and is gone from Xero, or that the platform saved, is forgotten', async () => {
    const [gone, saved] = [await paid(1), await paid(2)];
    expect(await find()).toEqual({ unmatched: 2 });
    await database.pool.query(`UPDATE record SET body = body || '{"Status":"DELETED"}' WHERE xero_id = $1`, [gone]);
    await aDocument(database.pool, books, { kind: 'payment', content: { xeroPaymentId: saved.toUpperCase() } });
    expect(await find()).toEqual({});
  });
});

describe('at most once', () => {
  test('of twenty who claim a payment at once, one has it', async () => {
    const { invoiceId } = await ourInvoice('100.00');
    const id = await paid(100, invoiceId);
    await find();
    const claims = await Promise.all(Array.from({ length: 20 }, () => imports.claim(run(), id)));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });

  test('of two payments for what is open once, however they are claimed, one is claimed', async () => {
    const { invoiceId } = await ourInvoice('100.00');
    const first = await paid(100, invoiceId);
    await find();
    const second = await paid(100, invoiceId);
    // As if the second had been found before the first was there.
    await database.pool.query(
      `INSERT INTO payment_import (organisation_id, xero_payment_id, company_id, connection_id, state, amount, document_id)
       SELECT organisation_id, $2, company_id, connection_id, state, amount, document_id FROM payment_import WHERE xero_payment_id = $1`,
      [first, second],
    );
    const claims = await Promise.all([first, second].map((id) => imports.claim(run(), id)));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });

  test('what was claimed is never claimed again, whatever became of it', async () => {
    const ids: string[] = [];
    for (const outcome of ['imported', 'callback_refused', 'callback_unreachable', 'outcome_unknown'] as const) {
      const { invoiceId } = await ourInvoice('10.00');
      const id = await paid(10, invoiceId);
      await find();
      expect(await imports.claim(run(), id)).toMatchObject({ xeroPaymentId: id });
      await imports.settle(run(), id, outcome, true);
      ids.push(id);
    }
    await find();
    for (const id of ids) expect(await imports.claim(run(), id)).toBeNull();
    expect(await imports.claimable(books.connectionId, 100)).toEqual([]);
  });

  test('a claim whose run is gone is failed as outcome_unknown, at once for who looks and for good at the next run', async () => {
    const { externalId, invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imports.claim(run(), id);
    expect(await standing(id)).toEqual(['claimed', null, externalId]);
    expect(await imports.settleLost(run(), 'ofOthers')).toBe(0);
    await database.pool.query('UPDATE run SET ended_at = now() WHERE run_id = $1', [runId]);
    expect(await standing(id)).toEqual(['failed', 'outcome_unknown', externalId]);
    expect(await imports.settleLost({ ...run(), runId: 'the next' }, 'ofOthers')).toBe(1);
    // Who had claimed it comes back late.
    expect(await imports.settle(run(), id, 'imported', true)).toBe(false);
    expect(await standing(id)).toEqual(['failed', 'outcome_unknown', externalId]);
    expect(await paymentDocuments()).toEqual([]);
  });

  test('what may have been applied is not open for another payment until a person has decided', async () => {
    const { externalId, invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imports.claim(run(), id);
    await imports.settle(run(), id, 'outcome_unknown', true);
    const other = await paid(10, invoiceId);
    await find();
    expect(await standing(other)).toEqual(['unmatched', 'amount_differs', externalId]);
    await imports.resolve(books.connectionId, id, { outcome: 'ignored', note: 'it is not there', actor: 'ann' });
    await find();
    expect(await standing(other)).toEqual(['unmatched', 'next_run', externalId]);
  });

  test('Postgres itself lets nothing attempted become one to be attempted', async () => {
    const { invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imported(id);
    const change = (set: string) =>
      database.pool.query(`UPDATE payment_import SET ${set} WHERE xero_payment_id = $1`, [id]);
    await expect(change(`state = 'matched'`)).rejects.toThrow('cannot go from imported to matched');
    await expect(change(`state = 'failed'`)).rejects.toThrow('cannot go');
    await expect(change(`claimed_at = NULL`)).rejects.toThrow('cannot go');
    await expect(change(`claimed_at = now()`)).rejects.toThrow('cannot go');
    await expect(change(`xero_payment_id = 'another'`)).rejects.toThrow('cannot go');
    await expect(
      database.pool.query(`INSERT INTO payment_import SELECT * FROM payment_import WHERE xero_payment_id = $1`, [id]),
    ).rejects.toThrow('payment_import_pkey');
  });

  test('a company that was deleted and made again never has a payment attempted that was attempted before', async () => {
    const { invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imported(id);
    await tombstones.bury(database.pool, books.companyId);
    await tombstones.bury(database.pool, books.companyId);
    const old = books;
    await database.pool.query('TRUNCATE company, record CASCADE');
    books = await paymentBooks(database.pool, {}, old);
    runId = await openRun(database.pool, books);
    customer = await aCustomer(database.pool, books);
    const again = await ourInvoice('10.00');
    await paid(10, again.invoiceId, { xeroId: id });
    expect(await find()).toEqual({ failed: 1 });
    expect(await standing(id)).toEqual(['failed', 'attempted_before', null]);
  });

  test('what may have been imported in the time that a restored backup lacks is held for a person', async () => {
    const [stamped, dated, later] = [await ourInvoice('1.00'), await ourInvoice('2.00'), await ourInvoice('3.00')];
    const before = await paid(1, stamped.invoiceId, { stampedAt: '2026-09-09T10:00:00Z', date: '2026-09-20' });
    // Reconciled since: Xero stamped it anew.
    const old = await paid(2, dated.invoiceId, { stampedAt: '2026-09-12T10:00:00Z', date: '2026-09-09' });
    const free = await paid(3, later.invoiceId, { stampedAt: '2026-09-12T10:00:00Z', date: '2026-09-12' });
    await find();
    await database.pool.query(`UPDATE organisation SET payments_held_until = '2026-09-10T00:00:00Z' WHERE id = $1`, [
      books.organisationId,
    ]);
    expect(await imports.claim(run(), before)).toBeNull();
    await find();
    expect(await standing(before)).toEqual(['failed', 'restored', null]);
    expect(await standing(old)).toEqual(['failed', 'restored', null]);
    expect(await standing(free)).toEqual(['unmatched', 'next_run', later.externalId]);
  });
});

describe('one payment, imported and saved', () => {
  test('what the platform saved while it was attempted is that payment: no second document, no event', async () => {
    const { externalId, invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imports.claim(run(), id);
    const content = { invoice: externalId, amount: '10.00', xeroPaymentId: id };
    await aDocument(database.pool, books, { kind: 'payment', externalId: 'theirs', state: 'queued', content });
    expect(await imports.settle(run(), id, 'imported', true)).toBe(true);
    expect((await paymentDocuments()).map((each) => each.external_id)).toEqual(['theirs']);
    expect(await events('payment.imported')).toEqual([]);
  });
});

test('a payment imported and saved at the same moment ends as one document, by the name that the platform gives it', async () => {
  const documents = createDocuments(database.pool);
  for (let time = 0; time < 10; time++) {
    const { externalId, invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imports.claim(run(), id);
    const content = { invoice: externalId, amount: '10.00', date: '2026-09-01', xeroPaymentId: id };
    const theirs = { kind: 'payment', externalId: `theirs-${time}`, content, sourceVersion: null } as const;
    const context = { companyId: books.companyId, actor: null, urgent: true };
    const [settled] = await Promise.all([
      imports.settle(run(), id, 'imported', false),
      documents.save(context, [theirs]),
    ]);
    expect(settled).toBe(true);
  }
  const names = (await paymentDocuments()).map((each) => each.external_id);
  expect(names).toEqual(Array.from({ length: 10 }, (_, time) => `theirs-${time}`));
});

test('a payment that the platform had saved under a name of its own takes in the imported one', async () => {
  const documents = createDocuments(database.pool);
  const { externalId, invoiceId } = await ourInvoice('10.00');
  const id = await paid(10, invoiceId);
  await find();
  await imported(id);
  await aDocument(database.pool, books, { kind: 'payment', externalId: 'theirs', content: { invoice: externalId } });
  const content = { invoice: externalId, amount: '10.00', date: '2026-09-01', xeroPaymentId: id };
  await documents.save({ companyId: books.companyId, actor: null, urgent: true }, [
    { kind: 'payment', externalId: 'theirs', content, sourceVersion: null },
  ]);
  expect((await paymentDocuments()).map((each) => each.external_id)).toEqual(['theirs']);
});

describe('a person decides', () => {
  test('applied: in the books, without another attempt, once', async () => {
    const id = await paid(10);
    const externalId = await unsentInvoice('12.00');
    await find();
    const decide = () =>
      imports.resolve(books.connectionId, id, {
        outcome: 'applied',
        invoice: externalId,
        note: 'agreed',
        actor: 'ann',
      });
    expect(await decide()).toMatchObject({
      state: 'resolved',
      invoice: externalId,
      resolution: { outcome: 'applied', note: 'agreed', actor: 'ann' },
    });
    expect(await events('payment.imported')).toMatchObject([{ external_id: externalId, data: { by: 'person' } }]);
    expect(await paymentDocuments()).toHaveLength(1);
    await expect(decide()).rejects.toThrow(ResolutionRefused);
    expect(await paymentDocuments()).toHaveLength(1);
  });

  test('of ten who decide at once, one does', async () => {
    const id = await paid(10);
    const externalId = await unsentInvoice('12.00');
    await find();
    const resolution = { outcome: 'applied', invoice: externalId, note: 'x', actor: 'ann' } as const;
    const all = Array.from({ length: 10 }, () => imports.resolve(books.connectionId, id, resolution));
    const settled = await Promise.allSettled(all);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await paymentDocuments()).toHaveLength(1);
  });

  test('not about what is being attempted, was imported, or names no invoice', async () => {
    const { invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    const unknown = await paid(7);
    await find();
    await imports.claim(run(), id);
    const decide = (which: string, more: object = {}) =>
      imports.resolve(books.connectionId, which, { outcome: 'applied', note: 'x', actor: 'ann', ...more });
    await expect(decide(id)).rejects.toMatchObject({ reason: 'inHand' });
    await imports.settle(run(), id, 'imported', false);
    await expect(decide(id)).rejects.toMatchObject({ reason: 'settled' });
    await expect(decide(unknown)).rejects.toMatchObject({ reason: 'invoiceMissing' });
    await expect(decide(unknown, { invoice: 'nowhere' })).rejects.toMatchObject({ reason: 'invoiceUnknown' });
    expect(await decide(randomUUID())).toBeNull();
  });
});

describe('what happens in Xero afterwards', () => {
  test('a payment deleted there after its import is told of once, and nothing is taken back', async () => {
    const { externalId, invoiceId } = await ourInvoice('10.00');
    const id = await paid(10, invoiceId);
    await find();
    await imported(id);
    await database.pool.query(`UPDATE record SET body = body || '{"Status":"DELETED"}' WHERE xero_id = $1`, [id]);
    await find();
    await find();
    expect(await events('payment.deletedInXero')).toEqual([
      { external_id: externalId, xero_id: id, data: { amount: '10' } },
    ]);
    expect(await seen(id)).toMatchObject({ state: 'imported', deletedInXeroAt: expect.any(String) });
    expect(await paymentDocuments()).toHaveLength(1);
  });

  test('a balance that moved by a credit is told of whenever it is another one', async () => {
    const { externalId, invoiceId } = await ourInvoice('10.00', {}, { AmountCredited: 0, AmountPaid: 0 });
    await find();
    const credit = (credited: number) =>
      database.pool.query('UPDATE record SET body = body || $2 WHERE xero_id = $1', [
        invoiceId,
        { AmountCredited: credited, AmountDue: 10 - credited },
      ]);
    await credit(4);
    await find();
    await find();
    await credit(0);
    await find();
    const told = await events('invoice.balanceChanged');
    expect(told.map(({ external_id, data }) => [external_id, data])).toEqual([
      [externalId, { amountDue: '6', amountPaid: '0', amountCredited: '4' }],
      [externalId, { amountDue: '10', amountPaid: '0', amountCredited: '0' }],
    ]);
  });
});

test('the list is paged, filtered by what people see, and says how old the oldest undecided one is', async () => {
  const { invoiceId } = await ourInvoice('10.00');
  const ready = await paid(10, invoiceId);
  for (const amount of [1, 2, 3]) await paid(amount, randomUUID(), { stampedAt: '2026-08-01T00:00:00Z' });
  await find();
  const first = await imports.list(books.connectionId, { limit: 3, state: 'unmatched' });
  const second = await imports.list(books.connectionId, {
    limit: 3,
    state: 'unmatched',
    cursor: first.nextCursor as string,
  });
  expect(new Set([...first.data, ...second.data].map(({ xeroPaymentId }) => xeroPaymentId)).size).toBe(4);
  expect(second.nextCursor).toBeNull();
  await imported(ready);
  expect(await imports.unreconciled(books.connectionId)).toEqual({
    count: 3,
    oldestAt: '2026-08-01T00:00:00.000Z',
    overdue: 3,
  });
});
