import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MustWait, XeroFault, XeroRefusal } from '../../domain/problems.js';
import { idsPerCall, streams } from '../../domain/streams.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { organisationFacts } from '../../xero/organisationFacts.js';
import { createXeroReader, itemCountOf } from '../../xero/reader.js';
import { scopesFor } from '../../xero/scopes.js';
import type { TokenKeeper } from '../../xero/tokens.js';
import { contextOf, control, giveConsent, MemoryBudget, type OddServer, oauthAt, oddServer } from './support.js';

const fixedToken = (token: string): TokenKeeper => ({ accessToken: async () => token });
/** A whole page, as text. */
const list = '{"pagination":{"page":1,"pageSize":100,"pageCount":1,"itemCount":1},"Contacts":[{"ContactID":"a"}]}';

describe('against the simulator', () => {
  let simulator: Simulator;
  let tenantId: string;
  let accessToken: string;

  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, records: 3000 });
    const [organisation] = await control<{ tenantId: string }[]>(simulator.url, 'GET', '/organisations');
    tenantId = organisation?.tenantId as string;
    const oauth = oauthAt(simulator.url);
    const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
    const callback = await giveConsent(await oauth.consentUrl({ ...secret, scopes: scopesFor('import') }), [tenantId]);
    ({ accessToken } = (await oauth.exchange(callback, secret)).tokens);
  });
  afterAll(() => simulator.close());
  afterEach(() => control(simulator.url, 'DELETE', '/faults'));

  const readerWith = (budget: MemoryBudget, tokens: TokenKeeper = fixedToken(accessToken)) =>
    createXeroReader({ budget, tokens, apiUrl: simulator.url, http: { deadlineMs: 2000 } });

  it('reads a page as it came, with its count, Xero’s time and what it cost', async () => {
    const budget = new MemoryBudget();
    const context = contextOf(tenantId);
    const asked = Date.now();
    const page = await readerWith(budget).readPage(context, 'invoices', { page: 1, pageSize: 50, order: 'InvoiceID' });
    const answered = Date.now();
    expect(JSON.parse(page.text).Invoices).toHaveLength(50);
    expect(page.itemCount).toBe(JSON.parse(page.text).pagination.itemCount);
    expect(page.bytes).toBe(Buffer.byteLength(page.text));
    // The Date header has whole seconds.
    expect(Date.parse(page.answeredAt)).toBeGreaterThan(asked - 1000);
    expect(Date.parse(page.answeredAt)).toBeLessThanOrEqual(answered);
    const { connectionId } = context;
    expect(budget.settled).toMatchObject([
      { count: { connectionId, runId: 'run', stream: 'invoices', bytes: page.bytes }, answered: { refused: null } },
    ]);
    expect(budget.settled[0]?.answered?.minuteRemaining).toBeLessThan(60);
  });

  it('asks for ids, a filter and what changed since, in Xero’s ways', async () => {
    const reader = readerWith(new MemoryBudget());
    const first = await reader.readPage(contextOf(tenantId), 'contacts', { page: 1, pageSize: 3 });
    const ids = (JSON.parse(first.text).Contacts as { ContactID: string }[]).map((contact) => contact.ContactID);
    const again = await reader.readPage(contextOf(tenantId), 'contacts', { ids });
    expect(JSON.parse(again.text).Contacts).toHaveLength(3);
    const where = `ContactID==Guid("${ids[0]}")`;
    const one = await reader.readPage(contextOf(tenantId), 'contacts', { page: 1, where });
    expect(JSON.parse(one.text).Contacts).toHaveLength(1);
    const later = { page: 1, modifiedSince: '2100-01-01T00:00:00.999Z' };
    expect(JSON.parse((await reader.readPage(contextOf(tenantId), 'contacts', later)).text).Contacts).toEqual([]);
  });

  it.each(['contacts', 'invoices', 'creditNotes'] as const)(
    'asks for %s by what people call them, and gets those and no other',
    async (stream) => {
      const reader = readerWith(new MemoryBudget());
      const { collection, idField, numberedBy } = streams[stream];
      const rowsOf = (text: string) => JSON.parse(text)[collection] as Record<string, string>[];
      const all = rowsOf((await reader.readPage(contextOf(tenantId), stream, { page: 1, pageSize: 1000 })).text);
      const named = all.filter((row) => row[numberedBy as string]).slice(0, 3);
      const numbers = named.map((row) => row[numberedBy as string] as string);
      const found = rowsOf((await reader.readPage(contextOf(tenantId), stream, { numbers })).text);
      expect(found.map((row) => row[numberedBy as string]).sort()).toEqual([...numbers].sort());
      expect(found.map((row) => row[idField]).sort()).toEqual(named.map((row) => row[idField]).sort());
    },
  );

  it.each(['purchaseOrders', 'items'] as const)(
    'asks for one of %s by its number in the address; what is not there is an empty list',
    async (stream) => {
      const reader = readerWith(new MemoryBudget());
      const { collection, numberedBy } = streams[stream];
      const rowsOf = (text: string) => JSON.parse(text)[collection] as Record<string, string>[];
      const [first] = rowsOf((await reader.readPage(contextOf(tenantId), stream, { page: 1, pageSize: 5 })).text);
      const one = first?.[numberedBy as string] as string;
      expect(rowsOf((await reader.readPage(contextOf(tenantId), stream, { one })).text)).toMatchObject([
        { [numberedBy as string]: one },
      ]);
      expect(rowsOf((await reader.readPage(contextOf(tenantId), stream, { one: 'nothing' })).text)).toEqual([]);
    },
  );

  it('asks for the contact groups', async () => {
    const groups = await readerWith(new MemoryBudget()).contactGroups(contextOf(tenantId));
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) expect(group).toEqual({ id: expect.any(String), name: expect.any(String) });
  });

  it.each([
    'contacts',
    'invoices',
    'creditNotes',
    'payments',
    'prepayments',
    'overpayments',
    'bankTransactions',
    'manualJournals',
  ] as const)('asks for single %s by id and gets those, whole, and no other', async (stream) => {
    const reader = readerWith(new MemoryBudget());
    const { collection, idField } = streams[stream];
    const rowsOf = (text: string) => JSON.parse(text)[collection] as Record<string, string>[];
    const all = rowsOf((await reader.readPage(contextOf(tenantId), stream, { page: 1, pageSize: 1000 })).text);
    const wanted = all.slice(0, idsPerCall(streams[stream]));
    const ids = wanted.map((row) => row[idField] ?? '');
    expect(all.length).toBeGreaterThan(ids.length > 1 ? 1 : 0);
    const byId = (a: Record<string, string>, b: Record<string, string>) =>
      (a[idField] ?? '') < (b[idField] ?? '') ? -1 : 1;
    const named = rowsOf((await reader.readPage(contextOf(tenantId), stream, { ids })).text);
    expect(named.sort(byId)).toEqual(wanted.sort(byId));
  });

  it('reads no change as an empty list, whether it comes as 200 or as 304', async () => {
    const reader = readerWith(new MemoryBudget());
    const query = { page: 1, modifiedSince: '2100-01-01T00:00:00Z' };
    await control(simulator.url, 'PATCH', '/settings', { switches: { notModifiedAs304: true } });
    expect((await reader.readPage(contextOf(tenantId), 'invoices', query)).text).toBe('{"Invoices":[]}');
    await control(simulator.url, 'PATCH', '/settings', { switches: { notModifiedAs304: false } });
    expect(JSON.parse((await reader.readPage(contextOf(tenantId), 'invoices', query)).text).Invoices).toEqual([]);
  });

  it('brings the organisation’s own record, whose facts are read with the IANA name of its time zone', async () => {
    const page = await readerWith(new MemoryBudget()).readPage(contextOf(tenantId), 'organisation', {});
    expect(organisationFacts(JSON.stringify(JSON.parse(page.text).Organisations[0]))).toEqual({
      name: 'Demo Company (NZ)',
      baseCurrency: 'NZD',
      timeZone: 'Pacific/Auckland',
      countryCode: 'NZ',
    });
    expect(() => organisationFacts('{"Name":"A"}')).toThrow(XeroFault);
  });

  it('gets a new token once when Xero refuses the one in hand, and gives up when that is refused too', async () => {
    const refused: string[] = [];
    const tokens = (next: string): TokenKeeper => ({
      accessToken: async (_grantId, { notThisOne } = {}) => {
        if (notThisOne === undefined) return 'stale';
        refused.push(notThisOne);
        return next;
      },
    });
    const budget = new MemoryBudget();
    await readerWith(budget, tokens(accessToken)).readPage(contextOf(tenantId), 'currencies', {});
    expect(refused).toEqual(['stale']);
    expect(budget.settled).toHaveLength(2);
    const again = readerWith(budget, tokens('stale too')).readPage(contextOf(tenantId), 'currencies', {});
    await expect(again).rejects.toMatchObject({ name: 'XeroRefusal', kind: 'authFailed', status: 401 });
    expect(refused).toHaveLength(2);
  });

  it.each([
    ['reset', { kind: 'reset' }, 'network'],
    ['a connection that breaks in mid-answer', { kind: 'resetMidBody' }, 'network'],
    ['an answer that ends in mid-record', { kind: 'truncate' }, 'badAnswer'],
    ['a server that says nothing', { kind: 'timeout' }, 'timeout'],
    ['a 500', { kind: 'status', status: 500 }, 'unavailable'],
    ['a 503', { kind: 'status', status: 503 }, 'unavailable'],
    ['an offline organisation', { kind: 'status', status: 503, body: 'The Organisation is offline' }, 'offline'],
  ])('tells %s as a fault of its kind, gives the permission back, and reads on', async (_what, fault, kind) => {
    const budget = new MemoryBudget();
    const reader = createXeroReader({
      budget,
      tokens: fixedToken(accessToken),
      apiUrl: simulator.url,
      http: { deadlineMs: kind === 'timeout' ? 150 : 5000 },
    });
    await control(simulator.url, 'POST', '/faults', [{ match: { path: '/api.xro' }, times: 1, ...fault }]);
    const broken = reader.readPage(contextOf(tenantId), 'contacts', { page: 1 });
    await expect(broken).rejects.toBeInstanceOf(XeroFault);
    await expect(broken).rejects.toMatchObject({ kind });
    expect(budget.open).toBe(0);
    expect(
      (await reader.readPage(contextOf(tenantId), 'contacts', { page: 1, pageSize: 1 })).itemCount,
    ).toBeGreaterThan(0);
  });

  it('tells a refusal that stays one from a fault', async () => {
    const reader = readerWith(new MemoryBudget());
    const stranger = reader.readPage(contextOf('00000000-0000-4000-8000-000000000000'), 'contacts', { page: 1 });
    await expect(stranger).rejects.toMatchObject({ kind: 'authFailed', status: 403 });
    const badFilter = reader.readPage(contextOf(tenantId), 'contacts', { page: 1, where: 'Name ~ 1' });
    await expect(badFilter).rejects.toBeInstanceOf(XeroRefusal);
    await expect(badFilter).rejects.toMatchObject({ kind: 'badRequest', status: 400 });
  });

  it('keeps five workers busy without ever being refused for too many at once', async () => {
    const made = await control<{ tenantId: string }>(simulator.url, 'POST', '/organisations', {
      records: 200,
      limits: { minute: 1000 },
    });
    const oauth = oauthAt(simulator.url);
    const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
    const consentUrl = await oauth.consentUrl({ ...secret, scopes: scopesFor('import') });
    const { tokens } = await oauth.exchange(await giveConsent(consentUrl, [made.tenantId, tenantId]), secret);
    const reader = readerWith(new MemoryBudget(), fixedToken(tokens.accessToken));
    const worker = async () => {
      for (let page = 1; page <= 40; page++) {
        await reader.readPage(contextOf(made.tenantId), 'contacts', { page, pageSize: 5 });
      }
    };
    await Promise.all([worker(), worker(), worker(), worker(), worker()]);
    const truth = await control<{ refusals: object; mostInFlight: number }>(
      simulator.url,
      'GET',
      `/organisations/${made.tenantId}/truth`,
    );
    expect(truth).toMatchObject({ refusals: { concurrent: 0, minute: 0, day: 0 } });
    expect(truth.mostInFlight).toBeLessThanOrEqual(5);
  });
});

