import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { XeroFault, XeroRefusal } from '../../domain/problems.js';
import { DEMO_CLIENT, type Simulator, startSimulator } from '../../simulator/index.js';
import { createXeroOAuth } from '../../xero/oauth.js';
import { missingScopes, scopesFor } from '../../xero/scopes.js';
import { control, giveConsent, oauthAt } from './support.js';

let simulator: Simulator;
let tenantIds: string[];

beforeAll(async () => {
  simulator = await startSimulator({ port: 0, records: 100 });
  await control(simulator.url, 'POST', '/organisations', { name: 'Second', records: 10 });
  tenantIds = (await control<{ tenantId: string }[]>(simulator.url, 'GET', '/organisations')).map(
    (one) => one.tenantId,
  );
});
afterAll(() => simulator.close());
afterEach(() => control(simulator.url, 'DELETE', '/faults'));

const secret = { state: 'a state', codeVerifier: 'v'.repeat(43) };

async function consent(tenants: readonly string[], decision: 'allow' | 'deny' = 'allow') {
  const oauth = oauthAt(simulator.url);
  return {
    oauth,
    callback: await giveConsent(await oauth.consentUrl({ ...secret, scopes: scopesFor('import') }), tenants, decision),
  };
}

describe('a consent', () => {
  it('is asked for at Xero’s own hosts unless told otherwise, with PKCE and the state', async () => {
    const oauth = createXeroOAuth({ clientId: 'id', clientSecret: 'secret', redirectUri: 'https://example.com/cb' });
    const url = new URL(await oauth.consentUrl({ ...secret, scopes: ['a.read', 'offline_access'] }));
    expect(url.origin + url.pathname).toBe('https://login.xero.com/identity/connect/authorize');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: 'id',
      response_type: 'code',
      scope: 'a.read offline_access',
      state: 'a state',
      code_challenge_method: 'S256',
      redirect_uri: 'https://example.com/cb',
    });
    expect(url.href).not.toContain('secret');
  });

  it('becomes tokens, the scopes that were granted, and the organisations of this very consent', async () => {
    const all = await consent(tenantIds);
    const exchanged = await all.oauth.exchange(all.callback, secret);
    expect(exchanged.organisations.map(({ tenantId }) => tenantId).toSorted()).toEqual(tenantIds.toSorted());
    expect(missingScopes('import', exchanged.scopes)).toEqual([]);
    expect(Date.parse(exchanged.tokens.expiresAt) - Date.now()).toBeGreaterThan(1_700_000);
    const one = await consent([tenantIds[1] as string]);
    const again = await one.oauth.exchange(one.callback, secret);
    expect(again.organisations).toMatchObject([{ tenantId: tenantIds[1], name: 'Second' }]);
  });

  it('that was denied, comes with another state, or was used already gives nothing', async () => {
    const denied = await consent(tenantIds, 'deny');
    await expect(denied.oauth.exchange(denied.callback, secret)).rejects.toMatchObject({ kind: 'authFailed' });
    const { oauth, callback } = await consent(tenantIds);
    await expect(oauth.exchange(callback, { ...secret, state: 'another' })).rejects.toBeInstanceOf(XeroRefusal);
    await expect(oauth.exchange(callback, { ...secret, codeVerifier: 'w'.repeat(43) })).rejects.toBeInstanceOf(
      XeroRefusal,
    );
    await expect(oauth.exchange(callback, secret)).rejects.toMatchObject({ kind: 'authFailed' });
  });
});

describe('a refresh', () => {
  it('gives new tokens, and the old refresh token once more when the first answer was lost', async () => {
    const { oauth, callback } = await consent(tenantIds);
    const { tokens } = await oauth.exchange(callback, secret);
    const first = await oauth.refresh(tokens.refreshToken);
    expect(first.refreshToken).not.toBe(tokens.refreshToken);
    expect((await oauth.refresh(tokens.refreshToken)).accessToken).not.toBe(first.accessToken);
  });

  it('of a token that is no longer good is the end of the grant, whereas anything else is not', async () => {
    const oauth = oauthAt(simulator.url);
    await expect(oauth.refresh('no such token')).rejects.toMatchObject({ name: 'XeroRefusal', kind: 'authFailed' });
    const wrongSecret = oauthAt(simulator.url, { ...DEMO_CLIENT, secret: 'wrong' });
    await expect(wrongSecret.refresh('any')).rejects.toMatchObject({ kind: 'badRequest' });
    for (const [fault, kind] of [
      [{ kind: 'reset' }, 'network'],
      [{ kind: 'timeout' }, 'timeout'],
      [{ kind: 'status', status: 503 }, 'unavailable'],
      [{ kind: 'truncate' }, 'badAnswer'],
    ] as const) {
      await control(simulator.url, 'POST', '/faults', [{ match: { path: '/connect/token' }, times: 1, ...fault }]);
      const broken = oauth.refresh('any');
      await expect(broken, kind).rejects.toBeInstanceOf(XeroFault);
      await expect(broken).rejects.toMatchObject({ kind });
    }
  });

  it('that fails tells nothing of what was sent', async () => {
    const error: unknown = await oauthAt(simulator.url)
      .refresh('secret-refresh-token')
      .catch((thrown: unknown) => thrown);
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(shown).not.toContain('secret-refresh-token');
    expect(shown).not.toContain(DEMO_CLIENT.secret);
  });
});

describe('the end of a link', () => {
  it('ends that one and no other, and may be asked for twice', async () => {
    const { oauth, callback } = await consent(tenantIds);
    const { tokens, organisations } = await oauth.exchange(callback, secret);
    const [first, second] = organisations;
    await oauth.endConnection(tokens.accessToken, first?.xeroConnectionId as string);
    await oauth.endConnection(tokens.accessToken, first?.xeroConnectionId as string);
    const left = await fetch(`${simulator.url}/connections`, {
      headers: { authorization: `Bearer ${tokens.accessToken}` },
    });
    expect(await left.json()).toMatchObject([{ tenantId: second?.tenantId }]);
    await expect(oauth.endConnection('no token', 'any')).rejects.toMatchObject({ kind: 'authFailed' });
  });
});
