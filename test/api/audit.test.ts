import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

interface Row {
  route: string;
  status: number | null;
  [field: string]: unknown;
}
const audit = async (query = '', secret?: string): Promise<Row[]> =>
  (await api.call('GET', `/v1/audit?${query}`, undefined, secret)).json().data;

test('a changing call leaves one row: whose key, which person, about what, and how it ended', async () => {
  const { id } = await api.connect('a-1');
  const answer = await api.call('PATCH', `/v1/connections/${id}/settings`, { optionalStreams: [] }, undefined, {
    'nightledger-actor': 'person-9',
  });
  expect(answer.statusCode).toBe(200);
  const [patch, connect, put, ...more] = await audit('company=a-1');
  expect(more).toEqual([]);
  expect(patch).toEqual({
    id: expect.any(String),
    at: expect.any(String),
    keyId: expect.any(String),
    keyName: 'admin',
    actor: 'person-9',
    method: 'PATCH',
    route: '/v1/connections/:id/settings',
    pathIds: { id },
    company: 'a-1',
    connection: id,
    requestId: answer.headers['x-request-id'],
    status: 200,
    code: null,
  });
  expect(connect).toMatchObject({ method: 'POST', route: '/v1/connections', pathIds: {}, connection: id, status: 201 });
  expect(put).toMatchObject({ method: 'PUT', pathIds: { company: 'a-1' }, connection: null, status: 201 });
});

test('a refused call leaves a row with the code it was refused for; a call that only reads leaves none', async () => {
  const viewer = await api.key('viewer');
  const { id } = await api.connect('a-2');
  const actor = randomUUID();
  const named = { 'nightledger-actor': actor };
  await api.call('PUT', '/v1/companies/a-2', { name: 'x' }, viewer, named);
  await api.call('PUT', '/v1/companies/a-2', { name: 7 }, undefined, named);
  await api.call('PUT', '/v1/companies/%00', { name: 'x' }, undefined, named);
  await api.call('POST', `/v1/connections/${id}/backfill`, undefined, undefined, named);
  await api.call('POST', '/v1/connections/not-an-id/backfill', undefined, undefined, named);
  await api.call('GET', `/v1/connections/${id}`, undefined, undefined, named);
  expect((await audit(`actor=${actor}`)).map(({ status, code }) => [status, code])).toEqual([
    [404, 'not_found'],
    [409, 'connection_not_ready'],
    [404, 'not_found'],
    [422, 'invalid_request'],
    [403, 'forbidden'],
  ]);
});

test('while a call is in hand its row has no outcome, so one whose process died is seen', async () => {
  const { put } = api.deps.companies;
  const actor = randomUUID();
  let during: Row[] = [];
  api.deps.companies.put = async (...company) => {
    during = await audit(`actor=${actor}`);
    return put(...company);
  };
  await api.call('PUT', '/v1/companies/a-3', { name: 'Three' }, undefined, { 'nightledger-actor': actor });
  api.deps.companies.put = put;
  expect(during).toMatchObject([{ route: '/v1/companies/:company', pathIds: { company: 'a-3' }, status: null }]);
  expect(await audit(`actor=${actor}`)).toMatchObject([{ status: 201, company: 'a-3' }]);
});

test('without a row of audit nothing is changed, and a row that cannot be completed changes no answer', async () => {
  const { begin, end } = api.deps.audit;
  const away = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  api.deps.audit.begin = away;
  expect((await api.call('PUT', '/v1/companies/a-4', { name: 'Four' })).statusCode).toBe(503);
  api.deps.audit.begin = begin;
  expect((await api.call('GET', '/v1/companies/a-4')).statusCode).toBe(404);
  api.deps.audit.end = away;
  expect((await api.call('PUT', '/v1/companies/a-4', { name: 'Four' })).statusCode).toBe(201);
  api.deps.audit.end = end;
});

test('no body, no secret and no name of a customer stands in a row', async () => {
  const name = `Customer ${randomUUID()}`;
  await api.call('PUT', '/v1/companies/a-5', { name });
  const { secret } = (await api.call('POST', '/v1/api-keys', { name: 'Key', role: 'viewer', company: 'a-5' })).json();
  const state = (await api.connect('a-5')).state;
  const { rows } = await api.database.pool.query('SELECT audit::text AS row FROM audit');
  const all = rows.map(({ row }) => row).join('\n');
  for (const told of [name, secret, state]) expect(all).not.toContain(told);
});

test('the audit is read page by page, by company, connection and person, and a key of one company sees its own only', async () => {
  const own = await api.connect('a-own');
  const theirs = await api.connect('a-theirs');
  await api.call('POST', `/v1/connections/${theirs.id}/reconnect`);
  const secret = await api.key('admin', 'a-own');
  await api.call('POST', `/v1/connections/${theirs.id}/reconnect`, undefined, secret);
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = (await api.call('GET', `/v1/audit?limit=1${cursor}`, undefined, secret)).json();
    seen.push(...page.data.map((row: Row) => `${row.route} ${row.status}`));
    cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
  } while (cursor);
  expect(seen).toEqual(['/v1/connections/:id/reconnect 404', '/v1/connections 201', '/v1/companies/:company 201']);
  expect(await audit('company=a-theirs', secret)).toEqual([]);
  expect(await audit(`connection=${theirs.id}`, secret)).toEqual([]);
  expect((await audit(`connection=${own.id}`, secret)).map(({ route }) => route)).toEqual(['/v1/connections']);
  expect((await audit(`connection=${theirs.id}`)).map(({ route }) => route)).toEqual([
    '/v1/connections/:id/reconnect',
    '/v1/connections',
  ]);
  expect((await api.call('GET', '/v1/audit', undefined, await api.key('standard'))).statusCode).toBe(403);
});

test('a run tells which request and which person started it, whoever noted it first', async () => {
  const { id, state } = await api.connect('a-run');
  await api.callback({ state, code: api.xero.grant([organisation('Fern Ltd')]) });
  const runs = async () => (await api.call('GET', `/v1/connections/${id}/runs`)).json().data;
  expect(await runs()).toMatchObject([{ requestId: null, actor: null }]);
  api.temporal.running.clear();
  const { start } = api.temporal;
  api.temporal.start = async (backfill) => {
    const run = await start.call(api.temporal, backfill);
    // The run's own first step is quicker than the API.
    if (run !== 'alreadyDone') await api.deps.runs.start({ ...run, kind: 'backfill', connectionId: id });
    return run;
  };
  const asked = await api.call('POST', `/v1/connections/${id}/backfill`, undefined, undefined, {
    'nightledger-actor': 'person-9',
  });
  await api.call('POST', `/v1/connections/${id}/backfill`, undefined, undefined, { 'nightledger-actor': 'another' });
  api.temporal.start = start;
  const first = { requestId: asked.headers['x-request-id'], actor: 'person-9' };
  const { runId } = asked.json();
  expect((await api.call('GET', `/v1/connections/${id}/runs/${runId}`)).json()).toMatchObject(first);
  expect(await runs()).toMatchObject([first, { requestId: null, actor: null }]);
});
