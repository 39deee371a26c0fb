import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pastSyncFromDateWarning } from '../../domain/connection.js';
import type { MirroredRecord } from '../../domain/ports.js';
import { streamNames, streams } from '../../domain/streams.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function connected(more = {}): Promise<string> {
  const { id, state } = await api.connect(randomUUID(), more);
  await api.callback({ code: api.xero.grant([organisation('Demo')]), state });
  return id;
}

test('a company is made once, renamed after, and found by id or part of its name', async () => {
  const made = await api.call('PUT', '/v1/companies/c-1', { name: 'Fern & Sons 100%' });
  expect([made.statusCode, made.json().name]).toEqual([201, 'Fern & Sons 100%']);
  const renamed = await api.call('PUT', '/v1/companies/c-1', { name: 'Fern & Daughters 100%' });
  expect([renamed.statusCode, renamed.json().createdAt]).toEqual([200, made.json().createdAt]);
  expect((await api.call('GET', '/v1/companies/c-1')).json().name).toBe('Fern & Daughters 100%');
  const names = async (q: string) =>
    (await api.call('GET', `/v1/companies?q=${encodeURIComponent(q)}`))
      .json()
      .data.map((row: { id: string }) => row.id);
  expect(await names('DAUGHTERS 100%')).toEqual(['c-1']);
  expect(await names('%_%')).toEqual([]);
});

test('a list is read page by page, each row once', async () => {
  for (const id of ['p-1', 'p-2', 'p-3', 'p-4', 'p-5']) await api.call('PUT', `/v1/companies/${id}`, { name: 'Paged' });
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = (await api.call('GET', `/v1/companies?q=paged&limit=2${cursor}`)).json();
    seen.push(...page.data.map((row: { id: string }) => row.id));
    cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
  } while (cursor);
  expect(seen).toEqual(['p-1', 'p-2', 'p-3', 'p-4', 'p-5']);
});

test('connections are listed page by page too, and by company and status', async () => {
  const companies = ['l-1', 'l-2', 'l-3'];
  const made: string[] = [];
  for (const company of companies) made.push((await api.connect(company)).id);
  const all: string[] = [];
  let cursor = '';
  do {
    const page = (await api.call('GET', `/v1/connections?limit=1&status=pending${cursor}`)).json();
    all.push(...page.data.map((row: { id: string }) => row.id));
    cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
  } while (cursor);
  expect(all.slice(-3)).toEqual(made);
  expect((await api.call('GET', '/v1/connections?company=l-2')).json().data).toMatchObject([{ id: made[1] }]);
});

test('connecting answers where to consent, with the least scopes, and a company is connected once', async () => {
  await api.call('PUT', '/v1/companies/once', { name: 'Once' });
  const body = { company: 'once', direction: 'import', syncFromDate: '2030-01-01' };
  const answers = await Promise.all(Array.from({ length: 10 }, () => api.call('POST', '/v1/connections', body)));
  const made = answers.filter((answer) => answer.statusCode === 201);
  expect(made).toHaveLength(1);
  expect(made[0]?.json()).toMatchObject({ status: 'pending', warnings: [] });
  expect(new URL(made[0]?.json().consentUrl).searchParams.get('scope')).not.toMatch(/accounting\.contacts( |$)/);
  for (const answer of answers.filter((one) => one.statusCode !== 201)) {
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'already_connected', existing: made[0]?.json().id });
  }
});

test('an unknown company is not connected', async () => {
  const answer = await api.call('POST', '/v1/connections', { company: 'nobody', direction: 'import' });
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'not_found']);
});

test.each([
  ['absent: to be chosen', {}, [], false, null],
  ['null: all history', { syncFromDate: null }, [pastSyncFromDateWarning], true, null],
  ['past', { syncFromDate: '2025-04-01' }, [pastSyncFromDateWarning], true, '2025-04-01'],
  ['today', { syncFromDate: '2026-10-01' }, [], true, '2026-10-01'],
  ['future', { syncFromDate: '2027-01-01' }, [], true, '2027-01-01'],
])('a Sync From Date at connecting, %s', async (_, given, warnings, chosen, date) => {
  const company = randomUUID();
  await api.call('PUT', `/v1/companies/${company}`, { name: 'Dated' });
  const made = (await api.call('POST', '/v1/connections', { company, direction: 'import', ...given })).json();
  expect(made.warnings).toEqual(warnings);
  expect((await api.call('GET', `/v1/connections/${made.id}`)).json()).toMatchObject({
    syncFromDateChosen: chosen,
    syncFromDate: date,
  });
});

test('the Sync From Date is set once, warns, wakes the read that waits for it, and is fixed then', async () => {
  const id = await connected();
  const path = `/v1/connections/${id}/sync-from-date`;
  const set = await api.call('PUT', path, { syncFromDate: '2025-04-01' });
  expect(set.json()).toEqual({ syncFromDate: '2025-04-01', warnings: [pastSyncFromDateWarning] });
  expect(api.temporal.signals).toContain('connectionChanged');
  for (const syncFromDate of ['2025-04-01', '2024-01-01', null]) {
    const again = await api.call('PUT', path, { syncFromDate });
    expect([again.statusCode, again.json().code]).toEqual([409, 'sync_from_date_fixed']);
  }
});

