import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBookkeepingActivities } from '../../activities/bookkeeping.js';
import { companyTables, tablesWithoutCompanies } from '../../db/deletion.js';
import { pastSyncFromDateWarning } from '../../domain/connection.js';
import type { ConsentedOrganisation, Mirror, OutboxBell, Runs } from '../../domain/ports.js';
import { XeroFault } from '../../domain/problems.js';
import { contents } from '../support/documents.js';
import { type Api, organisation, startApi, stateOf } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const company = () => randomUUID();
const url = (id: string, more = '') => `/v1/connections/${id}${more}`;
const actor = { 'nightledger-actor': 'user:1' };

/** What an answer says in short: its status and its code. */
async function told(answer: ReturnType<Api['call']>): Promise<[number, string | undefined]> {
  const { statusCode, body } = await answer;
  return [statusCode, body === '' ? undefined : JSON.parse(body).code];
}

const post = (path: string, body?: object, secret?: string) => api.call('POST', path, body, secret, actor);
const shown = async (id: string) => (await api.call('GET', url(id))).json();

interface Bound {
  id: string;
  company: string;
  own: ConsentedOrganisation;
}

async function connected(of: string = company(), own = organisation('Own'), more = {}): Promise<Bound> {
  const { id, state } = await api.connect(of, more);
  expect((await api.callback({ code: api.xero.grant([own]), state })).statusCode).toBe(200);
  return { id, company: of, own };
}

async function reconsent(id: string, organisations: ConsentedOrganisation[]) {
  const { consentUrl } = (await post(url(id, '/reconnect'))).json();
  return api.callback({ code: api.xero.grant(organisations), state: stateOf(consentUrl) });
}

async function located(of: string, ...locations: string[]): Promise<void> {
  await api.call('PUT', `/v1/companies/${of}`, { name: 'Located' });
  for (const location of locations) {
    await api.call('PUT', `/v1/companies/${of}/locations/${location}`, { name: location });
  }
}

const connect = (of: string, more: object = {}) =>
  post('/v1/connections', { company: of, direction: 'import', ...more });

async function removed(of: string): Promise<void> {
  expect((await api.call('DELETE', `/v1/companies/${of}`)).statusCode).toBe(202);
  await api.finishDeletion(of);
}

function bookkeeping() {
  const { connections, locations, schedules, outboxBells } = api.deps;
  const work = { ringOutbox: (bell: OutboxBell) => api.temporal.outboxes.ring(bell) };
  const [runs, mirror] = [api.deps.runs as Runs, api.deps.mirror as Mirror];
  const organisationFacts = () => ({ name: '', baseCurrency: '', timeZone: 'UTC', countryCode: '' });
  return createBookkeepingActivities({
    ...{ connections, locations, runs, mirror, schedules, organisationFacts, outboxBells, work },
  });
}

describe('a connection that nothing is bound to yet', () => {
  test('is taken back: its offers are given back to Xero, and the company is free to connect again', async () => {
    const of = company();
    const { id, state } = await api.connect(of);
    const offered = [organisation('Red'), organisation('Blue')];
    await api.callback({ code: api.xero.grant(offered), state });
    expect(await told(api.call('DELETE', url(id)))).toEqual([204, undefined]);
    for (const { xeroConnectionId } of offered) expect(api.xero.ended).toContain(xeroConnectionId);
    expect(await told(api.call('GET', url(id)))).toEqual([404, 'not_found']);
    expect(await told(connect(of))).toEqual([201, undefined]);
  });

  test('is taken back without ending a link by which another connection lives or is being chosen', async () => {
    const { own } = await connected();
    const choosing = organisation('Choosing');
    const other = await api.connect(company());
    await api.callback({ code: api.xero.grant([choosing, organisation('More')]), state: other.state });
    const { id, state } = await api.connect(company());
    await api.callback({ code: api.xero.grant([own, choosing]), state });
    await api.call('DELETE', url(id));
    expect(api.xero.ended).not.toContain(own.xeroConnectionId);
    expect(api.xero.ended).not.toContain(choosing.xeroConnectionId);
  });

  test('is final once an organisation is bound, also after a disconnect', async () => {
    const { id } = await connected();
    expect(await told(api.call('DELETE', url(id)))).toEqual([409, 'connection_final']);
    await post(url(id, '/disconnect'));
    expect(await told(api.call('DELETE', url(id)))).toEqual([409, 'connection_final']);
  });

  test.each(['disconnect', 'pause', 'resume'])('has nothing to %s', async (step) => {
    const { id } = await api.connect(company());
    expect(await told(post(url(id, `/${step}`)))).toEqual([409, 'connection_pending']);
  });

  test('keeps what it offers when a later consent is refused, and the links that go with it', async () => {
    const { id, state } = await api.connect(company());
    const offered = [organisation('Red'), organisation('Blue')] as const;
    await api.callback({ code: api.xero.grant([...offered]), state });
    const { consentUrl } = (await post(url(id, '/reconnect'))).json();
    const lacking = api.xero.grant([...offered], ['openid']);
    expect((await api.callback({ code: lacking, state: stateOf(consentUrl) })).statusCode).toBe(403);
    for (const { xeroConnectionId } of offered) expect(api.xero.ended).not.toContain(xeroConnectionId);
    expect(await told(post(url(id, '/organisation'), { tenantId: offered[0].tenantId }))).toEqual([200, undefined]);
  });
});

