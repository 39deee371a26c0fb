import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createDeletion } from '../../db/deletion.js';
import { append, createFeed, telling } from '../../db/feed.js';
import { createMirror } from '../../db/mirror.js';
import { inTransaction } from '../../db/pool.js';
import { createRuns } from '../../db/runs.js';
import { createSealing } from '../../db/sealing.js';
import { createTombstones } from '../../db/tombstones.js';
import { type Feed, type FeedEvent, PositionGone } from '../../domain/ports.js';
import { beginFull, type ReadingState } from '../../domain/reading.js';
import { streams } from '../../domain/streams.js';
import { startChild } from '../support/childProcess.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { changed, company, tellOf } from '../support/feed.js';
import { eventually } from '../support/waiting.js';

const dayMs = 86_400_000;
const databases: FreshDatabase[] = [];
let database: FreshDatabase;
let feed: Feed;
beforeEach(async () => {
  database = await freshDatabase();
  databases.push(database);
  feed = createFeed(database.pool);
});
afterAll(async () => {
  for (const one of databases) await one.drop();
});

/** All from a position on, page by page. */
async function follow(after?: string, limit = 100, company?: string): Promise<FeedEvent[]> {
  const all: FeedEvent[] = [];
  for (let at = after; ; ) {
    const { events, next } = await feed.read({
      limit,
      ...(at !== undefined && { after: at }),
      ...(company !== undefined && { company }),
    });
    all.push(...events);
    if (next === at) return all;
    at = next;
  }
}
const idsOf = (events: readonly FeedEvent[]) => events.map(({ xeroId }) => xeroId);
const positionsUpTo = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));

