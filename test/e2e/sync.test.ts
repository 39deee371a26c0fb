import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type StreamName, streamNames, streams } from '../../domain/streams.js';
import type { Books, RunView } from '../support/books.js';
import type { Child } from '../support/childProcess.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';
import { eventually } from '../support/waiting.js';

/** All but the journals, which only the largest tiers have. */
const names = streamNames.filter((name) => name !== 'journals');
const optionalStreams = names.filter((name) => streams[name].optional);
const defaultStreams = names.filter((name) => !streams[name].optional);
const few = { contacts: 30, invoices: 60, items: 5 };
const patience = { firstWaitMs: 50, longestWaitMs: 100, offlineWaitMs: 100, mostFaults: 10 };
/** Xero's clock, put forward so that what was read before lies behind the seconds by which readings overlap. */
const anHourMs = 3_600_000;

let system: System;
let hours = 0;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  await system.startWorkerHere({ patience, deadlineMs: 1000 });
});
afterEach(() => system.xero('DELETE', '/faults'));
afterAll(() => system?.stop());

type Edit = { stream: StreamName; op: string; [field: string]: unknown };

const edit = (books: Books, ...edits: Edit[]) =>
  system.xero<string[]>('POST', `/organisations/${books.organisation}/edits`, edits);

const anHourLater = () => system.xero('PUT', '/clock', { offsetMs: ++hours * anHourMs });

const switched = (switches: Record<string, boolean>) => system.xero('PATCH', '/settings', { switches });

/** An organisation whose first full read is done, an hour ago by Xero's clock. */
async function readAnHourAgo(
  wish: Record<string, unknown>,
  connection: Parameters<System['connect']>[1] = {},
): Promise<Books> {
  const books = await system.connect(await system.organisation(wish), connection);
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  await anHourLater();
  return books;
}

async function expectAsInXero(books: Books, of: readonly StreamName[]): Promise<void> {
  const { streams: truth } = await books.usage();
  for (const stream of of) {
    expect({ stream, ...(await books.compare(stream)) }).toEqual({ stream, ...allEqual(truth[stream]?.count ?? 0) });
  }
}

const touched = ({ streams: counts }: RunView) =>
  Object.fromEntries(
    Object.entries(counts)
      .filter(([, { created, changed }]) => created + changed > 0)
      .map(([stream, { created, changed }]) => [stream, { created, changed }]),
  );

/** Every kind of edit that people in Xero make, in every stream that can be edited; no row twice. */
const edits: Edit[] = [
  { stream: 'contacts', op: 'edit', nth: 1 },
  { stream: 'contacts', op: 'archive', nth: 2 },
  { stream: 'contacts', op: 'merge', nth: 3 },
  { stream: 'contacts', op: 'add' },
  { stream: 'accounts', op: 'edit', nth: 5 },
  { stream: 'accounts', op: 'add' },
  { stream: 'taxRates', op: 'edit', nth: 0 },
  { stream: 'trackingCategories', op: 'archive', nth: 0 },
  { stream: 'items', op: 'edit', nth: 1 },
  { stream: 'items', op: 'add' },
  ...documentEdits('invoices', 'void'),
  ...documentEdits('creditNotes', 'void'),
  ...documentEdits('prepayments', 'void'),
  ...documentEdits('overpayments', 'void'),
  ...documentEdits('bankTransactions', 'delete'),
  ...documentEdits('purchaseOrders', 'delete'),
  ...documentEdits('manualJournals', 'void'),
  ...documentEdits('quotes', 'delete'),
  { stream: 'bankTransfers', op: 'add' },
  { stream: 'batchPayments', op: 'add' },
  { stream: 'linkedTransactions', op: 'add' },
];

function documentEdits(stream: StreamName, ending: string): Edit[] {
  return [
    { stream, op: 'edit', nth: 0 },
    { stream, op: ending, nth: 1 },
    { stream, op: 'moveDate', nth: 2 },
    { stream, op: 'add' },
  ];
}

describe.each([
  { ifModifiedSinceInclusive: true, notModifiedAs304: false },
  { ifModifiedSinceInclusive: false, notModifiedAs304: true },
])('a sync after edits of every kind in every stream (%o)', (switches) => {
  let books: Books;
  let run: RunView;
  const wanted: Record<string, { created: number; changed: number }> = {};
  beforeAll(async () => {
    await switched(switches);
    books = await readAnHourAgo({ records: 900 }, { optionalStreams });
    for (const one of edits) {
      await edit(books, one);
      wanted[one.stream] ??= { created: 0, changed: 0 };
      const counts = wanted[one.stream] as { created: number; changed: number };
      if (one.op === 'add') counts.created++;
      else counts.changed++;
    }
    run = await books.synced();
  });

  test('leaves the mirror as Xero is, stream by stream', async () => {
    expect(run).toMatchObject({ outcome: 'completed' });
    await expectAsInXero(books, names);
  });

  test('counts what it did as it was edited', () => {
    expect(touched(run)).toEqual(wanted);
  });

  test('and another one right after it changes nothing and costs a call for each stream', async () => {
    const before = (await books.usage()).calls.total;
    const again = await books.synced();
    expect(again).toMatchObject({ outcome: 'completed', calls: names.length });
    expect(touched(again)).toEqual({});
    expect((await books.usage()).calls.total).toBe(before + names.length);
    await expectAsInXero(books, names);
  });
});

