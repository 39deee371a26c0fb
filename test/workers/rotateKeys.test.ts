import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createConsents } from '../../db/consents.js';
import { createGrants } from '../../db/grants.js';
import type { Queryable } from '../../db/pool.js';
import { type OnProgress, rotateKeys } from '../../db/rotateKeys.js';
import { type KeyValue, type SealedColumn, sealedColumns } from '../../db/sealedColumns.js';
import { createSealing, type Sealing } from '../../db/sealing.js';
import type { TokenSet } from '../../domain/ports.js';
import { startChild } from '../support/childProcess.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

const keys = { old: randomBytes(32), new: randomBytes(32), lost: randomBytes(32) };
type KeyName = keyof typeof keys;

/** The first seals, all of them open. */
function sealingWith(...names: [KeyName, ...KeyName[]]): Sealing {
  return createSealing({ current: names[0], keys: Object.fromEntries(names.map((name) => [name, keys[name]])) });
}

let database: FreshDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

const tokens = (name: string): TokenSet => ({
  accessToken: `access ${name}`,
  refreshToken: `refresh ${name}`,
  expiresAt: '2030-01-01T00:00:00.000Z',
});

const grantsWith = (...names: [KeyName, ...KeyName[]]) => createGrants(database.pool, sealingWith(...names));

async function storeGrants(key: KeyName, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  for (const id of ids) await grantsWith(key).create({ id, tokens: tokens('1'), scopes: [] });
  return ids;
}

async function openConsent(key: KeyName): Promise<string> {
  const [companyId, connectionId, state] = [randomUUID(), randomUUID(), randomUUID()];
  await database.pool.query("INSERT INTO company (id, name, sync_by) VALUES ($1, $1, 'company')", [companyId]);
  await database.pool.query(`INSERT INTO connection (id, company_id, direction) VALUES ($1, $2, 'import')`, [
    connectionId,
    companyId,
  ]);
  const consent = { state, codeVerifier: `verifier of ${state}`, connectionId, returnUrl: null, lifetimeMs: 600_000 };
  await createConsents(database.pool, sealingWith(key)).open(consent);
  return state;
}

const rotate = (db: Queryable = database.pool, onProgress: OnProgress = () => undefined) =>
  rotateKeys(db, sealingWith('new', 'old'), sealedColumns, onProgress);

/** `npm run keys:rotate` as an operator runs it. */
async function rotateByCommand(...names: KeyName[]) {
  const child = startChild('workers/rotateKeys.ts', [], {
    ...process.env,
    DATABASE_URL: database.url,
    NIGHTLEDGER_TOKEN_KEYS: names.map((name) => `${name}:${keys[name].toString('base64')}`).join(','),
  });
  const { code } = await child.exited;
  return { code, printed: child.output() };
}

test('after the rotation the new key alone opens every grant and every open consent', async () => {
  const ids = await storeGrants('old', 3);
  const state = await openConsent('old');
  const { code, printed } = await rotateByCommand('new', 'old');
  expect(printed).toContain('oauth_grant.sealed_tokens: 3 resealed');
  expect(printed).toContain('Resealed with the key new: 4. Still under another key: 0.');
  expect(printed).toContain('Every other key may be removed');
  expect(code).toBe(0);
  for (const id of ids) expect(await grantsWith('new').load(id)).toMatchObject({ tokens: tokens('1'), version: 1 });
  const used = await createConsents(database.pool, sealingWith('new')).use(state);
  expect(used?.codeVerifier).toBe(`verifier of ${state}`);
});

test('a rotation that was killed is begun again and does what is left', async () => {
  const ids = await storeGrants('old', 1100);
  const killed = rotate(database.pool, () => {
    throw new Error('killed');
  });
  await expect(killed).rejects.toThrow('killed');
  expect(await rotate()).toEqual({
    fates: { resealed: 600, savedMeanwhile: 0, keyMissing: 0, damaged: 0 },
    stillNeeded: {},
  });
  expect((await rotate()).fates.resealed).toBe(0);
  expect(await grantsWith('new').load(ids[1099] as string)).toMatchObject({ tokens: tokens('1') });
});

