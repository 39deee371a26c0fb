import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { companyTables, tablesWithoutCompanies } from '../../db/deletion.js';
import { dateIn, startOfDay } from '../../domain/calendar.js';
import { readingTaskQueue, workflowIds } from '../../domain/names.js';
import { housekeepingWorkflowName } from '../../workflows/contract.js';
import { type Books, openStreams } from '../support/books.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';
import { eventually } from '../support/waiting.js';

const counts = { contacts: 30, invoices: 2300 };
const few = { contacts: 30, invoices: 60 };
/** A worker that waits tenths of a second where production waits seconds; nothing else differs. */
const patience = { firstWaitMs: 50, longestWaitMs: 100, offlineWaitMs: 100, mostFaults: 10 };

let system: System;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  await system.startWorkerHere({ patience, deadlineMs: 1000 });
});
afterEach(() => system.xero('DELETE', '/faults'));
afterAll(() => system?.stop());

const silence = (tenantId: string, path: string) =>
  system.xero('POST', '/faults', [{ match: { tenantId, path }, kind: 'timeout' }]);

/** A first full read of which all but the last page of invoices is committed, which is never answered. */
async function heldAtLastPage(wish: { company?: string; locations?: string[] } = {}): Promise<Books> {
  const organisation = await system.organisation({ counts });
  await silence(organisation, 'Invoices.*[?&]page=3&');
  const books = await system.connect(organisation, wish);
  await books.until(
    'everything else is committed',
    (now) => openStreams(now).join() === 'invoices' && now.streams.invoices.records === 2000,
  );
  return books;
}

const completed = (books: Books) => books.until('a run completes', ({ outcome }) => outcome === 'completed');

async function expectReadOnce(books: Books): Promise<void> {
  expect(await books.compare('invoices')).toEqual(allEqual(counts.invoices));
  expect((await books.usage()).calls.byEndpoint).toMatchObject({ Contacts: 1, Accounts: 1, Items: 1, Invoices: 3 });
}

const edit = (organisation: string, ...edits: object[]) =>
  system.xero<string[]>('POST', `/organisations/${organisation}/edits`, edits);

const until = (books: Books, status: string) =>
  eventually(
    `the connection is ${status}`,
    () => books.connection(),
    (now) => now.status === status,
  );

describe('a connection that the customer ends in Xero', () => {
  test('is noticed in the first full read, says what to do, and goes on by itself from its cursors', async () => {
    const books = await heldAtLastPage();
    await system.xero('POST', `/organisations/${books.organisation}/revoke`, {});
    await system.xero('DELETE', '/faults');
    expect(await books.ended()).toMatchObject({ outcome: 'xero_auth_failed' });
    expect(await books.connection()).toMatchObject({
      status: 'authFailed',
      lastError: { code: 'xero_auth_failed', remedy: expect.stringContaining('connect again') },
    });

    await books.reconnect();
    await completed(books);
    expect(await books.connection()).toMatchObject({ status: 'active', lastError: null });
    await expectReadOnce(books);
  });

  test.each([
    ['the app alone', {}],
    ['its whole consent', { grant: true }],
  ])(
    'after it (%s) is noticed by the next sync, and reconnecting catches up without reading all again',
    async (_what, how) => {
      const organisation = await system.organisation({ counts: few });
      const books = await system.connect(organisation);
      await books.ended();
      const { calls } = await books.usage();
      await system.xero('POST', `/organisations/${organisation}/revoke`, how);
      expect(await books.synced()).toMatchObject({ outcome: 'xero_auth_failed' });
      expect(await books.connection()).toMatchObject({ status: 'authFailed', lastError: { code: 'xero_auth_failed' } });
      await expect(books.sync()).rejects.toMatchObject({ status: 409, code: 'connection_not_ready' });
      await edit(organisation, { stream: 'invoices', op: 'edit', nth: 7 }, { stream: 'contacts', op: 'add' });

      const before = await runsOf(books);
      await books.reconnect();
      const [run] = (await runsOf(books)).filter(({ runId }) => !before.some((known) => known.runId === runId));
      expect(run).toMatchObject({ kind: 'sync' });
      expect(await books.runEnded(run?.runId ?? '')).toMatchObject({ outcome: 'completed' });
      expect(await books.connection()).toMatchObject({ status: 'active', lastError: null });
      expect(await books.compare('invoices')).toEqual(allEqual(60));
      expect(await books.compare('contacts')).toEqual(allEqual(31));
      expect((await runsOf(books)).filter(({ kind }) => kind === 'backfill')).toHaveLength(1);
      expect((await books.usage()).calls.byEndpoint.Invoices).toBe((calls.byEndpoint.Invoices ?? 0) + 1);
    },
  );

  async function runsOf(books: Books) {
    const { data } = await system.api.get<{ data: { runId: string; kind: string }[] }>(`/connections/${books.id}/runs`);
    return data;
  }
});

