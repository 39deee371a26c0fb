import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { XeroFault } from '../../domain/problems.js';
import { scopesFor } from '../../xero/scopes.js';
import { type Api, organisation, startApi, stateOf } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const company = () => randomUUID();
const count = async (table: 'oauth_grant' | 'organisation') =>
  Number((await api.database.pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count);

test('a consent for one organisation binds it and starts the first full read at once', async () => {
  const { id, state } = await api.connect(company());
  const demo = organisation('Demo Company (NZ)');
  const page = await api.callback({ code: api.xero.grant([demo]), state });
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-type']).toContain('text/html');
  expect(page.body).toContain('Demo Company (NZ) is connected');
  const connection = (await api.call('GET', `/v1/connections/${id}`)).json();
  expect(connection).toMatchObject({
    status: 'syncingContacts',
    organisation: { id: demo.tenantId, name: 'Demo Company (NZ)' },
    running: [{ kind: 'backfill', workflowId: `backfill:${id}` }],
  });
  expect(api.temporal.running.has(id)).toBe(true);
});

test('tokens and the PKCE verifier stand in no row as they are', async () => {
  const { state } = await api.connect(company());
  const code = api.xero.grant([organisation('Sealed Ltd')]);
  await api.callback({ code, state });
  const { rows } = await api.database.pool.query<{ stored: Buffer }>(
    'SELECT sealed_tokens AS stored FROM oauth_grant UNION ALL SELECT sealed_verifier || state_hash FROM consent',
  );
  for (const { stored } of rows) {
    expect(stored.toString('latin1')).not.toContain(code);
    expect(stored.toString('latin1')).not.toContain(state);
  }
});

test('the customer goes back to the platform when it gave a returnUrl', async () => {
  const { id, state } = await api.connect(company(), { returnUrl: 'https://platform.test/done?tab=books' });
  const answer = await api.callback({ code: api.xero.grant([organisation('Back Ltd')]), state });
  expect(answer.statusCode).toBe(302);
  expect(answer.headers.location).toBe(`https://platform.test/done?tab=books&connection=${id}&status=connected`);
});

test('a returnUrl off the allow-list is refused, also one that only looks like it', async () => {
  const id = company();
  await api.call('PUT', `/v1/companies/${id}`, { name: 'A' });
  const foreign = ['https://evil.test/', 'https://platform.test.evil.test/', 'https://platform.test@evil.test/'];
  for (const returnUrl of [...foreign, 'javascript:alert(1)', 'http://platform.test/']) {
    const answer = await api.call('POST', '/v1/connections', { company: id, direction: 'import', returnUrl });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors[0].field).toBe('returnUrl');
  }
});

test('a denied consent says so, stores nothing and leaves the connection pending', async () => {
  const before = await count('oauth_grant');
  const { id, state } = await api.connect(company());
  const page = await api.callback({ error: 'access_denied', state });
  expect(page.statusCode).toBe(403);
  expect(page.body).toContain('The consent was not given in Xero.');
  expect(await count('oauth_grant')).toBe(before);
  expect((await api.call('GET', `/v1/connections/${id}`)).json()).toMatchObject({
    status: 'pending',
    organisation: null,
    lastError: { code: 'consent_denied' },
  });
});

test('after a denied consent another one can be started and given', async () => {
  const { id, state } = await api.connect(company());
  await api.callback({ error: 'access_denied', state });
  const again = (await api.call('POST', `/v1/connections/${id}/reconnect`)).json();
  const page = await api.callback({
    code: api.xero.grant([organisation('Second Try')]),
    state: stateOf(again.consentUrl),
  });
  expect(page.statusCode).toBe(200);
});

test('a replayed, unknown, missing, doubled or too old state is refused with a page and stores nothing', async () => {
  const { state } = await api.connect(company());
  await api.callback({ code: api.xero.grant([organisation('Once')]), state });
  const old = await api.connect(company());
  await api.database.pool.query(`UPDATE consent SET expires_at = clock_timestamp() WHERE connection_id = $1`, [old.id]);
  const grants = await count('oauth_grant');
  const organisations = await count('organisation');
  const code = () => api.xero.grant([organisation('Never')]);
  const queries = [
    { code: code(), state },
    { code: code(), state: 'made-up' },
    { code: code() },
    { code: code(), state: old.state },
  ];
  for (const query of queries as Record<string, string>[]) {
    const page = await api.callback(query);
    expect(page.statusCode).toBe(400);
    expect(page.body).toContain('This consent cannot be used');
  }
  expect((await api.app.inject('/v1/oauth/xero/callback?state=a&state=b')).statusCode).toBe(400);
  expect([await count('oauth_grant'), await count('organisation')]).toEqual([grants, organisations]);
});

