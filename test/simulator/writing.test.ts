import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../simulator/index.js';
import { Bench, consent, exchange, type Json, json, READ_SCOPES, WRITE_SCOPES } from './support.js';

const ZERO_GUID = '00000000-0000-0000-0000-000000000000';
const LIMITS = { minute: 100_000, day: 100_000 };

const start = (more: Parameters<typeof Bench.start>[0] = {}) =>
  Bench.start({ records: 200, limits: LIMITS, scopes: WRITE_SCOPES, ...more });

let serial = 0;
const newName = () => `Written ${++serial}`;
/** How many contacts the simulator holds under a name. */
const named = async (bench: Bench, name: string): Promise<number> =>
  (await bench.matching('contacts', 'Name', name)).count;

describe('a call that writes', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await start();
  });
  afterAll(() => bench.close());

  it('takes one bare element, an array, or a collection', async () => {
    const names = [newName(), newName(), newName()];
    const bodies = [{ Name: names[0] }, [{ Name: names[1] }], { Contacts: [{ Name: names[2] }] }];
    for (const body of bodies) expect((await bench.send('PUT', 'Contacts', body)).status).toBe(200);
    for (const name of names) expect(await named(bench, name)).toBe(1);
  });

  it('answers 200 with the envelope and the row as GET by id shows it', async () => {
    const answer = await json(await bench.send('PUT', 'Contacts', { Name: newName() }));
    expect(answer).toMatchObject({ Status: 'OK', ProviderName: 'nightledger-demo' });
    expect(answer.DateTimeUTC).toMatch(/^\/Date\(\d+\)\/$/);
    const read = await bench.read(`Contacts/${answer.Contacts[0].ContactID}`);
    expect(answer.Contacts).toEqual(read.Contacts);
  });

  it('lets every element see the ones before it', async () => {
    const name = newName();
    const body = { Contacts: [{ Name: name }, { Name: name.toUpperCase() }] };
    const { Contacts } = await json(await bench.send('PUT', 'Contacts?summarizeErrors=false', body));
    expect(Contacts.map((one: Json) => one.StatusAttributeString)).toEqual(['OK', 'ERROR']);
    expect(await named(bench, name)).toBe(1);
  });

  it('refuses the whole call for one bad element, echoing it, and saves none', async () => {
    const [good, bad] = [newName(), { Name: '', FirstName: 'Nobody' }];
    const refused = await bench.send('PUT', 'Contacts', { Contacts: [{ Name: good }, bad] });
    expect(refused.status).toBe(400);
    expect(await json(refused)).toEqual({
      ErrorNumber: 10,
      Type: 'ValidationException',
      Message: 'A validation exception occurred',
      Elements: [
        {
          ...bad,
          ContactID: ZERO_GUID,
          HasValidationErrors: true,
          ValidationErrors: [{ Message: 'The Contact Name must be specified.' }],
        },
      ],
    });
    expect(await named(bench, good)).toBe(0);
  });

  it('saves the good ones of a refused call where the switch says so', async () => {
    const good = newName();
    await bench.control('PATCH', '/settings', { switches: { goodOnesSavedWhenSummarized: true } });
    expect((await bench.send('PUT', 'Contacts', { Contacts: [{ Name: good }, { Name: '' }] })).status).toBe(400);
    await bench.control('PATCH', '/settings', { switches: { goodOnesSavedWhenSummarized: false } });
    expect(await named(bench, good)).toBe(1);
  });

  it('tells each element its fate with summarizeErrors=false', async () => {
    const body = { Invoices: [{ Type: 'ACCREC' }] };
    const answer = await bench.send('PUT', 'Invoices?summarizeErrors=false', body);
    expect(answer.status).toBe(200);
    expect((await json(answer)).Invoices[0]).toMatchObject({
      InvoiceID: ZERO_GUID,
      HasErrors: true,
      StatusAttributeString: 'ERROR',
      ValidationErrors: [{ Message: 'A Contact must be specified for this type of transaction' }],
    });
  });

  it('refuses a body that is no JSON, holds nothing, or too many elements, and one over 3.5 MB', async () => {
    const broken = await bench.send('PUT', 'Contacts', '{"Contacts":[');
    expect([broken.status, (await json(broken)).Type]).toEqual([400, 'PostDataInvalidException']);
    const empty = await bench.send('PUT', 'Contacts', { Contacts: [] });
    expect([empty.status, (await json(empty)).Type]).toEqual([400, 'NoDataProcessedException']);
    const many = Array.from({ length: 51 }, () => ({ Name: newName() }));
    expect((await bench.send('PUT', 'Contacts', many)).status).toBe(400);
    expect((await bench.send('PUT', 'Contacts', many.slice(1))).status).toBe(200);
    expect((await bench.send('PUT', 'Contacts', { Name: 'x'.repeat(3_700_000) })).status).toBe(413);
  });

  it('needs the scope without .read, a connected organisation, and an endpoint that is written so', async () => {
    const code = await consent(bench.simulator, [bench.tenantId], { scope: READ_SCOPES.join(' ') });
    const { access_token } = await exchange(bench.simulator, code);
    const reader = { authorization: `Bearer ${access_token}` };
    const refused = await bench.send('PUT', 'Contacts', { Name: newName() }, reader);
    expect([refused.status, (await json(refused)).Detail]).toEqual([401, 'AuthorizationUnsuccessful']);
    const other = await bench.control('POST', '/organisations', { records: 0 });
    const strange = await bench.send('PUT', 'Contacts', { Name: newName() }, { 'xero-tenant-id': other.tenantId });
    expect(strange.status).toBe(403);
    for (const [method, path] of [
      ['PUT', 'Users'],
      ['PUT', `Contacts/${ZERO_GUID}`],
      ['DELETE', 'Contacts'],
      ['POST', `Contacts/${ZERO_GUID}`],
    ] as const) {
      expect((await bench.send(method, path, { Name: newName() })).status).toBe(404);
    }
  });

  it('costs a call, refused or not', async () => {
    const used = async () => (await bench.control('GET', '/organisations'))[0].windows.day.used;
    const before = await used();
    await bench.send('PUT', 'Contacts', { Name: newName() });
    const refused = await bench.send('PUT', 'Contacts', { Name: '' });
    expect(await used()).toBe(before + 2);
    expect(Number(refused.headers.get('x-daylimit-remaining'))).toBe(LIMITS.day - before - 2);
  });

  it('is seen by the next incremental read', async () => {
    const since = { 'if-modified-since': new Date(Date.now() - 5_000).toISOString().slice(0, 19) };
    const name = newName();
    await bench.send('PUT', 'Contacts', { Name: name });
    const { Contacts } = await bench.read('Contacts', { page: '1', pageSize: '1000' }, since);
    expect(Contacts.map((one: Json) => one.Name)).toContain(name);
  });
});

