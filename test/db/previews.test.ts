import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createExports } from '../../db/exports.js';
import { createPreviews } from '../../db/previews.js';
import type { Documents, Exports, PlannedRow, Previews, RowBody } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, type Connected, connectedCompany } from '../support/documents.js';

let database: FreshDatabase;
let documents: Documents;
let previews: Previews;
let exports: Exports;
let its: Connected;
beforeAll(async () => {
  database = await freshDatabase();
  documents = createDocuments(database.pool);
  previews = createPreviews(database.pool);
  exports = createExports(database.pool);
});
afterAll(() => database.drop());
beforeEach(async () => {
  its = await connectedCompany(database.pool);
  await database.pool.query(`UPDATE connection SET settings = '{"exportMode": "reviewed"}' WHERE id = $1`, [
    its.connectionId,
  ]);
});

const context = () => ({ companyId: its.companyId, actor: 'user:1', urgent: false });
const save = (...given: ReturnType<typeof aDocument>[]) => documents.save(context(), given);
const shown = (kind: 'contact' | 'invoice', externalId: string) => documents.get(its.companyId, { kind, externalId });
const exclude = (externalId: string) => documents.wish(context(), { kind: 'invoice', externalId }, { wish: 'exclude' });

async function become(externalId: string, set: string): Promise<void> {
  await database.pool.query(`UPDATE document SET ${set} WHERE company_id = $1 AND external_id = $2`, [
    its.companyId,
    externalId,
  ]);
}
const sent = () =>
  `state = 'sent', sent_version = queued_version, organisation_id = '${its.organisationId}', xero_id = gen_random_uuid()`;

async function made(): Promise<string> {
  const id = randomUUID();
  await previews.create({ id, connectionId: its.connectionId, actor: 'user:1' });
  await previews.choose(id);
  return id;
}

const body: RowBody = {
  action: 'create',
  number: null,
  date: null,
  dueDate: null,
  currency: 'NZD',
  total: '23.00',
  contact: null,
  pays: null,
  lines: [],
};

/** Plans every row as given, or to be sent. */
async function planned(id: string, as: Partial<Record<number, Partial<PlannedRow>>> = {}): Promise<void> {
  const rows = await previews.toPlan(id, 0, 100);
  await previews.savePlanned(
    id,
    rows.map(({ place }) => ({
      place,
      outcome: 'send',
      body,
      errors: [],
      warnings: [],
      seen: { documents: 'd', records: 'r' },
      ...as[place],
    })),
  );
  await previews.ready(id, { settings: 's', chart: 'c', taxRates: 't', locks: 'l' });
}

const placesOf = async (id: string) =>
  (await previews.toPlan(id, 0, 100)).map(
    ({ group, document }) => `${group} ${document.externalId} ${document.version}`,
  );

const wrong = { code: 'number_taken', field: 'number', message: 'taken' } as const;