describe('a connection that a person disconnects', () => {
  test('in its first full read makes no call more, keeps its data, and completes after a new consent', async () => {
    const other = await system.connect(await system.organisation({ counts: few }));
    await other.ended();
    const books = await heldAtLastPage();
    expect(await books.disconnect()).toMatchObject({ status: 'disconnected' });
    await system.xero('DELETE', '/faults');
    await books.run.result().catch(() => undefined);
    const { calls } = await books.usage();
    expect(await books.backfill()).toMatchObject({ status: 'disconnected', outcome: 'cancelled' });
    expect((await books.backfill()).streams).toMatchObject({ contacts: { records: 30 }, invoices: { records: 2000 } });

    // The link of another organisation of the same person's consent lives.
    expect(await other.synced()).toMatchObject({ outcome: 'completed' });
    expect((await books.usage()).calls).toEqual(calls);
    const { rows } = await system.database.pool.query(
      'SELECT FROM connection WHERE id = $1 AND (xero_connection_id IS NOT NULL OR grant_id IS NOT NULL)',
      [books.id],
    );
    expect(rows).toEqual([]);

    await books.reconnect();
    await completed(books);
    expect(await books.connection()).toMatchObject({ status: 'active', lastError: null });
    await expectReadOnce(books);
  });

  test('and reconnected at once, again and again, is not disturbed by what the runs before still do', async () => {
    const books = await heldAtLastPage();
    for (const _time of ['once', 'and once more']) {
      await books.disconnect();
      await books.reconnect();
      expect(await books.connection()).toMatchObject({ lastError: null });
    }
    await system.xero('DELETE', '/faults');
    await completed(books);
    expect(await books.connection()).toMatchObject({ status: 'active', lastError: null });
    await expectReadOnce(books);
  });

  test('in a sync and reconnected at once gets a sync of its own, which catches up', async () => {
    const organisation = await system.organisation({ counts: few });
    const books = await system.connect(organisation);
    await books.ended();
    await silence(organisation, 'Invoices');
    const held = await books.sync();
    await eventually(
      'it has come to the documents',
      () => books.usage(),
      ({ calls }) => calls.byEndpoint.Payments === 2,
    );
    await books.disconnect();
    await edit(organisation, { stream: 'invoices', op: 'edit', nth: 3 });
    await books.reconnect();
    await system.xero('DELETE', '/faults');
    const { runId } = await eventually(
      'another run shows',
      () =>
        system.api
          .get<{ data: { runId: string }[] }>(`/connections/${books.id}/runs?limit=1`)
          .then(({ data }) => data[0] ?? held),
      (now) => now.runId !== held.runId,
      15_000,
    );
    expect(await books.runEnded(runId)).toMatchObject({ kind: 'sync', outcome: 'completed' });
    expect(await books.connection()).toMatchObject({ status: 'active', lastError: null });
    expect(await books.compare('invoices')).toEqual(allEqual(60));
  });
});

/** What support staff see of a first full read that waits: at the connection, in a search, and at the head of the run. */
async function seenWaiting(books: Books, status: string): Promise<string> {
  await until(books, status);
  await eventually(
    `a search finds it as ${status}`,
    async () => {
      const query = `NightledgerState = '${status}' AND NightledgerConnection = '${books.id}'`;
      const ids: string[] = [];
      for await (const { workflowId } of system.client.workflow.list({ query })) ids.push(workflowId);
      return ids;
    },
    (ids) => ids.includes(workflowIds.backfill(books.id)),
  );
  return currentDetails(workflowIds.backfill(books.id));
}

