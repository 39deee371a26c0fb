import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCompanies } from '../../db/companies.js';
import { createLocations } from '../../db/locations.js';
import { migrate } from '../../db/migrate.js';
import { createRuns } from '../../db/runs.js';
import { type ConnectionStatus, connectionMoves, connectionStatuses, mayMove } from '../../domain/connection.js';
import type { Companies, Connections } from '../../domain/ports.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
let companies: Companies;
let connections: Connections;
beforeAll(async () => {
  database = await freshDatabase();
  companies = createCompanies(database.pool);
  connections = connectionsIn(database.pool);
});
afterAll(() => database.drop());

async function pending(company: string = randomUUID()): Promise<string> {
  await companies.put(company, 'Company');
  const id = randomUUID();
  const syncFromDate = { chosen: false, date: null };
  expect(
    await connections.create({ id, companyId: company, direction: 'import', locations: null, syncFromDate }),
  ).toEqual({
    created: true,
  });
  return id;
}

async function grant(): Promise<string> {
  const id = randomUUID();
  await database.pool.query(
    `INSERT INTO oauth_grant (id, sealed_tokens, scopes, access_token_expires_at) VALUES ($1, '\\x00', '{}', now())`,
    [id],
  );
  return id;
}

const organisation = (tenantId: string = randomUUID()) => ({ tenantId, name: 'Demo', xeroConnectionId: randomUUID() });
const grantStands = async (id: string) =>
  (await database.pool.query('SELECT FROM oauth_grant WHERE id = $1', [id])).rows.length === 1;

test('migrating is safe to repeat and to do at once', async () => {
  await Promise.all(Array.from({ length: 4 }, () => migrate(database.url)));
});

test('a company that asks twenty times at once has one connection', async () => {
  const company = randomUUID();
  await companies.put(company, 'Company');
  const made = await Promise.all(
    Array.from({ length: 20 }, () =>
      connections.create({
        id: randomUUID(),
        companyId: company,
        direction: 'import',
        locations: null,
        syncFromDate: { chosen: false, date: null },
      }),
    ),
  );
  expect(made.filter((one) => one.created)).toHaveLength(1);
  const existing = (await connections.list({ limit: 10, company })).data.map(({ id }) => id);
  expect(existing).toHaveLength(1);
  for (const one of made) if (!one.created) expect(one).toEqual({ created: false, existingId: existing[0] });
});

/** A bound connection with a run in hand. */
async function bound() {
  const [id, grantId] = [await pending(), await grant()];
  expect(await connections.bindOrganisation(id, organisation(), grantId)).toBe('bound');
  return { id, grantId, runId: await runOf(id) };
}

async function runOf(id: string): Promise<string> {
  const runId = randomUUID();
  await createRuns(database.pool).start({ workflowId: `backfill:${id}`, runId, kind: 'backfill', connectionId: id });
  return runId;
}

const statusOf = async (id: string) => (await connections.get(id))?.status;

const causes: Record<'worked' | 'refused' | 'disconnected', (id: string, to: ConnectionStatus) => Promise<boolean>> = {
  worked: async (id, to) => connections.moveByRun(id, await runOf(id), to),
  refused: async (id) => connections.refused(id, (await connections.get(id))?.grantId ?? ''),
  disconnected: (id) => connections.disconnect(id),
};

test.each(Object.keys(causes) as (keyof typeof causes)[])(
  'the status moves as the table of the domain says and no other way: %s',
  async (cause) => {
    const { id } = await bound();
    for (const from of connectionStatuses) {
      for (const to of cause === 'worked' ? connectionStatuses : connectionMoves[cause].to) {
        await database.pool.query('UPDATE connection SET status = $2 WHERE id = $1', [id, from]);
        const repeated = cause === 'disconnected' && from === 'disconnected';
        expect(await causes[cause](id, to), `${from} to ${to}`).toBe(repeated || mayMove(cause, from, to));
        expect(await statusOf(id)).toBe(mayMove(cause, from, to) ? to : from);
      }
    }
  },
);

test('a run that was closed by a disconnect or by a new consent moves nothing any more', async () => {
  const { id, runId } = await bound();
  await connections.disconnect(id);
  expect(await connections.moveByRun(id, runId, 'backfilling')).toBe(false);
  const tenantId = (await connections.get(id))?.organisation?.id;
  expect(await connections.bindOrganisation(id, organisation(tenantId), await grant())).toBe('bound');
  expect(await connections.moveByRun(id, runId, 'paused')).toBe(false);
  expect(await statusOf(id)).toBe('syncingContacts');
});

test("Xero's refusal of an old grant does not end a connection that has a new one", async () => {
  const { id, grantId } = await bound();
  const tenantId = (await connections.get(id))?.organisation?.id;
  await connections.bindOrganisation(id, organisation(tenantId), await grant());
  expect(await connections.refused(id, grantId)).toBe(false);
  expect(await statusOf(id)).toBe('syncingContacts');
});