describe('a preview', () => {
  test('takes what waits to go, in its newest version and in the order in which it would be sent', async () => {
    await save(aDocument('payment', 'p-1'), aDocument('invoice', 'i-1'), aDocument('contact', 'c-1'));
    await save(aDocument('invoice', 'i-2'), aDocument('contact', 'c-1', { name: 'Ada' }));
    const id = await made();
    expect(await placesOf(id)).toEqual(['contacts c-1 2', 'invoices i-1 1', 'invoices i-2 1', 'exportPayments p-1 1']);
  });

  test('leaves out what stands in Xero, what is being sent, and what another connection covers', async () => {
    await save(aDocument('contact', 'c-1'), aDocument('invoice', 'i-1'), aDocument('invoice', 'i-2'));
    await become('c-1', sent());
    await become('i-1', `state = 'sending'`);
    expect(await placesOf(await made())).toEqual(['invoices i-2 1']);
    its = await connectedCompany(database.pool);
    expect(await placesOf(await made())).toEqual([]);
  });

  test('keeps showing the version that it took, and nothing that was saved later', async () => {
    await save(aDocument('invoice', 'i-1'));
    const id = await made();
    await save(aDocument('invoice', 'i-1', { total: '24.00' }), aDocument('invoice', 'i-2'));
    expect(await previews.toPlan(id, 0, 10)).toMatchObject([
      { document: { externalId: 'i-1', version: 1, content: { total: '23.00' } }, newest: 2 },
    ]);
  });

  test('sums what will be sent by group and currency, and counts what was excluded since as skipped', async () => {
    await save(aDocument('invoice', 'i-1'), aDocument('invoice', 'i-2'), aDocument('invoice', 'i-3'));
    const id = await made();
    await planned(id, {
      1: { warnings: [wrong] },
      2: { body: { ...body, currency: 'EUR', total: '1.10' } },
      3: { outcome: 'error', errors: [wrong] },
    });
    const total = { NZD: '23.00', EUR: '1.10' };
    expect(await previews.get(id)).toMatchObject({
      state: 'ready',
      rows: 3,
      planned: 3,
      groups: { invoices: { records: 2, errors: 1, warnings: 1, skipped: 0, total }, bills: { records: 0, total: {} } },
    });
    expect(await previews.errors(id)).toBe(1);
    await exclude('i-3');
    expect((await previews.get(id))?.groups.invoices).toMatchObject({ errors: 0, skipped: 1, total });
    expect(await previews.errors(id)).toBe(0);
  });

  test('lists its rows page by page, by group and by outcome', async () => {
    await save(aDocument('contact', 'c-1'), ...['1', '2', '3'].map((number) => aDocument('invoice', `i-${number}`)));
    const id = await made();
    await planned(id, { 3: { outcome: 'skipped' } });
    const first = await previews.rows(id, { limit: 2, group: 'invoices' });
    expect(first.data.map(({ externalId }) => externalId)).toEqual(['i-1', 'i-2']);
    const next = await previews.rows(id, { limit: 2, group: 'invoices', cursor: first.nextCursor ?? '' });
    expect([next.data.map(({ externalId }) => externalId), next.nextCursor]).toEqual([['i-3'], null]);
    const skipped = await previews.rows(id, { limit: 9, outcome: 'skipped' });
    expect(skipped.data).toMatchObject([{ kind: 'invoice', externalId: 'i-2', version: 1, group: 'invoices', body }]);
  });

  test('that is made again after a death in the middle is whole, and one that failed stays so', async () => {
    await save(aDocument('invoice', 'i-1'));
    const id = await made();
    await planned(id);
    await previews.choose(id);
    expect(await previews.get(id)).toMatchObject({ rows: 1, planned: 0, groups: { invoices: { records: 0 } } });
    const failed = await made();
    await previews.fail(failed, 'xero_unavailable');
    await previews.ready(failed, { settings: '', chart: '', taxRates: '', locks: '' });
    expect(await previews.get(failed)).toMatchObject({ state: 'failed', code: 'xero_unavailable' });
  });

  test('that no run took up is found, and an old one is forgotten with its export', async () => {
    const id = await made();
    expect(await previews.unstarted(0)).toContainEqual({
      id,
      connectionId: its.connectionId,
      companyId: its.companyId,
    });
    await database.pool.query(
      `INSERT INTO run (run_id, workflow_id, kind, connection_id) VALUES ($1, $2, 'preview', $3)`,
      [randomUUID(), `preview:${id}`, its.connectionId],
    );
    expect(await previews.unstarted(0)).not.toContainEqual(expect.objectContaining({ id }));
    expect(await previews.forget(60_000)).toBe(0);
    expect(await previews.forget(0)).toBeGreaterThan(0);
    expect(await previews.get(id)).toBeNull();
  });
});

async function begun(previewId: string): Promise<string> {
  const id = randomUUID();
  const wish = { id, previewId, connectionId: its.connectionId, actor: 'user:1' };
  expect(await exports.create(wish)).toEqual({ kind: 'created' });
  await exports.move(id, ['checking'], 'running');
  return id;
}

const groupOf = async (id: string, group: 'contacts' | 'invoices') => (await exports.get(id))?.groups[group];