async function currentDetails(workflowId: string): Promise<string> {
  const run = system.client.workflow.getHandle(workflowId);
  return (await run.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
}

describe('the first sync waits, seen by everybody and ended by itself,', () => {
  test('for the Sync From Date, which is chosen once', async () => {
    const organisation = await system.organisation({ counts: few });
    const books = await system.connect(organisation, { syncFromDate: 'toBeChosen' });
    expect(await seenWaiting(books, 'awaitingSyncFromDate')).toContain('chooses the Sync From Date');
    expect(await books.compare('contacts')).toEqual(allEqual(30));
    expect((await books.usage()).calls.byEndpoint.Invoices).toBeUndefined();
    await system.api.put(`/connections/${books.id}/sync-from-date`, { syncFromDate: null });
    await completed(books);
    expect(await books.compare('invoices')).toEqual(allEqual(60));
  });

  test('for account codes, where it also sends: a code that was set first counts once Xero has the account', async () => {
    const organisation = await system.organisation({ counts: few });
    const company = randomUUID();
    const books = await system.connect(organisation, { company, direction: 'two-way' });
    const details = await seenWaiting(books, 'awaitingAccountCodes');
    expect(details).toContain('Settings to be corrected: accounts.sales, accounts.purchases');
    await system.api.patch(`/connections/${books.id}/settings`, { accounts: { sales: '200' } });
    await eventually(
      'the details name what is left',
      () => currentDetails(books.run.workflowId),
      (now) => now.includes('Settings to be corrected: accounts.purchases'),
    );

    await edit(organisation, {
      stream: 'accounts',
      op: 'add',
      set: { Code: '999', Type: 'EXPENSE', Class: 'EXPENSE' },
    });
    const codes = { accounts: { purchases: '999' } };
    await expect(system.api.patch(`/connections/${books.id}/settings`, codes)).rejects.toMatchObject({ status: 422 });
    await books.synced({ streams: ['accounts'] });
    await system.api.patch(`/connections/${books.id}/settings`, codes);
    await completed(books);
    expect(await books.compare('invoices')).toEqual(allEqual(60));
  });

  test.each([
    ['is connected to its own organisation', (company: string) => connectLocation(company, 'south')],
    ['is marked as not synced', (company: string) => putLocation(company, 'south', false)],
  ])('for every location, until the last one %s', async (_how, settle) => {
    const company = randomUUID();
    await system.api.put(`/companies/${company}`, { name: 'A company' });
    await putLocation(company, 'north');
    await putLocation(company, 'south');
    const north = await connectLocation(company, 'north');
    expect(await seenWaiting(north, 'awaitingLocations')).toContain('every location');
    await settle(company);
    await completed(north);
    expect(await north.compare('invoices')).toEqual(allEqual(60));
  });

  const putLocation = (company: string, id: string, synced = true) =>
    system.api.put(`/companies/${company}/locations/${id}`, { name: id, synced });

  const connectLocation = async (company: string, location: string) =>
    system.connect(await system.organisation({ counts: few }), { company, locations: [location] });

  test.each([
    ['Pacific/Auckland', 'NEWZEALANDSTANDARDTIME'],
    ['Pacific/Honolulu', 'HAWAIIANSTANDARDTIME'],
  ])('for the midnight of %s that begins the Sync From Date', async (zone, timezone) => {
    const tomorrow = dateIn(zone, new Date(Date.now() + 86_400_000));
    const organisation = await system.organisation({ counts: few, timezone });
    const books = await system.connect(organisation, { syncFromDate: tomorrow });
    await seenWaiting(books, 'awaitingDate');
    const midnight = startOfDay(tomorrow, zone).toISOString();
    await eventually(
      'it says until when',
      () => books.connection(),
      ({ sleepingUntil }) => sleepingUntil === midnight,
    );
    expect(await currentDetails(books.run.workflowId)).toContain(`Sync From Date not reached, until ${midnight}`);
    await books.steer('cancel');
    expect(await books.ended()).toMatchObject({ outcome: 'cancelled', sleepingUntil: null });
    expect((await books.usage()).calls.byEndpoint.Invoices).toBeUndefined();
  });
});

/** Rows by table in which something of these ids stands, wherever it stands. */
async function rowsNaming(ids: readonly string[], { database: { pool } } = system): Promise<Record<string, number>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables t
      WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = quote_ident(t.table_name)::regclass)`,
  );
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query<{ count: number }>(
      `SELECT count(*)::int FROM ${name} AS each WHERE each::text LIKE ANY ($1)`,
      [ids.map((id) => `%${id}%`)],
    );
    if (rows[0]?.count) found[name] = rows[0].count;
  }
  return found;
}

describe('a company that is deleted', () => {
  async function deletable() {
    const company = randomUUID();
    const books = await heldAtLastPage({ company });
    return { company, books, ids: [company, books.id, books.organisation] };
  }

  const remove = (company: string) => system.api.delete<{ workflowId: string; runId: string }>(`/companies/${company}`);

  test('while its first full read runs leaves no row, and what still reads writes none', async () => {
    const other = await system.connect(await system.organisation({ counts: few }));
    await other.ended();
    const { company, books, ids } = await deletable();
    expect(Object.keys(await rowsNaming(ids))).toEqual(expect.arrayContaining(['record', 'run', 'stream_cursor']));
    const { workflowId } = await remove(company);
    const run = system.client.workflow.getHandle(workflowId);
    const removed = await run.result();
    expect(removed).toMatchObject({ connection: 1, organisation: 1, company: 1 });
    expect(Object.keys(removed)).toEqual(companyTables.map(({ table }) => table));
    expect(removed.record).toBeGreaterThan(2000);
    expect(await currentDetails(workflowId)).toContain(`record: ${removed.record} rows`);

    // Whatever the reader still had in hand has ended, and then.
    await system.xero('DELETE', '/faults');
    await books.run.result().catch(() => undefined);
    expect(await rowsNaming(ids)).toEqual({});
    const { calls } = await books.usage();
    expect(await other.synced()).toMatchObject({ outcome: 'completed' });
    expect(await other.compare('invoices')).toEqual(allEqual(60));
    expect((await books.usage()).calls).toEqual(calls);
    expect(await rowsNaming(ids)).toEqual({});
    await expect(system.api.get(`/companies/${company}`)).rejects.toMatchObject({ status: 404 });
  });

  test('every table is either emptied of it or said to hold nothing of it', async () => {
    const { rows } = await system.database.pool.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables t
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
          AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = quote_ident(t.table_name)::regclass)`,
    );
    const known = [...companyTables.map(({ table }) => table), ...Object.keys(tablesWithoutCompanies)];
    expect(rows.map(({ name }) => name).sort()).toEqual(known.sort());
  });
});

