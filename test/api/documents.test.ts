import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { telling } from '../../db/feed.js';
import { contents } from '../support/documents.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
let of: string;
let connectionId: string;
let organisationId: string;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  of = `company-${randomUUID()}`;
  const { id, state } = await api.connect(of, { direction: 'two-way' });
  const own = organisation('Own');
  await api.callback({ code: api.xero.grant([own]), state });
  await api.stand(id, 'active');
  [connectionId, organisationId] = [id, own.tenantId];
  api.temporal.outboxes.rung.length = 0;
});

const actor = { 'nightledger-actor': 'user:1' };
const path = (name: string, more = '') => `/v1/companies/${of}/documents/${name}${more}`;
const put = (name: string, body: object, more = '') => api.call('PUT', path(name, more), body);
const post = (name: string, more: string, body?: object) => api.call('POST', path(name, more), body, undefined, actor);
const fieldsOf = (answer: { json(): { errors: { field: string }[] } }) =>
  answer.json().errors.map(({ field }) => field);
const rung = () => api.temporal.outboxes.rung;

/** The outbox's part: the document gets this state, and the feed tells of it. */
async function settle(name: string, set: string): Promise<void> {
  const [kind, externalId] = name.split('/') as ['contact', string];
  await telling(api.database.pool, async (client, tell) => {
    await client.query(`UPDATE document SET ${set} WHERE company_id = $1 AND kind = $2 AND external_id = $3`, [
      of,
      kind,
      externalId,
    ]);
    tell({ type: 'document.sent', companyId: of, connectionId, kind, externalId, data: { version: 1 } });
  });
}

/** Fulfilled when the next request waits for the feed. */
function nextWait(): Promise<void> {
  const { feedBell } = api.deps;
  const { listen } = feedBell;
  return new Promise((begun) => {
    feedBell.listen = (about) => {
      feedBell.listen = listen;
      const listener = listen.call(feedBell, about);
      return {
        rung: (signal) => {
          begun();
          return listener.rung(signal);
        },
        end: () => listener.end(),
      };
    };
  });
}

describe('saving one document', () => {
  test('answers 201 and then 200, with its state, and rings the outbox', async () => {
    const saved = await put('contact/c-1', { ...contents.contact, sourceVersion: 7 });
    expect([saved.statusCode, saved.json()]).toEqual([
      201,
      {
        kind: 'contact',
        externalId: 'c-1',
        location: null,
        version: 1,
        sourceVersion: 7,
        state: 'queued',
        code: null,
        reason: null,
        errors: [],
        synced: false,
        deleted: false,
        connection: connectionId,
        xeroId: null,
        xeroNumber: null,
        xeroUrl: null,
        lastPushedAt: null,
        updatedAt: expect.stringMatching(/Z$/),
      },
    ]);
    expect(rung()).toEqual([{ connectionId, companyId: of }]);
    const again = await put('contact/c-1', { name: 'Ada' });
    expect([again.statusCode, again.json().version]).toEqual([200, 2]);
    expect((await api.call('GET', path('contact/c-1'))).json()).toMatchObject({
      version: 2,
      content: { name: 'Ada', role: 'customer' },
    });
  });

  test('names every field that is wrong, nested ones and those that do not exist too', async () => {
    const lines = [{ description: 'Fern', quantity: '1', unitAmount: '1.23456', colour: 'green' }];
    const answer = await put('invoice/i-1', { ...contents.invoice, date: '2026-02-30', lines, sourceVersion: 'x' });
    expect(answer.statusCode).toBe(422);
    expect(fieldsOf(answer).sort()).toEqual(['date', 'lines.0.colour', 'lines.0.unitAmount', 'sourceVersion']);
    expect(fieldsOf(await put('payment/p-1', { ...contents.payment, account: undefined }))).toEqual(['account']);
    expect(fieldsOf(await put('invoice/i-1', { ...contents.invoice, reference: 'a\u0000b' }))).toEqual(['reference']);
    const named = { ...contents.invoice, lines: [{ description: 'a\u0000b', unitAmount: '1' }] };
    expect(fieldsOf(await put('invoice/i-1', named))).toEqual(['lines.0.description']);
    expect(fieldsOf(await put('contact/c-1', { ...contents.contact, location: 'nowhere' }))).toEqual(['location']);
    expect((await api.call('GET', path('contact/c-1'))).statusCode).toBe(404);
  });

  test('of an older source version than stored is 409, and changes nothing', async () => {
    await put('contact/c-1', { ...contents.contact, sourceVersion: 2 });
    const late = await put('contact/c-1', { name: 'Late', sourceVersion: 1 });
    expect([late.statusCode, late.json().code]).toEqual([409, 'stale_version']);
    expect((await api.call('GET', path('contact/c-1'))).json()).toMatchObject({ version: 1, sourceVersion: 2 });
  });

  test('is for keys that work; a kind that does not exist and another company are 404', async () => {
    const viewer = await api.key('viewer');
    expect((await api.call('PUT', path('contact/c-1'), contents.contact, viewer)).statusCode).toBe(403);
    const standard = await api.key('standard', of);
    expect((await api.call('PUT', path('contact/c-1'), contents.contact, standard)).statusCode).toBe(201);
    expect((await put('gift/g-1', contents.contact)).statusCode).toBe(404);
    expect((await api.call('PUT', '/v1/companies/nobody/documents/contact/c-1', contents.contact)).statusCode).toBe(
      404,
    );
  });

  test('works before there is a connection, for an import too, and while Temporal is away', async () => {
    const bare = `company-${randomUUID()}`;
    await api.call('PUT', `/v1/companies/${bare}`, { name: 'Bare' });
    const early = await api.call('PUT', `/v1/companies/${bare}/documents/contact/c-1`, contents.contact);
    expect(early.json()).toMatchObject({ state: 'waiting', code: 'not_connected', connection: null });
    expect(early.json().reason).toContain('POST /v1/connections');
    await api.database.pool.query(`UPDATE connection SET direction = 'import' WHERE id = $1`, [connectionId]);
    api.temporal.outboxes.away = new Error('away');
    const saved = await put('contact/c-1', contents.contact);
    api.temporal.outboxes.away = null;
    expect([saved.statusCode, saved.json().state]).toEqual([201, 'queued']);
  });

  test('shows what Xero made of it, with a link to its page there', async () => {
    await put('invoice/i-1', contents.invoice);
    const xeroId = randomUUID();
    await settle(
      'invoice/i-1',
      `state = 'sent', sent_version = 1, organisation_id = '${organisationId}', xero_id = '${xeroId}', xero_number = 'INV-1', last_pushed_at = now()`,
    );
    expect((await api.call('GET', path('invoice/i-1'))).json()).toMatchObject({
      ...{ state: 'sent', synced: true, xeroId, xeroNumber: 'INV-1', lastPushedAt: expect.stringMatching(/Z$/) },
      xeroUrl: `https://go.xero.com/AccountsReceivable/View.aspx?InvoiceID=${xeroId}`,
    });
  });
});

