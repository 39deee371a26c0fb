import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGrants } from '../../db/grants.js';
import { createPool } from '../../db/pool.js';
import { createSealing } from '../../db/sealing.js';
import type { Grants, TokenSet, XeroOAuth } from '../../domain/ports.js';
import { XeroFault, XeroRefusal } from '../../domain/problems.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { createXeroReader } from '../../xero/reader.js';
import { createTokenKeeper } from '../../xero/tokens.js';
import { startChild } from '../support/childProcess.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { consentedTokens, contextOf, control, MemoryBudget, oauthAt, tokenCalls, until } from './support.js';

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
  const key = randomBytes(32);
  const sealing = createSealing({ current: 'k', keys: { k: key } });
  let simulator: Simulator;
  let tenantId: string;
  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, records: 10 });
    const [organisation] = await control<{ tenantId: string }[]>(simulator.url, 'GET', '/organisations');
    tenantId = organisation?.tenantId as string;
  });
  beforeEach(async () => {
    grants = createGrants(database.pool, sealing);
    await store(await consentedTokens(simulator.url, tenantId));
  });
  afterEach(async () => {
    await control(simulator.url, 'DELETE', '/faults');
    await control(simulator.url, 'PUT', '/clock', { offsetMs: 0 });
  });
  afterAll(() => simulator.close());

  const keeper = () => createTokenKeeper({ grants, oauth: oauthAt(simulator.url) });
  const endAccessToken = () =>
    database.pool.query('UPDATE oauth_grant SET access_token_expires_at = clock_timestamp() WHERE id = $1', [id]);
  const startAsking = (times: number, leaseMs = 30_000) =>
    startChild(
      'test/xero/fixtures/askForTokens.ts',
      [database.url, simulator.url, key.toString('base64'), id, String(times), String(leaseMs)],
      process.env,
    );

  it('a grant lives through many refreshes, and ends when the customer revokes it', async () => {
    let token = await keeper().accessToken(id);
    for (let n = 0; n < 3; n++) {
      const next = await keeper().accessToken(id, { notThisOne: token });
      expect(next).not.toBe(token);
      token = next;
    }
    await control(simulator.url, 'POST', `/organisations/${tenantId}/revoke`, { grant: true });
    await expect(keeper().accessToken(id, { notThisOne: token })).rejects.toMatchObject({ kind: 'authFailed' });
  });

  it('50 who ask at once in three processes and find the token ended make one call of the token endpoint', async () => {
    await endAccessToken();
    const before = await tokenCalls(simulator.url);
    const gate = await database.pool.connect();
    await gate.query('SELECT pg_advisory_lock(1)');
    const children = [17, 17, 16].map((times) => startAsking(times));
    await until(async () => (await waitingAtTheGate()) === 3);
    await gate.query('SELECT pg_advisory_unlock(1)');
    gate.release();
    const ends = await Promise.all(children.map(({ exited }) => exited));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const answers = children.flatMap((child) => child.output().trim().split('\n'));
    expect(answers).toHaveLength(50);
    expect(new Set(answers)).toEqual(new Set([(await grants.load(id))?.tokens.accessToken]));
    expect(await tokenCalls(simulator.url)).toBe(before + 1);
  });

  it('a process that is killed between Xero’s answer and the save costs nobody the grant: the next one refreshes', async () => {
    await endAccessToken();
    const before = await tokenCalls(simulator.url);
    const late = { match: { path: '/connect/token' }, kind: 'lateAnswer', ms: 3000, times: 1 };
    await control(simulator.url, 'POST', '/faults', [late]);
    const child = startAsking(1, 1000);
    // Xero has used the refresh token up, and the new ones are on their way.
    await until(async () => (await tokenCalls(simulator.url)) === before + 1);
    await child.killHard();
    expect(await grants.load(id)).toMatchObject({ version: 1, alive: true });

    const recovered = await keeper().accessToken(id);
    expect(await grants.load(id)).toMatchObject({ version: 2, tokens: { accessToken: recovered } });
    expect(await tokenCalls(simulator.url)).toBe(before + 2);
    const connections = await fetch(`${simulator.url}/connections`, {
      headers: { authorization: `Bearer ${recovered}` },
    });
    expect(connections.status).toBe(200);
  });

  /** Xero answered, and the answer was lost before it was saved. */
  async function loseOneAnswer(): Promise<void> {
    await endAccessToken();
    const lost: Grants = {
      ...grants,
      saveTokens: async () => {
        throw new Error('Postgres is away');
      },
    };
    await expect(createTokenKeeper({ grants: lost, oauth: oauthAt(simulator.url) }).accessToken(id)).rejects.toThrow();
  }

  it('29 minutes after a lost answer the old refresh token still brings new tokens, which are saved', async () => {
    await loseOneAnswer();
    await control(simulator.url, 'PUT', '/clock', { offsetMs: 29 * 60_000 });
    const recovered = await keeper().accessToken(id);
    expect(await grants.load(id)).toMatchObject({ version: 2, alive: true, tokens: { accessToken: recovered } });
  });

  it('31 minutes after it the grant is dead, and says that a person has to consent again', async () => {
    await loseOneAnswer();
    await control(simulator.url, 'PUT', '/clock', { offsetMs: 31 * 60_000 });
    await expect(keeper().accessToken(id)).rejects.toMatchObject({ kind: 'authFailed' });
    expect(await grants.load(id)).toMatchObject({ version: 1, alive: false });
  });

  it('calls that Xero refused with one stale token make one refresh, whoever comes first', async () => {
    await control(simulator.url, 'POST', '/tokens/expire');
    const before = await tokenCalls(simulator.url);
    const reader = () => createXeroReader({ budget: new MemoryBudget(), tokens: keeper(), apiUrl: simulator.url });
    const context = { ...contextOf(tenantId), grantId: id };
    const read = () => reader().readPage(context, 'currencies', {});
    const both = await Promise.all([read(), read()]);
    expect(both.map(({ text }) => text.includes('"Currencies"'))).toEqual([true, true]);
    await read();
    expect(await tokenCalls(simulator.url)).toBe(before + 1);
  });

  it('a call that was refused with a token which is no longer the stored one uses the stored one', async () => {
    const stale = await keeper().accessToken(id);
    const stored = await keeper().accessToken(id, { notThisOne: stale });
    const before = await tokenCalls(simulator.url);
    const answers = await Promise.all([1, 2, 3].map(() => keeper().accessToken(id, { notThisOne: stale })));
    expect(answers).toEqual([stored, stored, stored]);
    expect(await tokenCalls(simulator.url)).toBe(before);
  });
});

async function waitingAtTheGate(): Promise<number> {
  const { rows } = await database.pool.query(
    `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
     WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted`,
  );
  return rows.length;
}
