import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowIds } from '../../domain/names.js';
import type { ReconciledKindName } from '../../domain/reconciliation.js';
import type { Books } from '../support/books.js';
import { type System, startSystem } from '../support/system.js';

let system: System;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
});
afterAll(() => system?.stop());

const counts = {
  ...{ contacts: 20, invoices: 80, payments: 40, creditNotes: 80, prepayments: 40, overpayments: 40 },
  ...{ bankTransactions: 120, purchaseOrders: 120 },
};

interface Side {
  count: number;
  totals: { currency: string; total: string }[];
}
interface Reconciled {
  here: Side;
  xero: Side;
  differing: Record<'missingHere' | 'missingInXero' | 'different', string[]>;
  more: boolean;
}

const nothing = { missingHere: [], missingInXero: [], different: [] };

async function read(wish: object = {}): Promise<Books> {
  const books = await system.connect(await system.organisation({ counts }), wish);
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  return books;
}

const reconciled = ({ id }: Books, kind: ReconciledKindName, month: string) =>
  system.api.get<Reconciled>(`/connections/${id}/reconciliation?kind=${kind}&month=${month}`);

const edit = ({ organisation }: Books, ...edits: object[]) =>
  system.xero<string[]>('POST', `/organisations/${organisation}/edits`, edits);

/** The month that has the most of a stream, and its records there that stand, in the order of their ids. */
async function busiest({ organisation }: Books, stream: string, type: string | null = null) {
  const { rows } = await system.database.pool.query<{ month: string; ids: string[] }>(
    `SELECT to_char(date, 'YYYY-MM') AS month, array_agg(xero_id ORDER BY xero_id) AS ids FROM record
      WHERE organisation_id = $1 AND stream = $2 AND ($3::text IS NULL OR body ->> 'Type' = $3)
        AND NOT status IN ('DELETED', 'VOIDED')
      GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`,
    [organisation, stream, type],
  );
  return rows[0] as { month: string; ids: string[] };
}

test('after the first full read every kind is the same on both sides, to the last digit', async () => {
  const books = await read();
  const kinds: [ReconciledKindName, string, string | null][] = [
    ['invoice', 'invoices', 'ACCREC'],
    ['bill', 'invoices', 'ACCPAY'],
    ['creditNote', 'creditNotes', 'ACCRECCREDIT'],
    ['supplierCredit', 'creditNotes', 'ACCPAYCREDIT'],
    ['payment', 'payments', null],
    ['prepayment', 'prepayments', null],
    ['overpayment', 'overpayments', null],
    ['bankTransaction', 'bankTransactions', null],
    ['purchaseOrder', 'purchaseOrders', null],
  ];
  for (const [kind, stream, type] of kinds) {
    const { month, ids } = await busiest(books, stream, type);
    const { here, xero, differing } = await reconciled(books, kind, month);
    expect({ kind, here, differing }).toEqual({ kind, here: xero, differing: nothing });
    expect(here.count).toBe(ids.length);
  }
});

test('what was added, deleted and edited in Xero is named; a sync brings what has a stamp, a full one the rest', async () => {
  const books = await read();
  const { month, ids } = await busiest(books, 'purchaseOrders');
  const [deleted, silent] = ids as [string, string];
  const [added] = await edit(
    books,
    { stream: 'purchaseOrders', op: 'add', date: `${month}-28`, set: { Status: 'AUTHORISED' } },
    { stream: 'purchaseOrders', op: 'delete', id: deleted },
    { stream: 'purchaseOrders', op: 'edit', id: silent, silent: true, set: { Reference: 'unseen' } },
  );
  const before = await reconciled(books, 'purchaseOrder', month);
  expect(before.differing).toEqual({
    missingHere: [added],
    missingInXero: [],
    different: [deleted, silent].sort(),
  });
  expect(before.here.count).toBe(before.xero.count);
  await books.synced();
  expect((await reconciled(books, 'purchaseOrder', month)).differing).toEqual({ ...nothing, different: [silent] });
  await books.synced({ mode: 'full' });
  const after = await reconciled(books, 'purchaseOrder', month);
  expect(after).toMatchObject({ here: after.xero, differing: nothing });
});

test('a payment that is gone from Xero is named until the second look has found it', async () => {
  await system.xero('PATCH', '/settings', { switches: { deletedPaymentsComeBack: false } });
  const books = await read();
  const { month, ids } = await busiest(books, 'payments');
  await edit(books, { stream: 'payments', op: 'delete', id: ids[0] });
  const before = await reconciled(books, 'payment', month);
  expect(before.differing).toEqual({ ...nothing, missingInXero: [ids[0]] });
  expect(before.here.count).toBe(before.xero.count + 1);
  await system.client.workflow.execute('secondLook', {
    taskQueue: 'nightledger-reading',
    workflowId: workflowIds.secondLook(books.id),
    args: [{ connectionId: books.id }],
  });
  const after = await reconciled(books, 'payment', month);
  expect(after).toMatchObject({ here: after.xero, differing: nothing });
  await system.xero('PATCH', '/settings', { switches: { deletedPaymentsComeBack: true } });
});

test('a reconciliation of a month that fits one page takes one call, and changes no record', async () => {
  const books = await read({ syncFromDate: '2020-01-01' });
  const { month } = await busiest(books, 'invoices');
  const stands = async () => {
    const { rows } = await system.database.pool.query(
      'SELECT xero_id, xmin::text FROM record WHERE organisation_id = $1 ORDER BY 1',
      [books.organisation],
    );
    return rows;
  };
  const [before, calls] = [await stands(), (await books.usage()).calls.total];
  await edit(books, { stream: 'invoices', op: 'add', date: `${month}-15` });
  await reconciled(books, 'invoice', month);
  expect(await stands()).toEqual(before);
  expect((await books.usage()).calls.total - calls).toBe(1);
});