describe('saving many', () => {
  const bulk = (documents: object[]) => api.call('POST', `/v1/companies/${of}/documents`, { documents });
  const contact = (externalId: string, more = {}) => ({ kind: 'contact', externalId, ...contents.contact, ...more });

  test('answers each in order: what is wrong with one holds up no other', async () => {
    await put('contact/late', { ...contents.contact, sourceVersion: 5 });
    const answer = await bulk([
      contact('c-1'),
      contact('c-2', { name: '', colour: 'green' }),
      { kind: 'gift', externalId: 'g-1' },
      contact('c-3', { location: 'nowhere' }),
      contact('late', { sourceVersion: 4, name: 'Late' }),
      { externalId: 'i-1', ...contents.invoice, kind: 'invoice' },
    ]);
    expect(answer.statusCode).toBe(200);
    const { data } = answer.json();
    expect(data.map(({ status }: { status: number }) => status)).toEqual([201, 422, 422, 422, 409, 201]);
    expect(data[1]).toMatchObject({ code: 'invalid_request', remedy: expect.any(String) });
    expect(data[1].errors.map(({ field }: { field: string }) => field).sort()).toEqual(['colour', 'name']);
    expect(data[2].errors).toMatchObject([{ field: 'kind' }]);
    expect(data[3].errors).toMatchObject([{ field: 'location' }]);
    expect(data[4]).toMatchObject({ code: 'stale_version', errors: [] });
    expect(data[5].document).toMatchObject({ kind: 'invoice', externalId: 'i-1', version: 1 });
    const { data: stored } = (await api.call('GET', `/v1/companies/${of}/documents`)).json();
    expect(stored.map(({ externalId }: { externalId: string }) => externalId)).toEqual(['c-1', 'late', 'i-1']);
  });

  test('takes five hundred and no more, rings once, and goes behind a single one', async () => {
    const documents = Array.from({ length: 500 }, (_, at) => contact(`c-${at}`));
    const answer = await bulk(documents);
    expect(new Set(answer.json().data.map(({ status }: { status: number }) => status))).toEqual(new Set([201]));
    expect(rung()).toHaveLength(1);
    expect(fieldsOf(await bulk([...documents, contact('more')]))).toEqual(['documents']);
    await bulk([contact('few')]);
    const { rows } = await api.database.pool.query<{ external_id: string }>(
      'SELECT external_id FROM document WHERE company_id = $1 AND urgent',
      [of],
    );
    expect(rows).toEqual([{ external_id: 'few' }]);
  });

  test('sent again with its Idempotency-Key answers the same', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const send = () =>
      api.call('POST', `/v1/companies/${of}/documents`, { documents: [contact('c-1')] }, undefined, key);
    const [first, again] = [await send(), await send()];
    expect([again.json(), again.headers['idempotency-replayed']]).toEqual([first.json(), 'true']);
  });
});