test('a state is good once, even when ten callbacks bring it at the same instant', async () => {
  const { state } = await api.connect(company());
  const code = api.xero.grant([organisation('Racing')]);
  const pages = await Promise.all(Array.from({ length: 10 }, () => api.callback({ code, state })));
  expect(pages.map((page) => page.statusCode).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
});

test('a code that Xero does not take is refused, and Xero being away is told apart from it', async () => {
  const first = await api.connect(company());
  expect((await api.callback({ code: 'made-up', state: first.state })).statusCode).toBe(400);
  const second = await api.connect(company());
  const exchange = api.deps.oauth.exchange;
  api.deps.oauth.exchange = () => Promise.reject(new XeroFault('timeout'));
  const page = await api.callback({ code: 'any', state: second.state });
  api.deps.oauth.exchange = exchange;
  expect(page.statusCode).toBe(503);
  expect(page.body).toContain('Xero did not answer');
});

test('a consent without a required permission is refused naming it, and given back', async () => {
  const { id, state } = await api.connect(company());
  const lacking = organisation('Lacking');
  const scopes = scopesFor('import').filter((scope) => scope !== 'accounting.contacts.read');
  const page = await api.callback({ code: api.xero.grant([lacking], scopes), state });
  expect(page.statusCode).toBe(403);
  expect(page.body).toContain('accounting.contacts.read');
  expect(api.xero.ended).toContain(lacking.xeroConnectionId);
  expect((await api.call('GET', `/v1/connections/${id}`)).json().lastError.code).toBe('scopes_missing');
});

test('what Xero calls an organisation is text on the page, never markup', async () => {
  const { state } = await api.connect(company());
  const page = await api.callback({ code: api.xero.grant([organisation('<script>"&\'')]), state });
  expect(page.body).toContain('&lt;script&gt;&quot;&amp;&#39;');
  expect(page.body).not.toContain('<script>');
});

test('a second company is refused an organisation that is connected, without a word about the first', async () => {
  const taken = organisation('Taken');
  const first = await api.connect('first-company-of-taken');
  await api.callback({ code: api.xero.grant([taken]), state: first.state });
  const grants = await count('oauth_grant');
  const second = await api.connect(company());
  const own = { ...taken, xeroConnectionId: randomUUID() };
  const page = await api.callback({ code: api.xero.grant([own]), state: second.state });
  expect(page.statusCode).toBe(409);
  expect(page.body).toContain('already connected');
  expect(page.body).not.toContain('first-company-of-taken');
  expect(await count('oauth_grant')).toBe(grants);
  expect(api.xero.ended).toContain(own.xeroConnectionId);
  expect(api.xero.ended).not.toContain(taken.xeroConnectionId);
});

test('a refused link that another connection lives by is not ended', async () => {
  const shared = organisation('Shared link');
  const first = await api.connect(company());
  await api.callback({ code: api.xero.grant([shared]), state: first.state });
  const second = await api.connect(company());
  await api.callback({ code: api.xero.grant([shared]), state: second.state });
  expect(api.xero.ended).not.toContain(shared.xeroConnectionId);
});

test('of 20 companies that connect at once to one organisation one gets it', async () => {
  const wanted = organisation('Wanted');
  const all = await Promise.all(Array.from({ length: 20 }, () => api.connect(company())));
  const pages = await Promise.all(
    all.map(({ state }) =>
      api.callback({ code: api.xero.grant([{ ...wanted, xeroConnectionId: randomUUID() }]), state }),
    ),
  );
  expect(pages.filter((page) => page.statusCode === 200)).toHaveLength(1);
  expect(pages.filter((page) => page.statusCode === 409)).toHaveLength(19);
  const { rows } = await api.database.pool.query('SELECT id FROM connection WHERE organisation_id = $1', [
    wanted.tenantId,
  ]);
  expect(rows).toHaveLength(1);
});

test('when a consent covers several organisations one is chosen, and the read starts then', async () => {
  const [red, blue] = [organisation('Red'), organisation('Blue')];
  const { id, state } = await api.connect(company());
  const page = await api.callback({ code: api.xero.grant([red, blue]), state });
  expect(page.body).toContain('Which organisation?');
  expect((await api.call('GET', `/v1/connections/${id}`)).json().status).toBe('choosingOrganisation');
  expect(api.temporal.running.has(id)).toBe(false);
  expect((await api.call('GET', `/v1/connections/${id}/organisations`)).json()).toEqual({
    data: [
      { tenantId: blue.tenantId, name: 'Blue' },
      { tenantId: red.tenantId, name: 'Red' },
    ],
  });
  const stranger = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: randomUUID() });
  expect([stranger.statusCode, stranger.json().errors[0].field]).toEqual([422, 'tenantId']);
  const chosen = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: blue.tenantId });
  expect(chosen.json()).toMatchObject({ status: 'syncingContacts', organisation: { name: 'Blue' } });
  expect(api.temporal.running.has(id)).toBe(true);
  const late = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: red.tenantId });
  expect([late.statusCode, late.json().code]).toEqual([409, 'connection_not_ready']);
});

