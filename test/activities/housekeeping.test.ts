import { randomBytes, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createHousekeepingActivities, type HousekeepingPorts } from '../../activities/housekeeping.js';
import { createConsents } from '../../db/consents.js';
import { createDocuments } from '../../db/documents.js';
import { createExports } from '../../db/exports.js';
import { createFeed } from '../../db/feed.js';
import { createGrants } from '../../db/grants.js';
import { createOutboxBells } from '../../db/outboxBells.js';
import { createPreviews } from '../../db/previews.js';
import { createRuns } from '../../db/runs.js';
import { createSealing } from '../../db/sealing.js';
import { createWebhookEvents } from '../../db/webhooks.js';
import type { ConnectionStatus } from '../../domain/connection.js';
import type { Counts, HousekeepingTask } from '../../domain/housekeeping.js';
import type { TokenSet } from '../../domain/ports.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { createXeroLinks } from '../../xero/links.js';
import { createTokenKeeper } from '../../xero/tokens.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, connectedCompany } from '../support/documents.js';
import { company } from '../support/feed.js';
import { consentedTokens, control, oauthAt, tokenCalls } from '../xero/support.js';

const sealing = createSealing({ current: 'k', keys: { k: randomBytes(32) } });
let database: FreshDatabase;
let simulator: Simulator;
beforeAll(async () => {
  [database, simulator] = await Promise.all([freshDatabase(), startSimulator({ port: 0, demo: false })]);
});
beforeEach(() => database.pool.query('TRUNCATE company, oauth_grant CASCADE'));
afterAll(async () => {
  await simulator.close();
  await database.drop();
});

const grants = () => createGrants(database.pool, sealing);
const consents = () => createConsents(database.pool, sealing);
const connections = () => connectionsIn(database.pool);

/** Connections whose first full read was started. */
const started: string[] = [];
/** Connections whose run for webhooks, or whose outbox, was rung for. */
const rung: string[] = [];

function ports(): HousekeepingPorts {
  const oauth = oauthAt(simulator.url);
  const tokens = createTokenKeeper({ grants: grants(), oauth });
  const work = {
    startBackfill: async ({ id }: { id: string }) => void started.push(id),
    ringForWebhooks: async ({ connectionId }: { connectionId: string }) => void rung.push(connectionId),
    startReview: async (kind: string, { id }: { id: string }) => void started.push(`${kind} ${id}`),
    ringOutbox: async ({ connectionId }: { connectionId: string }) => void rung.push(connectionId),
  };
  return {
    grants: grants(),
    consents: consents(),
    connections: connections(),
    links: createXeroLinks({ tokens, oauth }),
    feed: createFeed(database.pool),
    previews: createPreviews(database.pool),
    exports: createExports(database.pool),
    tokens,
    webhookEvents: createWebhookEvents(database.pool),
    outboxBells: createOutboxBells(database.pool),
    work,
    schedules: { repair: async () => ({ repaired: 0, removed: 0, failed: 0 }) },
  };
}

const environment = () => new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });

const housekeep = (task: HousekeepingTask): Promise<Counts> => {
  const activities = createHousekeepingActivities(ports());
  return environment().run(activities.housekeep, task);
};

interface Made {
  tenantId: string;
  grantId: string;
  connectionId: string;
}

/** A connection with its organisation and its own grant, consented to in the simulator. */
async function connected(status: ConnectionStatus = 'active'): Promise<Made> {
  const { tenantId } = await control<{ tenantId: string }>(simulator.url, 'POST', '/organisations', {
    name: randomUUID(),
    records: 1,
  });
  const [grantId, connectionId, companyId] = [randomUUID(), randomUUID(), randomUUID()];
  await grants().create({ id: grantId, tokens: await consentedTokens(simulator.url, tenantId), scopes: [] });
  await database.pool.query('INSERT INTO company (id, name) VALUES ($1, $1)', [companyId]);
  const syncFromDate = { chosen: true, date: null };
  await connections().create({ id: connectionId, companyId, direction: 'import', locations: null, syncFromDate });
  const organisation = { tenantId, name: 'An organisation', xeroConnectionId: randomUUID() };
  expect(await connections().bindOrganisation(connectionId, organisation, grantId)).toBe('bound');
  await database.pool.query('UPDATE connection SET status = $2 WHERE id = $1', [connectionId, status]);
  return { tenantId, grantId, connectionId };
}

