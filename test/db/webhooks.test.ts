import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRuns } from '../../db/runs.js';
import { createWebhookEvents } from '../../db/webhooks.js';
import type { WebhookEvent, WebhookEvents } from '../../domain/ports.js';
import type { StreamName } from '../../domain/streams.js';
import { keptForMs, staleAfterMs } from '../../domain/webhooks.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
let events: WebhookEvents;
let connectionId: string;
let organisationId: string;
beforeAll(async () => {
  database = await freshDatabase();
  events = createWebhookEvents(database.pool);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('TRUNCATE company, record CASCADE');
  ({ connectionId, organisationId } = await connected('active'));
});

/** A connection in that status whose invoices were read to the end. */
async function connected(status: string) {
  const ids = { connectionId: randomUUID(), organisationId: randomUUID(), companyId: randomUUID() };
  await database.pool.query('INSERT INTO company (id, name) VALUES ($1, $1)', [ids.companyId]);
  await database.pool.query(`UPDATE company SET sync_by = 'company' WHERE id = $1`, [ids.companyId]);
  await database.pool.query(`INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Fern')`, [
    ids.organisationId,
    ids.companyId,
  ]);
  await database.pool.query(
    `INSERT INTO connection (id, company_id, direction, status, organisation_id) VALUES ($1, $2, 'import', $3, $4)`,
    [ids.connectionId, ids.companyId, status, ids.organisationId],
  );
  await database.pool.query(
    `INSERT INTO stream_cursor (connection_id, stream, status, completed_at)
     VALUES ($1, 'invoices', 'reading', now()), ($1, 'contacts', 'reading', NULL)`,
    [ids.connectionId],
  );
  return ids;
}

const now = () => new Date().toISOString();

const eventOf = (more: Partial<WebhookEvent> = {}): WebhookEvent => ({
  organisationId,
  stream: 'invoices',
  resourceId: randomUUID(),
  type: 'UPDATE',
  at: now(),
  ...more,
});

const store = (...given: WebhookEvent[]) => events.store(given, staleAfterMs);

async function fates(): Promise<Record<string, string | null>> {
  const { rows } = await database.pool.query<{ resource_id: string; fate: string | null }>(
    'SELECT resource_id, fate FROM webhook_event',
  );
  return Object.fromEntries(rows.map(({ resource_id, fate }) => [resource_id, fate]));
}

/** A mirrored invoice that Xero stamped with this instant. */
async function mirrored(updatedAt: string, stream: StreamName = 'invoices'): Promise<string> {
  const id = randomUUID();
  await database.pool.query(
    `INSERT INTO record (organisation_id, stream, xero_id, body, updated_at, read_at) VALUES ($1, $2, $3, '{}', $4, now())`,
    [organisationId, stream, id, updatedAt],
  );
  return id;
}

test('events of a stream that was never read to the end are left to its first reading, of others claimed', async () => {
  const [left, unknown, claimed] = [
    eventOf({ stream: 'contacts' }),
    eventOf({ stream: 'creditNotes' }),
    eventOf({ stream: 'invoices' }),
  ];
  await store(left, unknown, claimed);
  const records = await events.claim(connectionId, 100);
  expect(records.map(({ resourceId }) => resourceId)).toEqual([claimed.resourceId]);
  expect(await fates()).toEqual({
    [left.resourceId]: 'leftToFirstRead',
    [unknown.resourceId]: 'leftToFirstRead',
    [claimed.resourceId]: null,
  });
});

test('a record is known when its stamp is as new as the event, and asked for when in doubt', async () => {
  const cases = [
    { stamp: '10:00:00.500', at: '10:00:00.500', known: true },
    { stamp: '10:00:00.501', at: '10:00:00.500', known: true },
    { stamp: '10:00:00.499', at: '10:00:00.500', known: false },
    // Stamps cut to seconds: what was changed at .500 may have been changed at .100 too.
    { stamp: '10:00:00.000', at: '10:00:00.500', known: false },
    { stamp: '10:00:00.000', at: '10:00:00.000', known: false },
    { stamp: '10:00:00.900', at: '10:00:00.000', known: false },
    { stamp: '10:00:01.000', at: '10:00:00.000', known: true },
  ];
  const day = now().slice(0, 10);
  for (const { stamp, at, known } of cases) {
    const resourceId = await mirrored(`${day}T${stamp}Z`);
    await events.store([eventOf({ resourceId, at: `${day}T${at}Z` })], keptForMs);
    await events.claim(connectionId, 100);
    expect([stamp, at, (await fates())[resourceId]]).toEqual([stamp, at, known ? 'known' : null]);
  }
});

