import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** What every problem holds; `code` is compared by the caller. */
function expectProblem(answer: Awaited<ReturnType<Api['call']>>, status: number, code: string) {
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json()).toMatchObject({
    type: `urn:nightledger:problem:${code}`,
    title: expect.any(String),
    status,
    code,
    remedy: expect.any(String),
    requestId: answer.headers['x-request-id'],
  });
}

test('no key, a made-up key, a key of another kind and a revoked key are 401 with a challenge', async () => {
  const revoked = await api.key('admin');
  await api.database.pool.query(
    `UPDATE api_key SET revoked_at = clock_timestamp() WHERE secret_hash = sha256(convert_to($1, 'UTF8'))`,
    [revoked],
  );
  const headers = [undefined, 'Bearer made-up', 'Bearer ', `Basic ${revoked}`, `Bearer ${revoked}`];
  for (const authorization of headers) {
    const answer = await api.app.inject({ url: '/v1/companies', ...(authorization && { headers: { authorization } }) });
    expectProblem(answer, 401, 'unauthorised');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  }
});

test('a viewer reads and is 403 for what connects and configures; so are standard and adviser', async () => {
  const { id } = await api.connect('role-company');
  for (const role of ['viewer', 'standard', 'adviser'] as const) {
    const secret = await api.key(role);
    expect((await api.call('GET', `/v1/connections/${id}`, undefined, secret)).statusCode).toBe(200);
    const forbidden = [
      ['PUT', '/v1/companies/x', { name: 'X' }],
      ['POST', '/v1/connections', { company: 'role-company', direction: 'import' }],
      ['PUT', `/v1/connections/${id}/sync-from-date`, { syncFromDate: null }],
      ['POST', `/v1/connections/${id}/backfill`, undefined],
    ] as const;
    for (const [method, path, body] of forbidden) {
      expectProblem(await api.call(method, path, body, secret), 403, 'forbidden');
    }
  }
});

test("another company's things are 404 to a key of one company, and stand in none of its lists", async () => {
  const theirs = await api.connect('theirs');
  const own = await api.connect('own');
  const secret = await api.key('admin', 'own');
  const paths = [
    '/v1/companies/theirs',
    `/v1/connections/${theirs.id}`,
    `/v1/connections/${theirs.id}/organisations`,
    `/v1/connections/${theirs.id}/backfill`,
    `/v1/connections/${theirs.id}/runs`,
    `/v1/connections/${theirs.id}/runs/any`,
    `/v1/connections/${theirs.id}/budget`,
    `/v1/connections/${theirs.id}/records/invoices`,
    `/v1/connections/${theirs.id}/records/invoices/any`,
  ];
  for (const path of paths) expectProblem(await api.call('GET', path, undefined, secret), 404, 'not_found');
  const changes = [
    ['PUT', '/v1/companies/theirs', { name: 'Mine now' }],
    ['POST', '/v1/connections', { company: 'theirs', direction: 'import' }],
    ['PUT', `/v1/connections/${theirs.id}/sync-from-date`, { syncFromDate: null }],
    ['POST', `/v1/connections/${theirs.id}/organisation`, { tenantId: randomUUID() }],
    ['POST', `/v1/connections/${theirs.id}/reconnect`, undefined],
    ['POST', `/v1/connections/${theirs.id}/backfill`, undefined],
    ['POST', `/v1/connections/${theirs.id}/backfill/pause`, undefined],
    ['POST', `/v1/connections/${theirs.id}/backfill/resume`, undefined],
    ['POST', `/v1/connections/${theirs.id}/backfill/cancel`, undefined],
  ] as const;
  for (const [method, path, body] of changes) {
    expectProblem(await api.call(method, path, body, secret), 404, 'not_found');
  }
  const ids = async (path: string) =>
    (await api.call('GET', path, undefined, secret)).json().data.map((row: { id: string }) => row.id);
  expect(await ids('/v1/companies')).toEqual(['own']);
  expect(await ids('/v1/connections')).toEqual([own.id]);
  expect(await ids('/v1/connections?company=theirs')).toEqual([]);
});

test('an unknown route, an unknown id and an id that is none are 404', async () => {
  const paths = [
    '/nothing',
    '/v1/nothing',
    `/v1/connections/${randomUUID()}`,
    '/v1/connections/42',
    '/v1/companies/unknown',
    `/v1/connections/${randomUUID()}/records/nosuchstream`,
    '/v1/companies/%E0%A4%A',
    `/v1/companies/${'x'.repeat(300)}`,
  ];
  for (const path of paths) expectProblem(await api.call('GET', path), 404, 'not_found');
});

