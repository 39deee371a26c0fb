/**
 * Random lives of competing connections against a small model of rules.md, "Who is connected to whom". The model knows
 * nothing of the code: it says what each step must answer and leave behind, and what must never be.
 * NIGHTLEDGER_PROPERTY_RUNS and NIGHTLEDGER_PROPERTY_SEED say how many lives, and which.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBookkeepingActivities } from '../../activities/bookkeeping.js';
import type { ConnectionStatus } from '../../domain/connection.js';
import type { Mirror, Runs } from '../../domain/ports.js';
import { type Api, startApi, stateOf } from './harness.js';

const numRuns = Number(process.env.NIGHTLEDGER_PROPERTY_RUNS ?? 15);
const seed = Number(process.env.NIGHTLEDGER_PROPERTY_SEED ?? 20261122);

let api: Api;
let books: ReturnType<typeof createBookkeepingActivities>;
let stranger: string;
let tables: string[];
beforeAll(async () => {
  api = await startApi({ requestsPerMinute: 1_000_000_000 });
  const { connections, locations, runs } = api.deps;
  books = createBookkeepingActivities({
    connections,
    locations,
    runs: runs as Runs,
    schedules: api.deps.schedules,
    outboxBells: api.deps.outboxBells,
    work: { ringOutbox: (bell) => api.temporal.outboxes.ring(bell) },
    mirror: api.deps.mirror as Mirror,
    organisationFacts: () => {
      throw new Error('no organisation is read here');
    },
  });
  await api.call('PUT', '/v1/companies/stranger', { name: 'Stranger' });
  stranger = await api.key('admin', 'stranger');
  const { rows } = await api.database.pool.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
  );
  tables = rows.map(({ name }) => name);
});
afterAll(() => api.close());

/** Statuses in which the organisation is bound and Xero takes the calls. */
const living = [
  'syncingContacts',
  'awaitingSyncFromDate',
  'awaitingAccountCodes',
  'awaitingLocations',
  'awaitingDate',
  'backfilling',
  'active',
  'paused',
] as const satisfies ConnectionStatus[];
const lives = (status: string) => (living as readonly string[]).includes(status);

interface Run {
  workflowId: string;
  runId: string;
  kind: 'backfill' | 'sync';
  connectionId: string;
}

/** What a connection must be. */
interface Model {
  id: string;
  status: ConnectionStatus;
  org: number | null;
  offered: number[];
  /** Undefined: not chosen. */
  date: string | null | undefined;
  paused: boolean;
  backfilled: boolean;
  /** Consents under way. */
  states: string[];
  run: Run | null;
  /** Runs that were ended or closed. */
  late: Run[];
  /** First full reads that were started. */
  starts: number;
}

interface Place {
  company: string;
  location: string | null;
  connection: Model | null;
  /** What a deletion left. */
  buried: { org: number; date: string | null | undefined } | null;
}

type Take = <T>(list: readonly T[]) => T;
interface World {
  places: Place[];
  orgs: { tenantId: string; name: string; link: string }[];
  /** To whom an organisation belongs, for ever. */
  owner: Map<number, string>;
  /** Consents of connections that are gone. */
  orphans: string[];
  take: Take;
}
interface Step {
  what: keyof typeof steps;
  place: number;
  choice: number;
}

const dates = [null, '2025-04-01', '2026-10-01', '2030-01-01'];

function newWorld(): World {
  const company = () => `company-${randomUUID()}`;
  const [whole, other, split] = [company(), company(), company()];
  const place = (of: string, location: string | null): Place => ({
    company: of,
    location,
    connection: null,
    buried: null,
  });
  return {
    places: [place(whole, null), place(other, null), place(split, 'north'), place(split, 'south')],
    orgs: ['A', 'B', 'C'].map((name) => ({ tenantId: randomUUID(), name, link: randomUUID() })),
    owner: new Map(),
    orphans: [],
    take: () => {
      throw new Error('a step takes by its own choice');
    },
  };
}

/** What a step takes of a list follows from its one number. */
function taking(choice: number): Take {
  let rest = choice;
  return (list) => {
    const taken = list[rest % list.length];
    rest = Math.floor(rest / list.length);
    return taken as (typeof list)[number];
  };
}

