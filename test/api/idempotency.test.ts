import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const make = (idempotencyKey: string, name: string, secret?: string) =>
  api.call('POST', '/v1/api-keys', { name, role: 'viewer' }, secret, { 'idempotency-key': idempotencyKey });
const keysNamed = async (name: string): Promise<number> =>
  (await api.database.pool.query('SELECT FROM api_key WHERE name = $1', [name])).rowCount ?? 0;
const kept = (sql: string, idempotencyKey: string) =>
  api.database.pool.query(`UPDATE kept_answer SET ${sql} WHERE idempotency_key = $1`, [idempotencyKey]);

test('the same request with the same key answers the same again, says so, and does nothing twice', async () => {
  const [key, name] = [randomUUID(), randomUUID()];
  const first = await make(key, name);
  const second = await make(key, name);
  expect([first.statusCode, first.headers['idempotency-replayed']]).toEqual([201, undefined]);
  expect([second.statusCode, second.headers['idempotency-replayed']]).toEqual([201, 'true']);
  expect(second.headers['content-type']).toBe(first.headers['content-type']);
  expect(second.body).toBe(first.body);
  expect(await keysNamed(name)).toBe(1);
});

test('a connection is made once, and its consent is answered again', async () => {
  await api.call('PUT', '/v1/companies/i-1', { name: 'One' });
  const connect = () =>
    api.call('POST', '/v1/connections', { company: 'i-1', direction: 'import' }, undefined, {
      'idempotency-key': 'c-1',
    });
  const [first, second] = [await connect(), await connect()];
  expect(first.statusCode).toBe(201);
  expect(second.json()).toEqual(first.json());
  const [replayed] = (await api.call('GET', '/v1/audit?limit=1')).json().data;
  expect(replayed).toMatchObject({ route: '/v1/connections', company: 'i-1', status: 201 });
});

test('of 20 requests at once with one key one is carried out; the others are told to wait, or its answer', async () => {
  const [key, name] = [randomUUID(), randomUUID()];
  const answers = await Promise.all(Array.from({ length: 20 }, () => make(key, name)));
  expect(await keysNamed(name)).toBe(1);
  const made = answers.filter((answer) => answer.statusCode === 201);
  expect(new Set(made.map((answer) => answer.body)).size).toBe(1);
  expect(made.filter((answer) => answer.headers['idempotency-replayed'] === undefined)).toHaveLength(1);
  for (const answer of answers.filter((each) => each.statusCode !== 201)) {
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'request_in_hand']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect((await make(key, name)).body).toBe(made[0]?.body);
});

test('the key of another request is refused, also while that one is in hand', async () => {
  const key = randomUUID();
  await make(key, 'This one');
  const other = await make(key, 'Another');
  expect([other.statusCode, other.json().code]).toEqual([409, 'idempotency_key_reused']);
  await kept('status = NULL', key);
  expect((await make(key, 'Another')).json().code).toBe('idempotency_key_reused');
});

test('each API key has idempotency keys of its own', async () => {
  const [key, name] = [randomUUID(), randomUUID()];
  await make(key, name);
  const colleague = await make(key, name, await api.key('admin'));
  expect([colleague.statusCode, colleague.headers['idempotency-replayed']]).toEqual([201, undefined]);
  expect(await keysNamed(name)).toBe(2);
});

test('a refusal is kept too; what went wrong on our side is not, and is done when it is tried again', async () => {
  const [key, name] = [randomUUID(), randomUUID()];
  const refused = () =>
    api.call('POST', '/v1/api-keys', { name: 'x', role: 'viewer', company: 'nowhere' }, undefined, {
      'idempotency-key': 'refused',
    });
  expect([(await refused()).statusCode, (await refused()).headers['idempotency-replayed']]).toEqual([422, 'true']);
  const told = (await api.call('GET', '/v1/audit?limit=2')).json().data;
  const refusal = { route: '/v1/api-keys', status: 422, code: 'invalid_request' };
  expect(told).toMatchObject([refusal, refusal]);

  const { create } = api.deps.apiKeys;
  api.deps.apiKeys.create = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  expect((await make(key, name)).statusCode).toBe(503);
  api.deps.apiKeys.create = () => Promise.reject(new Error('a fault of ours'));
  expect((await make(key, name)).statusCode).toBe(500);
  api.deps.apiKeys.create = create;
  const tried = await make(key, name);
  expect([tried.statusCode, tried.headers['idempotency-replayed']]).toEqual([201, undefined]);
});