describe('an export', () => {
  test('is one of a connection at a time, and one of a preview for good', async () => {
    const [one, other] = [await made(), await made()];
    const id = await begun(one);
    const wish = { id: randomUUID(), connectionId: its.connectionId, actor: 'user:1' };
    expect(await exports.create({ ...wish, previewId: other })).toEqual({ kind: 'inHand', id });
    expect(await exports.create({ ...wish, previewId: one })).toEqual({ kind: 'exported', id });
    await exports.end(id, { state: 'completed' });
    expect(await exports.create({ ...wish, previewId: one })).toEqual({ kind: 'exported', id });
    expect(await exports.create({ ...wish, previewId: other })).toEqual({ kind: 'created' });
  });

  test('hands over the version that was reviewed, batch by batch, and only while it runs', async () => {
    await save(aDocument('invoice', 'i-1'), aDocument('invoice', 'i-2'), aDocument('invoice', 'i-3'));
    const preview = await made();
    await planned(preview);
    await save(aDocument('invoice', 'i-1', { total: '24.00' }));
    expect(await shown('invoice', 'i-1')).toMatchObject({ state: 'waiting', code: 'awaiting_export', version: 2 });
    const id = await begun(preview);
    await exports.move(id, ['running'], 'paused');
    expect(await exports.queue(id, 'invoices', 2)).toBe(0);
    await exports.move(id, ['paused'], 'running');
    expect(await exports.queue(id, 'contacts', 2)).toBe(0);
    expect(await exports.queue(id, 'invoices', 2)).toBe(2);
    expect(await groupOf(id, 'invoices')).toEqual({ queued: 2, pending: 1 });
    const { rows } = await database.pool.query(
      `SELECT external_id, queued_version, state FROM document WHERE export_id = $1 ORDER BY external_id`,
      [id],
    );
    expect(rows).toEqual([
      { external_id: 'i-1', queued_version: 1, state: 'queued' },
      { external_id: 'i-2', queued_version: 1, state: 'queued' },
    ]);
    expect((await shown('invoice', 'i-1'))?.state).toBe('queued');
  });

  test('turns on the bell of its outbox', async () => {
    await save(aDocument('invoice', 'i-1'));
    const preview = await made();
    await planned(preview);
    const rung = () =>
      database.pool.query('SELECT FROM outbox WHERE connection_id = $1 AND rung_at IS NOT NULL', [its.connectionId]);
    expect((await rung()).rows).toHaveLength(0);
    await exports.queue(await begun(preview), 'invoices', 2);
    expect((await rung()).rows).toHaveLength(1);
  });

  test('settles a row when its document has gone, was refused or is held, and keeps what was said', async () => {
    await save(...['1', '2', '3', '4'].map((number) => aDocument('invoice', `i-${number}`)));
    const preview = await made();
    await planned(preview);
    const id = await begun(preview);
    await exports.queue(id, 'invoices', 10);
    await become('i-1', sent());
    await become('i-2', `state = 'failed', code = 'number_taken', errors = '${JSON.stringify([wrong])}'`);
    await become('i-3', `state = 'sending'`);
    await become('i-4', `state = 'held', code = 'duplicate_suspected'`);
    expect(await exports.settle(id)).toBe(1);
    expect(await groupOf(id, 'invoices')).toEqual({ sent: 1, failed: 1, queued: 1, held: 1 });
    const { data } = await exports.rows(id, { limit: 10, result: 'failed' });
    expect(data).toMatchObject([{ externalId: 'i-2', code: 'number_taken', refusals: [wrong] }]);
    await become('i-3', sent());
    expect(await exports.settle(id)).toBe(0);
  });

  test.each([
    ['before it is sent', `state = 'queued'`],
    ['while it is being sent', `state = 'sending'`],
  ])('sends the reviewed version also where a newer one is saved %s, and that waits for the next', async (_, set) => {
    await save(aDocument('invoice', 'i-1'));
    const preview = await made();
    await planned(preview);
    const id = await begun(preview);
    await exports.queue(id, 'invoices', 10);
    await become('i-1', set);
    await save(aDocument('invoice', 'i-1', { total: '24.00' }));
    await become('i-1', sent());
    expect(await exports.settle(id)).toBe(0);
    expect(await groupOf(id, 'invoices')).toEqual({ sent: 1 });
    expect(await shown('invoice', 'i-1')).toMatchObject({ version: 2, state: 'waiting', code: 'awaiting_export' });
    const { rows } = await database.pool.query(
      'SELECT sent_version, queued_version, export_id FROM document WHERE company_id = $1',
      [its.companyId],
    );
    expect(rows).toEqual([{ sent_version: 1, queued_version: 2, export_id: null }]);
  });

  test('sends nothing that was excluded after the review, and nothing that waits after it has ended', async () => {
    await save(...['1', '2', '3'].map((number) => aDocument('invoice', `i-${number}`)));
    const preview = await made();
    await planned(preview);
    const id = await begun(preview);
    await exclude('i-1');
    await exports.queue(id, 'invoices', 2);
    expect(await groupOf(id, 'invoices')).toEqual({ excluded: 1, queued: 1, pending: 1 });
    await exports.end(id, { state: 'cancelled' });
    expect(await groupOf(id, 'invoices')).toEqual({ excluded: 1, cancelled: 2 });
    for (const externalId of ['i-2', 'i-3']) {
      expect(await shown('invoice', externalId)).toMatchObject({ state: 'waiting', code: 'awaiting_export' });
    }
    expect(await exports.get(id)).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) });
  });

  test('that is cancelled leaves to the outbox what is being sent', async () => {
    await save(aDocument('invoice', 'i-1'), aDocument('invoice', 'i-2'));
    const preview = await made();
    await planned(preview);
    const id = await begun(preview);
    await exports.queue(id, 'invoices', 10);
    await become('i-1', `state = 'sending'`);
    await exports.putBack(id);
    expect(await groupOf(id, 'invoices')).toEqual({ queued: 1, cancelled: 1 });
    await become('i-1', sent());
    await exports.settle(id);
    expect(await groupOf(id, 'invoices')).toEqual({ sent: 1, cancelled: 1 });
  });
});