describe('disconnecting', () => {
  test('keeps the data, closes the runs and ends the link at Xero by its own id; again it does no harm', async () => {
    const { id, own } = await connected();
    const read = 'SELECT count(*) FROM organisation WHERE id = $1';
    for (let time = 0; time < 3; time += 1) {
      expect((await post(url(id, '/disconnect'))).json()).toMatchObject({
        status: 'disconnected',
        organisation: { id: own.tenantId },
        running: [],
      });
    }
    expect(api.xero.ended.filter((link) => link === own.xeroConnectionId)).toHaveLength(1);
    expect(api.temporal.running.has(id)).toBe(false);
    expect((await api.call('GET', url(id, '/runs'))).json().data).toMatchObject([{ outcome: 'cancelled' }]);
    expect((await api.database.pool.query(read, [own.tenantId])).rows).toEqual([{ count: '1' }]);
  });

  test('holds while Xero is away: its link is left to be ended, and asking again ends it', async () => {
    const { id, own } = await connected();
    api.xero.away = new XeroFault('timeout');
    expect((await post(url(id, '/disconnect'))).json().status).toBe('disconnected');
    expect(await api.deps.connections.linksToEnd(id)).toMatchObject([{ xeroConnectionId: own.xeroConnectionId }]);
    api.xero.away = null;
    await post(url(id, '/disconnect'));
    expect(api.xero.ended).toContain(own.xeroConnectionId);
    expect(await api.deps.connections.linksToEnd(id)).toEqual([]);
  });

  test('ends nothing of another connection', async () => {
    const [one, other] = [await connected(), await connected()];
    await post(url(one.id, '/disconnect'));
    expect(api.xero.ended).not.toContain(other.own.xeroConnectionId);
    expect((await shown(other.id)).status).toBe('syncingContacts');
  });
});

describe('reconnecting', () => {
  test.each(['disconnected', 'living'])('to another organisation is refused while %s', async (state) => {
    const { id, own } = await connected();
    if (state === 'disconnected') await post(url(id, '/disconnect'));
    const before = (await shown(id)).status;
    expect((await reconsent(id, [organisation('Other')])).statusCode).toBe(409);
    expect((await reconsent(id, [organisation('Other'), organisation('Third')])).statusCode).toBe(409);
    expect(await shown(id)).toMatchObject({
      status: before,
      organisation: { id: own.tenantId },
      lastError: { code: 'organisation_mismatch' },
    });
  });

  test('to an organisation of another company names that company nowhere', async () => {
    const theirs = await connected();
    const { id, company: mine } = await connected();
    const page = await reconsent(id, [theirs.own]);
    const view = JSON.stringify(await shown(id));
    for (const text of [page.body, view]) {
      expect(text).not.toContain(theirs.company);
      expect(text).not.toContain(theirs.id);
    }
    expect(view).toContain(mine);
    expect(api.xero.ended).not.toContain(theirs.own.xeroConnectionId);
  });

  test('after the first full read brings changes only, and never reads all again', async () => {
    const { id, own } = await connected();
    await api.stand(id, 'active');
    await post(url(id, '/disconnect'));
    const reads = api.temporal.started.length;
    expect((await reconsent(id, [{ ...own, xeroConnectionId: randomUUID() }])).statusCode).toBe(200);
    expect((await shown(id)).status).toBe('active');
    expect(api.temporal.started).toHaveLength(reads);
    expect(api.temporal.syncs.running.has(id)).toBe(true);
  });
});