async function expectAnswer(answer: ReturnType<Api['call']>, status: number, code?: string) {
  const { statusCode, body } = await answer;
  const told = body === '' ? {} : JSON.parse(body);
  expect([statusCode, told.code], api.log.slice(-2).join('')).toEqual([status, code]);
  return told;
}

const url = ({ id }: Model, more = '') => `/v1/connections/${id}${more}`;

/** Why this place may not have this organisation. */
function refusal(world: World, place: Place, connection: Model, org: number): string | null {
  if (connection.org !== null && connection.org !== org) return 'organisation_mismatch';
  const owner = world.owner.get(org);
  if (owner !== undefined && owner !== place.company) return 'organisation_taken';
  if (place.buried !== null && place.buried.org !== org) return 'organisation_mismatch';
  const elsewhere = world.places.some((other) => other !== place && other.connection?.org === org);
  return elsewhere ? 'organisation_taken' : null;
}

/** A run that was in hand may do nothing more. */
function close(connection: Model): void {
  if (connection.run !== null) connection.late.push(connection.run);
  connection.run = null;
}

function readAgain(connection: Model): void {
  connection.starts += 1;
  const runId = api.temporal.running.get(connection.id)?.runId ?? 'none';
  connection.run = { workflowId: `backfill:${connection.id}`, runId, kind: 'backfill', connectionId: connection.id };
}

function bound(world: World, place: Place, connection: Model, org: number): void {
  world.owner.set(org, place.company);
  connection.org = org;
  connection.offered = [];
  const wasLiving = lives(connection.status);
  if (!wasLiving) {
    close(connection);
    connection.status = connection.backfilled ? 'active' : 'syncingContacts';
  }
  if (!connection.backfilled && connection.run === null) readAgain(connection);
}

async function consentState(world: World, { states, ...connection }: Model): Promise<string> {
  if (states.length === 0) {
    const { consentUrl } = await expectAnswer(api.call('POST', `/v1/connections/${connection.id}/reconnect`), 200);
    return stateOf(consentUrl);
  }
  const state = world.take(states);
  states.splice(states.indexOf(state), 1);
  return state;
}

async function endRun(connection: Model, run: Run, outcome: 'completed' | 'cancelled' | 'xero_auth_failed') {
  const inHand = connection.run === run;
  if (inHand) api.temporal.running.delete(connection.id);
  await books.endRun(run, outcome);
  if (!inHand) return;
  close(connection);
  if (outcome === 'completed') [connection.status, connection.backfilled] = ['active', true];
  else connection.status = outcome === 'cancelled' ? 'paused' : 'authFailed';
}

/** The run in hand, or one that is closed and does not know it yet. */
function anyRun(world: World, { run, late }: Model): Run | undefined {
  return world.take([run, run, late.at(-1)]) ?? undefined;
}

type Act = (world: World, place: Place, connection: Model) => Promise<void>;

async function connect(world: World, place: Place): Promise<void> {
  const { company, location, buried } = place;
  await api.call('PUT', `/v1/companies/${company}`, { name: company });
  if (location !== null) await api.call('PUT', `/v1/companies/${company}/locations/${location}`, { name: location });
  const date = world.take([undefined, ...dates]);
  const asked = api.call('POST', '/v1/connections', {
    company,
    direction: 'import',
    ...(location !== null && { locations: [location] }),
    ...(date !== undefined && { syncFromDate: date }),
  });
  if (place.connection !== null) {
    const { existing } = await expectAnswer(asked, 409, 'already_connected');
    expect(existing).toBe(place.connection.id);
    return;
  }
  if (date !== undefined && buried?.date !== undefined && buried.date !== date) {
    await expectAnswer(asked, 409, 'sync_from_date_fixed');
    return;
  }
  const { id, consentUrl } = await expectAnswer(asked, 201);
  place.connection = {
    id,
    status: 'pending',
    org: null,
    offered: [],
    date,
    paused: false,
    backfilled: false,
    states: [stateOf(consentUrl)],
    run: null,
    late: [],
    starts: 0,
  };
}