describe('against odd servers', () => {
  let budget: MemoryBudget;
  let server: OddServer | undefined;

  beforeEach(() => {
    budget = new MemoryBudget();
  });
  afterEach(() => server?.close());

  const readerOf = async (answer: Parameters<typeof oddServer>[0]) => {
    server = await oddServer(answer);
    return createXeroReader({
      budget,
      tokens: fixedToken('secret-token'),
      apiUrl: server.url,
      http: { deadlineMs: 2000 },
    });
  };
  const context = contextOf('11111111-1111-4111-8111-111111111111');

  it('sends the organisation, JSON, whole seconds, and commas between ids as they are', async () => {
    const reader = await readerOf((_request, response) => response.end(list));
    await reader.readPage(context, 'contacts', {
      page: 2,
      pageSize: 1000,
      order: 'ContactID ASC',
      where: 'Name=="A & B"',
      modifiedSince: '2026-10-01T10:20:30.999Z',
      ids: ['a', 'b'],
    });
    const [request] = server?.requests ?? [];
    expect(request?.url).toBe(
      '/api.xro/2.0/Contacts?includeArchived=true&page=2&pageSize=1000&order=ContactID%20ASC&where=Name%3D%3D%22A%20%26%20B%22&IDs=a,b',
    );
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      'xero-tenant-id': context.organisationId,
      accept: 'application/json',
      'if-modified-since': '2026-10-01T10:20:30',
    });
  });

  it('waits where Xero says so, and sends nothing until then', async () => {
    const reader = await readerOf((_request, response) => {
      response.writeHead(429, { 'X-Rate-Limit-Problem': 'Day', 'Retry-After': '66975' }).end();
    });
    const first = reader.readPage(context, 'contacts', { page: 1 });
    await expect(first).rejects.toBeInstanceOf(MustWait);
    await expect(first).rejects.toMatchObject({ limit: 'day', waitMs: 66_976_000 });
    await expect(reader.readPage(context, 'contacts', { page: 1 })).rejects.toMatchObject({ limit: 'day' });
    expect(server?.requests).toHaveLength(1);
  });

  it('waits a moment by itself for a slot, and goes on', async () => {
    let answered = 0;
    const reader = await readerOf((_request, response) => {
      const first = answered++ === 0;
      if (first) response.writeHead(429, { 'X-Rate-Limit-Problem': 'concurrent' }).end();
      else response.end(list);
    });
    await expect(reader.readPage(context, 'contacts', { page: 1 })).rejects.toMatchObject({ limit: 'concurrent' });
    expect((await reader.readPage(context, 'contacts', { page: 1 })).itemCount).toBe(1);
  });

  it('does not follow a redirect, which might carry the token elsewhere', async () => {
    const reader = await readerOf((_request, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    await expect(reader.readPage(context, 'contacts', { page: 1 })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(server?.requests).toHaveLength(1);
  });

  it('finds a chunked answer that was cut, bytes that are no UTF-8, and a proxy’s page', async () => {
    const answers: ((response: import('node:http').ServerResponse) => void)[] = [
      (response) => response.write(list.slice(0, 20), () => response.destroy()),
      (response) =>
        response.end(Buffer.concat([Buffer.from('{"Contacts":["'), Buffer.from([0xff]), Buffer.from('"]}')])),
      (response) => response.end('<html>Log in to the network</html>'),
    ];
    const reader = await readerOf((_request, response) => answers.shift()?.(response));
    for (const kind of ['network', 'badAnswer', 'badAnswer']) {
      await expect(reader.readPage(context, 'contacts', { page: 1 })).rejects.toMatchObject({
        name: 'XeroFault',
        kind,
      });
    }
  });

  it('counts a call whose answer was cut as answered: Xero has counted it', async () => {
    const reader = await readerOf((_request, response) => {
      response.writeHead(200, { 'x-minlimit-remaining': '41', 'content-length': '1000' });
      response.write('{', () => response.destroy());
    });
    await expect(reader.readPage(context, 'contacts', { page: 1 })).rejects.toMatchObject({ kind: 'network' });
    expect(budget.settled).toMatchObject([{ answered: { minuteRemaining: 41 } }]);
  });

  it('ends at once, with the caller’s reason, when the caller gives up', async () => {
    const reader = await readerOf(() => undefined);
    const cancel = new AbortController();
    const reading = reader.readPage(context, 'contacts', { page: 1 }, cancel.signal);
    const reason = new Error('cancelled by the test');
    const timer = setInterval(() => server?.requests.length === 1 && cancel.abort(reason), 5);
    await expect(reading).rejects.toBe(reason);
    clearInterval(timer);
    expect(budget.settled).toMatchObject([{ answered: null }]);
    await expect(reader.readPage(context, 'contacts', { page: 1 }, cancel.signal)).rejects.toBe(reason);
  });

  it('holds neither the token nor a word of Xero’s in any error', async () => {
    const reader = await readerOf((_request, response) => {
      response.writeHead(400).end('{"ErrorNumber":16,"Message":"Jane Doe"}');
    });
    const error: unknown = await reader.readPage(context, 'contacts', { page: 1 }).catch((thrown: unknown) => thrown);
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause);
    expect(shown).not.toContain('secret-token');
    expect(shown).not.toContain('Jane');
  });
});

describe('the number of records', () => {
  it('is found before and after the collection, and null where there is none', () => {
    expect(itemCountOf(list)).toBe(1);
    expect(
      itemCountOf('{"Contacts":[{"Name":"\\"pagination\\":{\\"itemCount\\":9}"}],"pagination" : { "itemCount" : 7 }}'),
    ).toBe(7);
    expect(itemCountOf('{"Contacts":[]}')).toBeNull();
  });
});