test('a payment that was taken back comes with its invoice', async () => {
  await switched({ ifModifiedSinceInclusive: true, notModifiedAs304: false });
  const books = await readAnHourAgo({ records: 600 });
  const [paid = ''] = await edit(books, { stream: 'payments', op: 'add' });
  const counts = { payments: { created: 1, changed: 0 }, invoices: { created: 0, changed: 1 } };
  expect(touched(await books.synced())).toEqual(counts);
  await anHourLater();
  await edit(books, { stream: 'payments', op: 'delete', id: paid });
  counts.payments = { created: 0, changed: 1 };
  expect(touched(await books.synced())).toEqual(counts);
  await expectAsInXero(books, ['payments', 'invoices']);
});

test('where Xero lists no payment that was taken back, its invoice still shows what is due again', async () => {
  await switched({ deletedPaymentsComeBack: false });
  const books = await readAnHourAgo({ records: 600 });
  const [paid = ''] = await edit(books, { stream: 'payments', op: 'add' });
  await books.synced();
  await anHourLater();
  await edit(books, { stream: 'payments', op: 'delete', id: paid });
  const run = await books.synced();
  await switched({ deletedPaymentsComeBack: true });
  expect(touched(run)).toEqual({ invoices: { created: 0, changed: 1 } });
  await expectAsInXero(books, ['invoices']);
});

test('thousands of rows within one second are all brought up to date', async () => {
  const books = await readAnHourAgo({ counts: { contacts: 2600, invoices: 20 } });
  const many = Array.from({ length: 2400 }, (_, nth): Edit => ({ stream: 'contacts', op: 'edit', nth }));
  await edit(books, ...many);
  expect(touched(await books.synced())).toEqual({ contacts: { created: 0, changed: 2400 } });
  await expectAsInXero(books, ['contacts']);
});

test('what people edit while a sync reads is lost by no sync', async () => {
  const books = await readAnHourAgo({ counts: { contacts: 2300, invoices: 2300 } });
  for (const stream of ['contacts', 'invoices'] as const) {
    await edit(books, ...Array.from({ length: 2100 }, (_, nth): Edit => ({ stream, op: 'edit', nth })));
    for (const when of ['before', 'after']) {
      const wish = { stream, edits: { edit: 3, add: 2 }, at: 'edge', when, seed: when, times: 4 };
      await system.xero('POST', `/organisations/${books.organisation}/whileReading`, wish);
    }
  }
  await books.synced();
  const { edits: made } = await system.xero<{ edits: number }>(
    'DELETE',
    `/organisations/${books.organisation}/whileReading`,
  );
  expect(made).toBeGreaterThan(20);
  await books.synced();
  await expectAsInXero(books, ['contacts', 'invoices']);
});

const fault = (books: Books, path: string, kind: string, more: object = {}) =>
  system.xero('POST', '/faults', [{ match: { tenantId: books.organisation, path }, kind, ...more }]);

test('while the first full read runs, a sync reads what that has finished and leaves the rest to it', async () => {
  const organisation = await system.organisation({ counts: few });
  await system.xero('POST', '/faults', [{ match: { tenantId: organisation, path: 'Invoices' }, kind: 'timeout' }]);
  const books = await system.connect(organisation);
  await books.until('all else is read', ({ streams: read }) =>
    Object.entries(read).every(([name, { status }]) => (name === 'invoices') === (status !== 'complete')),
  );
  await anHourLater();
  await edit(books, { stream: 'contacts', op: 'edit', nth: 4 }, { stream: 'invoices', op: 'edit', nth: 4 });
  const run = await books.synced();
  expect(run).toMatchObject({ outcome: 'completed' });
  expect(touched(run)).toEqual({ contacts: { created: 0, changed: 1 } });
  expect(run.streams.invoices?.calls ?? 0).toBe(0);
  expect(await books.connection()).toMatchObject({ status: 'backfilling' });
  await system.xero('DELETE', '/faults');
  expect(await books.ended()).toMatchObject({ outcome: 'completed', status: 'active' });
  await expectAsInXero(books, ['contacts', 'invoices']);
});

test('two at once are one run', async () => {
  const books = await readAnHourAgo({ counts: few });
  await fault(books, 'Invoices', 'timeout');
  const [one, other] = await Promise.all([books.sync(), books.sync()]);
  expect(one.runId).toBe(other.runId);
  expect([one.alreadyRunning, other.alreadyRunning].sort()).toEqual([false, true]);
  await system.xero('DELETE', '/faults');
  expect(await books.runEnded(one.runId)).toMatchObject({ outcome: 'completed' });
});