describe('waiting', () => {
  test('ends as soon as Xero has answered, and not at what happens to others', async () => {
    const waits = nextWait();
    const saving = put('contact/c-1', contents.contact, '?wait=30s');
    await waits;
    await put('contact/c-2', contents.contact);
    await settle('contact/c-2', `state = 'sent', sent_version = 1`);
    await settle('contact/c-1', `state = 'failed', code = 'validation'`);
    expect([(await saving).statusCode, (await saving).json()]).toMatchObject([
      201,
      { externalId: 'c-1', state: 'failed', code: 'validation', reason: expect.stringContaining('Xero refused it.') },
    ]);
  });

  test('ends with the state as it is when the time is over, and at once where no push will come', async () => {
    expect((await put('contact/c-1', contents.contact, '?wait=1s')).json().state).toBe('queued');
    await api.call('POST', `/v1/connections/${connectionId}/pause`);
    const paused = await put('contact/c-2', contents.contact, '?wait=30s');
    expect(paused.json()).toMatchObject({ state: 'waiting', code: 'writes_paused' });
    expect(fieldsOf(await put('contact/c-1', contents.contact, '?wait=31s'))).toEqual(['wait']);
  });

  test.each(['DELETE', 'resync', 'decide'] as const)('is there for %s too', async (how) => {
    await put('contact/c-1', contents.contact);
    const set = `organisation_id = '${organisationId}', xero_id = '${randomUUID()}'`;
    await settle('contact/c-1', `state = 'held', ${set}`);
    const waits = nextWait();
    const asking =
      how === 'DELETE'
        ? api.call('DELETE', path('contact/c-1', '?wait=30s'))
        : post('contact/c-1', `/${how}?wait=30s`, how === 'decide' ? { action: 'send' } : undefined);
    await waits;
    await settle('contact/c-1', `state = 'sent', sent_version = version`);
    expect((await asking).json()).toMatchObject({ state: 'sent', synced: true });
  });
});

