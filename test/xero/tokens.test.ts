import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGrants } from '../../db/grants.js';
import { createPool } from '../../db/pool.js';
import { createSealing } from '../../db/sealing.js';
import type { Grants, TokenSet, XeroOAuth } from '../../domain/ports.js';
import { XeroFault, XeroRefusal } from '../../domain/problems.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { scopesFor } from '../../xero/scopes.js';
import { createTokenKeeper } from '../../xero/tokens.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { control, giveConsent, oauthAt, until } from './support.js';

let database: FreshDatabase;
let grants: Grants;
let id: string;

const tokensAt = (name: string, goodForMs: number): TokenSet => ({
  accessToken: `access ${name}`,
  refreshToken: `refresh ${name}`,
  expiresAt: new Date(Date.now() + goodForMs).toISOString(),
});

beforeAll(async () => {
  database = await freshDatabase();
  grants = createGrants(database.pool, createSealing({ current: 'k', keys: { k: randomBytes(32) } }));
});
afterAll(() => database.drop());
beforeEach(() => {
  id = randomUUID();
});

const store = (tokens: TokenSet) => grants.create({ id, tokens, scopes: [] });

/** Counts refreshes and answers each with tokens of its number. */
function countingOAuth(refresh: (token: string, count: number) => Promise<TokenSet>) {
  const calls: string[] = [];
  const oauth: Pick<XeroOAuth, 'refresh'> = {
    refresh: (token) => {
      calls.push(token);
      return refresh(token, calls.length);
    },
  };
  return { oauth, calls };
}

const fresh = async (_token: string, count: number) => tokensAt(`new ${count}`, 1_800_000);
const dead = async (): Promise<TokenSet> => {
  throw new XeroRefusal('authFailed', 400);
};

describe('an access token', () => {
  it('is the stored one while that is good for more than a minute', async () => {
    await store(tokensAt('stored', 61_000));
    const { oauth, calls } = countingOAuth(fresh);
    expect(await createTokenKeeper({ grants, oauth }).accessToken(id)).toBe('access stored');
    expect(calls).toEqual([]);
  });

  it('is refreshed before it ends, by one of all who ask in all processes', async () => {
    await store(tokensAt('stored', 30_000));
    const pools = [1, 2, 3].map(() => createPool(database.url, 3));
    const { oauth, calls } = countingOAuth(async (token, count) => {
      await new Promise((later) => setTimeout(later, 100));
      return fresh(token, count);
    });
    const keepers = pools.map(() => createTokenKeeper({ grants, oauth }));
    const asked = await Promise.all(Array.from({ length: 12 }, (_, n) => keepers[n % 3]?.accessToken(id)));
    expect(new Set(asked)).toEqual(new Set(['access new 1']));
    expect(calls).toEqual(['refresh stored']);
    await Promise.all(pools.map((pool) => pool.end()));
  });

  it('that Xero refused is refreshed only while it is still the stored one', async () => {
    await store(tokensAt('stored', 1_800_000));
    const { oauth, calls } = countingOAuth(fresh);
    const keeper = createTokenKeeper({ grants, oauth });
    expect(await keeper.accessToken(id, { notThisOne: 'access stored' })).toBe('access new 1');
    expect(await keeper.accessToken(id, { notThisOne: 'access stored' })).toBe('access new 1');
    expect(calls).toHaveLength(1);
  });

  it('comes after a crash between Xero’s answer and the save: the lease ends, the old refresh token is tried again', async () => {
    await store(tokensAt('stored', 0));
    const { oauth, calls } = countingOAuth(fresh);
    const crash: Grants = { ...grants, saveTokens: () => new Promise(() => undefined) };
    void createTokenKeeper({ grants: crash, oauth, leaseMs: 200 }).accessToken(id);
    await until(() => calls.length === 1);
    expect(await createTokenKeeper({ grants, oauth, leaseMs: 200 }).accessToken(id)).toBe('access new 2');
    expect(calls).toEqual(['refresh stored', 'refresh stored']);
  });
});

describe('a refresh that fails', () => {
  it('by a fault gives the lease back, so that the next asker need not wait for its end', async () => {
    await store(tokensAt('stored', 0));
    const { oauth } = countingOAuth(async (token, count) => {
      if (count === 1) throw new XeroFault('network');
      return fresh(token, count);
    });
    const keeper = createTokenKeeper({ grants, oauth, leaseMs: 3_600_000 });
    await expect(keeper.accessToken(id)).rejects.toMatchObject({ name: 'XeroFault', kind: 'network' });
    expect(await keeper.accessToken(id)).toBe('access new 2');
  });

  it('because the refresh token is no longer good ends the grant: nobody tries it again', async () => {
    await store(tokensAt('stored', 0));
    const { oauth, calls } = countingOAuth(dead);
    const keeper = createTokenKeeper({ grants, oauth });
    for (let n = 0; n < 2; n++) {
      await expect(keeper.accessToken(id)).rejects.toMatchObject({ name: 'XeroRefusal', kind: 'authFailed' });
    }
    expect(calls).toHaveLength(1);
    expect((await grants.load(id))?.alive).toBe(false);
  });

  it('after another process saved newer tokens does not end the grant, and answers with those', async () => {
    await store(tokensAt('stored', 0));
    const { oauth } = countingOAuth(async () => {
      await grants.saveTokens(id, 1, tokensAt('of another', 1_800_000));
      return dead();
    });
    expect(await createTokenKeeper({ grants, oauth }).accessToken(id)).toBe('access of another');
    expect((await grants.load(id))?.alive).toBe(true);
  });

  it('for the app’s own fault, as a wrong secret, does not end the customer’s grant', async () => {
    await store(tokensAt('stored', 0));
    const { oauth } = countingOAuth(async () => {
      throw new XeroRefusal('badRequest', 400);
    });
    await expect(createTokenKeeper({ grants, oauth }).accessToken(id)).rejects.toMatchObject({ kind: 'badRequest' });
    expect((await grants.load(id))?.alive).toBe(true);
  });

  it('of a grant that is not there says that a person has to consent again', async () => {
    const { oauth } = countingOAuth(fresh);
    const asked = createTokenKeeper({ grants, oauth }).accessToken(randomUUID());
    await expect(asked).rejects.toMatchObject({ kind: 'authFailed' });
  });
});

describe('against the simulator', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, records: 10 });
  });
  afterAll(() => simulator.close());

  it('a grant lives through many refreshes, and ends when the customer revokes it', async () => {
    const oauth = oauthAt(simulator.url);
    const [organisation] = await control<{ tenantId: string }[]>(simulator.url, 'GET', '/organisations');
    const tenantId = organisation?.tenantId as string;
    const secret = { state: 'state', codeVerifier: 'v'.repeat(43) };
    const consentUrl = await oauth.consentUrl({ ...secret, scopes: scopesFor('import') });
    const { tokens } = await oauth.exchange(await giveConsent(consentUrl, [tenantId]), secret);
    await store(tokens);
    const keeper = createTokenKeeper({ grants, oauth });
    let token = await keeper.accessToken(id);
    for (let n = 0; n < 3; n++) {
      const next = await keeper.accessToken(id, { notThisOne: token });
      expect(next).not.toBe(token);
      token = next;
    }
    await control(simulator.url, 'POST', `/organisations/${tenantId}/revoke`, { grant: true });
    await expect(keeper.accessToken(id, { notThisOne: token })).rejects.toMatchObject({ kind: 'authFailed' });
  });
});