async function cursorsOf(books: Books): Promise<Record<string, string | null>> {
  const { rows } = await system.database.pool.query<{ stream: string; cursor: string | null }>(
    `SELECT stream, state ->> 'cursor' AS cursor FROM stream_cursor WHERE connection_id = $1 ORDER BY stream`,
    [books.id],
  );
  return Object.fromEntries(rows.map(({ stream, cursor }) => [stream, cursor]));
}

test('a full one reads everything again, also what no stamp tells, and moves no cursor back', async () => {
  const books = await readAnHourAgo({ counts: few });
  await edit(books, { stream: 'invoices', op: 'edit', nth: 5, silent: true });
  const before = await cursorsOf(books);
  expect(touched(await books.synced())).toEqual({});
  const run = await books.synced({ mode: 'full' });
  expect(touched(run)).toEqual({ invoices: { created: 0, changed: 1 } });
  expect(run.streams.invoices).toMatchObject({ unchanged: few.invoices - 1 });
  await expectAsInXero(books, ['contacts', 'invoices']);
  for (const [stream, cursor] of Object.entries(await cursorsOf(books))) {
    expect((cursor ?? '') >= (before[stream] ?? ''), stream).toBe(true);
  }
});

test('one of named streams asks for no others', async () => {
  const books = await readAnHourAgo({ counts: few });
  await edit(books, { stream: 'contacts', op: 'edit' }, { stream: 'items', op: 'edit' });
  const { calls } = await books.usage();
  const run = await books.synced({ streams: ['items'] });
  expect(touched(run)).toEqual({ items: { created: 0, changed: 1 } });
  expect((await books.usage()).calls.total).toBe(calls.total + 1);
});

test('one stream that cannot be read stops no other, and the run and the connection say so', async () => {
  const books = await readAnHourAgo({ counts: few });
  await edit(books, { stream: 'contacts', op: 'edit', nth: 9 }, { stream: 'invoices', op: 'edit', nth: 9 });
  await fault(books, 'CreditNotes', 'status', { status: 400, body: '{}' });
  const { runId } = await books.sync();
  expect(await books.runEnded(runId)).toMatchObject({ outcome: 'could_not_sync' });
  await expect(system.client.workflow.getHandle(`sync:${books.id}`, runId).result()).rejects.toMatchObject({
    cause: { type: 'could_not_sync', message: 'Not read to the end: creditNotes.' },
  });
  expect(await books.connection()).toMatchObject({ status: 'active', lastError: { code: 'could_not_sync' } });
  await expectAsInXero(books, ['contacts', 'invoices']);
  await system.xero('DELETE', '/faults');
  expect(await books.synced()).toMatchObject({ outcome: 'completed' });
  expect(await books.connection()).toMatchObject({ lastError: null });
});

describe("where a worker dies, or the day's calls end,", () => {
  const dayMs = 5000;
  let whole: System;
  let worker: Child;
  beforeAll(async () => {
    whole = await startSystem({ dayMs });
    worker = whole.startWorker();
  });
  afterAll(() => whole?.stop());

  test('a sync sleeps until the next day and then completes', async () => {
    // Fewer than a sync asks for, so that no day is enough.
    const limits = { day: 10 };
    const organisation = await whole.organisation({ counts: few, limits });
    const books = await whole.connect(organisation);
    await books.ended();
    await whole.xero('POST', `/organisations/${organisation}/edits`, [{ stream: 'invoices', op: 'edit', nth: 1 }]);
    const run = await books.synced();
    expect(run).toMatchObject({ outcome: 'completed' });
    expect(run.sleeps).toContainEqual(expect.objectContaining({ reason: 'daily limit of Xero' }));
    expect(await books.connection()).toMatchObject({ status: 'active', sleepingUntil: null });
    expect(await books.compare('invoices')).toEqual(allEqual(few.invoices));
  });

  const committed = `
    SELECT FROM stream_cursor cursor JOIN run USING (connection_id)
     WHERE connection_id = $1 AND run_id = $2 AND cursor.status = 'complete' AND completed_at > run.started_at`;

  test('another worker goes on with the sync of a killed one, and reads no stream twice', async () => {
    const books = await whole.connect(await whole.organisation({ counts: few }));
    await books.ended();
    const { calls } = await books.usage();
    await whole.xero('POST', `/organisations/${books.organisation}/edits`, [
      { stream: 'invoices', op: 'edit', nth: 1 },
    ]);
    await whole.xero('POST', '/faults', [
      { match: { tenantId: books.organisation, path: 'Invoices' }, kind: 'timeout', times: 1 },
    ]);
    const { runId } = await books.sync();
    await eventually(
      'only the invoices are not read',
      () => whole.database.pool.query(committed, [books.id, runId]),
      ({ rowCount }) => rowCount === defaultStreams.length - 1,
    );
    await worker.killHard();
    worker = whole.startWorker();
    expect(await books.runEnded(runId)).toMatchObject({ outcome: 'completed' });
    expect(await books.compare('invoices')).toEqual(allEqual(few.invoices));
    expect((await books.usage()).calls.total).toBe(calls.total + defaultStreams.length);
  });
});
