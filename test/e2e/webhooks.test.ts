import { afterAll, beforeAll, expect, test } from 'vitest';
import { workflowIds } from '../../domain/names.js';
import type { Books } from '../support/books.js';
import { decodedHistory } from '../support/decodedHistory.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';
import { eventually } from '../support/waiting.js';

let system: System;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  stopWorker = await system.startWorkerHere({});
  await system.listen();
});
afterAll(() => system?.stop());

const counts = { contacts: 60, invoices: 120, creditNotes: 20 };

/** Connected and read once; nobody starts a sync in any of these tests. */
async function readBooks(wish: Parameters<System['connect']>[1] = {}): Promise<Books> {
  const books = await system.connect(await system.organisation({ counts }), wish);
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  return books;
}

const edit = ({ organisation }: Books, ...edits: object[]) =>
  system.xero<string[]>('POST', `/organisations/${organisation}/edits`, edits);

interface Fates {
  waiting: number;
  fates: Record<string, number>;
}

/** The events of an organisation, by what became of them. */
async function fatesOf({ organisation }: Books): Promise<Fates> {
  const { rows } = await system.database.pool.query<{ fate: string | null; count: number }>(
    'SELECT fate, count(*)::int FROM webhook_event WHERE organisation_id = $1 GROUP BY fate',
    [organisation],
  );
  const fates = rows.map(({ fate, count }) => [fate ?? 'waiting', count]);
  const { waiting = 0, ...settled } = Object.fromEntries(fates) as Record<string, number>;
  return { waiting, fates: settled };
}

/** Until so many events have come, every one is settled and its run has ended. */
async function allSettled(books: Books, events: number): Promise<Fates['fates']> {
  const { fates } = await eventually(
    `${events} events are settled`,
    () => fatesOf(books),
    (now) => now.waiting === 0 && Object.values(now.fates).reduce((sum, count) => sum + count, 0) === events,
  );
  await eventually(
    'the runs have ended',
    () => runsOf(books),
    (runs) => runs.every(({ endedAt }) => endedAt !== null),
  );
  return fates;
}

interface RunView {
  kind: string;
  outcome: string;
  endedAt: string | null;
  calls: number;
  streams: Record<string, { calls: number; created: number; changed: number; unchanged: number }>;
}

/** Latest first; without the first full read. */
async function runsOf(books: Books): Promise<RunView[]> {
  const { data } = await system.api.get<{ data: RunView[] }>(`/connections/${books.id}/runs`);
  return data.filter(({ kind }) => kind !== 'backfill');
}

test('what people change in Xero is in the mirror without a sync, archived contacts and all lines included', async () => {
  const books = await readBooks();
  await edit(
    books,
    { stream: 'invoices', op: 'edit', nth: 1, set: { Reference: 'changed' } },
    { stream: 'invoices', op: 'add' },
    { stream: 'contacts', op: 'archive', nth: 3 },
    { stream: 'contacts', op: 'add' },
    { stream: 'creditNotes', op: 'edit', nth: 0, set: { Reference: 'changed' } },
  );
  expect(await allSettled(books, 5)).toEqual({ fetched: 5 });
  expect(await books.compare('invoices')).toEqual(allEqual(121));
  expect(await books.compare('contacts')).toEqual(allEqual(61));
  expect(await books.compare('creditNotes')).toEqual(allEqual(20));
  const [run, ...others] = await runsOf(books);
  expect(others).toEqual([]);
  expect(run).toMatchObject({ kind: 'webhook', outcome: 'completed', calls: 3 });
  expect(run?.streams.invoices).toEqual({ calls: 1, created: 1, changed: 1, unchanged: 0 });
  expect(run?.streams.contacts).toEqual({ calls: 1, created: 1, changed: 1, unchanged: 0 });
});

test('a hundred events about sixty records cost two calls, and a history that says what it did', async () => {
  const books = await readBooks();
  const before = await books.usage();
  const changed = [...Array(100)].map((_, index) => ({
    stream: 'invoices',
    op: 'edit',
    nth: index % 60,
    set: { Reference: `the ${index}th` },
  }));
  await edit(books, ...changed);
  await eventually(
    'all have come',
    () => fatesOf(books),
    ({ waiting, fates }) => waiting === 0 && (fates.fetched ?? 0) > 60,
  );
  await eventually(
    'the run has ended',
    () => runsOf(books),
    ([run]) => run?.endedAt != null,
  );
  const after = await books.usage();
  expect(after.calls.total - before.calls.total).toBe(2);
  expect(await books.compare('invoices')).toEqual(allEqual(120));
  const history = await decodedHistory(system.client.workflow.getHandle(workflowIds.webhookFetch(books.organisation)));
  expect(history).toContain('let the burst gather');
  expect(history).toContain('fetch what webhooks told of');
});

test('the echo of what the mirror has already costs no call, and neither does a replay of what was fetched', async () => {
  const books = await readBooks();
  const { rows } = await system.database.pool.query<{ xero_id: string; updated_at: Date }>(
    `SELECT xero_id, updated_at FROM record WHERE organisation_id = $1 AND stream = 'invoices'
      ORDER BY updated_at DESC LIMIT 10`,
    [books.organisation],
  );
  const now = Date.now();
  await system.database.pool.query(
    `UPDATE record SET updated_at = $2 WHERE organisation_id = $1 AND stream = 'invoices' AND xero_id = ANY ($3)`,
    [books.organisation, new Date(now), rows.map(({ xero_id }) => xero_id)],
  );
  const echoes = rows.map(({ xero_id }, index) => ({
    resourceId: xero_id,
    tenantId: books.organisation,
    eventCategory: 'INVOICE',
    eventType: 'UPDATE',
    eventDateUtc: new Date(now - index).toISOString().slice(0, 23),
  }));
  const before = await books.usage();
  expect(await system.tell(echoes)).toBe(200);
  expect(await allSettled(books, 10)).toEqual({ known: 10 });
  expect(await system.tell(echoes)).toBe(200);
  expect(await allSettled(books, 10)).toEqual({ known: 10 });
  expect((await books.usage()).calls.total).toBe(before.calls.total);
  expect(await runsOf(books)).toMatchObject([{ kind: 'webhook', outcome: 'completed', calls: 0, streams: {} }]);
});