test('a connection that does not exist moves nowhere', async () => {
  expect(await connections.moveByRun(randomUUID(), 'a run', 'active')).toBe(false);
});

test('the first move to active is when the first full read was done, and later ones change nothing of that', async () => {
  const { id, runId } = await bound();
  expect((await connections.get(id))?.backfilledAt).toBeNull();
  await connections.moveByRun(id, runId, 'active');
  const first = await connections.get(id);
  expect(first?.backfilledAt).not.toBeNull();
  await connections.disconnect(id);
  await connections.bindOrganisation(id, organisation(first?.organisation?.id), await grant());
  expect(await connections.get(id)).toMatchObject({ status: 'active', backfilledAt: first?.backfilledAt });
});

test('a pending connection is taken back whole, and the company may go the other way then', async () => {
  const company = randomUUID();
  const id = await pending(company);
  await createLocations(database.pool).put(company, { id: 'north', name: 'North', synced: true });
  const north = { id: randomUUID(), companyId: company, direction: 'import' as const, locations: ['north'] };
  const syncFromDate = { chosen: false, date: null };
  expect(await connections.create({ ...north, syncFromDate })).toEqual({ created: false, because: 'otherWay' });
  expect(await connections.removeUnbound(id)).toBe(true);
  expect(await connections.get(id)).toBeNull();
  expect(await connections.create({ ...north, syncFromDate })).toEqual({ created: true });
  expect(await connections.get(north.id)).toMatchObject({ locations: ['north'] });
});

test('a bound connection is not taken back', async () => {
  const { id } = await bound();
  expect(await connections.removeUnbound(id)).toBe(false);
  expect(await statusOf(id)).toBe('syncingContacts');
});

test('of 20 connections that want one location at once one gets it', async () => {
  const company = randomUUID();
  await companies.put(company, 'Company');
  for (const id of ['north', 'south'])
    await createLocations(database.pool).put(company, { id, name: id, synced: true });
  const syncFromDate = { chosen: false, date: null };
  const wish = () => ({ id: randomUUID(), companyId: company, direction: 'import' as const, syncFromDate });
  const made = await Promise.all(
    Array.from({ length: 20 }, () => connections.create({ ...wish(), locations: ['north'] })),
  );
  expect(made.filter(({ created }) => created)).toHaveLength(1);
  const unknown = await connections.create({ ...wish(), locations: ['south', 'west'] });
  expect(unknown).toEqual({ created: false, because: 'unknownLocations', locations: ['west'] });
  expect(await connections.create({ ...wish(), locations: ['south'] })).toEqual({ created: true });
});

test('the other location of a company is refused the organisation of the first', async () => {
  const company = randomUUID();
  await companies.put(company, 'Company');
  const { tenantId } = organisation();
  const outcomes: string[] = [];
  for (const location of ['north', 'south']) {
    await createLocations(database.pool).put(company, { id: location, name: location, synced: true });
    const id = randomUUID();
    const syncFromDate = { chosen: false, date: null };
    await connections.create({ id, companyId: company, direction: 'import', locations: [location], syncFromDate });
    outcomes.push(await connections.bindOrganisation(id, organisation(tenantId), await grant()));
  }
  expect(outcomes).toEqual(['bound', 'organisation_taken']);
});

test('a link is to be ended at Xero until that is done, and a consent given meanwhile keeps its own', async () => {
  const { id } = await bound();
  const before = await connections.get(id);
  await connections.disconnect(id);
  const [link] = await connections.linksToEnd(id);
  if (link === undefined) throw new Error('there is no link to end');
  await connections.bindOrganisation(id, organisation(before?.organisation?.id), await grant());
  expect(await connections.linksToEnd(id)).toEqual([]);
  await connections.linkEnded(link);
  expect((await connections.get(id))?.grantId).not.toBeNull();

  await connections.disconnect(id);
  for (const now of await connections.linksToEnd(id)) await connections.linkEnded(now);
  expect(await connections.linksToEnd(id)).toEqual([]);
  expect((await connections.get(id))?.grantId).toBeNull();
});

test('a connection that was bound and whose first full read nobody started is found', async () => {
  const { id } = await bound();
  const owed = async () => (await connections.withoutBackfill()).some((connection) => connection.id === id);
  expect(await owed()).toBe(false);
  const tenantId = (await connections.get(id))?.organisation?.id;
  await connections.disconnect(id);
  await connections.bindOrganisation(id, organisation(tenantId), await grant());
  expect(await owed()).toBe(true);
});

test('a calendar date comes back as it went in, whatever zone the process runs in', async () => {
  const id = await pending();
  expect(await connections.chooseSyncFromDate(id, '2025-04-01')).toBe(true);
  expect((await connections.get(id))?.syncFromDate).toEqual({ chosen: true, date: '2025-04-01' });
});

test('of ten that choose the Sync From Date at once one does', async () => {
  const id = await pending();
  const dates = Array.from({ length: 10 }, (_, day) => `2025-04-${day + 10}`);
  const chosen = await Promise.all(dates.map((date) => connections.chooseSyncFromDate(id, date)));
  expect(chosen.filter(Boolean)).toHaveLength(1);
  expect((await connections.get(id))?.syncFromDate.date).toBe(dates[chosen.indexOf(true)]);
});

