import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorizeUrl, BASIC, Bench, CLIENT, consent, decide, exchange, json, REDIRECT } from './support.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('the identity server', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.close());

  const connections = async (query = '') =>
    fetch(`${bench.simulator.url}/connections${query}`, {
      headers: { authorization: `Bearer ${bench.tokens.access_token}` },
    });
  const refresh = (refresh_token: string) => bench.token({ grant_type: 'refresh_token', refresh_token });

  it('signs access tokens with the key of its JWKS document', async () => {
    const found = await json(await fetch(`${bench.simulator.url}/.well-known/openid-configuration`));
    const { keys } = await json(await fetch(found.jwks_uri));
    const [head = '', body = '', signature = ''] = bench.tokens.access_token.split('.');
    const key = createPublicKey({ key: keys[0], format: 'jwk' });
    const signed = Buffer.from(`${head}.${body}`);
    expect(verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    expect(claims.exp - claims.nbf).toBe(1800);
    expect(claims.authentication_event_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('lists the organisations on the consent page', async () => {
    const page = await (await fetch(authorizeUrl(bench.simulator))).text();
    expect(page).toContain(`name="tenant" value="${bench.tenantId}"`);
    expect(page).toContain('Demo Company (NZ)');
  });

  it('sends a denial back with the state', async () => {
    const back = await decide(authorizeUrl(bench.simulator), [['decision', 'deny']]);
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('state')).toBe('some state');
  });

  it.each(['http://127.0.0.1:3000/callback', 'http://example.com/callback', 'https://elsewhere.example/'])(
    'refuses the redirect URI %s',
    async (redirect_uri) => {
      const page = await fetch(authorizeUrl(bench.simulator, { redirect_uri }), { redirect: 'manual' });
      expect(page.status).toBe(400);
      expect(await page.text()).toContain('unauthorized_client');
    },
  );

  it('refuses scopes that apps made today cannot have', async () => {
    const response = await fetch(authorizeUrl(bench.simulator, { scope: 'accounting.transactions' }), {
      redirect: 'manual',
    });
    expect(response.headers.get('location')).toContain('error=invalid_scope');
    await bench.control('PATCH', '/settings', { switches: { broadScopes: true } });
    const granted = await fetch(authorizeUrl(bench.simulator, { scope: 'accounting.transactions' }), {
      redirect: 'manual',
    });
    expect(granted.status).toBe(200);
  });

  it('takes a code once, for five minutes', async () => {
    const code = await consent(bench.simulator, [bench.tenantId]);
    expect((await exchange(bench.simulator, code)).access_token).toBeDefined();
    expect(await exchange(bench.simulator, code)).toEqual({ error: 'invalid_grant' });
    const late = await consent(bench.simulator, [bench.tenantId]);
    await bench.moveClock(5 * MINUTE);
    expect(await exchange(bench.simulator, late)).toEqual({ error: 'invalid_grant' });
  });

  it('checks PKCE when a challenge was given', async () => {
    const verifier = 'a-verifier-of-at-least-forty-three-characters-in-all';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    const wrong = await consent(bench.simulator, [bench.tenantId], pkce);
    expect(await exchange(bench.simulator, wrong, { code_verifier: 'something else' })).toEqual({
      error: 'invalid_grant',
    });
    const right = await consent(bench.simulator, [bench.tenantId], pkce);
    expect((await exchange(bench.simulator, right, { code_verifier: verifier })).expires_in).toBe(1800);
  });

  it.each([true, false])('takes PKCE from an app that also has a secret: %s', async (pkceWithSecret) => {
    await bench.control('PATCH', '/settings', { switches: { pkceWithSecret } });
    const pkce = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' };
    const response = await fetch(authorizeUrl(bench.simulator, pkce), { redirect: 'manual' });
    expect(response.status).toBe(pkceWithSecret ? 200 : 302);
  });

  it('rotates refresh tokens, and takes the previous one for thirty minutes more', async () => {
    const first = bench.tokens.refresh_token;
    const second = await json(await refresh(first));
    expect(second.refresh_token).not.toBe(first);
    await bench.moveClock(29 * MINUTE);
    expect((await refresh(first)).status).toBe(200);
    await bench.moveClock(31 * MINUTE);
    const late = await refresh(first);
    expect(late.status).toBe(400);
    expect(await late.text()).toBe('{"error":"invalid_grant"}');
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });

  it('forgets a refresh token that was not used for sixty days', async () => {
    await bench.moveClock(60 * DAY);
    expect((await refresh(bench.tokens.refresh_token)).status).toBe(400);
  });

  it('shows connections whose ids are not tenant ids, with seven decimals and no zone', async () => {
    const [connection] = await json(await connections());
    expect(connection).toMatchObject({
      tenantId: bench.tenantId,
      tenantType: 'ORGANISATION',
      tenantName: 'Demo Company (NZ)',
    });
    expect(connection.id).not.toBe(connection.tenantId);
    expect(connection.createdDateUtc).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}$/);
    expect(await json(await connections(`?authEventId=${connection.authEventId}`))).toHaveLength(1);
    expect(await json(await connections(`?authEventId=${bench.tenantId}`))).toHaveLength(0);
  });

  it('lets one consent cover several organisations with one token set', async () => {
    const other = await bench.control('POST', '/organisations', { name: 'Second', records: 300 });
    const code = await consent(bench.simulator, [bench.tenantId, other.tenantId]);
    bench.tokens = await exchange(bench.simulator, code);
    expect(await json(await connections())).toHaveLength(2);
    expect((await bench.get('Organisation', {}, { 'xero-tenant-id': other.tenantId })).status).toBe(200);
  });

  it('answers 403 once a connection is deleted', async () => {
    const [{ id }] = await json(await connections());
    const headers = { authorization: `Bearer ${bench.tokens.access_token}` };
    const gone = await fetch(`${bench.simulator.url}/connections/${id}`, { method: 'DELETE', headers });
    expect(gone.status).toBe(204);
    expect((await bench.get('Organisation')).status).toBe(403);
  });

  it('ends every connection of the user at a revocation', async () => {
    const body = new URLSearchParams({ token: bench.tokens.refresh_token });
    const url = `${bench.simulator.url}/connect/revocation`;
    expect((await fetch(url, { method: 'POST', headers: { authorization: BASIC }, body })).status).toBe(200);
    expect((await bench.get('Organisation')).status).toBe(401);
    expect((await refresh(bench.tokens.refresh_token)).status).toBe(400);
  });

  it('lets the customer disconnect the app, and with it the grant', async () => {
    await bench.control('POST', `/organisations/${bench.tenantId}/revoke`, {});
    expect((await bench.get('Organisation')).status).toBe(403);
    const code = await consent(bench.simulator, [bench.tenantId]);
    bench.tokens = await exchange(bench.simulator, code);
    await bench.control('POST', `/organisations/${bench.tenantId}/revoke`, { grant: true });
    expect((await refresh(bench.tokens.refresh_token)).status).toBe(400);
  });

  it('lists every token and code it ever issued', async () => {
    const { codes, accessTokens, refreshTokens } = await bench.control('GET', '/tokens');
    expect(codes).toHaveLength(1);
    expect(accessTokens[0].token).toBe(bench.tokens.access_token);
    expect(refreshTokens[0].token).toBe(bench.tokens.refresh_token);
  });

  it('refuses a client whose secret is wrong', async () => {
    const authorization = `Basic ${Buffer.from(`${CLIENT.id}:wrong`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: bench.tokens.refresh_token });
    const response = await fetch(`${bench.simulator.url}/connect/token`, {
      method: 'POST',
      headers: { authorization },
      body,
    });
    expect(await response.text()).toBe('{"error":"invalid_client"}');
  });
});

describe('a custom connection', () => {
  it('gets a token without a refresh token, for its one organisation', async () => {
    const client = { ...CLIENT, redirectUris: [REDIRECT] };
    const bench = await Bench.start({ clients: [client] });
    const plain = await bench.token({ grant_type: 'client_credentials', scope: 'accounting.settings.read' });
    expect(await plain.text()).toBe('{"error":"unauthorized_client"}');
    Object.assign(client, { tenantId: bench.tenantId });
    const tokens = await json(
      await bench.token({ grant_type: 'client_credentials', scope: 'accounting.settings.read' }),
    );
    expect(tokens.refresh_token).toBeUndefined();
    bench.tokens = tokens;
    expect((await bench.get('Organisation')).status).toBe(200);
    await bench.close();
  });
});
