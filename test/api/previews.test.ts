import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createExports } from '../../db/exports.js';
import { createPreviews } from '../../db/previews.js';
import type { PlannedRow, RowBody } from '../../domain/ports.js';
import { previewGroupNames } from '../../domain/preview.js';
import { aDocument } from '../support/documents.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let its: { id: string; company: string };
beforeEach(async () => {
  const company = randomUUID();
  const { id, state } = await api.connect(company, { direction: 'two-way' });
  await api.callback({ code: api.xero.grant([organisation('Own')]), state });
  await api.stand(id, 'active');
  await api.call('PATCH', `/v1/connections/${id}/settings`, { exportMode: 'reviewed' });
  its = { id, company };
});

const actor = { 'nightledger-actor': 'user:1' };
const post = (path: string, body?: object, headers: Record<string, string> = actor, secret?: string) =>
  api.call('POST', path, body, secret, headers);
const get = (path: string) => api.call('GET', path);
const make = () => post(`/v1/connections/${its.id}/previews`);
const send = (previewId: string, headers = actor) => post(`/v1/connections/${its.id}/exports`, { previewId }, headers);
const saveInvoice = (externalId: string) =>
  api.call(
    'PUT',
    `/v1/companies/${its.company}/documents/invoice/${externalId}`,
    aDocument('invoice', externalId).content,
  );

const body: RowBody = {
  action: 'create',
  number: 'A-1',
  date: '2026-10-01',
  dueDate: null,
  currency: 'NZD',
  total: '23.00',
  contact: { externalId: 'c-1', name: 'Ada Fern', xeroId: null, match: 'new' },
  pays: null,
  lines: [],
};

/** As the preview's run would do it. */
async function planned(id: string, as: Partial<PlannedRow>[] = []): Promise<void> {
  const previews = createPreviews(api.database.pool);
  await previews.choose(id);
  const rows = await previews.toPlan(id, 0, 100);
  const seen = { documents: 'd', records: 'r' };
  await previews.savePlanned(
    id,
    rows.map(({ place }, index) => ({ place, outcome: 'send', body, errors: [], warnings: [], seen, ...as[index] })),
  );
  await previews.ready(id, { settings: '', chart: '', taxRates: '', locks: '' });
}

async function ready(as: Partial<PlannedRow>[] = []): Promise<string> {
  const { id } = (await make()).json();
  await planned(id, as);
  return id;
}

const wrong = { outcome: 'error', errors: [{ code: 'number_taken', field: 'number', message: 'Taken.' }] } as const;

describe('a preview', () => {
  test('is started, shows how far it is, and then what each group holds', async () => {
    await saveInvoice('i-1');
    const started = await make();
    expect(started.statusCode).toBe(202);
    const { id, workflowId, url } = started.json();
    expect([workflowId, url]).toEqual([`preview:${id}`, expect.stringContaining(encodeURIComponent(workflowId))]);
    expect(api.temporal.reviews.started.at(-1)).toMatchObject({
      id,
      connectionId: its.id,
      askedBy: { actor: 'user:1' },
    });
    expect((await get(`/v1/previews/${id}`)).json()).toMatchObject({
      state: 'working',
      actor: 'user:1',
      progress: { doing: 'reading', rows: null, planned: 0 },
    });
    await planned(id);
    const shown = (await get(`/v1/previews/${id}`)).json();
    expect(shown).toMatchObject({
      connection: its.id,
      state: 'ready',
      progress: { doing: 'done', rows: 1, planned: 1 },
    });
    expect(Object.keys(shown.groups)).toEqual(previewGroupNames);
    expect(shown.groups.invoices).toEqual({ records: 1, errors: 0, warnings: 0, skipped: 0, total: { NZD: '23.00' } });
  });

  test('lists the rows of a group, each error with its field, its sentence and its remedy', async () => {
    await saveInvoice('i-1');
    await saveInvoice('i-2');
    const id = await ready([wrong]);
    const { data } = (await get(`/v1/previews/${id}/invoices`)).json();
    expect(data).toMatchObject([
      { kind: 'invoice', externalId: 'i-1', outcome: 'error', errors: [{ code: 'number_taken', field: 'number' }] },
      {
        externalId: 'i-2',
        outcome: 'send',
        action: 'create',
        number: 'A-1',
        contact: { match: 'new' },
        total: '23.00',
      },
    ]);
    expect(data[0].errors[0].remedy).toContain('another number');
    expect((await get(`/v1/previews/${id}/invoices?outcome=error`)).json().data).toHaveLength(1);
    expect((await get(`/v1/previews/${id}/bills`)).json().data).toEqual([]);
    expect((await get(`/v1/previews/${id}/nothing`)).statusCode).toBe(404);
  });

  test('needs books that were read once, and a connection that Xero takes calls of', async () => {
    const { id } = await api.connect(randomUUID());
    expect((await post(`/v1/connections/${id}/previews`)).json().code).toBe('connection_not_ready');
    await api.stand(its.id, 'authFailed');
    expect((await make()).json().code).toBe('connection_not_ready');
  });

  test('and its export are not found by a key of another company', async () => {
    await saveInvoice('i-1');
    const preview = await ready();
    const { id } = (await send(preview)).json();
    await api.call('PUT', '/v1/companies/other', { name: 'Other' });
    const stranger = await api.key('admin', 'other');
    const paths = [
      `/v1/previews/${preview}`,
      `/v1/previews/${preview}/invoices`,
      `/v1/exports/${id}`,
      `/v1/exports/${id}/rows`,
    ];
    for (const path of paths) expect((await api.call('GET', path, undefined, stranger)).statusCode).toBe(404);
    expect((await post(`/v1/exports/${id}/cancel`, undefined, actor, stranger)).statusCode).toBe(404);
    expect(api.temporal.reviews.signals).not.toContain(`cancel ${id}`);
  });
});