describe('pausing', () => {
  test('shows as paused, in lists too, and keeps the status beneath, which reading moves on', async () => {
    const { id, company: of } = await connected();
    expect((await post(url(id, '/pause'))).json().status).toBe('paused');
    const run = api.temporal.running.get(id);
    const reference = { ...run, kind: 'backfill', connectionId: id } as never;
    await bookkeeping().enterStatus(reference, 'backfilling');
    expect((await shown(id)).status).toBe('paused');
    const listed = async (status: string) =>
      (await api.call('GET', `/v1/connections?company=${of}&status=${status}`)).json().data.length;
    expect([await listed('paused'), await listed('backfilling')]).toEqual([1, 0]);
    expect((await post(url(id, '/resume'))).json().status).toBe('backfilling');
  });

  test('ends no run, and resuming starts a first full read that was cancelled', async () => {
    const { id } = await connected();
    const { runId, workflowId } = api.temporal.running.get(id) as { runId: string; workflowId: string };
    await post(url(id, '/pause'));
    expect(api.temporal.running.has(id)).toBe(true);
    api.temporal.running.delete(id);
    await bookkeeping().endRun({ workflowId, runId, kind: 'backfill', connectionId: id }, 'cancelled');
    expect((await shown(id)).status).toBe('paused');
    await post(url(id, '/resume'));
    expect(api.temporal.running.get(id)?.runId).not.toBe(runId);
    expect((await shown(id)).running).toHaveLength(1);
  });

  test('asks for a connection that lives', async () => {
    const { id } = await connected();
    await post(url(id, '/disconnect'));
    for (const step of ['pause', 'resume']) {
      expect(await told(post(url(id, `/${step}`)))).toEqual([409, 'connection_not_ready']);
    }
  });
});

describe('locations', () => {
  test('are made, renamed, listed by id, marked as not synced and removed', async () => {
    const of = company();
    await located(of, 'south', 'north');
    const path = `/v1/companies/${of}/locations`;
    expect((await api.call('PUT', `${path}/north`, { name: 'Far North', synced: false })).statusCode).toBe(200);
    expect((await api.call('GET', `${path}/north`)).json()).toEqual({
      id: 'north',
      name: 'Far North',
      synced: false,
      connectionId: null,
    });
    const ids = (await api.call('GET', path)).json().data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['north', 'south']);
    expect(await told(api.call('DELETE', `${path}/north`))).toEqual([204, undefined]);
    expect(await told(api.call('GET', `${path}/north`))).toEqual([404, 'not_found']);
    expect(await told(api.call('DELETE', `${path}/north`))).toEqual([404, 'not_found']);
  });

  test('that a connection covers are not removed', async () => {
    const of = company();
    await located(of, 'north');
    const { id } = (await connect(of, { locations: ['north'] })).json();
    const path = `/v1/companies/${of}/locations/north`;
    expect((await api.call('GET', path)).json().connectionId).toBe(id);
    expect(await told(api.call('DELETE', path))).toEqual([409, 'location_connected']);
  });

  test('and the whole company exclude each other, until a pending connection is taken back', async () => {
    const [whole, split] = [company(), company()];
    await located(whole, 'north');
    await located(split, 'north');
    await connect(whole);
    const { id } = (await connect(split, { locations: ['north'] })).json();
    expect(await told(connect(whole, { locations: ['north'] }))).toEqual([409, 'sync_by_fixed']);
    expect(await told(connect(split))).toEqual([409, 'sync_by_fixed']);
    await api.call('DELETE', url(id));
    expect(await told(connect(split))).toEqual([201, undefined]);
  });

  test('that are unknown are named, and nothing is made', async () => {
    const of = company();
    await located(of, 'north');
    const answer = await connect(of, { locations: ['north', 'west', 'east'] });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors).toMatchObject([
      { field: 'locations', message: expect.stringContaining('west, east') },
    ]);
    expect((await api.call('GET', `/v1/connections?company=${of}`)).json().data).toEqual([]);
  });

  test('of another connection are 409 with the id of that one', async () => {
    const of = company();
    await located(of, 'north', 'south');
    const { id } = (await connect(of, { locations: ['north'] })).json();
    const again = await connect(of, { locations: ['south', 'north'] });
    expect([again.statusCode, again.json()]).toMatchObject([409, { code: 'already_connected', existing: id }]);
  });

  test('cannot share an organisation', async () => {
    const of = company();
    await located(of, 'north', 'south');
    const { own } = await connected(of, organisation('Shared'), { locations: ['north'] });
    const south = await api.connect(of, { locations: ['south'] });
    const page = await api.callback({ code: api.xero.grant([own]), state: south.state });
    expect(page.statusCode).toBe(409);
    expect(await shown(south.id)).toMatchObject({ status: 'pending', lastError: { code: 'organisation_taken' } });
    expect(api.xero.ended).not.toContain(own.xeroConnectionId);
  });

  test('are awaited until each is connected, removed or marked as not synced, and the reads are told', async () => {
    const of = company();
    await located(of, 'east', 'north', 'south', 'west');
    const { id } = await connected(of, organisation('North'), { locations: ['north'] });
    const awaited = () => bookkeeping().awaitedLocations(id);
    expect(await awaited()).toBe(3);
    const path = `/v1/companies/${of}/locations`;
    for (const [left, act] of [
      [2, () => connected(of, organisation('South'), { locations: ['south'] })],
      [1, () => api.call('DELETE', `${path}/east`)],
      [0, () => api.call('PUT', `${path}/west`, { name: 'West', synced: false })],
    ] as const) {
      api.temporal.signals.length = 0;
      await act();
      expect(await awaited()).toBe(left);
      if (left < 2) expect(api.temporal.signals).toContain('connectionChanged');
    }
  });
});

