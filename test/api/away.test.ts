import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKeys } from '../../db/apiKeys.js';
import { createAudit } from '../../db/audit.js';
import { createCallBudget } from '../../db/budget.js';
import { createCompanies } from '../../db/companies.js';
import { createFeed } from '../../db/feed.js';
import { createMirror } from '../../db/mirror.js';
import { createPool } from '../../db/pool.js';
import { createRuns } from '../../db/runs.js';
import { connectionsIn } from '../support/connections.js';
import { type Api, organisation, startApi } from './harness.js';

/** Keys are still found: everything behind them has lost Postgres. */
let api: Api;
const lost = createPool('postgres://nobody@127.0.0.1:1/none');
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => {
  await lost.end();
  await api.close();
});

function expectAway(answer: Awaited<ReturnType<Api['call']>>, what: string) {
  expect([what, answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([
    what,
    503,
    'unavailable',
    '5',
  ]);
}

test('with Postgres away every family of calls answers 503 with Retry-After', async () => {
  const { find } = api.deps.apiKeys;
  Object.assign(api.deps, {
    companies: createCompanies(lost),
    connections: connectionsIn(lost),
    runs: createRuns(lost),
    mirror: createMirror(lost),
    feed: createFeed(lost),
    budget: createCallBudget(lost),
  });
  Object.assign(api.deps.apiKeys, createApiKeys(lost), { find });
  Object.assign(api.deps.audit, { list: createAudit(lost).list });
  const id = randomUUID();
  const reads = [
    '/v1/companies',
    '/v1/companies/c',
    '/v1/connections',
    `/v1/connections/${id}`,
    `/v1/connections/${id}/organisations`,
    `/v1/connections/${id}/settings`,
    `/v1/connections/${id}/backfill`,
    `/v1/connections/${id}/runs`,
    `/v1/connections/${id}/runs/any`,
    `/v1/connections/${id}/budget`,
    `/v1/connections/${id}/records/invoices`,
    '/v1/changes',
    '/v1/changes?wait=60s',
    '/v1/changes?after=latest',
    '/v1/api-keys',
    '/v1/audit',
  ];
  for (const path of reads) expectAway(await api.call('GET', path), path);
  const changes = [
    ['PUT', '/v1/companies/c', { name: 'C' }],
    ['POST', '/v1/connections', { company: 'c', direction: 'import' }],
    ['PUT', `/v1/connections/${id}/sync-from-date`, { syncFromDate: null }],
    ['POST', `/v1/connections/${id}/reconnect`, undefined],
    ['POST', `/v1/connections/${id}/organisation`, { tenantId: id }],
    ['PATCH', `/v1/connections/${id}/settings`, { optionalStreams: [] }],
    ['POST', `/v1/connections/${id}/backfill`, undefined],
    ['POST', `/v1/connections/${id}/backfill/pause`, undefined],
    ['POST', '/v1/api-keys', { name: 'x', role: 'viewer' }],
    ['DELETE', `/v1/api-keys/${id}`, undefined],
  ] as const;
  for (const [method, path, body] of changes) expectAway(await api.call(method, path, body), `${method} ${path}`);
});

test('with Postgres away not even the key is found, and that is 503 too and no 401', async () => {
  const other = await startApi({ apiKeys: createApiKeys(lost) });
  expectAway(await other.call('GET', '/v1/companies'), 'the key');
  await other.close();
});

test('with Temporal away every call that needs it answers 503 with Retry-After', async () => {
  const other = await startApi();
  const { id, state } = await other.connect('t-1');
  await other.callback({ state, code: other.xero.grant([organisation('Fern Ltd')]) });
  const away = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  Object.assign(other.temporal, { start: away, pause: away, resume: away, cancel: away, connectionChanged: away });
  for (const step of ['', '/pause', '/resume', '/cancel']) {
    expectAway(await other.call('POST', `/v1/connections/${id}/backfill${step}`), `backfill${step}`);
  }
  expectAway(await other.call('PUT', `/v1/connections/${id}/sync-from-date`, { syncFromDate: null }), 'date');
  await other.close();
});