describe('an Idempotency-Key', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench.close());
  const key = (text: string) => ({ 'idempotency-key': text });

  it('answers a retry byte for byte and writes once; the retry costs a call', async () => {
    const name = newName();
    const call = () => bench.send('PUT', 'Contacts', { Name: name }, key('once'));
    const [first, second] = [await (await call()).text(), await (await call()).text()];
    expect(second).toBe(first);
    expect(await named(bench, name)).toBe(1);
    expect((await bench.control('GET', '/organisations'))[0].windows.day.used).toBe(2);
  });

  it('keeps refusals too', async () => {
    const name = newName();
    const bad = { Name: name, DefaultCurrency: 'JPY' };
    const first = await bench.send('POST', 'Contacts', bad, key('bad'));
    const again = await bench.send('POST', 'Contacts', bad, key('bad'));
    expect([first.status, again.status]).toEqual([400, 400]);
    expect(await again.text()).toBe(await first.text());
  });

  it('refuses another body, URL or method under a key in use', async () => {
    const body = { Name: newName() };
    await bench.send('PUT', 'Contacts', body, key('taken'));
    const others = [
      bench.send('PUT', 'Contacts', { Name: newName() }, key('taken')),
      bench.send('PUT', 'Contacts?summarizeErrors=false', body, key('taken')),
      bench.send('POST', 'Contacts', body, key('taken')),
    ];
    for (const refused of await Promise.all(others)) {
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('Idempotency Key: taken is used with a different request.');
    }
  });

  it('is forgotten after six minutes', async () => {
    const body = { Name: newName() };
    await bench.send('PUT', 'Contacts', body, key('old'));
    await bench.moveClock(5 * 60_000);
    expect((await bench.send('PUT', 'Contacts', body, key('old'))).status).toBe(200);
    await bench.moveClock(6 * 60_000 + 1_000);
    expect((await bench.send('PUT', 'Contacts', body, key('old'))).status).toBe(400);
  });

  it('has at most 128 characters', async () => {
    expect((await bench.send('PUT', 'Contacts', { Name: newName() }, key('k'.repeat(128)))).status).toBe(200);
    expect((await bench.send('PUT', 'Contacts', { Name: newName() }, key('k'.repeat(129)))).status).toBe(400);
  });

  it('makes a retry wait for the first call while that is under way', async () => {
    const name = newName();
    await bench.control('POST', '/faults', [{ match: { method: 'PUT' }, kind: 'commitLate', times: 1 }]);
    const abort = new AbortController();
    const lost = bench.send('PUT', 'Contacts', { Name: name }, key('busy'), abort.signal).catch(() => undefined);
    await bench.faultStruck();
    const retried = bench.send('PUT', 'Contacts', { Name: name }, key('busy'));
    expect(await named(bench, name)).toBe(0);
    await bench.control('DELETE', '/faults');
    expect((await retried).status).toBe(200);
    expect(await named(bench, name)).toBe(1);
    abort.abort();
    await lost;
  });
});