describe('an export', () => {
  test('is started for a preview that is ready, by a person, and shows what became of each row', async () => {
    await saveInvoice('i-1');
    const preview = await ready();
    const unsigned = await send(preview, {} as typeof actor);
    expect([unsigned.statusCode, unsigned.json().errors[0].field]).toEqual([422, 'Nightledger-Actor']);
    const started = await send(preview);
    const { id, workflowId } = started.json();
    expect([started.statusCode, workflowId]).toEqual([202, `export:${id}`]);
    expect((await get(`/v1/exports/${id}`)).json()).toMatchObject({
      preview,
      connection: its.id,
      state: 'checking',
      actor: 'user:1',
      endedAt: null,
      groups: { invoices: { pending: 1 }, bills: {} },
    });
    expect((await get(`/v1/exports/${id}/rows?group=invoices&result=pending`)).json().data).toMatchObject([
      { externalId: 'i-1', result: 'pending', code: null, refusals: [] },
    ]);
  });

  test('is refused while a row has errors, and excluding its document is a way out', async () => {
    await saveInvoice('i-1');
    const preview = await ready([wrong]);
    const refused = await send(preview);
    expect([refused.statusCode, refused.json().code]).toEqual([409, 'preview_has_errors']);
    expect(refused.json().errors).toEqual([{ field: 'invoices', message: '1 with errors' }]);
    await post(`/v1/companies/${its.company}/documents/invoice/i-1/exclude`);
    expect((await send(preview)).statusCode).toBe(202);
  });

  test('is refused for a preview that is not ready, of another connection, or on a connection that is not reviewed', async () => {
    const { id } = (await make()).json();
    expect((await send(id)).json().code).toBe('preview_not_ready');
    await planned(id);
    const mine = its.id;
    const other = await api.connect(randomUUID());
    its = { ...its, id: other.id };
    expect((await send(id)).statusCode).toBe(404);
    its = { ...its, id: mine };
    await api.call('PATCH', `/v1/connections/${mine}/settings`, { exportMode: 'immediate' });
    expect((await send(id)).json().code).toBe('export_not_reviewed');
  });

  test('is one of a connection at a time; asked again it is the same, and afterwards the preview is stale', async () => {
    const [one, other] = [await ready(), await ready()];
    const { id } = (await send(one)).json();
    expect((await send(one)).json().id).toBe(id);
    expect((await send(other)).json()).toMatchObject({ code: 'export_in_hand', existing: id });
    await createExports(api.database.pool).end(id, { state: 'completed' });
    expect((await send(one)).json()).toMatchObject({ code: 'preview_stale', existing: id });
    expect((await send(other)).statusCode).toBe(202);
  });

  test('that turns out to be stale names what changed', async () => {
    const preview = await ready();
    const { id } = (await send(preview)).json();
    await createExports(api.database.pool).end(id, {
      state: 'failed',
      code: 'preview_stale',
      changed: ['locks', 'records'],
    });
    expect((await get(`/v1/exports/${id}`)).json()).toMatchObject({
      state: 'failed',
      code: 'preview_stale',
      changed: ['locks', 'records'],
    });
  });

  test('is paused, resumed and cancelled, and not after it has ended', async () => {
    const { id } = (await send(await ready())).json();
    for (const step of ['pause', 'resume', 'cancel']) {
      expect((await post(`/v1/exports/${id}/${step}`)).statusCode).toBe(202);
      expect(api.temporal.reviews.signals.at(-1)).toBe(`${step} ${id}`);
    }
    await createExports(api.database.pool).end(id, { state: 'cancelled' });
    expect((await post(`/v1/exports/${id}/resume`)).json().code).toBe('export_ended');
  });

  test('whose run is gone can still be cancelled, and then it stands in nobody’s way', async () => {
    const { id } = (await send(await ready())).json();
    api.temporal.reviews.running.delete(id);
    expect((await post(`/v1/exports/${id}/pause`)).json().code).toBe('export_ended');
    expect((await post(`/v1/exports/${id}/cancel`)).json()).toMatchObject({ state: 'cancelled' });
    expect((await post(`/v1/exports/${id}/cancel`)).json().code).toBe('export_ended');
    expect((await send(await ready())).statusCode).toBe(202);
  });

  test('is broken off when the connection is disconnected', async () => {
    const preview = await ready();
    const { id } = (await send(preview)).json();
    await post(`/v1/connections/${its.id}/disconnect`);
    expect(api.temporal.reviews.signals).toContain(`cancel ${id}`);
  });
});