test('an invalid body is 422 and names each field', async () => {
  const answer = await api.call('POST', '/v1/connections', {
    company: '',
    direction: 'sideways',
    syncFromDate: '2025-02-30',
    returnUrl: 'nowhere',
  });
  expectProblem(answer, 422, 'invalid_request');
  expect(
    answer
      .json()
      .errors.map((error: { field: string }) => error.field)
      .sort(),
  ).toEqual(['company', 'direction', 'returnUrl', 'syncFromDate']);
});

test('a body that is missing or no object is 422, and text that Postgres cannot hold is too', async () => {
  const post = (payload?: string) =>
    api.call('GET', '/v1/companies').then(() =>
      api.app.inject({
        method: 'PUT',
        url: '/v1/companies/a',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...(payload !== undefined && { payload }),
      }),
    );
  const secret = await api.key('admin');
  for (const payload of [undefined, '', '[]', '"x"', 'null', '{"name":"a\\u0000b"}', '{"name":7}']) {
    expectProblem(await post(payload), 422, 'invalid_request');
  }
});

test('invalid limits, cursors and filters are 422', async () => {
  const queries = ['limit=0', 'limit=1000', 'limit=x', 'cursor=x', `cursor=${encoded(['a', 'b', 'c'])}`, 'status=odd'];
  for (const query of queries) {
    expectProblem(await api.call('GET', `/v1/connections?${query}`), 422, 'invalid_request');
  }
  expectProblem(await api.call('GET', `/v1/connections?cursor=${encoded(['now', 'x'])}`), 422, 'invalid_request');
  expectProblem(await api.call('GET', `/v1/companies?cursor=${encoded(['a\u0000'])}`), 422, 'invalid_request');
});

test('JSON that is none is 400, an unknown type 415, too large a body 413', async () => {
  const secret = await api.key('admin');
  const put = (type: string, payload: string) =>
    api.app.inject({
      method: 'PUT',
      url: '/v1/companies/a',
      headers: { authorization: `Bearer ${secret}`, 'content-type': type },
      payload,
    });
  expectProblem(await put('application/json', '{"name":'), 400, 'invalid_json');
  expectProblem(await put('application/json', '{"__proto__":{"name":"x"}}'), 400, 'invalid_json');
  expectProblem(await put('text/plain', 'name'), 415, 'unsupported_media_type');
  expectProblem(await put('application/json', `{"name":"${'x'.repeat(2_000_000)}"}`), 413, 'body_too_large');
});

test('what goes wrong on our side is 500 and tells nothing of it', async () => {
  const { get } = api.deps.companies;
  api.deps.companies.get = () => Promise.reject(new Error('relation "secret_table" does not exist'));
  const answer = await api.call('GET', '/v1/companies/a');
  api.deps.companies.get = get;
  expectProblem(answer, 500, 'internal');
  expect(answer.body).not.toContain('secret_table');
  expect(api.log.join('')).toContain('secret_table');
});

test('Postgres being away is 503 with Retry-After', async () => {
  const { get } = api.deps.companies;
  const away = [
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('terminating connection'), { code: '57P01' }),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
    new Error('wrapped', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
  ];
  for (const error of away) {
    api.deps.companies.get = () => Promise.reject(error);
    const answer = await api.call('GET', '/v1/companies/a');
    expectProblem(answer, 503, 'unavailable');
    expect(answer.headers['retry-after']).toBe('5');
  }
  api.deps.companies.get = get;
});

test('more requests than a key may make are 429 with Retry-After, and another key is not hindered', async () => {
  const small = await startApi({ requestsPerMinute: 3 });
  try {
    for (let request = 0; request < 3; request += 1) {
      expect((await small.call('GET', '/v1/companies')).statusCode).toBe(200);
    }
    const answer = await small.call('GET', '/v1/companies');
    expectProblem(answer, 429, 'too_many_requests');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const other = await small.key('viewer');
    expect((await small.call('GET', '/v1/companies', undefined, other)).statusCode).toBe(200);
  } finally {
    await small.close();
  }
});

test("the caller's request id is taken when it is short and plain, and another made otherwise", async () => {
  const withId = (id: string) => api.app.inject({ url: '/health/live', headers: { 'x-request-id': id } });
  expect((await withId('caller-7')).headers['x-request-id']).toBe('caller-7');
  expect((await withId('a b\tc')).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect((await withId('x'.repeat(500))).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('an answer carries the headers that keep browsers safe', async () => {
  const { headers } = await api.app.inject('/health/live');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['content-security-policy']).toContain("default-src 'self'");
});

test('ready is 503 while a part is away, and names it; live is 200 all the same', async () => {
  const partly = await startApi({ readiness: async () => ({ postgres: true, temporal: false }) });
  try {
    const ready = await partly.app.inject('/health/ready');
    expect([ready.statusCode, ready.json()]).toEqual([503, { status: 'unavailable', postgres: true, temporal: false }]);
    expect((await partly.app.inject('/health/live')).statusCode).toBe(200);
  } finally {
    await partly.close();
  }
});

function encoded(key: string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}