describe('a write whose answer goes wrong', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await start();
  });
  afterEach(() => bench.close());

  const fault = (kind: string, more: object = {}) =>
    bench.control('POST', '/faults', [{ match: { method: 'PUT', path: 'Contacts' }, kind, times: 1, ...more }]);

  it.each(['lostAnswer', 'resetMidBody'])('was made all the same under %s', async (kind) => {
    const name = newName();
    await fault(kind);
    const lost = bench.send('PUT', 'Contacts', { Name: name }).then((response) => response.text());
    await expect(lost).rejects.toThrow();
    expect(await named(bench, name)).toBe(1);
  });

  it.each([500, 503])('was not made when Xero answers %i', async (status) => {
    const name = newName();
    await fault('status', { status });
    expect((await bench.send('PUT', 'Contacts', { Name: name })).status).toBe(status);
    expect(await named(bench, name)).toBe(0);
  });

  it('was made although Xero answers 500, where the fault says so', async () => {
    const name = newName();
    await fault('statusAfter', { status: 500 });
    const answer = await bench.send('PUT', 'Contacts', { Name: name });
    expect([answer.status, (await json(answer)).Title]).toEqual([500, 'An error occurred']);
    expect(await named(bench, name)).toBe(1);
  });

  it('is made later, after the caller has gone', async () => {
    const name = newName();
    await fault('commitLate');
    const abort = new AbortController();
    const lost = bench.send('PUT', 'Contacts', { Name: name }, {}, abort.signal);
    const gone = expect(lost).rejects.toThrow();
    await bench.faultStruck();
    abort.abort();
    await gone;
    expect(await named(bench, name)).toBe(0);
    await bench.control('DELETE', '/faults');
    await expect.poll(() => named(bench, name)).toBe(1);
  });

  it('is made so many milliseconds later where the fault says how many', async () => {
    const name = newName();
    await fault('commitLate', { ms: 1 });
    const abort = new AbortController();
    const lost = expect(bench.send('PUT', 'Contacts', { Name: name }, {}, abort.signal)).rejects.toThrow();
    await expect.poll(() => named(bench, name)).toBe(1);
    abort.abort();
    await lost;
  });

  it('concerns only the calls its method names', async () => {
    await fault('lostAnswer');
    expect((await bench.get('Contacts', { page: '1' })).status).toBe(200);
  });
});

describe('what was written', () => {
  it('outlives a restart with its keys', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'simulator-writes-'));
    const bench = await start({ stateDir });
    const name = newName();
    const call = () => bench.send('PUT', 'Contacts', { Name: name }, { 'idempotency-key': 'over restarts' });
    const first = await (await call()).text();
    await bench.close();
    const again = await startSimulator({ port: 0, stateDir, records: 200 });
    Object.assign(bench, { simulator: again });
    expect(await (await call()).text()).toBe(first);
    expect(await named(bench, name)).toBe(1);
    await again.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
});