describe('what needs a person', () => {
  test('is found by attention, whether a choice is waited for or the last work did not end well', async () => {
    const of = company();
    await located(of, 'failed', 'fine', 'refused', 'waits');
    const made: Record<string, string> = {};
    for (const name of ['failed', 'fine', 'refused', 'waits']) {
      made[name] = (await connected(of, organisation(name), { locations: [name] })).id;
    }
    await api.deps.connections.recordError(made.failed as string, 'could_not_sync');
    await api.stand(made.refused as string, 'authFailed');
    await api.stand(made.waits as string, 'awaitingSyncFromDate');
    const listed = async (attention: boolean) => {
      const { data } = (await api.call('GET', `/v1/connections?company=${of}&attention=${attention}`)).json();
      return data.map(({ locations }: { locations: string[] }) => locations[0]).sort();
    };
    expect(await listed(true)).toEqual(['failed', 'refused', 'waits']);
    expect(await listed(false)).toEqual(['fine']);
    expect((await shown(made.failed as string)).lastError).toMatchObject({
      code: 'could_not_sync',
      message: expect.any(String),
      remedy: expect.any(String),
    });
  });

  test('is counted by reason', async () => {
    const { id } = await connected();
    expect((await shown(id)).needsPerson).toEqual([]);
    await api.database.pool.query(
      `INSERT INTO stream_cursor (connection_id, stream, status, set_aside)
       VALUES ($1, 'invoices', 'failed', 2), ($1, 'contacts', 'complete', 1)`,
      [id],
    );
    expect((await shown(id)).needsPerson).toMatchObject([
      { reason: 'streamsFailed', count: 1 },
      { reason: 'recordsSetAside', count: 3 },
    ]);
  });
});

describe('the Sync From Date', () => {
  const path = (id: string) => url(id, '/sync-from-date');
  const set = (id: string, syncFromDate: string | null) => api.call('PUT', path(id), { syncFromDate });

  /** Midday in UTC of 1 October is the 2nd in Auckland and still the 1st in Los Angeles. */
  test.each([
    ['Pacific/Auckland', '2026-10-01', true],
    ['Pacific/Auckland', '2026-10-02', false],
    ['America/Los_Angeles', '2026-09-30', true],
    ['America/Los_Angeles', '2026-10-01', false],
    ['America/Los_Angeles', '2026-10-02', false],
    ['Pacific/Auckland', null, true],
  ])('in %s, %s: warns of the past is %s, by the day it is there', async (timeZone, date, warns) => {
    const { id, own } = await connected();
    const facts = { name: 'Own', baseCurrency: 'NZD', countryCode: null, timeZone };
    await api.deps.connections.saveOrganisationFacts(own.tenantId, facts);
    expect((await set(id, date)).json()).toEqual({
      syncFromDate: date,
      warnings: warns ? [pastSyncFromDateWarning] : [],
    });
  });

  test('is fixed for a second call, a reconnect and plain SQL', async () => {
    const { id, own } = await connected();
    expect(await told(set(id, '2026-10-01'))).toEqual([200, undefined]);
    expect(await told(set(id, '2026-10-02'))).toEqual([409, 'sync_from_date_fixed']);
    await post(url(id, '/disconnect'));
    await reconsent(id, [{ ...own, xeroConnectionId: randomUUID() }]);
    expect(await told(set(id, null))).toEqual([409, 'sync_from_date_fixed']);
    const sql = `UPDATE connection SET sync_from_date = '2020-01-01' WHERE id = $1`;
    await expect(api.database.pool.query(sql, [id])).rejects.toThrow('is fixed');
    expect((await shown(id)).syncFromDate).toBe('2026-10-01');
  });

  test('is fixed for the same company made again after its deletion, at connecting and after', async () => {
    const { company: of, own } = await connected(company(), organisation('Dated'), { syncFromDate: '2026-10-01' });
    await removed(of);
    await api.call('PUT', `/v1/companies/${of}`, { name: 'Again' });
    expect(await told(connect(of, { syncFromDate: null }))).toEqual([409, 'sync_from_date_fixed']);
    const { id } = await connected(of, own);
    expect(await told(set(id, '2025-01-01'))).toEqual([409, 'sync_from_date_fixed']);
    expect(await told(set(id, '2026-10-01'))).toEqual([200, undefined]);
  });

  test('is fixed also where it was chosen only in the second life of the company', async () => {
    const { company: of, own } = await connected();
    await removed(of);
    const { id } = await connected(of, own);
    expect(await told(set(id, '2026-10-01'))).toEqual([200, undefined]);
    await removed(of);
    await api.call('PUT', `/v1/companies/${of}`, { name: 'Third' });
    expect(await told(connect(of, { syncFromDate: '2025-01-01' }))).toEqual([409, 'sync_from_date_fixed']);
  });
});

