import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKeys } from '../../db/apiKeys.js';
import { createCompanies } from '../../db/companies.js';
import { createConsents } from '../../db/consents.js';
import { createSealing } from '../../db/sealing.js';
import type { Consents } from '../../domain/ports.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
let consents: Consents;
const connectionId = randomUUID();
beforeAll(async () => {
  database = await freshDatabase();
  consents = createConsents(database.pool, createSealing({ current: 'a', keys: { a: randomBytes(32) } }));
  await createCompanies(database.pool).put('c', 'Company');
  const syncFromDate = { chosen: false, date: null };
  await connectionsIn(database.pool).create({
    id: connectionId,
    companyId: 'c',
    direction: 'import',
    locations: null,
    syncFromDate,
  });
});
afterAll(() => database.drop());

const open = (state: string, lifetimeMs = 600_000) =>
  consents.open({ state, codeVerifier: `verifier of ${state}`, connectionId, returnUrl: null, lifetimeMs });

test('a state is good once, also for ten at once', async () => {
  await open('once');
  const used = await Promise.all(Array.from({ length: 10 }, () => consents.use('once')));
  expect(used.filter((one) => one !== null)).toEqual([
    { connectionId, codeVerifier: 'verifier of once', returnUrl: null },
  ]);
});

test('a state that is unknown or too old is good for nothing', async () => {
  await open('short', 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await consents.use('short')).toBeNull();
  expect(await consents.use('unknown')).toBeNull();
});

test('a sealed verifier that was copied into another consent does not open there', async () => {
  await open('mine');
  await open('theirs');
  await database.pool.query(
    `UPDATE consent SET sealed_verifier = (SELECT sealed_verifier FROM consent WHERE state_hash = sha256('theirs'))
     WHERE state_hash = sha256('mine')`,
  );
  await expect(consents.use('mine')).rejects.toThrow();
});

test('an API key is found by its secret, which stands nowhere, until it is revoked', async () => {
  const apiKeys = createApiKeys(database.pool);
  expect(await apiKeys.any()).toBe(false);
  const key = { id: randomUUID(), name: 'First', role: 'admin', companyId: null } as const;
  await apiKeys.create(key, 'nl_secret');
  expect(await apiKeys.any()).toBe(true);
  expect(await apiKeys.find('nl_secret')).toEqual(key);
  expect(await apiKeys.find('nl_Secret')).toBeNull();
  const { rows } = await database.pool.query('SELECT row_to_json(api_key)::text AS row FROM api_key');
  expect(rows[0].row).not.toContain('nl_secret');
  expect(rows[0].row).not.toContain(Buffer.from('nl_secret').toString('hex'));
  await database.pool.query('UPDATE api_key SET revoked_at = now()');
  expect(await apiKeys.find('nl_secret')).toBeNull();
});
