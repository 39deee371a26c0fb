import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrants } from '../../db/grants.js';
import { createSealing } from '../../db/sealing.js';
import type { TokenSet } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

const oldKey = randomBytes(32);
const sealing = createSealing({ current: 'k1', keys: { k1: oldKey } });
let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const tokens = (name: string): TokenSet => ({
  accessToken: `access-${name}`,
  refreshToken: `refresh-${name}`,
  expiresAt: '2030-01-01T00:00:00.000Z',
});

async function grant() {
  const grants = createGrants(database.pool, sealing);
  const id = randomUUID();
  await grants.create({ id, tokens: tokens('1'), scopes: ['offline_access'] });
  return { grants, id };
}

describe('sealing', () => {
  it('opens what was sealed in the same context and nowhere else', () => {
    const sealed = sealing.seal('söme text', 'row 1');
    expect(sealing.open(sealed, 'row 1')).toBe('söme text');
    expect(() => sealing.open(sealed, 'row 2')).toThrow();
    expect(sealed.includes('text')).toBe(false);
  });

  it('never seals twice alike, and does not open after any byte was changed', () => {
    const sealed = sealing.seal('text', 'row');
    expect(sealing.seal('text', 'row').equals(sealed)).toBe(false);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => sealing.open(changed, 'row'), `byte ${index}`).toThrow();
    }
    expect(() => sealing.open(sealed.subarray(0, 10), 'row')).toThrow();
  });

  it('opens with old keys while it seals with the current one', () => {
    const rotated = createSealing({ current: 'k2', keys: { k1: oldKey, k2: randomBytes(32) } });
    expect(rotated.open(sealing.seal('text', 'row'), 'row')).toBe('text');
    expect(() => sealing.open(rotated.seal('text', 'row'), 'row')).toThrow('no sealing key with the id k2');
  });

  it('refuses keys of a wrong length and a current key that is not there', () => {
    expect(() => createSealing({ current: 'k', keys: { k: randomBytes(16) } })).toThrow('32 bytes');
    expect(() => createSealing({ current: 'other', keys: { k: randomBytes(32) } })).toThrow('no sealing key');
  });
});

describe('grants', () => {
  it('gives back the tokens it was given, and keeps none of them readable', async () => {
    const { grants, id } = await grant();
    expect(await grants.load(id)).toEqual({ id, tokens: tokens('1'), version: 1, alive: true });
    const { rows } = await database.pool.query('SELECT sealed_tokens FROM oauth_grant WHERE id = $1', [id]);
    expect(rows[0].sealed_tokens.includes('access-1')).toBe(false);
    expect(await grants.load(randomUUID())).toBeNull();
  });

  it('does not open tokens that were copied from another row', async () => {
    const [one, other] = [await grant(), await grant()];
    await database.pool.query(
      'UPDATE oauth_grant SET sealed_tokens = (SELECT sealed_tokens FROM oauth_grant WHERE id = $1) WHERE id = $2',
      [one.id, other.id],
    );
    await expect(other.grants.load(other.id)).rejects.toThrow();
  });

  it('lets one refresher at a time have the lease', async () => {
    const { grants, id } = await grant();
    const takes = await Promise.all(Array.from({ length: 5 }, () => grants.takeRefreshLease(id, 1, 60_000)));
    expect(takes.toSorted()).toEqual(['busy', 'busy', 'busy', 'busy', 'taken']);
    await grants.endRefreshLease(id, 1);
    expect(await grants.takeRefreshLease(id, 1, 60_000)).toBe('taken');
  });

  it('ends a lease by itself, so that a dead refresher holds up nobody for good', async () => {
    const { grants, id } = await grant();
    expect(await grants.takeRefreshLease(id, 1, 0)).toBe('taken');
    expect(await grants.takeRefreshLease(id, 1, 60_000)).toBe('taken');
  });

  it('saves only over the version that was read, and ends the lease with the save', async () => {
    const { grants, id } = await grant();
    await grants.takeRefreshLease(id, 1, 60_000);
    expect(await grants.saveTokens(id, 1, tokens('2'))).toBe(true);
    expect(await grants.saveTokens(id, 1, tokens('late'))).toBe(false);
    expect(await grants.load(id)).toMatchObject({ tokens: tokens('2'), version: 2 });
    expect(await grants.takeRefreshLease(id, 1, 60_000)).toBe('changed');
    expect(await grants.takeRefreshLease(id, 2, 60_000)).toBe('taken');
  });

  it('declares dead only the version that was tried', async () => {
    const { grants, id } = await grant();
    await grants.saveTokens(id, 1, tokens('2'));
    await grants.markDead(id, 1);
    expect(await grants.load(id)).toMatchObject({ alive: true });
    await grants.markDead(id, 2);
    expect(await grants.load(id)).toMatchObject({ alive: false });
    expect(await grants.takeRefreshLease(id, 2, 60_000)).toBe('changed');
    expect(await grants.saveTokens(id, 2, tokens('3'))).toBe(false);
  });
});