test('no SQL changes a Sync From Date that was chosen, all history neither', async () => {
  for (const date of ['2025-04-01', null]) {
    const id = await pending();
    await connections.chooseSyncFromDate(id, date);
    const change = (what: string) => database.pool.query(`UPDATE connection SET ${what} WHERE id = $1`, [id]);
    await expect(change(`sync_from_date = '2020-01-01'`)).rejects.toThrow('is fixed');
    await expect(change('sync_from_date_chosen = false, sync_from_date = NULL')).rejects.toThrow('is fixed');
    await change('sleeping_until = now()');
  }
});

test('of 20 companies that bind one organisation at once one gets it, and no refused grant is kept', async () => {
  const { tenantId } = organisation();
  const all = await Promise.all(
    Array.from({ length: 20 }, async () => ({ id: await pending(), grantId: await grant() })),
  );
  const outcomes = await Promise.all(
    all.map(({ id, grantId }) => connections.bindOrganisation(id, organisation(tenantId), grantId)),
  );
  expect(outcomes.filter((outcome) => outcome === 'bound')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'organisation_taken')).toHaveLength(19);
  for (const [index, { grantId }] of all.entries()) {
    expect(await grantStands(grantId)).toBe(outcomes[index] === 'bound');
  }
});

test('an organisation belongs to its company for good: a disconnect frees it for nobody else', async () => {
  const first = await pending();
  const { tenantId } = organisation();
  await connections.bindOrganisation(first, organisation(tenantId), await grant());
  await connections.disconnect(first);
  expect(await connections.bindOrganisation(await pending(), organisation(tenantId), await grant())).toBe(
    'organisation_taken',
  );
  expect(await connections.bindOrganisation(first, organisation(), await grant())).toBe('organisation_mismatch');
  expect(await connections.bindOrganisation(first, organisation(tenantId), await grant())).toBe('bound');
});

test('a new grant replaces the old one, which is forgotten', async () => {
  const id = await pending();
  const { tenantId } = organisation();
  const [old, fresh] = [await grant(), await grant()];
  await connections.bindOrganisation(id, organisation(tenantId), old);
  await connections.bindOrganisation(id, organisation(tenantId), fresh);
  expect((await connections.get(id))?.grantId).toBe(fresh);
  expect([await grantStands(old), await grantStands(fresh)]).toEqual([false, true]);
});

test('organisations are offered to a connection that has none, and a later consent replaces the offer', async () => {
  const id = await pending();
  const [old, fresh] = [await grant(), await grant()];
  expect(await connections.offerOrganisations(id, old, [organisation(), organisation()])).toBe(true);
  const offer = [organisation(), organisation()];
  expect(await connections.offerOrganisations(id, fresh, offer)).toBe(true);
  expect(new Set(await connections.offeredOrganisations(id))).toEqual(new Set(offer));
  expect(await grantStands(old)).toBe(false);
  const [chosen] = offer;
  if (chosen === undefined) throw new Error('two were offered');
  expect(await connections.bindOrganisation(id, chosen, fresh)).toBe('bound');
  expect(await connections.offeredOrganisations(id)).toEqual([]);
  expect(await connections.offerOrganisations(id, await grant(), offer)).toBe(false);
});

test("an organisation's facts are unknown until they were read", async () => {
  const id = await pending();
  const { tenantId } = organisation();
  await connections.bindOrganisation(id, organisation(tenantId), await grant());
  expect((await connections.get(id))?.organisation).toEqual({
    id: tenantId,
    name: 'Demo',
    baseCurrency: null,
    timeZone: null,
    countryCode: null,
  });
  const facts = { name: 'Demo Company (NZ)', baseCurrency: 'NZD', timeZone: 'Pacific/Auckland', countryCode: 'NZ' };
  await connections.saveOrganisationFacts(tenantId, facts);
  expect((await connections.get(id))?.organisation).toEqual({ id: tenantId, ...facts });
});

test('a connection shows its sleep, its last error, and its last success, which clears the error', async () => {
  const id = await pending();
  await connections.setSleeping(id, '2026-10-02T03:04:05.000Z');
  await connections.recordError(id, 'xero_unavailable');
  expect(await connections.get(id)).toMatchObject({
    sleepingUntil: '2026-10-02T03:04:05.000Z',
    lastError: { code: 'xero_unavailable', at: expect.stringMatching(/Z$/) },
  });
  expect((await connections.list({ limit: 5, lastError: 'xero_unavailable' })).data.map((one) => one.id)).toEqual([id]);
  await connections.setSleeping(id, null);
  await connections.recordSuccess(id);
  expect(await connections.get(id)).toMatchObject({
    sleepingUntil: null,
    lastError: null,
    lastSuccessfulSyncAt: expect.stringMatching(/Z$/),
  });
});
