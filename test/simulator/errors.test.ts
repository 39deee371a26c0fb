import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, consent, exchange, json } from './support.js';

const GUID = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe('errors', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start({ limits: { minute: 1_000 } });
  });
  afterAll(() => bench.close());

  it('answers a bad token with 401 AuthenticationUnsuccessful', async () => {
    const response = await bench.get('Organisation', {}, { authorization: 'Bearer nonsense' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error=invalid_token');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      Type: null,
      Title: 'Unauthorized',
      Status: 401,
      Detail: 'AuthenticationUnsuccessful',
      Instance: GUID,
      Extensions: {},
    });
    expect(Object.keys(JSON.parse(text))).toEqual(['Type', 'Title', 'Status', 'Detail', 'Instance', 'Extensions']);
  });

  it('tells when a token expired', async () => {
    const own = await exchange(bench.simulator, await consent(bench.simulator, [bench.tenantId]));
    await bench.control('POST', '/tokens/expire');
    const response = await bench.get('Organisation', {}, { authorization: `Bearer ${own.access_token}` });
    expect(response.status).toBe(401);
    const { Detail } = await json(response);
    expect(Detail).toMatch(/^TokenExpired: token expired at \d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/);
    bench.tokens = await exchange(bench.simulator, await consent(bench.simulator, [bench.tenantId]));
  });

  it('answers a missing scope with 401 AuthorizationUnsuccessful', async () => {
    const scope = 'offline_access accounting.contacts';
    const code = await consent(bench.simulator, [bench.tenantId], { scope });
    const narrow = await exchange(bench.simulator, code);
    const headers = { authorization: `Bearer ${narrow.access_token}` };
    expect((await bench.get('Contacts', { page: '1' }, headers)).status).toBe(200);
    const refused = await bench.get('Invoices', { page: '1' }, headers);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('insufficient_scope');
    expect((await json(refused)).Detail).toBe('AuthorizationUnsuccessful');
  });

  it('answers an organisation that is not connected with 403', async () => {
    const other = await bench.control('POST', '/organisations', { records: 100 });
    const refused = await bench.get('Organisation', {}, { 'xero-tenant-id': other.tenantId });
    expect(refused.status).toBe(403);
    expect(await json(refused)).toMatchObject({
      Title: 'Forbidden',
      Status: 403,
      Detail: 'AuthenticationUnsuccessful',
    });
  });

  it.each(['Nonsense', 'Invoices/00000000-0000-0000-0000-000000000000'])(
    'answers %s with a 404 that is not JSON',
    async (path) => {
      const response = await bench.get(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('text/html');
    },
  );

  it('answers 503 in plain text while an organisation is offline', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { offline: true });
    const response = await bench.get('Organisation');
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toBe('The Organisation is offline');
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { offline: false });
    expect((await bench.get('Organisation')).status).toBe(200);
  });

  it('shows the period lock dates of the organisation', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-03-31' });
    const [organisation] = (await bench.read('Organisation')).Organisations;
    expect(organisation).toMatchObject({
      PeriodLockDate: '/Date(1774915200000+0000)/',
      Timezone: 'NEWZEALANDSTANDARDTIME',
    });
  });

  it('explains what is wrong with a control call', async () => {
    const answer = await bench.control('PATCH', '/settings', { switches: { noSuchSwitch: true } });
    expect(answer.error).toContain('noSuchSwitch');
  });
});

describe('faults', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start({ limits: { minute: 1_000 } });
  });
  afterAll(() => bench.close());

  const fault = (wish: object) =>
    bench.control('POST', '/faults', [{ match: { path: '/Invoices' }, times: 1, ...wish }]);
  const page = () => bench.get('Invoices', { page: '1' });

  it('never answers', async () => {
    await fault({ kind: 'timeout' });
    const headers = { authorization: `Bearer ${bench.tokens.access_token}`, 'xero-tenant-id': bench.tenantId };
    const url = `${bench.simulator.url}/api.xro/2.0/Invoices?page=1`;
    await expect(fetch(url, { headers, signal: AbortSignal.timeout(80) })).rejects.toThrow();
    expect((await page()).status).toBe(200);
  });

  it('resets the connection before the answer', async () => {
    await fault({ kind: 'reset' });
    await expect(page()).rejects.toThrow();
  });

  it('resets the connection in the middle of the body, after the call was counted', async () => {
    const before = (await bench.truth()).calls.total;
    await fault({ kind: 'resetMidBody' });
    await expect(page().then((response) => response.text())).rejects.toThrow();
    expect((await bench.truth()).calls.total).toBe(before + 1);
  });

  it('cuts the JSON short', async () => {
    await fault({ kind: 'truncate' });
    const response = await page();
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(() => JSON.parse(text)).toThrow();
  });

  it.each([
    [{ status: 500 }, 500, '"Title"'],
    [{ status: 503 }, 503, 'The Xero API is temporarily unavailable'],
    [{ status: 503, body: 'The Organisation is offline' }, 503, 'The Organisation is offline'],
  ])('answers with a status: %o', async (wish, status, text) => {
    await fault({ kind: 'status', ...wish });
    const response = await page();
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
  });

  it.each(['delay', 'lateAnswer'])('takes its time: %s', async (kind) => {
    await fault({ kind, ms: 60 });
    const started = performance.now();
    expect((await page()).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });

  it('skips calls before it strikes, and tells how often it did', async () => {
    await bench.control('DELETE', '/faults');
    await fault({
      kind: 'status',
      status: 500,
      skip: 1,
      match: { path: '/Contacts', method: 'GET', tenantId: bench.tenantId },
    });
    expect((await bench.get('Contacts', { page: '1' })).status).toBe(200);
    expect((await bench.get('Contacts', { page: '1' })).status).toBe(500);
    expect((await bench.get('Contacts', { page: '1' })).status).toBe(200);
    expect((await bench.control('GET', '/faults'))[0].hits).toBe(1);
  });
});