test('a record that the mirror has deleted, or has of another stream, is asked for', async () => {
  const [deleted, other] = [await mirrored(now()), await mirrored(now(), 'contacts')];
  await database.pool.query('UPDATE record SET deleted_at = now() WHERE xero_id = $1', [deleted]);
  const at = new Date(Date.now() - 60_000).toISOString();
  await store(eventOf({ resourceId: deleted, at }), eventOf({ resourceId: other, at }));
  expect(await events.claim(connectionId, 100)).toHaveLength(2);
});

test('several events of a record are one record to fetch; what is not settled is claimed again', async () => {
  const one = eventOf();
  await store(one, { ...one, at: new Date(Date.now() - 1000).toISOString() }, { ...one, type: 'CREATE' }, eventOf());
  const records = await events.claim(connectionId, 100);
  expect(records.map(({ eventIds }) => eventIds.length).sort()).toEqual([1, 3]);
  expect(await events.claim(connectionId, 100)).toEqual(records);
  expect(await events.claim(connectionId, 1)).toEqual(records.slice(0, 1));
  for (const { eventIds } of records) await events.settle(eventIds, 'fetched');
  expect(await events.claim(connectionId, 100)).toEqual([]);
});

test('an event that comes after a claim is not settled with it', async () => {
  const one = eventOf();
  await store(one);
  const [record] = await events.claim(connectionId, 100);
  await store({ ...one, at: new Date(Date.now() + 1000).toISOString() });
  await events.settle(record?.eventIds ?? [], 'fetched');
  expect(await events.claim(connectionId, 100)).toMatchObject([
    { resourceId: one.resourceId, eventIds: [expect.any(String)] },
  ]);
});

test('what came is counted: stored, replayed, stale, and of organisations that nobody reads', async () => {
  const refused = await connected('authFailed');
  const one = eventOf();
  const first = await store(one, one, eventOf({ at: new Date(Date.now() - staleAfterMs - 1000).toISOString() }));
  expect(first).toMatchObject({ stored: 1, replayed: 1, stale: 1, foreign: 0, bells: [{ connectionId }] });
  const second = await store(
    one,
    eventOf({ organisationId: randomUUID() }),
    eventOf({ organisationId: refused.organisationId }),
  );
  expect(second).toEqual({ stored: 0, replayed: 1, stale: 0, foreign: 2, bells: [] });
});

test('a bell that was not heard for five minutes is rung again by the next event', async () => {
  await store(eventOf());
  expect((await store(eventOf())).bells).toEqual([]);
  await database.pool.query(`UPDATE organisation SET webhook_rung_at = webhook_rung_at - interval '301 seconds'`);
  expect((await store(eventOf())).bells).toMatchObject([{ organisationId, connectionId }]);
  expect((await store(eventOf())).bells).toEqual([]);
});

test('a connection waits when an event of it was left for a while, and only while it lives', async () => {
  await store(eventOf());
  expect(await events.waiting(60_000)).toEqual([]);
  await database.pool.query(`UPDATE webhook_event SET received_at = received_at - interval '61 seconds'`);
  expect(await events.waiting(60_000)).toMatchObject([{ organisationId, connectionId }]);
  await database.pool.query(`UPDATE connection SET status = 'disconnected'`);
  expect(await events.waiting(60_000)).toEqual([]);
});

test('settled events and the runs that fetched them are forgotten after a week, what waits never', async () => {
  const [old, young, waits] = [eventOf(), eventOf(), eventOf()];
  await store(old, young, waits);
  const runs = createRuns(database.pool);
  for (const kind of ['webhook', 'sync'] as const) {
    await runs.start({ workflowId: kind, runId: kind, kind, connectionId });
    await runs.beginSleep(kind, 'daily limit', now());
    await runs.end(kind, 'completed');
  }
  const records = await events.claim(connectionId, 100);
  const settled = records.filter(({ resourceId }) => resourceId !== waits.resourceId);
  await events.settle(
    settled.flatMap(({ eventIds }) => eventIds),
    'fetched',
  );
  await database.pool.query(
    `UPDATE webhook_event SET received_at = now() - interval '9 days',
       done_at = CASE WHEN resource_id = $1 THEN now() - interval '8 days' ELSE done_at END`,
    [old.resourceId],
  );
  await database.pool.query(`UPDATE run SET ended_at = now() - interval '8 days'`);
  expect(await events.forget(keptForMs)).toBe(1);
  expect(Object.keys(await fates()).sort()).toEqual([young.resourceId, waits.resourceId].sort());
  const { data } = await runs.list(connectionId, { limit: 10 });
  expect(data.map(({ kind }) => kind)).toEqual(['sync']);
});

test('with its organisation its events go, however late they came', async () => {
  await store(eventOf());
  await database.pool.query('DELETE FROM stream_cursor');
  await database.pool.query('DELETE FROM connection');
  await database.pool.query('DELETE FROM organisation');
  expect(await fates()).toEqual({});
});