describe('where processes die in between', () => {
  let whole: System;
  beforeAll(async () => {
    whole = await startSystem();
  });
  afterAll(() => whole?.stop());

  test('what a killed worker had begun to delete, another one deletes to the end', async () => {
    const first = whole.startWorker();
    const company = randomUUID();
    const books = await whole.connect(await whole.organisation({ counts: few }), { company });
    await books.ended();
    // Somebody reads the company's audit, so that the worker that empties it waits, with the mirror gone already.
    const reader = await whole.database.pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT FROM audit WHERE company_id = $1 FOR UPDATE', [company]);
    const { workflowId } = await whole.api.delete<{ workflowId: string }>(`/companies/${company}`);
    await eventually(
      'it has come to the audit',
      () => reader.query('SELECT FROM run WHERE connection_id = $1', [books.id]),
      ({ rowCount }) => rowCount === 0,
    );
    await first.killHard();
    await reader.query('ROLLBACK');
    reader.release();
    whole.startWorker();
    expect(await whole.client.workflow.getHandle(workflowId).result()).toMatchObject({ connection: 1, company: 1 });
    expect(await rowsNaming([company, books.id, books.organisation], whole)).toEqual({});
  });

  test('a connection that was bound, and whose first full read nobody started, is read by the housekeeping', async () => {
    const books = await whole.connect(await whole.organisation({ counts: few }), { syncFromDate: 'toBeChosen' });
    await until(books, 'awaitingSyncFromDate');
    await books.run.terminate();
    await whole.database.pool.query('DELETE FROM run WHERE connection_id = $1', [books.id]);
    await whole.database.pool.query(
      `UPDATE connection SET status = 'syncingContacts', sync_from_date_chosen = true WHERE id = $1`,
      [books.id],
    );
    const housekeeping = await whole.client.workflow.execute(housekeepingWorkflowName, {
      workflowId: randomUUID(),
      taskQueue: readingTaskQueue,
    });
    expect(housekeeping).toMatchObject({ startBackfills: { started: 1, failed: 0 } });
    await completed(books);
    expect(await books.compare('invoices')).toEqual(allEqual(60));
  });
});