/** As if the grant's last refresh had been so many days ago. */
const idleFor = (grantId: string, days: number) =>
  database.pool.query(
    `UPDATE oauth_grant SET used_at = clock_timestamp() - make_interval(days => $2),
       access_token_expires_at = clock_timestamp() - make_interval(days => $2) WHERE id = $1`,
    [grantId, days],
  );

const refreshTokenOf = async (grantId: string) => (await grants().load(grantId))?.tokens.refreshToken;

test('a grant that nobody used for 20 days gets a new refresh token, and is idle no longer; others are left alone', async () => {
  const [idle, fresh] = [await connected(), await connected()];
  await idleFor(idle.grantId, 21);
  await idleFor(fresh.grantId, 19);
  const [ofIdle, ofFresh] = [await refreshTokenOf(idle.grantId), await refreshTokenOf(fresh.grantId)];
  expect(await housekeep('refreshIdleGrants')).toEqual({ refreshed: 1, failed: 0 });
  expect(await refreshTokenOf(idle.grantId)).not.toBe(ofIdle);
  expect(await refreshTokenOf(fresh.grantId)).toBe(ofFresh);
  expect(await housekeep('refreshIdleGrants')).toEqual({ refreshed: 0, failed: 0 });
});

test('an idle grant that two workers find at once is refreshed once', async () => {
  const { grantId } = await connected();
  await idleFor(grantId, 30);
  const before = await tokenCalls(simulator.url);
  await Promise.all([housekeep('refreshIdleGrants'), housekeep('refreshIdleGrants')]);
  expect(await tokenCalls(simulator.url)).toBe(before + 1);
});

test('grants that nobody needs are left to end: dead ones, those of nobody and of a disconnected connection', async () => {
  const [dead, disconnected] = [await connected(), await connected('disconnected')];
  await grants().markDead(dead.grantId, 1);
  const ofNobody = randomUUID();
  const tokens: TokenSet = { accessToken: 'a', refreshToken: 'r', expiresAt: '2030-01-01T00:00:00Z' };
  await grants().create({ id: ofNobody, tokens, scopes: [] });
  for (const id of [dead.grantId, disconnected.grantId, ofNobody]) await idleFor(id, 30);
  expect(await housekeep('refreshIdleGrants')).toEqual({ refreshed: 0, failed: 0 });
});

test('one that fails never stops the others: a dead one ends its connection as xero_auth_failed, a sealed one stays', async () => {
  const [revoked, locked, good] = [await connected(), await connected(), await connected()];
  const unknown: TokenSet = { accessToken: 'a', refreshToken: 'never issued', expiresAt: '2020-01-01T00:00:00Z' };
  await grants().saveTokens(revoked.grantId, 1, unknown);
  const otherSealing = createSealing({ current: 'lost', keys: { lost: randomBytes(32) } });
  await createGrants(database.pool, otherSealing).saveTokens(locked.grantId, 1, unknown);
  for (const [index, { grantId }] of [revoked, locked, good].entries()) await idleFor(grantId, 40 - index);

  expect(await housekeep('refreshIdleGrants')).toEqual({ refreshed: 1, failed: 2 });
  expect(await housekeep('showDeadGrants')).toEqual({ connections: 1 });
  expect(await connections().get(revoked.connectionId)).toMatchObject({
    status: 'authFailed',
    lastError: { code: 'xero_auth_failed' },
  });
  for (const { connectionId } of [locked, good]) {
    expect(await connections().get(connectionId)).toMatchObject({ status: 'active', lastError: null });
  }
  expect(await housekeep('showDeadGrants')).toEqual({ connections: 0 });
});

test('a dead grant ends every connection that it serves, but none that a person disconnected', async () => {
  const [one, other, left] = [await connected('paused'), await connected(), await connected('disconnected')];
  await database.pool.query('UPDATE connection SET grant_id = $1', [one.grantId]);
  await grants().markDead(one.grantId, 1);
  const after = await createFeed(database.pool).newest();
  expect(await housekeep('showDeadGrants')).toEqual({ connections: 2 });
  const { events } = await createFeed(database.pool).read({ after, limit: 10 });
  expect(events.map(({ type, data }) => [type, data])).toEqual(
    [one, other].flatMap(() => [
      ['connection.statusChanged', { status: 'authFailed' }],
      ['connection.failed', { code: 'xero_auth_failed' }],
    ]),
  );
  const statuses = [one, other, left].map(async ({ connectionId }) => (await connections().get(connectionId))?.status);
  expect(await Promise.all(statuses)).toEqual(['authFailed', 'authFailed', 'disconnected']);
});