describe('deleting a company', () => {
  test('is answered at once, and from then on nobody finds anything of it', async () => {
    const of = company();
    await located(of, 'north', 'south');
    const { id } = await connected(of, organisation('North'), { locations: ['north'] });
    const pending = await api.connect(of, { locations: ['south'] });
    const own = await api.key('admin', of);
    const run = await api.call('DELETE', `/v1/companies/${of}`);
    expect([run.statusCode, run.json().workflowId]).toEqual([202, `delete:${of}`]);
    for (const secret of [undefined, own]) {
      for (const path of [`/v1/companies/${of}`, `/v1/companies/${of}/locations`, url(id), url(pending.id, '/runs')]) {
        expect(await told(api.call('GET', path, undefined, secret))).toEqual([404, 'not_found']);
      }
      expect((await api.call('GET', `/v1/connections?company=${of}`, undefined, secret)).json().data).toEqual([]);
      expect(await told(connect(of, { locations: ['south'] }))).toEqual([404, 'not_found']);
      const put = api.call('PUT', `/v1/companies/${of}`, { name: 'Too early' }, secret);
      expect(await told(put)).toEqual([409, 'company_being_deleted']);
    }
    expect(await told(api.call('DELETE', `/v1/companies/${of}`))).toEqual([202, undefined]);
    await api.finishDeletion(of);
    expect(await told(api.call('DELETE', `/v1/companies/${of}`))).toEqual([404, 'not_found']);
    expect(await told(api.call('GET', '/v1/companies', undefined, own))).toEqual([401, 'unauthorised']);
  });

  test('takes no consent any more, not even one whose code is being exchanged as it begins', async () => {
    const [early, late] = [await api.connect(company()), company()];
    const { id, state } = await api.connect(late);
    const wanted = organisation('Wanted');
    const { exchange } = api.xero;
    api.xero.exchange = async (...asked) => {
      await api.call('DELETE', `/v1/companies/${late}`);
      return exchange.apply(api.xero, asked);
    };
    const page = await api.callback({ code: api.xero.grant([wanted]), state });
    api.xero.exchange = exchange;
    expect(page.statusCode).toBe(409);
    expect(api.xero.ended).toContain(wanted.xeroConnectionId);
    expect(api.temporal.running.has(id)).toBe(false);
    await api.finishDeletion(late);
    // Nothing was bound, so nothing is held back from the next.
    expect((await api.callback({ code: api.xero.grant([wanted]), state: early.state })).statusCode).toBe(200);
  });

  test('ends its links at Xero, those too that are only offered, and no link of another', async () => {
    const other = await connected();
    const of = company();
    await located(of, 'north', 'south');
    const { own } = await connected(of, organisation('North'), { locations: ['north'] });
    const offered = organisation('Offered');
    const { state } = await api.connect(of, { locations: ['south'] });
    await api.callback({ code: api.xero.grant([offered, other.own]), state });
    await removed(of);
    expect(api.xero.ended).toContain(own.xeroConnectionId);
    expect(api.xero.ended).toContain(offered.xeroConnectionId);
    expect(api.xero.ended).not.toContain(other.own.xeroConnectionId);
  });

  test('leaves its organisation to the same company, and the company to that organisation', async () => {
    const { company: of, own } = await connected();
    await removed(of);
    const thief = await api.connect(company());
    expect((await api.callback({ code: api.xero.grant([own]), state: thief.state })).statusCode).toBe(409);
    expect((await shown(thief.id)).lastError.code).toBe('organisation_taken');
    const { id, state } = await api.connect(of);
    expect((await api.callback({ code: api.xero.grant([organisation('Other')]), state })).statusCode).toBe(409);
    expect((await shown(id)).lastError.code).toBe('organisation_mismatch');
    expect((await reconsent(id, [own])).statusCode).toBe(200);
    expect((await shown(id)).organisation.id).toBe(own.tenantId);
  });

  test('leaves it to sync as a whole, or location by location, as it did', async () => {
    const { company: of } = await connected();
    await removed(of);
    await located(of, 'north');
    expect(await told(connect(of, { locations: ['north'] }))).toEqual([409, 'sync_by_fixed']);
  });

  test('is not held up by what a late writer stored in a table that was emptied already', async () => {
    const { id, company: of } = await connected();
    const { empty } = api.deletion;
    await api.call('DELETE', `/v1/companies/${of}`);
    for (const { table } of companyTables) {
      if (table === 'connection') {
        const late = `INSERT INTO call_tally (connection_id, run_id, stream) VALUES ($1, 'late', 'invoices')`;
        await api.database.pool.query(late, [id]);
      }
      if (table === 'company') {
        await api.database.pool.query(`INSERT INTO location (company_id, id, name) VALUES ($1, 'late', 'Late')`, [of]);
      }
      await empty(of, table);
    }
    expect((await api.database.pool.query('SELECT FROM company WHERE id = $1', [of])).rows).toEqual([]);
  });
});

