import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareApi } from '../../api/app.js';
import { behindKey } from '../../api/behindKey.js';
import type { Role } from '../../domain/ports.js';
import { type Api, startApi } from './harness.js';

/** The API's hooks around routes of this test's own. */
let api: Api;
let app: FastifyInstance;
beforeAll(async () => {
  api = await startApi();
  app = await bareApi(api.deps);
  await app.register(
    async (v1) => {
      await behindKey(v1, api.deps);
      for (const permission of ['read', 'work', 'configure'] as const) {
        v1.post(`/${permission}`, { config: { permission } }, async (request) => ({ actor: request.actor }));
      }
      v1.post('/signed', { config: { permission: 'work', actor: 'required' } }, async ({ actor }) => ({ actor }));
    },
    { prefix: '/v1' },
  );
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await api.close();
});

const post = (url: string, secret: string, headers: InjectOptions['headers'] = {}) =>
  app.inject({ method: 'POST', url, headers: { authorization: `Bearer ${secret}`, ...headers } });

test('a viewer reads, standard and adviser also work, an admin also configures', async () => {
  const allowed: Record<Role, number[]> = {
    viewer: [200, 403, 403],
    standard: [200, 200, 403],
    adviser: [200, 200, 403],
    admin: [200, 200, 200],
  };
  for (const [role, statuses] of Object.entries(allowed)) {
    const secret = await api.key(role as Role);
    const answers = [
      await post('/v1/read', secret),
      await post('/v1/work', secret),
      await post('/v1/configure', secret),
    ];
    expect([role, ...answers.map((answer) => answer.statusCode)]).toEqual([role, ...statuses]);
  }
});

test('the person a call is made for is known to its route, and nobody is where none is named', async () => {
  const secret = await api.key('standard');
  expect((await post('/v1/work', secret, { 'nightledger-actor': 'user:42 <x>' })).json()).toEqual({
    actor: 'user:42 <x>',
  });
  expect((await post('/v1/work', secret)).json()).toEqual({ actor: null });
});

test('a person that is too long, empty or not printable is 422 and names the header', async () => {
  const secret = await api.key('standard');
  expect((await post('/v1/work', secret, { 'nightledger-actor': 'x'.repeat(200) })).statusCode).toBe(200);
  for (const actor of ['x'.repeat(201), '', 'a\tb', 'caf\u00e9']) {
    const answer = await post('/v1/work', secret, { 'nightledger-actor': actor });
    expect([answer.statusCode, answer.json().errors[0].field]).toEqual([422, 'Nightledger-Actor']);
  }
});

test('a call that must name a person is refused without, in a sentence that says so', async () => {
  const secret = await api.key('standard');
  const refused = await post('/v1/signed', secret);
  expect([refused.statusCode, refused.json().errors]).toEqual([
    422,
    [
      {
        field: 'Nightledger-Actor',
        message: 'is missing: this call must name the person on whose behalf it is made',
      },
    ],
  ]);
  expect((await post('/v1/signed', secret, { 'nightledger-actor': 'user:42' })).statusCode).toBe(200);
});

test('a route that does not say what a key needs for it is refused when it is registered', async () => {
  const other = await bareApi(api.deps);
  await expect(
    other.register(async (v1) => {
      await behindKey(v1, api.deps);
      v1.get('/open', async () => ({}));
    }),
  ).rejects.toThrow('/open does not say what a key needs for it');
});