describe('the order of the feed', () => {
  test('four processes write and a reader with a cursor sees every committed event, once, in the order of commits', async () => {
    const about = await company(database.pool);
    const gate = await database.pool.connect();
    await gate.query('SELECT pg_advisory_lock(1)');
    const writers = ['a', 'b', 'c', 'd'].map((name) =>
      startChild('test/db/fixtures/writeToFeed.ts', [database.url, about, name, '260'], process.env),
    );
    const waiting = `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await eventually(
      'all writers wait at the gate',
      async () => (await gate.query<{ count: number }>(waiting)).rows[0]?.count,
      (count) => count === writers.length,
    );
    await gate.query('SELECT pg_advisory_unlock(1)');
    gate.release();

    const seen: FeedEvent[] = [];
    let after = '0';
    const readOn = async (limit: number): Promise<number> => {
      const { events, next } = await feed.read({ after, limit });
      seen.push(...events);
      after = next;
      return events.length;
    };
    while (writers.some((writer) => writer.running())) await readOn(1 + (seen.length % 7));
    const ended = await Promise.all(writers.map(({ exited }) => exited));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    while ((await readOn(100)) > 0);

    const committed = writers.map((writer) => writer.output().trim().split('\n'));
    expect(committed.flat().length).toBeGreaterThan(2000);
    expect(idsOf(seen).sort()).toEqual(committed.flat().sort());
    // Each writer's own commits come in its order, and nothing that was rolled back has left a gap.
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
      expect(idsOf(seen).filter((id) => id?.startsWith(`${name}-`))).toEqual(committed[index]);
    }
    expect(seen.map(({ position }) => position)).toEqual(positionsUpTo(seen.length));
  }, 120_000);

  test('who began earlier and commits later comes later, and hides nothing from a reader in between', async () => {
    const about = await company(database.pool);
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slow = telling(database.pool, async (client, tell) => {
      await client.query('SELECT FROM company');
      tell(changed(about, 'slow'));
      await held;
    });
    await tellOf(database.pool, about, 'quick');
    const { events, next } = await feed.read({ limit: 10 });
    expect(idsOf(events)).toEqual(['quick']);
    goOn();
    await slow;
    expect(idsOf((await feed.read({ after: next, limit: 10 })).events)).toEqual(['slow']);
  });

  test('a transaction that is rolled back tells nothing and leaves no gap', async () => {
    const about = await company(database.pool);
    await tellOf(database.pool, about, 'one');
    const undone = inTransaction(database.pool, async (client) => {
      await append(client, [changed(about, 'never')]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await tellOf(database.pool, about, 'two', 'three');
    expect((await follow()).map(({ position, xeroId }) => [position, xeroId])).toEqual([
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ]);
  });

  test('a transaction in which nothing happened does not wait for the counter', async () => {
    const id = await connectionOf(await company(database.pool));
    const connections = connectionsIn(database.pool);
    await inTransaction(database.pool, async (client) => {
      await client.query('SELECT FROM feed_counter FOR UPDATE');
      await connections.setPaused(id, false);
      await createRuns(database.pool).end('no such run', 'completed');
    });
    expect(await feed.newest()).toBe('0');
  });
});

describe('reading the feed', () => {
  test('a reader goes on from any cursor and from any event', async () => {
    const about = await company(database.pool);
    await tellOf(database.pool, about, 'a', 'b', 'c');
    await tellOf(database.pool, about, 'd', 'e');
    const all = await follow();
    expect(idsOf(all)).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const limit of [1, 2, 3]) expect(await follow('0', limit)).toEqual(all);
    for (const [index, { position }] of all.entries()) expect(await follow(position, 2)).toEqual(all.slice(index + 1));
  });

  test('the cursor of one company moves on past the events of others', async () => {
    const [mine, other] = [await company(database.pool), await company(database.pool)];
    await tellOf(database.pool, other, 'x', 'y');
    expect(await feed.read({ after: '0', limit: 10, company: mine })).toEqual({ events: [], next: '2' });
    await tellOf(database.pool, mine, 'a');
    await tellOf(database.pool, other, 'z');
    await tellOf(database.pool, mine, 'b');
    const first = await feed.read({ after: '2', limit: 1, company: mine });
    expect([idsOf(first.events), first.next]).toEqual([['a'], '3']);
    expect(idsOf(await follow('0', 1, mine))).toEqual(['a', 'b']);
  });

  test('what is too old is forgotten; a reader from before is told so, one without a position begins at what is kept', async () => {
    const about = await company(database.pool);
    await tellOf(database.pool, about, 'old', 'older');
    await database.pool.query(`UPDATE feed_event SET at = at - interval '31 days'`);
    await tellOf(database.pool, about, 'young');
    expect(await feed.forget(30 * dayMs)).toBe(2);
    expect(await feed.forget(30 * dayMs)).toBe(0);
    for (const after of ['0', '1']) await expect(feed.read({ after, limit: 10 })).rejects.toThrow(PositionGone);
    expect(idsOf((await feed.read({ after: '2', limit: 10 })).events)).toEqual(['young']);
    expect(idsOf(await follow())).toEqual(['young']);
  });

  test('a position that was never given out is refused, as after a database that was restored from before', async () => {
    await tellOf(database.pool, await company(database.pool), 'a');
    await expect(feed.read({ after: '2', limit: 10 })).rejects.toThrow(PositionGone);
    expect(await feed.read({ after: '1', limit: 10 })).toEqual({ events: [], next: '1' });
  });

  test('the events of a deleted company go with it, and a late writer is refused', async () => {
    const tombstones = createTombstones(createSealing({ current: 'k', keys: { k: randomBytes(32) } }));
    const deletion = createDeletion(database.pool, tombstones);
    const [gone, stays] = [await company(database.pool), await company(database.pool)];
    await tellOf(database.pool, gone, 'a', 'b');
    await tellOf(database.pool, stays, 'c');
    for (const table of deletion.tables) while ((await deletion.empty(gone, table)) > 0);
    expect(idsOf(await follow('0'))).toEqual(['c']);
    await expect(tellOf(database.pool, gone, 'late')).rejects.toMatchObject({ code: '23503' });
    expect(await feed.newest()).toBe('3');
  });
});

async function connectionOf(companyId: string): Promise<string> {
  const id = randomUUID();
  const syncFromDate = { chosen: true, date: null };
  await connectionsIn(database.pool).create({ id, companyId, direction: 'import', locations: null, syncFromDate });
  return id;
}

/** A connection bound to an organisation, in its first full read. */
async function bound() {
  const companyId = await company(database.pool);
  const [id, organisationId, grantId] = [await connectionOf(companyId), randomUUID(), randomUUID()];
  await database.pool.query(
    `INSERT INTO oauth_grant (id, sealed_tokens, scopes, access_token_expires_at) VALUES ($1, '\\x00', '{}', now())`,
    [grantId],
  );
  const organisation = { tenantId: organisationId, name: 'Demo', xeroConnectionId: randomUUID() };
  expect(await connectionsIn(database.pool).bindOrganisation(id, organisation, grantId)).toBe('bound');
  return { companyId, id, organisationId, grantId };
}

const told = async () => (await follow()).map(({ type, xeroId, data }) => [type, xeroId, data]);

describe('what the feed tells', () => {
  test('every move of the status that people see, and no other', async () => {
    const { id, grantId } = await bound();
    const [connections, runs] = [connectionsIn(database.pool), createRuns(database.pool)];
    const runId = randomUUID();
    await runs.start({ workflowId: `backfill:${id}`, runId, kind: 'backfill', connectionId: id });
    await connections.moveByRun(id, runId, 'backfilling');
    await connections.moveByRun(id, runId, 'backfilling');
    await connections.setPaused(id, true);
    await connections.setPaused(id, true);
    await connections.moveByRun(id, runId, 'active');
    await connections.setPaused(id, false);
    await connections.refused(id, grantId);
    await connections.disconnect(id);
    await connections.disconnect(id);
    expect((await told()).map(([type, , data]) => [type, data])).toEqual(
      ['syncingContacts', 'backfilling', 'paused', 'active', 'authFailed', 'disconnected'].map((status) => [
        'connection.statusChanged',
        { status },
      ]),
    );
    expect(await follow()).toMatchObject(
      Array.from({ length: 6 }, () => ({ connectionId: id, kind: null, externalId: null, xeroId: null })),
    );
  });

  test('how work failed, and that a run was completed, once however often its end is noted', async () => {
    const { id, organisationId } = await bound();
    const [connections, runs, mirror] = [
      connectionsIn(database.pool),
      createRuns(database.pool),
      createMirror(database.pool),
    ];
    const after = await feed.newest();
    await storeInvoices(mirror, id, organisationId, 'backfill run', invoice('a', 1), invoice('b', 1));
    await runs.start({ workflowId: 'b', runId: 'backfill run', kind: 'backfill', connectionId: id });
    await runs.end('backfill run', 'completed');
    await runs.end('backfill run', 'completed');
    await storeInvoices(mirror, id, organisationId, 'sync run', invoice('a', 1), invoice('b', 2), invoice('c', 2));
    await runs.start({ workflowId: 's', runId: 'sync run', kind: 'sync', connectionId: id });
    await runs.end('sync run', 'completed');
    await runs.start({ workflowId: 's', runId: 'another', kind: 'sync', connectionId: id });
    await connections.recordError(id, 'xero_unavailable');
    await runs.end('another', 'xero_unavailable');
    expect((await follow(after)).map(({ type, data }) => [type, data])).toEqual([
      ['backfill.completed', { streams: { invoices: 2 } }],
      ['sync.completed', { streams: { invoices: { created: 1, changed: 1, unchanged: 1 } } }],
      ['connection.failed', { code: 'xero_unavailable' }],
    ]);
  });

  test('records are told of once the first full read is done, by id and stream, and not before', async () => {
    const { id, organisationId } = await bound();
    const mirror = createMirror(database.pool);
    await storeInvoices(mirror, id, organisationId, 'first', invoice('a', 1), invoice('b', 1));
    const after = await feed.newest();
    expect(idsOf(await follow())).toEqual([null]);
    await database.pool.query('UPDATE connection SET backfilled_at = now() WHERE id = $1', [id]);
    await storeInvoices(mirror, id, organisationId, 'later', invoice('a', 1), invoice('b', 2), invoice('c', 2));
    await mirror.storeReferences('contacts', {
      organisationId,
      text: '{"Contacts":[{"ContactID":"k","UpdatedDateUTC":"/Date(1+0000)/"}]}',
      readAt: '2026-11-01T00:00:00.000Z',
      syncFromDate: null,
    });
    expect((await follow(after)).map(({ type, xeroId, data }) => [type, xeroId, data])).toEqual([
      ['record.created', 'c', { stream: 'invoices' }],
      ['record.changed', 'b', { stream: 'invoices' }],
      ['record.created', 'k', { stream: 'contacts' }],
      ['contact.found', 'k', {}],
    ]);
  });

  test('a record that is absent from a whole list is told of as deleted, once, and as changed when it is back', async () => {
    const { id, organisationId } = await bound();
    await database.pool.query('UPDATE connection SET backfilled_at = now() WHERE id = $1', [id]);
    const mirror = createMirror(database.pool);
    const after = await feed.newest();
    const lists = [['a', 'b'], ['a'], ['a'], ['a', 'b']];
    for (const [day, accounts] of lists.entries()) {
      const lease = await leaseOf(mirror, id, 'accounts');
      const text = `{"Accounts":[${accounts.map((each) => `{"AccountID":"${each}"}`).join()}]}`;
      const readAt = `2026-11-0${day + 1}T00:00:00.000Z`;
      const page = { organisationId, runId: 'run', text, readAt, syncFromDate: null, complete: true, seen: false };
      await mirror.storePage(lease, page, keep, 60_000);
    }
    expect((await follow(after)).map(({ type, xeroId }) => [type, xeroId])).toEqual([
      ['record.created', 'a'],
      ['record.created', 'b'],
      ['record.deleted', 'b'],
      ['record.changed', 'b'],
    ]);
  });

  test('a page that is stored while the first full read ends is told of, or was in the mirror before that', async () => {
    const { id, organisationId } = await bound();
    const mirror = createMirror(database.pool);
    const lease = await leaseOf(mirror, id, 'invoices');
    const after = await feed.newest();
    const page = pageOf(organisationId, 'run', invoice('a', 1));
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    let stored: Promise<unknown> = Promise.resolve();
    await inTransaction(database.pool, async (client) => {
      await client.query('SELECT FROM connection WHERE id = $1 FOR UPDATE', [id]);
      await client.query('UPDATE connection SET backfilled_at = now() WHERE id = $1', [id]);
      stored = mirror.storePage(lease, page, keep, 60_000);
      await eventually(
        'the page waits for the move',
        async () => (await database.pool.query(waiting)).rowCount,
        (count) => count === 1,
      );
    });
    await stored;
    expect((await follow(after)).map(({ type, xeroId }) => [type, xeroId])).toEqual([['record.created', 'a']]);
  });
});

const keep = (state: ReadingState): ReadingState => state;

const invoice = (id: string, stampMs: number): string =>
  `{"InvoiceID":"${id}","DateString":"2026-05-01T00:00:00","UpdatedDateUTC":"/Date(${stampMs}+0000)/"}`;

const pageOf = (organisationId: string, runId: string, ...invoices: string[]) => ({
  organisationId,
  runId,
  text: `{"Invoices":[${invoices.join()}]}`,
  readAt: '2026-11-01T00:00:00.000Z',
  syncFromDate: null,
  complete: false,
  seen: false,
});

async function leaseOf(mirror: ReturnType<typeof createMirror>, id: string, stream: 'invoices' | 'accounts') {
  const held = await mirror.acquire(id, stream, 'a run', 60_000);
  if (!held) throw new Error('the stream is held');
  await mirror.begin(held.lease, beginFull(streams[stream], null));
  return held.lease;
}

/** A reading of one page to its end. */
async function storeInvoices(
  mirror: ReturnType<typeof createMirror>,
  id: string,
  organisationId: string,
  runId: string,
  ...invoices: string[]
): Promise<void> {
  const lease = await leaseOf(mirror, id, 'invoices');
  await mirror.storePage(lease, pageOf(organisationId, runId, ...invoices), keep, 60_000);
  await mirror.finish(lease, 'complete', null);
}
