import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  for (const company of ['own', 'theirs']) await api.call('PUT', `/v1/companies/${company}`, { name: company });
});
afterAll(() => api.close());

const make = (body: object, secret?: string) => api.call('POST', '/v1/api-keys', body, secret);
const revoke = (id: string, secret?: string) => api.call('DELETE', `/v1/api-keys/${id}`, undefined, secret);

test('a key is made with its secret shown once, works at once, and no more once it is revoked', async () => {
  const made = await make({ name: 'Reports', role: 'viewer' });
  expect(made.statusCode).toBe(201);
  const { id, secret, ...shown } = made.json();
  expect(shown).toEqual({
    name: 'Reports',
    role: 'viewer',
    company: null,
    createdAt: expect.any(String),
    lastUsedAt: null,
    revokedAt: null,
  });
  expect((await api.call('GET', '/v1/companies', undefined, secret)).statusCode).toBe(200);
  const listed = async () => {
    const { body } = await api.call('GET', '/v1/api-keys?limit=200');
    expect(body).not.toContain(secret);
    return JSON.parse(body).data.find((key: { id: string }) => key.id === id);
  };
  expect(await listed()).toMatchObject({ name: 'Reports', lastUsedAt: expect.any(String), revokedAt: null });
  expect([(await revoke(id)).statusCode, (await revoke(id)).statusCode]).toEqual([204, 204]);
  expect(await listed()).toMatchObject({ revokedAt: expect.any(String) });
  expect((await api.call('GET', '/v1/companies', undefined, secret)).statusCode).toBe(401);
});

test('a key of a company that does not exist is 422 and names the field', async () => {
  const answer = await make({ name: 'Nobody', role: 'viewer', company: 'nowhere' });
  expect([answer.statusCode, answer.json().errors[0].field]).toEqual([422, 'company']);
});

test('a key of one company makes, sees and revokes keys of that company only', async () => {
  const { secret } = (await make({ name: 'Own admin', role: 'admin', company: 'own' })).json();
  const foreign = (await make({ name: 'Their viewer', role: 'viewer', company: 'theirs' })).json();
  const wide = (await make({ name: 'Sees all', role: 'viewer' })).json();

  const colleague = await make({ name: 'Own viewer', role: 'viewer', company: 'own' }, secret);
  expect([colleague.statusCode, colleague.json().company]).toEqual([201, 'own']);
  const refused = await Promise.all(
    [{ company: 'theirs' }, { company: 'nowhere' }, {}].map((company) =>
      make({ name: 'x', role: 'viewer', ...company }, secret),
    ),
  );
  expect(refused.map((answer) => [answer.statusCode, answer.json().errors[0].field])).toEqual(
    Array.from({ length: 3 }, () => [422, 'company']),
  );
  // Another company cannot be told from one that does not exist.
  expect(refused[0]?.json().errors).toEqual(refused[1]?.json().errors);

  const seen = (await api.call('GET', '/v1/api-keys', undefined, secret)).json().data;
  expect(seen.map((key: { name: string }) => key.name)).toEqual(['Own admin', 'Own viewer']);
  for (const id of [foreign.id, wide.id, randomUUID()]) expect((await revoke(id, secret)).statusCode).toBe(404);
  expect((await revoke(colleague.json().id, secret)).statusCode).toBe(204);
});

test('keys are listed page by page, each once', async () => {
  for (const name of ['p-1', 'p-2', 'p-3']) await make({ name, role: 'viewer' });
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = (await api.call('GET', `/v1/api-keys?limit=2${cursor}`)).json();
    seen.push(...page.data.map((key: { id: string }) => key.id));
    cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
  } while (cursor);
  const { rows } = await api.database.pool.query('SELECT id FROM api_key ORDER BY created_at, id');
  expect(seen).toEqual(rows.map(({ id }) => id));
});

test('only an admin makes, lists and revokes keys', async () => {
  for (const role of ['viewer', 'standard', 'adviser'] as const) {
    const secret = await api.key(role);
    const answers = [
      await make({ name: 'x', role: 'viewer' }, secret),
      await api.call('GET', '/v1/api-keys', undefined, secret),
      await revoke(randomUUID(), secret),
    ];
    expect(answers.map((answer) => answer.statusCode)).toEqual([403, 403, 403]);
  }
});

test('the last admin key of all companies cannot revoke itself, and of two that revoke each other at once one stays', async () => {
  const small = await startApi();
  try {
    await small.call('PUT', '/v1/companies/own', { name: 'Own' });
    await small.key('admin', 'own');
    const [first] = (await small.call('GET', '/v1/api-keys')).json().data;
    const refused = await small.call('DELETE', `/v1/api-keys/${first.id}`);
    expect([refused.statusCode, refused.json().code]).toEqual([409, 'last_admin_key']);
    expect(refused.json().remedy).toContain('POST /v1/api-keys');

    const second = (await small.call('POST', '/v1/api-keys', { name: 'Second', role: 'admin' })).json();
    const both = await Promise.all([
      small.call('DELETE', `/v1/api-keys/${second.id}`),
      small.call('DELETE', `/v1/api-keys/${first.id}`, undefined, second.secret),
    ]);
    // The one that comes second is refused: as the last one, or because its own key is gone by then.
    expect(both.map((answer) => answer.statusCode).filter((status) => status === 204)).toHaveLength(1);
    const { rows } = await small.database.pool.query(
      `SELECT id FROM api_key WHERE role = 'admin' AND company_id IS NULL AND revoked_at IS NULL`,
    );
    expect(rows).toHaveLength(1);
  } finally {
    await small.close();
  }
});

test('a company id of 200 characters is good in an address, however it is encoded', async () => {
  const id = 'é'.repeat(200);
  const address = `/v1/companies/${encodeURIComponent(id)}`;
  expect((await api.call('PUT', address, { name: 'Long' })).statusCode).toBe(201);
  expect((await api.call('GET', address)).json().id).toBe(id);
});
