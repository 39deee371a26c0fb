import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.js';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: unknown[];
  parameters?: { in: string; name: string; required?: boolean }[];
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

let api: Api;
let document: Document;
beforeAll(async () => {
  api = await startApi();
  document = (await api.app.inject('/openapi.json')).json();
});
afterAll(() => api.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test('the document covers every route of the API', () => {
  const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  const expected = [
    'PUT /v1/companies/{company}',
    'GET /v1/companies/{company}',
    'DELETE /v1/companies/{company}',
    'GET /v1/companies',
    'PUT /v1/companies/{company}/locations/{location}',
    'GET /v1/companies/{company}/locations/{location}',
    'DELETE /v1/companies/{company}/locations/{location}',
    'GET /v1/companies/{company}/locations',
    'POST /v1/connections',
    'GET /v1/connections',
    'GET /v1/connections/{id}',
    'PUT /v1/connections/{id}/sync-from-date',
    'DELETE /v1/connections/{id}',
    'POST /v1/connections/{id}/pause',
    'POST /v1/connections/{id}/resume',
    'POST /v1/connections/{id}/disconnect',
    'POST /v1/connections/{id}/reconnect',
    'POST /v1/connections/{id}/sync',
    'GET /v1/connections/{id}/payment-imports',
    'POST /v1/connections/{id}/payment-imports',
    'POST /v1/connections/{id}/payment-imports/{xeroPaymentId}/resolve',
    'POST /v1/connections/{id}/callback-secret',
    'GET /v1/connections/{id}/organisations',
    'POST /v1/connections/{id}/organisation',
    'GET /v1/oauth/xero/callback',
    'POST /v1/webhooks/xero',
    'POST /v1/connections/{id}/backfill',
    'GET /v1/connections/{id}/backfill',
    'POST /v1/connections/{id}/backfill/pause',
    'POST /v1/connections/{id}/backfill/resume',
    'POST /v1/connections/{id}/backfill/cancel',
    'GET /v1/connections/{id}/runs',
    'GET /v1/connections/{id}/runs/{runId}',
    'GET /v1/connections/{id}/budget',
    'GET /v1/connections/{id}/records/{stream}',
    'GET /v1/connections/{id}/records/{stream}/{xeroId}',
    'GET /v1/connections/{id}/reconciliation',
    'POST /v1/connections/{id}/previews',
    'GET /v1/previews/{id}',
    'GET /v1/previews/{id}/{group}',
    'POST /v1/connections/{id}/exports',
    'GET /v1/exports/{id}',
    'GET /v1/exports/{id}/rows',
    'POST /v1/exports/{id}/pause',
    'POST /v1/exports/{id}/resume',
    'POST /v1/exports/{id}/cancel',
    'GET /v1/changes',
    'GET /v1/connections/{id}/settings',
    'PATCH /v1/connections/{id}/settings',
    'GET /v1/connections/{id}/mapping-options',
    'PUT /v1/companies/{company}/documents/{kind}/{externalId}',
    'GET /v1/companies/{company}/documents/{kind}/{externalId}',
    'DELETE /v1/companies/{company}/documents/{kind}/{externalId}',
    'POST /v1/companies/{company}/documents',
    'GET /v1/companies/{company}/documents',
    'POST /v1/companies/{company}/documents/{kind}/{externalId}/resync',
    'POST /v1/companies/{company}/documents/{kind}/{externalId}/decide',
    'POST /v1/companies/{company}/documents/{kind}/{externalId}/exclude',
    'POST /v1/companies/{company}/documents/{kind}/{externalId}/include',
    'GET /v1/companies/{company}/documents/{kind}/{externalId}/attempts',
    'GET /v1/writes',
    'POST /v1/writes/pause',
    'POST /v1/writes/resume',
    'POST /v1/api-keys',
    'GET /v1/api-keys',
    'DELETE /v1/api-keys/{id}',
    'GET /v1/audit',
    'GET /health/live',
    'GET /health/ready',
  ];
  expect(described.sort()).toEqual(expected.sort());
});

test('every operation has an id of its own, a summary, a tag and a described answer for each status', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of operations()) {
    expect(operation.summary).toBeTruthy();
    expect(operation.tags).toHaveLength(1);
    for (const response of Object.values(operation.responses)) expect(response.description).toBeTruthy();
  }
});

test('every path parameter is declared and required', () => {
  for (const { path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name).sort()).toEqual(inPath.sort());
    for (const parameter of declared) expect(parameter.required).toBe(true);
  }
});

test('every changing call with a key takes Nightledger-Actor, and every POST that makes something an Idempotency-Key', () => {
  const taking = (header: string) =>
    operations()
      .filter(({ operation }) => operation.parameters?.some(({ in: at, name }) => at === 'header' && name === header))
      .map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  const changing = operations().filter(
    ({ path, method, operation }) => path.startsWith('/v1/') && method !== 'get' && !operation.security,
  );
  expect(taking('Nightledger-Actor')).toEqual(changing.map(({ path, method }) => `${method.toUpperCase()} ${path}`));
  expect(taking('Idempotency-Key')).toEqual([
    'POST /v1/connections',
    'POST /v1/connections/{id}/previews',
    'POST /v1/connections/{id}/exports',
    'POST /v1/companies/{company}/documents',
    'POST /v1/api-keys',
  ]);
});

test('what needs a key says so by answering 401 and 403 with a problem', () => {
  for (const { path, operation } of operations()) {
    if (operation.security) continue;
    expect(path).toMatch(/^\/v1\//);
    for (const status of ['401', '403', '422', '429', '500', '503']) {
      expect(operation.responses[status]?.content).toHaveProperty('application/problem+json');
    }
  }
});

test('every reference leads somewhere, and every named schema is used', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name as string,
  );
  expect(references).toContain('Connection');
  expect(new Set(references)).toEqual(new Set(Object.keys(document.components.schemas)));
});

test('the documentation is served from local files only', async () => {
  const page = await api.app.inject('/docs/');
  expect(page.statusCode).toBe(200);
  expect(page.body).not.toMatch(/(src|href)="https?:/);
  const script = /src="([^"]*swagger-ui-bundle\.js)"/.exec(page.body)?.[1] ?? '';
  expect((await api.app.inject(new URL(script, 'http://localhost/docs/').pathname)).statusCode).toBe(200);
});