test('a backfill waits for an organisation, answers the run in hand, and is completed once ever', async () => {
  const pending = await api.connect(randomUUID());
  const early = await api.call('POST', `/v1/connections/${pending.id}/backfill`);
  expect([early.statusCode, early.json().code]).toEqual([409, 'connection_not_ready']);

  const id = await connected();
  const [first, second] = [
    await api.call('POST', `/v1/connections/${id}/backfill`),
    await api.call('POST', `/v1/connections/${id}/backfill`),
  ];
  expect(first.statusCode).toBe(202);
  expect(second.json()).toEqual(first.json());
  const { workflowId, runId, url } = first.json();
  expect(workflowId).toBe(`backfill:${id}`);
  expect(url).toBe(`http://127.0.0.1:8233/namespaces/default/workflows/backfill%3A${id}/${runId}/history`);

  await api.stand(id, 'active');
  api.temporal.running.delete(id);
  const late = await api.call('POST', `/v1/connections/${id}/backfill`);
  expect([late.statusCode, late.json().code]).toEqual([409, 'already_backfilled']);
});

test('a backfill that Temporal knows as completed is not run again either', async () => {
  const id = await connected();
  api.temporal.running.delete(id);
  api.temporal.done.add(id);
  expect((await api.call('POST', `/v1/connections/${id}/backfill`)).json().code).toBe('already_backfilled');
});

test('pause, resume and cancel reach the run in hand, and are 409 without one', async () => {
  const id = await connected();
  for (const step of ['pause', 'resume', 'cancel']) {
    expect((await api.call('POST', `/v1/connections/${id}/backfill/${step}`)).statusCode).toBe(202);
    expect(api.temporal.signals.at(-1)).toBe(step);
  }
  api.temporal.running.delete(id);
  for (const step of ['pause', 'resume', 'cancel']) {
    const answer = await api.call('POST', `/v1/connections/${id}/backfill/${step}`);
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'backfill_not_running']);
  }
});

test('the progress names every stream that will be read from the start, and the run once it was started', async () => {
  const pending = await api.connect(randomUUID());
  const before = (await api.call('GET', `/v1/connections/${pending.id}/backfill`)).json();
  expect(before).toMatchObject({ status: 'pending', outcome: null, runId: null, url: null, calls: 0 });
  expect(Object.keys(before.streams)).toEqual(streamNames.filter((name) => !streams[name].optional));
  expect(before.streams.invoices).toEqual({
    status: 'waiting',
    records: 0,
    expected: null,
    setAside: 0,
    calls: 0,
    lastError: null,
  });
  const id = await connected();
  const after = (await api.call('GET', `/v1/connections/${id}/backfill`)).json();
  expect(after).toMatchObject({ status: 'syncingContacts', outcome: 'running', workflowId: `backfill:${id}` });
});

test('runs are listed and shown with how they ended, and the budget with what Xero allows', async () => {
  const id = await connected();
  const listed = (await api.call('GET', `/v1/connections/${id}/runs`)).json();
  expect(listed.data).toMatchObject([{ kind: 'backfill', outcome: 'running', calls: 0, sleeps: [] }]);
  const [run] = listed.data;
  expect((await api.call('GET', `/v1/connections/${id}/runs/${run.runId}`)).json()).toEqual(run);
  expect((await api.call('GET', `/v1/connections/${id}/runs/none`)).statusCode).toBe(404);
  const budget = (await api.call('GET', `/v1/connections/${id}/budget`)).json();
  expect(budget).toMatchObject({ minute: { limit: 60 }, day: { limit: expect.any(Number) }, inFlight: 0 });
  expect((await api.call('GET', `/v1/connections/${id}`)).json().budget).toEqual(budget);
});

test('a record goes out with every digit that Xero sent', async () => {
  const id = await connected();
  const body = '{"InvoiceID":"i-1","Total":12345678901234567.123400,"Rate":1.10,"Name":"Zoë"}';
  const record: MirroredRecord = {
    xeroId: 'i-1',
    body,
    updatedAt: '2026-09-30T01:02:03.000Z',
    outsideWindow: false,
    deletedAt: null,
  };
  const asked: unknown[] = [];
  const { records, record: one } = api.deps.mirror;
  api.deps.mirror.records = async (...question) => {
    asked.push(question);
    return { data: [record, record], nextCursor: 'next' };
  };
  api.deps.mirror.record = async (_organisation, _stream, xeroId) => (xeroId === 'i-1' ? record : null);
  const path = `/v1/connections/${id}/records/invoices`;
  const list = await api.call(
    'GET',
    `${path}?limit=2&ids=a,%20b&updatedAfter=2026-09-01T00:00:00Z&number=INV-1&contact=c`,
  );
  const single = await api.call('GET', `${path}/i-1`);
  const missing = await api.call('GET', `${path}/i-2`);
  Object.assign(api.deps.mirror, { records, record: one });

  expect(list.headers['content-type']).toContain('application/json');
  const row = `{"xeroId":"i-1","updatedAt":"2026-09-30T01:02:03.000Z","outsideWindow":false,"deletedAt":null,"record":${body}}`;
  expect(list.body).toBe(`{"data":[${row},${row}],"nextCursor":"next"}`);
  expect(asked).toMatchObject([
    [
      expect.any(String),
      'invoices',
      { limit: 2, ids: ['a', 'b'], updatedAfter: '2026-09-01T00:00:00Z', number: 'INV-1', contact: 'c' },
    ],
  ]);
  expect(single.body).toBe(row);
  expect(missing.statusCode).toBe(404);
});

test('records of a connection without an organisation are 409', async () => {
  const { id } = await api.connect(randomUUID());
  const answer = await api.call('GET', `/v1/connections/${id}/records/contacts`);
  expect([answer.statusCode, answer.json().code]).toEqual([409, 'connection_not_ready']);
});

test('a list of records from the mirror itself is empty before anything was read', async () => {
  const id = await connected();
  expect((await api.call('GET', `/v1/connections/${id}/records/contacts`)).json()).toEqual({
    data: [],
    nextCursor: null,
  });
});
