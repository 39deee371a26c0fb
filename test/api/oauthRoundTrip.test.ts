import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_CLIENT, DEMO_ORGANISATION, type Simulator, startSimulator } from '../../simulator/index.js';
import { createXeroOAuth } from '../../xero/oauth.js';
import { type Api, startApi, stateOf } from './harness.js';

let simulator: Simulator;
let api: Api;
/** Access tokens in the order of their consents. */
const issued: string[] = [];
beforeAll(async () => {
  simulator = await startSimulator({ port: 0, records: 50 });
  const oauth = createXeroOAuth({
    clientId: DEMO_CLIENT.id,
    clientSecret: DEMO_CLIENT.secret,
    redirectUri: 'http://localhost:8080/v1/oauth/xero/callback',
    apiUrl: simulator.url,
    issuerUrls: {
      issuer: simulator.url,
      authorize: `${simulator.url}/identity/connect/authorize`,
      token: `${simulator.url}/connect/token`,
    },
  });
  const { exchange } = oauth;
  oauth.exchange = async (...question) => {
    const answer = await exchange(...question);
    issued.push(answer.tokens.accessToken);
    return answer;
  };
  api = await startApi({ oauth });
});
afterAll(async () => {
  await api.close();
  await simulator.close();
});

async function connect(): Promise<{ id: string; consentUrl: string }> {
  const company = randomUUID();
  await api.call('PUT', `/v1/companies/${company}`, { name: 'Company' });
  return (await api.call('POST', '/v1/connections', { company, direction: 'two-way' })).json();
}

async function organisation(name: string): Promise<string> {
  const made = await fetch(`${simulator.url}/_sim/organisations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, records: 10 }),
  });
  return ((await made.json()) as { tenantId: string }).tenantId;
}

/** What a person does on Xero's page; answers what Xero's redirect brings back. */
async function consent(consentUrl: string, form: [string, string][]): Promise<Record<string, string>> {
  const answer = await fetch(consentUrl, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
  const location = new URL(answer.headers.get('location') ?? '');
  expect(location.pathname).toBe('/v1/oauth/xero/callback');
  return Object.fromEntries(location.searchParams);
}

const allow = (user: string, ...tenants: string[]): [string, string][] => [
  ['decision', 'allow'],
  ['user', user],
  ...tenants.map((tenant): [string, string] => ['tenant', tenant]),
];

/** The organisations that Xero lets a token reach. */
async function reached(accessToken: string | undefined): Promise<string[]> {
  const answer = await fetch(`${simulator.url}/connections`, { headers: { authorization: `Bearer ${accessToken}` } });
  return ((await answer.json()) as { tenantId: string }[]).map(({ tenantId }) => tenantId);
}

test('the whole way: consent page, code, PKCE, tokens, the organisation of that very consent', async () => {
  const [demo] = (await (await fetch(`${simulator.url}/_sim/organisations`)).json()) as { tenantId: string }[];
  const { id, consentUrl } = await connect();
  const page = await (await fetch(consentUrl)).text();
  expect(page).toContain(DEMO_ORGANISATION);
  const back = await consent(consentUrl, allow('owner@example.com', demo?.tenantId ?? ''));
  const answer = await api.callback(back);
  expect([answer.statusCode, answer.body]).toEqual([200, expect.stringContaining('is connected')]);
  expect((await api.call('GET', `/v1/connections/${id}`)).json()).toMatchObject({
    status: 'syncingContacts',
    organisation: { id: demo?.tenantId, name: DEMO_ORGANISATION },
  });
  expect((await api.callback(back)).statusCode).toBe(400);
});

test('denied on the page: 403, and still pending', async () => {
  const { id, consentUrl } = await connect();
  const back = await consent(consentUrl, [['decision', 'deny']]);
  expect(back).toMatchObject({ error: 'access_denied', state: stateOf(consentUrl) });
  expect((await api.callback(back)).statusCode).toBe(403);
  expect((await api.call('GET', `/v1/connections/${id}`)).json().status).toBe('pending');
});

test("a code brought under another consent's state is refused: PKCE ties it to its own", async () => {
  const tenant = await organisation('Crossed');
  const [own, foreign] = [await connect(), await connect()];
  const back = await consent(own.consentUrl, allow('crossed@example.com', tenant));
  const answer = await api.callback({ ...back, state: stateOf(foreign.consentUrl) });
  expect(answer.statusCode).toBe(400);
  expect((await api.call('GET', `/v1/connections/${foreign.id}`)).json().organisation).toBeNull();
});

test('a person who consents for a second company does not disconnect the first', async () => {
  const tenant = await organisation('Shared by one bookkeeper');
  const [first, second] = [await connect(), await connect()];
  const bookkeeper = allow('bookkeeper@example.com', tenant);
  expect((await api.callback(await consent(first.consentUrl, bookkeeper))).statusCode).toBe(200);
  expect((await api.callback(await consent(second.consentUrl, bookkeeper))).statusCode).toBe(409);
  expect(await reached(issued.at(-2))).toEqual([tenant]);
});

test('a stranger who consents for a connected organisation is refused, and only that link is ended', async () => {
  const tenant = await organisation('Wanted by a stranger');
  const [first, second] = [await connect(), await connect()];
  await api.callback(await consent(first.consentUrl, allow('owner2@example.com', tenant)));
  expect((await api.callback(await consent(second.consentUrl, allow('stranger@example.com', tenant)))).statusCode).toBe(
    409,
  );
  expect(await reached(issued.at(-2))).toEqual([tenant]);
  expect(await reached(issued.at(-1))).toEqual([]);
});

test('two organisations in one consent: one is chosen over the API', async () => {
  const tenants = [await organisation('North'), await organisation('South')] as const;
  const { id, consentUrl } = await connect();
  await api.callback(await consent(consentUrl, allow('both@example.com', ...tenants)));
  const offered = (await api.call('GET', `/v1/connections/${id}/organisations`)).json().data;
  expect(offered).toEqual([
    { tenantId: tenants[0], name: 'North' },
    { tenantId: tenants[1], name: 'South' },
  ]);
  const chosen = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: tenants[1] });
  expect(chosen.json()).toMatchObject({ status: 'syncingContacts', organisation: { name: 'South' } });
});