describe('asking for one document', () => {
  beforeEach(() => put('contact/c-1', contents.contact));

  test('to be deleted voids what was never sent, again without harm', async () => {
    for (let time = 0; time < 2; time++) {
      expect((await api.call('DELETE', path('contact/c-1'))).json()).toMatchObject({ state: 'voided', deleted: true });
    }
    expect((await api.call('DELETE', path('contact/none'))).statusCode).toBe(404);
  });

  test('to be decided needs a person, one that is held, and a record that no other document is', async () => {
    const unsigned = await api.call('POST', path('contact/c-1', '/decide'), { action: 'send' });
    expect([unsigned.statusCode, fieldsOf(unsigned)]).toEqual([422, ['Nightledger-Actor']]);
    expect((await post('contact/c-1', '/decide', { action: 'send' })).json().code).toBe('not_held');
    expect(fieldsOf(await post('contact/c-1', '/decide', { action: 'link' }))).toEqual(['xeroId']);
    const xeroId = randomUUID();
    await put('contact/c-2', contents.contact);
    await settle('contact/c-2', `organisation_id = '${organisationId}', xero_id = '${xeroId}'`);
    await settle('contact/c-1', `state = 'held', code = 'duplicate_suspected'`);
    const taken = await post('contact/c-1', '/decide', { action: 'link', xeroId });
    expect([taken.statusCode, taken.json().code]).toEqual([409, 'record_taken']);
    const linked = await post('contact/c-1', '/decide', { action: 'link', xeroId: randomUUID() });
    expect([linked.statusCode, linked.json().state]).toEqual([200, 'queued']);
  });

  test('to be kept out and let in again', async () => {
    expect((await post('contact/c-1', '/exclude')).json()).toMatchObject({ state: 'excluded', code: 'excluded' });
    expect((await put('contact/c-1', { name: 'Changed' })).json().state).toBe('excluded');
    expect((await post('contact/c-1', '/include')).json()).toMatchObject({ state: 'queued', version: 2 });
  });

  test('to be listed: by kind, state and location, page by page', async () => {
    const located = `company-${randomUUID()}`;
    await api.call('PUT', `/v1/companies/${located}`, { name: 'Located' });
    await api.call('PUT', `/v1/companies/${located}/locations/north`, { name: 'North' });
    const saved = { documents: ['a', 'b', 'c'].map((externalId) => ({ kind: 'item', externalId, code: externalId })) };
    await api.call('POST', `/v1/companies/${located}/documents`, saved);
    const north = { ...contents.contact, location: 'north' };
    await api.call('PUT', `/v1/companies/${located}/documents/contact/n-1`, north);
    const list = async (query: string) => {
      const { data, nextCursor } = (await api.call('GET', `/v1/companies/${located}/documents?${query}`)).json();
      return [data.map(({ externalId }: { externalId: string }) => externalId), nextCursor];
    };
    expect(await list('kind=item&state=waiting')).toEqual([['a', 'b', 'c'], null]);
    expect(await list('location=north')).toEqual([['n-1'], null]);
    expect(await list('state=queued')).toEqual([[], null]);
    const [first, cursor] = await list('limit=3');
    expect([first, await list(`limit=3&cursor=${cursor}`)]).toEqual([
      ['n-1', 'a', 'b'],
      [['c'], null],
    ]);
    expect((await api.call('GET', `/v1/companies/${located}/documents?cursor=made-up`)).statusCode).toBe(422);
  });

  test('for its attempts shows what was sent and what came of it', async () => {
    const { rows } = await api.database.pool.query<{ id: string }>('SELECT id FROM document WHERE company_id = $1', [
      of,
    ]);
    await api.database.pool.query(
      `INSERT INTO push_attempt (id, document_id, version, attempt, outcome, sent, actor, errors)
       VALUES (gen_random_uuid(), $1, 1, 1, 'refused', '{"Name":"Ada"}', 'user:1',
               '[{"code":"validation","field":"name","message":"Too short"}]')`,
      [rows[0]?.id],
    );
    const { data } = (await api.call('GET', path('contact/c-1', '/attempts'))).json();
    expect(data).toMatchObject([
      {
        version: 1,
        step: 'document',
        attempt: 1,
        outcome: 'refused',
        sent: { Name: 'Ada' },
        actor: 'user:1',
        runId: null,
      },
    ]);
    expect(data[0].errors).toEqual([{ code: 'validation', field: 'name', message: 'Too short' }]);
    expect((await api.call('GET', path('contact/none', '/attempts'))).statusCode).toBe(404);
  });
});

describe('what is held back', () => {
  test('waits while all writing is paused, and is rung for when it is resumed', async () => {
    const paused = await api.call('POST', '/v1/writes/pause', undefined, undefined, actor);
    expect(paused.json()).toEqual({ paused: true, pausedAt: expect.stringMatching(/Z$/), actor: 'user:1' });
    expect((await put('contact/c-1', contents.contact)).json()).toMatchObject({
      state: 'waiting',
      code: 'writes_paused',
    });
    expect(rung()).toEqual([]);
    const resumed = await api.call('POST', '/v1/writes/resume');
    expect(resumed.json()).toEqual({ paused: false, pausedAt: null, actor: null });
    expect((await api.call('GET', '/v1/writes')).json()).toEqual(resumed.json());
    expect(rung()).toContainEqual({ connectionId, companyId: of });
  });

  test('is not for a key of one company to pause or to see', async () => {
    const bound = await api.key('admin', of);
    for (const [method, to] of [
      ['GET', ''],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ] as const) {
      expect((await api.call(method, `/v1/writes${to}`, undefined, bound)).statusCode).toBe(403);
    }
  });

  test('by a paused connection is rung for when it is resumed, and only where something is to go', async () => {
    const connection = (step: string) => api.call('POST', `/v1/connections/${connectionId}/${step}`);
    await connection('pause');
    await connection('resume');
    expect(rung()).toEqual([]);
    await connection('pause');
    await put('contact/c-1', contents.contact);
    await connection('resume');
    expect(rung()).toEqual([{ connectionId, companyId: of }]);
  });

  test('by the state of documents shows on the connection as what needs a person', async () => {
    await put('contact/c-1', contents.contact);
    await put('contact/c-2', contents.contact);
    await settle('contact/c-1', `state = 'held', code = 'duplicate_suspected'`);
    await settle('contact/c-2', `state = 'failed', code = 'validation'`);
    const { needsPerson } = (await api.call('GET', `/v1/connections/${connectionId}`)).json();
    expect(needsPerson).toMatchObject([
      { reason: 'documentsHeld', count: 1 },
      { reason: 'documentsFailed', count: 1 },
    ]);
  });
});