test('when the process of the first died, the same may be done again after its lease, and not before', async () => {
  const [key, name] = [randomUUID(), randomUUID()];
  const { keep } = api.deps.keptAnswers;
  api.deps.keptAnswers.keep = () => Promise.reject(new Error('gone'));
  expect((await make(key, name)).statusCode).toBe(201);
  api.deps.keptAnswers.keep = keep;
  expect((await make(key, name)).json().code).toBe('request_in_hand');
  await kept('lease_until = clock_timestamp()', key);
  expect((await make(key, name)).statusCode).toBe(201);
});

test('one that comes back after its lease neither keeps nor frees what is another one by then', async () => {
  const request = {
    keyId: randomUUID(),
    idempotencyKey: 'late',
    claim: randomUUID(),
    request: 'POST /v1/things',
    companyId: null,
  };
  const answer = {
    status: 201,
    code: null,
    contentType: 'application/json',
    body: '{"by":"the first"}',
    companyId: null,
  };
  const { keptAnswers } = api.deps;
  expect(await keptAnswers.claim(request)).toEqual({ kind: 'claimed' });
  await kept('lease_until = clock_timestamp()', 'late');
  const second = { ...request, claim: randomUUID() };
  expect(await keptAnswers.claim(second)).toEqual({ kind: 'claimed' });
  await keptAnswers.keep(request, answer);
  await keptAnswers.release(request);
  expect(await keptAnswers.claim(request)).toEqual({ kind: 'inHand' });
  await keptAnswers.keep(second, { ...answer, body: '{"by":"the second"}' });
  expect(await keptAnswers.claim(request)).toMatchObject({ kind: 'kept', body: '{"by":"the second"}' });
});

test('an answer is kept for a day, and old ones are thrown away as new ones come', async () => {
  const [old, same] = [randomUUID(), randomUUID()];
  for (const key of [old, same]) await make(key, 'Yesterday');
  for (const key of [old, same]) await kept("created_at = clock_timestamp() - interval '24 hours 1 second'", key);
  expect((await make(same, 'Today')).headers['idempotency-replayed']).toBeUndefined();
  const { rowCount } = await api.database.pool.query('SELECT FROM kept_answer WHERE idempotency_key = $1', [old]);
  expect(rowCount).toBe(0);
});

test('what is kept does not hold the secret that it answers', async () => {
  const key = randomUUID();
  const { secret } = (await make(key, 'Sealed')).json();
  const { rows } = await api.database.pool.query('SELECT sealed_body FROM kept_answer WHERE idempotency_key = $1', [
    key,
  ]);
  expect(rows[0].sealed_body.toString('latin1')).not.toContain(secret);
});

test('a key that is too long or not printable is 422 and names the header; a call that makes nothing takes none', async () => {
  expect((await make('x'.repeat(255), 'Longest')).statusCode).toBe(201);
  for (const key of ['x'.repeat(256), '', 'a\tb']) {
    const answer = await make(key, 'x');
    expect([answer.statusCode, answer.json().errors[0].field]).toEqual([422, 'Idempotency-Key']);
  }
  const put = () =>
    api.call('PUT', '/v1/companies/i-9', { name: randomUUID() }, undefined, { 'idempotency-key': 'same' });
  expect([(await put()).statusCode, (await put()).statusCode]).toEqual([201, 200]);
});
