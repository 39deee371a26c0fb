import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowIds } from '../../domain/names.js';
import type { Books } from '../support/books.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';
import { eventually } from '../support/waiting.js';

let system: System;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
});
afterAll(() => system?.stop());

const counts = { contacts: 30, invoices: 60, payments: 40, creditNotes: 10 };

async function read(wish: Record<string, unknown> = {}): Promise<Books> {
  const books = await system.connect(await system.organisation({ counts, ...wish }));
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  return books;
}

interface Looked {
  lookedAt: string[];
  deleted: number;
}

/** As the weekly schedule starts it. */
const look = ({ id }: Books): Promise<Looked> =>
  system.client.workflow.execute('secondLook', {
    taskQueue: 'nightledger-reading',
    workflowId: workflowIds.secondLook(id),
    args: [{ connectionId: id }],
  });

const isDue = ({ id }: Books) =>
  system.database.pool.query(
    `UPDATE connection SET backfilled_at = backfilled_at - interval '29 days', second_look_at = NULL WHERE id = $1`,
    [id],
  );

const edit = ({ organisation }: Books, ...edits: object[]) =>
  system.xero<string[]>('POST', `/organisations/${organisation}/edits`, edits);

test('each week one call a stream shows that nothing is missing, and nothing more is read', async () => {
  const books = await read();
  const before = (await books.usage()).calls.total;
  expect(await look(books)).toEqual({ outcome: 'completed', lookedAt: [], deleted: 0 });
  expect((await books.usage()).calls.total - before).toBe(9);
});

test('every four weeks everything is read once more, and what no stamp told is found', async () => {
  const books = await read();
  const [silent] = await edit(books, {
    stream: 'invoices',
    op: 'edit',
    nth: 5,
    silent: true,
    set: { Reference: 'unseen' },
  });
  expect((await books.compare('invoices')).different).toHaveLength(1);
  await isDue(books);
  const { lookedAt, deleted } = await look(books);
  expect(lookedAt).toContain('invoices');
  expect(deleted).toBe(0);
  expect(await books.compare('invoices')).toEqual(allEqual(counts.invoices));
  expect(await system.api.get(`/connections/${books.id}/records/invoices/${silent}`)).toMatchObject({
    record: { Reference: 'unseen' },
  });
  expect(await look(books)).toMatchObject({ lookedAt: [] });
});

test('a payment that was deleted and never came back is found by the count and marked as deleted', async () => {
  await system.xero('PATCH', '/settings', { switches: { deletedPaymentsComeBack: false } });
  const books = await read();
  const [gone] = await edit(books, { stream: 'payments', op: 'delete', nth: 3 });
  expect(await look(books)).toEqual({ outcome: 'completed', lookedAt: ['payments'], deleted: 1 });
  const record = await system.api.get<{ deletedAt: string | null }>(
    `/connections/${books.id}/records/payments/${gone}`,
  );
  expect(record.deletedAt).not.toBeNull();
  expect(await look(books)).toMatchObject({ lookedAt: [], deleted: 0 });
  await system.xero('PATCH', '/settings', { switches: { deletedPaymentsComeBack: true } });
});

test('a record that no page showed and that is there all the same is not taken for deleted', async () => {
  const books = await read();
  await isDue(books);
  // As if it had left the filter while the pages were read: no page shows it, Xero has it.
  const { rows } = await system.database.pool.query<{ xero_id: string }>(
    `UPDATE record SET date = '2000-01-01' WHERE organisation_id = $1 AND stream = 'invoices' AND xero_id =
       (SELECT min(xero_id) FROM record WHERE organisation_id = $1 AND stream = 'invoices') RETURNING xero_id`,
    [books.organisation],
  );
  expect(await look(books)).toMatchObject({ deleted: 0 });
  expect(await books.compare('invoices')).toEqual(allEqual(counts.invoices));
  expect(rows).toHaveLength(1);
});

test('it uses no call of a day of which less than half is left, and is seen to wait', async () => {
  const books = await read({ limits: { day: 45 } });
  await books.synced();
  const before = (await books.usage()).calls.total;
  const handle = await system.client.workflow.start('secondLook', {
    taskQueue: 'nightledger-reading',
    workflowId: workflowIds.secondLook(books.id),
    args: [{ connectionId: books.id }],
  });
  const { sleepingUntil } = await eventually(
    'it waits',
    () => books.connection(),
    (now) => now.sleepingUntil !== null,
  );
  expect(Date.parse(sleepingUntil ?? '')).toBeGreaterThan(Date.parse('2026-01-01'));
  expect((await books.usage()).calls.total).toBe(before);
  await books.disconnect();
  await expect(handle.result()).rejects.toThrow();
});