test('tokens that a process saves between the reading of a value and its resealing are never overwritten', async () => {
  const ids = await storeGrants('old', 3);
  const stillWithTheOldKey = grantsWith('old', 'new');
  /** Each of the rotation's writes comes just after a save of a process that does not know of it. */
  const racing = {
    query: async (...question: [string, unknown[]]) => {
      const [statement, values] = question;
      if (typeof statement === 'string' && statement.startsWith('UPDATE')) {
        expect(await stillWithTheOldKey.saveTokens(values[2] as string, 1, tokens('2'))).toBe(true);
      }
      return database.pool.query(...question);
    },
  } as Queryable;
  expect(await rotate(racing)).toEqual({
    fates: { resealed: 0, savedMeanwhile: 3, keyMissing: 0, damaged: 0 },
    stillNeeded: { old: 3 },
  });
  expect(await rotate()).toMatchObject({ fates: { resealed: 3 }, stillNeeded: {} });
  for (const id of ids) expect(await grantsWith('new').load(id)).toMatchObject({ tokens: tokens('2'), version: 2 });
});

test('refreshes go on during rotations, of processes with either key in front, and each save is kept', async () => {
  const ids = await storeGrants('old', 40);
  let saving = true;
  const refreshers = [grantsWith('old', 'new'), grantsWith('new', 'old')];
  const refreshAll = async (part: number) => {
    const grants = refreshers[part] as (typeof refreshers)[number];
    const own = ids.filter((_id, index) => index % 2 === part);
    for (let version = 1; version <= 10; version++) {
      for (const id of own) expect(await grants.saveTokens(id, version, tokens(`${version + 1}`))).toBe(true);
    }
  };
  const rotations = async () => {
    while (saving) await rotate();
  };
  const rotating = rotations();
  await Promise.all([refreshAll(0), refreshAll(1)]).finally(() => {
    saving = false;
  });
  await rotating;
  expect((await rotate()).stillNeeded).toEqual({});
  for (const id of ids) expect(await grantsWith('new').load(id)).toMatchObject({ tokens: tokens('11'), version: 11 });
});

test('a value whose key is not configured is named with its remedy, the others are done, and the command ends with 1', async () => {
  await storeGrants('lost', 2);
  const [id = ''] = await storeGrants('old', 1);
  const { code, printed } = await rotateByCommand('new', 'old');
  expect(code).toBe(1);
  expect(printed).toContain('Resealed with the key new: 1. Still under another key: 2.');
  expect(printed).toContain('Under the key lost, which is not configured: 2. Add it to NIGHTLEDGER_TOKEN_KEYS');
  expect(printed).not.toContain('may be removed');
  for (const key of Object.values(keys)) expect(printed).not.toContain(key.toString('base64'));
  expect(await grantsWith('new').load(id)).toMatchObject({ tokens: tokens('1') });
  expect((await rotateByCommand('new', 'lost')).code).toBe(0);
});

test('a value that does not open under its own key is counted, and holds up no other', async () => {
  const [one = ''] = await storeGrants('old', 2);
  await database.pool.query(
    'UPDATE oauth_grant SET sealed_tokens = set_byte(sealed_tokens, 40, 255 - get_byte(sealed_tokens, 40)) WHERE id = $1',
    [one],
  );
  expect(await rotate()).toMatchObject({ fates: { resealed: 1, damaged: 1 }, stillNeeded: { old: 1 } });
});

test('a column may be empty, and the key of its table of several columns', async () => {
  const context = (owner: KeyValue, name: KeyValue) => `answer:${owner}:${name}`;
  const answers: SealedColumn = { table: 'answer', key: ['owner', 'name'], column: 'sealed', context };
  const owners = [randomUUID(), randomUUID()];
  await database.pool.query('CREATE TABLE answer (owner uuid, name text, sealed bytea, PRIMARY KEY (owner, name))');
  for (const owner of owners) {
    await database.pool.query(`INSERT INTO answer VALUES ($1, 'open', NULL)`, [owner]);
    for (let n = 0; n < 300; n++) {
      const sealed = sealingWith('old').seal('an answer', context(owner, `key ${n}`));
      await database.pool.query('INSERT INTO answer VALUES ($1, $2, $3)', [owner, `key ${n}`, sealed]);
    }
  }
  const { fates, stillNeeded } = await rotateKeys(database.pool, sealingWith('new', 'old'), [answers], () => undefined);
  expect([fates.resealed, stillNeeded]).toEqual([600, {}]);
  const { rows } = await database.pool.query('SELECT * FROM answer WHERE sealed IS NOT NULL');
  const opened = rows.map(({ owner, name, sealed }) => sealingWith('new').open(sealed, context(owner, name)));
  expect(opened).toEqual(Array.from({ length: 600 }, () => 'an answer'));
});

test('every column that is named as sealed takes part in the rotation', async () => {
  const { rows } = await database.pool.query<{ named: string }>(
    `SELECT table_name || '.' || column_name AS named FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name LIKE 'sealed%' ORDER BY 1`,
  );
  expect(rows.map(({ named }) => named)).toEqual(
    sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted(),
  );
});