test('consents are forgotten a day after they ended, not before', async () => {
  const { connectionId } = await connected();
  const open = (state: string, lifetimeMs: number) =>
    consents().open({ state, codeVerifier: 'v', connectionId, returnUrl: null, lifetimeMs });
  await open('long ago', -25 * 3_600_000);
  await open('yesterday', -23 * 3_600_000);
  await open('in hand', 600_000);
  expect(await housekeep('forgetConsents')).toEqual({ forgotten: 1 });
  expect(await consents().use('in hand')).toMatchObject({ connectionId });
});

test('grants that serve no connection are forgotten after a day, others never', async () => {
  const { grantId } = await connected();
  const [old, young] = [randomUUID(), randomUUID()];
  const tokens: TokenSet = { accessToken: 'a', refreshToken: 'r', expiresAt: '2030-01-01T00:00:00Z' };
  for (const id of [old, young]) await grants().create({ id, tokens, scopes: [] });
  await database.pool.query(`UPDATE oauth_grant SET created_at = created_at - interval '25 hours' WHERE id <> $1`, [
    young,
  ]);
  expect(await housekeep('forgetGrants')).toEqual({ forgotten: 1 });
  const left = await Promise.all([grantId, old, young].map((id) => grants().load(id)));
  expect(left.map((grant) => grant !== null)).toEqual([true, false, true]);
});

test('events of the feed are forgotten after 30 days, however many there are', async () => {
  const about = await company(database.pool);
  const count = await database.pool.query(
    `INSERT INTO feed_event (position, type, at, company_id, data)
     SELECT n, 'record.changed', now() - CASE WHEN n <= 12000 THEN interval '31 days' ELSE interval '29 days' END, $1, '{}'
       FROM generate_series(1, 12005) AS n`,
    [about],
  );
  expect(count.rowCount).toBe(12_005);
  await database.pool.query('UPDATE feed_counter SET newest = 12005');
  expect(await housekeep('forgetChanges')).toEqual({ forgotten: 12_000 });
  expect((await createFeed(database.pool).read({ limit: 10 })).events.map(({ position }) => position)).toEqual(
    [12_001, 12_002, 12_003, 12_004, 12_005].map(String),
  );
});

test('a first full read that was owed since a consent is started, and one that was started is not', async () => {
  const [owed, inHand] = [await connected('syncingContacts'), await connected('syncingContacts')];
  const run = { workflowId: 'a workflow', runId: randomUUID(), kind: 'backfill' as const };
  await createRuns(database.pool).start({ ...run, connectionId: inHand.connectionId });
  started.length = 0;
  expect(await housekeep('startBackfills')).toEqual({ started: 1, failed: 0 });
  expect(started).toEqual([owed.connectionId]);
});

test('events that nobody has fetched for a minute are rung for, younger ones and those of an ended connection are not', async () => {
  const [left, fresh, ended] = [await connected(), await connected(), await connected()];
  const events = [left, fresh, ended].map(({ tenantId }) => ({
    organisationId: tenantId,
    stream: 'invoices' as const,
    resourceId: randomUUID(),
    type: 'UPDATE',
    at: new Date().toISOString(),
  }));
  await createWebhookEvents(database.pool).store(events, 60_000);
  await connections().disconnect(ended.connectionId);
  await database.pool.query(
    `UPDATE webhook_event SET received_at = received_at - interval '61 seconds' WHERE organisation_id <> $1`,
    [fresh.tenantId],
  );
  rung.length = 0;
  expect(await housekeep('ringForWebhooks')).toEqual({ rung: 1, failed: 0 });
  expect(rung).toEqual([left.connectionId]);
});