async function consent(world: World, place: Place, connection: Model, scopes?: string[]): Promise<void> {
  const own = [connection.org ?? place.buried?.org ?? world.places.indexOf(place) % 3];
  const covered = world.take([own, own, own, own, [0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]);
  const ownLinks = world.take([true, false]);
  const organisations = covered.map((org) => {
    const { link, ...organisation } = world.orgs[org] as World['orgs'][number];
    return { ...organisation, xeroConnectionId: ownLinks ? randomUUID() : link };
  });
  const state = await consentState(world, connection);
  const page = await api.callback({ code: api.xero.grant(organisations, scopes), state });
  if (scopes !== undefined) return expect(page.statusCode).toBe(403);
  const meant = connection.org ?? (covered.length === 1 ? covered[0] : null);
  if (meant === null) {
    expect(page.statusCode).toBe(200);
    [connection.status, connection.offered] = ['choosingOrganisation', covered];
    return;
  }
  const org = covered.includes(meant as number) ? (meant as number) : null;
  const refused = org === null ? 'organisation_mismatch' : refusal(world, place, connection, org);
  expect(page.statusCode).toBe(refused === null ? 200 : 409);
  for (const { company } of world.places) if (refused !== null) expect(page.body).not.toContain(company);
  if (refused === null) bound(world, place, connection, org as number);
  else connection.offered = connection.offered.filter((offered) => offered !== org);
}

const steps = {
  connect,
  consent: (world, place, connection) => consent(world, place, connection),
  consentLacking: (world, place, connection) => consent(world, place, connection, ['openid']),

  async ask(_world, _place, connection) {
    const { consentUrl } = await expectAnswer(api.call('POST', url(connection, '/reconnect')), 200);
    connection.states.push(stateOf(consentUrl));
  },

  async deny(world, _place, connection) {
    const page = await api.callback({ error: 'access_denied', state: await consentState(world, connection) });
    expect(page.statusCode).toBe(403);
  },

  async choose(world, place, connection) {
    const org = world.take([0, 1, 2]);
    const { tenantId } = world.orgs[org] as World['orgs'][number];
    const asked = api.call('POST', url(connection, '/organisation'), { tenantId });
    if (connection.status !== 'choosingOrganisation') return expectAnswer(asked, 409, 'connection_not_ready');
    if (!connection.offered.includes(org)) return expectAnswer(asked, 422, 'invalid_request');
    const refused = refusal(world, place, connection, org);
    if (refused === null) {
      await expectAnswer(asked, 200);
      return bound(world, place, connection, org);
    }
    connection.offered = connection.offered.filter((offered) => offered !== org);
    await expectAnswer(asked, 409, refused);
  },

  async date(world, { buried }, connection) {
    const date = world.take(dates);
    const asked = api.call('PUT', url(connection, '/sync-from-date'), { syncFromDate: date });
    const fixed = connection.date !== undefined || (buried?.date !== undefined && buried.date !== date);
    await (fixed ? expectAnswer(asked, 409, 'sync_from_date_fixed') : expectAnswer(asked, 200));
    if (!fixed) connection.date = date;
  },

  async disconnect(world, _place, connection) {
    api.xero.away = world.take([null, null, new Error('Xero is away')]);
    const asked = api.call('POST', url(connection, '/disconnect'));
    if (connection.org === null) await expectAnswer(asked, 409, 'connection_pending');
    else {
      await expectAnswer(asked, 200);
      close(connection);
      connection.status = 'disconnected';
    }
    api.xero.away = null;
  },

  async work(world, _place, connection) {
    const run = anyRun(world, connection);
    const to = world.take(living.filter((status) => status !== 'active'));
    if (run === undefined) return;
    await books.enterStatus(run, to);
    if (run === connection.run) connection.status = to;
  },

  async complete(world, _place, connection) {
    const run = anyRun(world, connection);
    if (run !== undefined) await endRun(connection, run, 'completed');
  },

  async cancel(world, _place, connection) {
    const run = anyRun(world, connection);
    if (run !== undefined) await endRun(connection, run, 'cancelled');
  },

  /** Xero's answer to whichever run asks first. */
  async revoke(world, _place, connection) {
    const run = anyRun(world, connection);
    if (run !== undefined) return endRun(connection, run, 'xero_auth_failed');
    if (connection.org === null) return;
    const { id } = connection;
    const sync: Run = { workflowId: `sync:${id}`, runId: randomUUID(), kind: 'sync', connectionId: id };
    const open = await books.startRun(sync);
    expect(open !== null).toBe(lives(connection.status));
    if (open === null) return;
    await books.endRun(sync, 'xero_auth_failed');
    connection.status = 'authFailed';
    close(connection);
    api.temporal.running.delete(id);
  },

  async pause(_world, _place, connection) {
    const asked = api.call('POST', url(connection, '/pause'));
    if (connection.org === null) return expectAnswer(asked, 409, 'connection_pending');
    if (!lives(connection.status)) return expectAnswer(asked, 409, 'connection_not_ready');
    expect((await expectAnswer(asked, 200)).status).toBe('paused');
    connection.paused = true;
  },

  async resume(_world, _place, connection) {
    const asked = api.call('POST', url(connection, '/resume'));
    if (connection.org === null) return expectAnswer(asked, 409, 'connection_pending');
    if (!lives(connection.status)) return expectAnswer(asked, 409, 'connection_not_ready');
    await expectAnswer(asked, 200);
    connection.paused = false;
    if (connection.status === 'paused' && connection.run === null) readAgain(connection);
  },

  async takeBack(world, place, connection) {
    const asked = api.call('DELETE', url(connection));
    if (connection.org !== null) return expectAnswer(asked, 409, 'connection_final');
    await expectAnswer(asked, 204);
    world.orphans.push(...connection.states);
    place.connection = null;
  },

  async deleteCompany(world, { company }) {
    const gone = world.places.filter((place) => place.company === company);
    await expectAnswer(api.call('DELETE', `/v1/companies/${company}`), 202);
    await expectAnswer(
      api.call('PUT', `/v1/companies/${company}`, { name: 'Too early' }),
      409,
      'company_being_deleted',
    );
    for (const { connection } of gone) await lastTry(world, connection);
    await api.finishDeletion(company);
    const ids = gone.flatMap(({ connection }) => (connection === null ? [] : [connection.id]));
    for (const place of gone) {
      const { connection } = place;
      if (connection?.org != null) place.buried = { org: connection.org, date: connection.date ?? place.buried?.date };
      if (connection?.org != null && connection.date === null) place.buried = { org: connection.org, date: null };
      world.orphans.push(...(connection?.states ?? []));
      place.connection = null;
    }
    const left = tables.map((table) => `SELECT '${table}' AS name FROM ${table} t WHERE t::text LIKE ANY ($1)`);
    const { rows } = await api.database.pool.query(left.join(' UNION ALL '), [
      [company, ...ids].map((id) => `%${id}%`),
    ]);
    expect(rows).toEqual([]);
  },

  restart: () => api.restart(),
} satisfies Record<string, Act>;

/** Whoever comes while a company is being deleted finds nothing. */
async function lastTry(world: World, connection: Model | null): Promise<void> {
  if (connection === null) return;
  await expectAnswer(api.call('GET', url(connection)), 404, 'not_found');
  await expectAnswer(api.call('POST', url(connection, '/reconnect')), 404, 'not_found');
  const state = connection.states.pop();
  if (state === undefined) return;
  const [{ link, ...organisation }] = world.orgs as [World['orgs'][number]];
  const code = api.xero.grant([{ ...organisation, xeroConnectionId: randomUUID() }]);
  expect((await api.callback({ code, state })).statusCode).toBe(400);
}

async function tryOrphan(world: World): Promise<void> {
  const state = world.orphans.pop();
  if (state === undefined) return;
  const [{ link, ...organisation }] = world.orgs as [World['orgs'][number]];
  const code = api.xero.grant([{ ...organisation, xeroConnectionId: link }]);
  expect((await api.callback({ code, state })).statusCode).toBe(400);
}

interface Row {
  id: string;
  company_id: string;
  status: string;
  organisation_id: string | null;
  owner: string | null;
  xero_connection_id: string | null;
  chosen: boolean;
  date: string | null;
  paused: boolean;
  backfilled: boolean;
}

async function check(world: World, touched: Place, endedBefore: number): Promise<void> {
  const { rows } = await api.database.pool.query<Row>(
    `SELECT c.id, c.company_id, c.status, c.organisation_id, o.company_id AS owner, c.xero_connection_id,
            c.sync_from_date_chosen AS chosen, c.sync_from_date::text AS date, c.paused_at IS NOT NULL AS paused,
            c.backfilled_at IS NOT NULL AS backfilled
       FROM connection c LEFT JOIN organisation o ON o.id = c.organisation_id WHERE c.company_id = ANY ($1)`,
    [world.places.map(({ company }) => company)],
  );
  const connected = world.places.filter(({ connection }) => connection !== null);
  expect(rows).toHaveLength(connected.length);
  for (const place of connected) checkRow(world, place, rows);
  if (touched.connection !== null) await checkView(world, touched.connection);
  const bound = rows.flatMap(({ organisation_id }) => organisation_id ?? []);
  expect(new Set(bound).size).toBe(bound.length);
  const endedNow = api.xero.ended.slice(endedBefore);
  for (const row of rows) if (lives(row.status)) expect(endedNow).not.toContain(row.xero_connection_id);
  const unused = 'SELECT FROM oauth_grant g WHERE NOT EXISTS (SELECT FROM connection WHERE grant_id = g.id)';
  expect((await api.database.pool.query(unused)).rows).toEqual([]);
}

function checkRow(world: World, { company, connection }: Place, rows: readonly Row[]): void {
  const model = connection as Model;
  const row = rows.find(({ id }) => id === model.id);
  const tenantId = model.org === null ? null : world.orgs[model.org]?.tenantId;
  expect(row).toMatchObject({
    company_id: company,
    status: model.status,
    organisation_id: tenantId,
    owner: model.org === null ? null : company,
    chosen: model.date !== undefined,
    date: model.date ?? null,
    paused: model.paused,
    backfilled: model.backfilled,
  });
  expect(api.temporal.started.filter(({ connectionId }) => connectionId === model.id)).toHaveLength(model.starts);
}

/** To its own people, and to those of another company. */
async function checkView(world: World, model: Model): Promise<void> {
  const shown = await expectAnswer(api.call('GET', url(model)), 200);
  expect(shown.status).toBe(model.paused && lives(model.status) ? 'paused' : model.status);
  expect(shown.organisation?.id ?? null).toBe(model.org === null ? null : world.orgs[model.org]?.tenantId);
  await expectAnswer(api.call('GET', url(model), undefined, stranger), 404, 'not_found');
}

async function live(life: readonly Step[]): Promise<void> {
  const world = newWorld();
  api.temporal.started.length = 0;
  for (const { what, place: at, choice } of life) {
    const place = world.places[at] as Place;
    world.take = taking(choice);
    const ended = api.xero.ended.length;
    if (place.connection === null) await connect(world, place);
    else await (steps[what] as Act)(world, place, place.connection);
    await tryOrphan(world);
    await check(world, place, ended);
  }
  await api.database.pool.query('DELETE FROM audit');
}

const weights: Record<keyof typeof steps, number> = {
  connect: 1,
  consent: 14,
  consentLacking: 2,
  ask: 3,
  deny: 2,
  choose: 6,
  date: 4,
  disconnect: 5,
  work: 4,
  complete: 4,
  cancel: 3,
  revoke: 4,
  pause: 2,
  resume: 3,
  takeBack: 2,
  deleteCompany: 5,
  restart: 1,
};
const what = fc.oneof(
  ...Object.entries(weights).map(([name, weight]) => ({
    weight,
    arbitrary: fc.constant(name as keyof typeof steps),
  })),
);
const step = fc.record({ what, place: fc.nat({ max: 3 }), choice: fc.nat({ max: 10_000_000 }) });

test('whatever happens to competing connections, an organisation, a date and a company keep to what they were', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), live), {
    numRuns,
    seed,
    // Shrinking takes longer than looking at a life of forty steps.
    endOnFailure: numRuns > 1000,
  });
}, 3_600_000);