test('choosing one that belongs to another company is refused, and another may be chosen then', async () => {
  const [mine, theirs] = [organisation('Mine'), organisation('Theirs')];
  const first = await api.connect(company());
  await api.callback({ code: api.xero.grant([theirs]), state: first.state });
  const offered = { ...theirs, xeroConnectionId: randomUUID() };
  const { id, state } = await api.connect(company());
  await api.callback({ code: api.xero.grant([mine, offered]), state });
  const refused = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: theirs.tenantId });
  expect([refused.statusCode, refused.json().code]).toEqual([409, 'organisation_taken']);
  expect(api.xero.ended).toContain(offered.xeroConnectionId);
  const chosen = await api.call('POST', `/v1/connections/${id}/organisation`, { tenantId: mine.tenantId });
  expect(chosen.statusCode).toBe(200);
});

test('a consent asks for the permission that a chosen stream needs, and not before it is chosen', async () => {
  const { id } = await api.connect(company());
  const asked = async () => {
    const { consentUrl } = (await api.call('POST', `/v1/connections/${id}/reconnect`)).json();
    return new URL(consentUrl).searchParams.get('scope')?.split(' ');
  };
  expect(await asked()).toEqual(scopesFor('import'));
  await api.call('PATCH', `/v1/connections/${id}/settings`, { optionalStreams: ['quotes', 'journals'] });
  expect(await asked()).toEqual([...scopesFor('import'), 'accounting.journals.read']);
});

test('reconnecting goes on with the same organisation, and is refused for any other', async () => {
  const own = organisation('Own');
  const { id, state } = await api.connect(company());
  await api.callback({ code: api.xero.grant([own]), state });
  await api.stand(id, 'authFailed');

  const other = organisation('Other');
  const wrong = (await api.call('POST', `/v1/connections/${id}/reconnect`)).json();
  const page = await api.callback({ code: api.xero.grant([other]), state: stateOf(wrong.consentUrl) });
  expect(page.statusCode).toBe(409);
  expect(api.xero.ended).toContain(other.xeroConnectionId);

  const right = (await api.call('POST', `/v1/connections/${id}/reconnect`)).json();
  await api.callback({ code: api.xero.grant([other, own]), state: stateOf(right.consentUrl) });
  expect((await api.call('GET', `/v1/connections/${id}`)).json()).toMatchObject({
    status: 'syncingContacts',
    organisation: { id: own.tenantId },
  });
});

test('with Temporal away the organisation is bound all the same, and the read can be started later', async () => {
  const { id, state } = await api.connect(company());
  api.temporal.away = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
  const page = await api.callback({ code: api.xero.grant([organisation('Later')]), state });
  expect(page.statusCode).toBe(200);
  const refused = await api.call('POST', `/v1/connections/${id}/backfill`);
  expect([refused.statusCode, refused.json().code, refused.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
  api.temporal.away = null;
  expect((await api.call('POST', `/v1/connections/${id}/backfill`)).statusCode).toBe(202);
});

test('code, state and keys stand in no line of the log', async () => {
  const { state } = await api.connect(company());
  const code = api.xero.grant([organisation('Quiet')]);
  await api.callback({ code, state });
  const secret = await api.key('viewer');
  await api.call('GET', '/v1/companies', undefined, secret);
  const lines = api.log.join('');
  expect(lines).toContain('/v1/oauth/xero/callback');
  for (const hidden of [code, state, secret]) expect(lines).not.toContain(hidden);
});