test('an event that comes while its record is being fetched is fetched after it', async () => {
  const books = await readBooks();
  // The first answer is made before the second change and comes after it.
  const slow = {
    kind: 'lateAnswer',
    ms: 4000,
    times: 1,
    match: { tenantId: books.organisation, path: 'Invoices.*IDs=' },
  };
  await system.xero('POST', '/faults', [slow]);
  const before = (await books.usage()).calls.byEndpoint.Invoices ?? 0;
  const [id] = await edit(books, { stream: 'invoices', op: 'edit', nth: 5, set: { Reference: 'first' } });
  await eventually(
    'the first call is under way',
    () => books.usage(),
    ({ calls }) => (calls.byEndpoint.Invoices ?? 0) > before,
  );
  await edit(books, { stream: 'invoices', op: 'edit', id, set: { Reference: 'second' } });
  expect(await allSettled(books, 2)).toEqual({ fetched: 2 });
  expect(await books.compare('invoices')).toEqual(allEqual(120));
  const runs = await runsOf(books);
  expect(runs.map(({ outcome, calls }) => ({ outcome, calls }))).toEqual([
    { outcome: 'completed', calls: 1 },
    { outcome: 'completed', calls: 1 },
  ]);
});

test('an event brings no record from before the Sync From Date into the mirror; one that was in stays when its date moves', async () => {
  const syncFromDate = new Date(Date.now() - 365 * 86_400_000).toISOString().slice(0, 10);
  const books = await readBooks({ syncFromDate });
  const { records } = await system.xero<{ records: { id: string; date: string }[] }>(
    'GET',
    `/organisations/${books.organisation}/truth/creditNotes`,
  );
  const before = records.filter(({ date }) => date < syncFromDate);
  const within = records.filter(({ date }) => date >= syncFromDate);
  await edit(
    books,
    { stream: 'creditNotes', op: 'edit', id: before[0]?.id, set: { Reference: 'old' } },
    { stream: 'creditNotes', op: 'moveDate', id: before[1]?.id, date: syncFromDate },
    { stream: 'creditNotes', op: 'moveDate', id: within[0]?.id, date: before[0]?.date },
  );
  expect(await allSettled(books, 3)).toEqual({ fetched: 3 });
  expect(await books.compare('creditNotes', { from: syncFromDate })).toEqual(allEqual(within.length));
  const record = (id: string | undefined) =>
    system.api.get<{ outsideWindow: boolean }>(`/connections/${books.id}/records/creditNotes/${id}`);
  await expect(record(before[0]?.id)).rejects.toMatchObject({ status: 404 });
  expect(await record(within[0]?.id)).toMatchObject({ outsideWindow: true });
});

test('a stream that Xero refuses stops no other; a connection that it refuses ends the run with its code', async () => {
  const books = await readBooks();
  const refusal = {
    kind: 'status',
    status: 400,
    body: '{}',
    match: { tenantId: books.organisation, path: 'Contacts' },
  };
  await system.xero('POST', '/faults', [refusal]);
  await edit(books, { stream: 'contacts', op: 'edit', nth: 0 }, { stream: 'invoices', op: 'edit', nth: 0 });
  expect(await allSettled(books, 2)).toEqual({ refused: 1, fetched: 1 });
  await system.xero('POST', `/organisations/${books.organisation}/revoke`, {});
  await edit(books, { stream: 'invoices', op: 'edit', nth: 0 });
  const connection = await eventually(
    'the connection says so',
    () => books.connection(),
    ({ status }) => status === 'authFailed',
  );
  expect(connection.lastError).toMatchObject({ code: 'xero_auth_failed' });
  const [run] = await eventually(
    'the run ends',
    () => runsOf(books),
    (runs) => runs.every(({ endedAt }) => endedAt !== null),
  );
  expect(run).toMatchObject({ kind: 'webhook', outcome: 'xero_auth_failed' });
});

test('another worker goes on where one was killed in the middle of a fetch', async () => {
  await stopWorker();
  const first = system.startWorker();
  const books = await readBooks();
  // One of three calls is never answered: its worker dies with two stored.
  const silence = {
    kind: 'timeout',
    match: { tenantId: books.organisation, path: 'Invoices.*IDs=' },
    skip: 2,
    times: 1,
  };
  await system.xero('POST', '/faults', [silence]);
  await edit(books, ...[...Array(100)].map((_, nth) => ({ stream: 'invoices', op: 'edit', nth })));
  await eventually(
    'two calls are stored',
    () => fatesOf(books),
    ({ fates }) => fates.fetched === 80,
  );
  await first.killHard();
  await system.startWorkerHere({});
  expect(await allSettled(books, 100)).toEqual({ fetched: 100 });
  expect(await books.compare('invoices')).toEqual(allEqual(120));
  expect(await runsOf(books)).toMatchObject([{ outcome: 'completed', calls: 3 }]);
});