describe('every table', () => {
  test('is known to the deletion of companies, as one of theirs or as one without', async () => {
    const { rows } = await api.database.pool.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT SIMILAR TO 'record_[0-9]+'`,
    );
    const known = [...companyTables.map(({ table }) => table), ...Object.keys(tablesWithoutCompanies)];
    expect(rows.map(({ name }) => name).sort()).toEqual(known.sort());
  });

  test('holds something of a company that has everything, and nothing once it was deleted', async () => {
    const of = `company-${randomUUID()}`;
    const ids = await companyWithEverything(of);
    const rowsOf = async (table: string) => {
      const { rows } = await api.database.pool.query(`SELECT FROM ${table} AS it WHERE it::text LIKE ANY ($1)`, [
        [of, ...ids].map((id) => `%${id}%`),
      ]);
      return rows.length;
    };
    for (const { table } of companyTables) expect([table, await rowsOf(table)]).not.toEqual([table, 0]);
    const grants = 'SELECT FROM oauth_grant WHERE NOT EXISTS (SELECT FROM connection WHERE grant_id = oauth_grant.id)';
    await removed(of);
    for (const table of [...companyTables.map(({ table }) => table), ...Object.keys(tablesWithoutCompanies)]) {
      expect([table, await rowsOf(table)]).toEqual([table, 0]);
    }
    expect((await api.database.pool.query(grants)).rows).toEqual([]);
  });
});

/** @returns the ids by which its rows are known. */
async function companyWithEverything(of: string): Promise<string[]> {
  await located(of, 'north', 'south');
  const { id, own } = await connected(of, organisation('North'), { locations: ['north'] });
  const south = await api.connect(of, { locations: ['south'] });
  await api.callback({ code: api.xero.grant([organisation('Red'), organisation('Blue')]), state: south.state });
  await api.key('viewer', of);
  const body = { company: of, direction: 'import', locations: ['north'] };
  await api.call('POST', '/v1/connections', body, undefined, { 'idempotency-key': randomUUID() });
  await api.call('PUT', `/v1/companies/${of}/locations/bad`, { name: 17 });
  const { pool } = api.database;
  const runId = api.temporal.running.get(id)?.runId;
  const ofConnection = (table: string) =>
    `INSERT INTO ${table} (connection_id, run_id, stream) VALUES ($1, $2, 'contacts')`;
  for (const table of ['call_tally', 'record_tally']) await pool.query(ofConnection(table), [id, runId]);
  await pool.query(`INSERT INTO stream_cursor (connection_id, stream) VALUES ($1, 'contacts')`, [id]);
  await pool.query(`INSERT INTO run_sleep (run_id, reason, until) VALUES ($1, 'a test', now())`, [runId]);
  const ofOrganisation = [
    `INSERT INTO record (organisation_id, stream, xero_id, body, read_at) VALUES ($1, 'contacts', 'c-1', '{}', now())`,
    `INSERT INTO set_aside (organisation_id, stream, body_hash, body, read_at) VALUES ($1, 'contacts', '', '', now())`,
    `INSERT INTO organisation_budget (organisation_id, state) VALUES ($1, '{}') ON CONFLICT DO NOTHING`,
    `INSERT INTO webhook_event (organisation_id, stream, resource_id, type, at)
     VALUES ($1, 'contacts', gen_random_uuid(), 'UPDATE', now())`,
  ];
  for (const sql of ofOrganisation) await pool.query(sql, [own.tenantId]);
  const documentId = await aDocumentOf(of, id, own.tenantId);
  const previewId = await aPreviewOf(id, documentId);
  return [id, south.id, own.tenantId, documentId, previewId, ...(runId === undefined ? [] : [runId])];
}

/** A preview of one row, exported. */
async function aPreviewOf(connectionId: string, documentId: string): Promise<string> {
  const { pool } = api.database;
  const previewId = randomUUID();
  await pool.query('INSERT INTO preview (id, connection_id) VALUES ($1, $2)', [previewId, connectionId]);
  await pool.query(
    `INSERT INTO preview_row (preview_id, place, group_name, document_id) VALUES ($1, 1, 'contacts', $2)`,
    [previewId, documentId],
  );
  await pool.query(
    `INSERT INTO export (id, preview_id, connection_id, actor) VALUES (gen_random_uuid(), $1, $2, 'user:1')`,
    [previewId, connectionId],
  );
  return previewId;
}

describe('what was saved before the connection was ready', () => {
  test('goes when the first full read is done, and what a lost bell left lying after each sync', async () => {
    const { id, company: of } = await connected();
    const bell = { connectionId: id, companyId: of };
    const document = `/v1/companies/${of}/documents/contact/c-1`;
    expect((await api.call('PUT', document, contents.contact)).json()).toMatchObject({ code: 'connection_not_active' });
    expect(api.temporal.outboxes.rung).not.toContainEqual(bell);
    const { runId, workflowId } = api.temporal.running.get(id) as { runId: string; workflowId: string };
    await bookkeeping().endRun({ workflowId, runId, kind: 'backfill', connectionId: id }, 'completed');
    expect(api.temporal.outboxes.rung).toContainEqual(bell);
    expect((await api.call('GET', document)).json()).toMatchObject({ state: 'queued', code: null });
    api.temporal.outboxes.rung.length = 0;
    const sync = { workflowId: `sync:${id}`, runId: randomUUID(), kind: 'sync', connectionId: id } as const;
    await bookkeeping().startRun(sync);
    await bookkeeping().endRun(sync, 'completed');
    expect(api.temporal.outboxes.rung).toEqual([bell]);
  });

  test('is not rung for any more once the connection ends: its outbox is ended too', async () => {
    const { id } = await connected();
    await post(url(id, '/disconnect'));
    expect(api.temporal.outboxes.cancelled).toContain(id);
  });
});

/** One that was sent. @returns its id */
async function aDocumentOf(of: string, connectionId: string, organisationId: string): Promise<string> {
  const { pool } = api.database;
  await api.stand(connectionId, 'active');
  await api.call('PUT', `/v1/companies/${of}/documents/invoice/i-1`, { ...contents.invoice, location: 'north' });
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM document WHERE company_id = $1', [of]);
  const { id = '' } = rows[0] ?? {};
  await pool.query(`UPDATE document SET organisation_id = $2, xero_id = 'i-1' WHERE id = $1`, [id, organisationId]);
  await pool.query(
    `WITH call AS (
       INSERT INTO push_call (id, connection_id, organisation_id, method, path, body_hash)
       VALUES (gen_random_uuid(), $2, $3, 'PUT', 'Invoices', '') RETURNING id)
     INSERT INTO push_attempt (id, document_id, version, attempt, push_call_id) SELECT gen_random_uuid(), $1, 1, 1, id FROM call`,
    [id, connectionId, organisationId],
  );
  await pool.query(
    `INSERT INTO payment_import (organisation_id, xero_payment_id, company_id, connection_id, state, amount, claimed_at,
                                 settled_at, document_id)
     VALUES ($1, gen_random_uuid(), $2, $3, 'imported', 1, now(), now(), $4)`,
    [organisationId, of, connectionId, id],
  );
  await pool.query('INSERT INTO balance_told VALUES ($1, $2, 1)', [id, of]);
  return id;
}

describe('syncing now', () => {
  test('starts, joins the one in hand, and asks for a person', async () => {
    const { id } = await connected();
    const first = await post(url(id, '/sync'));
    expect([first.statusCode, first.json()]).toMatchObject([202, { workflowId: `sync:${id}`, alreadyRunning: false }]);
    const second = await post(url(id, '/sync'), { mode: 'full' });
    expect(second.json()).toEqual({ ...first.json(), alreadyRunning: true });
    expect((await shown(id)).running.map(({ kind }: { kind: string }) => kind).sort()).toEqual(['backfill', 'sync']);
    const unsigned = await api.call('POST', url(id, '/sync'));
    expect([unsigned.statusCode, unsigned.json().errors[0].field]).toEqual([422, 'Nightledger-Actor']);
  });

  test('is refused before the consent, after a disconnect and after Xero refused the connection', async () => {
    const { id: pending } = await api.connect(company());
    const [{ id: ended }, { id: refused }] = [await connected(), await connected()];
    await post(url(ended, '/disconnect'));
    await api.stand(refused, 'authFailed');
    for (const id of [pending, ended, refused]) {
      expect(await told(post(url(id, '/sync')))).toEqual([409, 'connection_not_ready']);
    }
  });
});

interface Operation {
  operationId: string;
  requestBody?: object;
}

describe('a key of another company', () => {
  /** Bodies that are valid: a route with a body that is not named here fails, and is to be named. */
  const bodies: Record<string, object> = {
    putCompany: { name: 'Mine now' },
    putLocation: { name: 'Mine now' },
    setSyncFromDate: { syncFromDate: null },
    chooseOrganisation: { tenantId: randomUUID() },
    changeSettings: { partPayments: true },
    putDocument: contents.contact,
    saveDocuments: { documents: [{ kind: 'contact', externalId: 'c-1', ...contents.contact }] },
    decideDocument: { action: 'send' },
    resolvePaymentImport: { outcome: 'ignored', note: 'Mine now' },
    startExport: { previewId: randomUUID() },
  };
  /** The same for what an address must ask. */
  const queries: Record<string, string> = { reconcile: '?kind=invoice&month=2026-01' };

  test('finds nothing in any route that names a company, a connection or a key, and changes nothing', async () => {
    const of = company();
    await located(of, 'north');
    const { id } = await connected(of, organisation('North'), { locations: ['north'] });
    await api.call('PUT', `/v1/companies/${of}/documents/contact/c-1`, contents.contact);
    await api.call('PUT', '/v1/companies/stranger', { name: 'Stranger' });
    const [stranger, theirs] = [await api.key('admin', 'stranger'), await keyOf(of)];
    const everything = async () => ({
      connection: await shown(id),
      settings: (await api.call('GET', url(id, '/settings'))).json(),
      company: (await api.call('GET', `/v1/companies/${of}`)).json(),
      location: (await api.call('GET', `/v1/companies/${of}/locations/north`)).json(),
      documents: (await api.call('GET', `/v1/companies/${of}/documents`)).json(),
    });
    const before = await everything();
    const { paths } = (await api.app.inject('/openapi.json')).json();
    const named = Object.entries<Record<string, Operation>>(paths).filter(([path]) => /\{(company|id)\}/.test(path));
    const ids = {
      ...{ company: of, location: 'north', stream: 'contacts', xeroId: 'x-1', runId: 'r-1', group: 'bills' },
      ...{ kind: 'contact', externalId: 'c-1', xeroPaymentId: randomUUID() },
    };
    const answers: Record<string, unknown> = {};
    for (const [path, methods] of named) {
      const at = Object.entries({ ...ids, id: path.startsWith('/v1/api-keys/') ? theirs : id });
      const filled = at.reduce((left, [name, value]) => left.replace(`{${name}}`, value), path);
      expect(filled).not.toContain('{');
      for (const [method, operation] of Object.entries(methods)) {
        const body = operation.requestBody && bodies[operation.operationId];
        const address = `${filled}${queries[operation.operationId] ?? ''}`;
        const asked = api.call(method.toUpperCase() as 'GET', address, body, stranger, actor);
        answers[operation.operationId] = await told(asked);
      }
    }
    const expected = Object.keys(answers).map((operation) => [operation, [404, 'not_found']]);
    expect(answers).toEqual(Object.fromEntries(expected));
    expect(Object.keys(answers)).toContain('disconnect');
    expect(await everything()).toEqual(before);
  });

  test('finds nothing in any list, and connects no other company', async () => {
    const { company: of } = await connected();
    await api.call('PUT', '/v1/companies/stranger', { name: 'Stranger' });
    const stranger = await api.key('admin', 'stranger');
    for (const path of ['/v1/connections', '/v1/audit', '/v1/companies', '/v1/api-keys']) {
      expect((await api.call('GET', `${path}?limit=100`, undefined, stranger)).body).not.toContain(of);
      const { data } = (await api.call('GET', `${path}?company=${of}&q=${of}`, undefined, stranger)).json();
      expect(JSON.stringify(data)).not.toContain(of);
    }
    const body = { company: of, direction: 'import' };
    expect(await told(post('/v1/connections', body, stranger))).toEqual([404, 'not_found']);
  });
});

async function keyOf(of: string): Promise<string> {
  const made = await api.call('POST', '/v1/api-keys', { name: 'Theirs', role: 'viewer', company: of });
  return made.json().id;
}