test('an outbox whose bell nobody heard is rung once its documents could have gone for half a minute', async () => {
  const documents = createDocuments(database.pool);
  const [left, fresh, paused] = await Promise.all([0, 1, 2].map(() => connectedCompany(database.pool)));
  for (const { companyId } of [left, fresh, paused] as Awaited<ReturnType<typeof connectedCompany>>[]) {
    await documents.save({ companyId, actor: null, urgent: false }, [aDocument('contact', 'c-1')]);
  }
  await database.pool.query(
    `UPDATE document SET queued_at = queued_at - interval '31 seconds' WHERE company_id <> $1`,
    [fresh?.companyId],
  );
  await database.pool.query('UPDATE connection SET paused_at = now() WHERE id = $1', [paused?.connectionId]);
  rung.length = 0;
  expect(await housekeep('ringOutboxes')).toEqual({ rung: 1, failed: 0 });
  expect(rung).toEqual([left?.connectionId]);
});

test('webhook events are forgotten a week after they were settled', async () => {
  const { tenantId } = await connected();
  await database.pool.query(
    `INSERT INTO webhook_event (organisation_id, stream, resource_id, type, at, done_at, fate)
     SELECT $1, 'invoices', gen_random_uuid(), 'UPDATE', now(), now() - make_interval(days => days), 'known'
       FROM unnest('{6,8}'::int[]) AS each (days)`,
    [tenantId],
  );
  expect(await housekeep('forgetWebhookEvents')).toEqual({ forgotten: 1 });
});

test('a link that Xero could not be told to end is ended later, once, and no other one with it', async () => {
  const [ended, living] = [await connected(), await connected()];
  const linkOf = async ({ grantId, tenantId }: Made) => {
    const tokens = createTokenKeeper({ grants: grants(), oauth: oauthAt(simulator.url) });
    const authorization = `Bearer ${await tokens.accessToken(grantId)}`;
    const links = (await (await fetch(`${simulator.url}/connections`, { headers: { authorization } })).json()) as {
      id: string;
      tenantId: string;
    }[];
    return links.find((link) => link.tenantId === tenantId)?.id;
  };
  for (const made of [ended, living]) {
    await database.pool.query('UPDATE connection SET xero_connection_id = $2 WHERE id = $1', [
      made.connectionId,
      await linkOf(made),
    ]);
  }
  await connections().disconnect(ended.connectionId);
  expect(await housekeep('endLinks')).toEqual({ ended: 1, failed: 0 });
  expect(await housekeep('endLinks')).toEqual({ ended: 0, failed: 0 });
  expect(await grants().load(ended.grantId)).toBeNull();
  expect(await linkOf(living)).toBeDefined();
});

test('what Postgres says stays in the activity: its failure names only the kind', async () => {
  const activities = createHousekeepingActivities({
    ...ports(),
    grants: {
      ...grants(),
      showDead: () => database.pool.query('SELECT 1 FROM contact_of_somebody') as Promise<never>,
    },
  });
  const failing = environment().run(activities.housekeep, 'showDeadGrants' as const);
  await expect(failing).rejects.toMatchObject({ type: 'fault', message: 'internal error error 42P01' });
});

test('starts previews and exports that nobody has started, and forgets those of a season ago', async () => {
  const { connectionId } = await connectedCompany(database.pool);
  const [previews, exports] = [createPreviews(database.pool), createExports(database.pool)];
  const [preview, sent] = [randomUUID(), randomUUID()];
  for (const id of [preview, sent]) await previews.create({ id, connectionId, actor: null });
  await previews.ready(sent, { settings: '', chart: '', taxRates: '', locks: '' });
  const id = randomUUID();
  await exports.create({ id, previewId: sent, connectionId, actor: 'user:1' });
  started.length = 0;
  expect(await housekeep('startReviews')).toEqual({ started: 0, failed: 0 });
  await database.pool.query(`UPDATE preview SET made_at = made_at - interval '2 minutes'`);
  await database.pool.query(`UPDATE export SET started_at = started_at - interval '2 minutes'`);
  expect(await housekeep('startReviews')).toEqual({ started: 2, failed: 0 });
  expect(started).toEqual([`preview ${preview}`, `export ${id}`]);
  await database.pool.query(`UPDATE preview SET made_at = made_at - interval '91 days'`);
  // What is in hand is kept.
  expect(await housekeep('forgetPreviews')).toEqual({ forgotten: 1 });
  await exports.end(id, { state: 'cancelled' });
  expect(await housekeep('forgetPreviews')).toEqual({ forgotten: 1 });
});
