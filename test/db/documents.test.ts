import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createOutboxBells } from '../../db/outboxBells.js';
import { createWrites } from '../../db/writes.js';
import { type DocumentKind, documentKinds } from '../../domain/documents/kinds.js';
import type { Documents, DocumentToSave, OutboxBells, Saved } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, type Connected, connectedCompany } from '../support/documents.js';

let database: FreshDatabase;
let documents: Documents;
let bells: OutboxBells;
let its: Connected;
beforeAll(async () => {
  database = await freshDatabase();
  documents = createDocuments(database.pool);
  bells = createOutboxBells(database.pool);
});
afterAll(() => database.drop());
beforeEach(async () => {
  its = await connectedCompany(database.pool);
});

const context = (more: object = {}) => ({ companyId: its.companyId, actor: 'user:1', urgent: false, ...more });
const contact = { kind: 'contact', externalId: 'c-1' } as const;
const invoice = { kind: 'invoice', externalId: 'i-1' } as const;
const bell = () => ({ connectionId: its.connectionId, companyId: its.companyId });

async function save(...given: DocumentToSave[]): Promise<Saved[]> {
  const saved = await documents.save(context(), given);
  if (saved === null) throw new Error('no such company');
  return saved.results;
}

async function columns(kind: DocumentKind, externalId: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query(
    'SELECT * FROM document WHERE company_id = $1 AND kind = $2 AND external_id = $3',
    [its.companyId, kind, externalId],
  );
  return rows[0];
}

/** As the outbox would leave it. */
async function stand({ kind, externalId }: { kind: DocumentKind; externalId: string }, set: string): Promise<void> {
  await database.pool.query(`UPDATE document SET ${set} WHERE company_id = $1 AND kind = $2 AND external_id = $3`, [
    its.companyId,
    kind,
    externalId,
  ]);
}
const sent = (id: string) =>
  `state = 'sent', sent_version = version, queued_version = NULL, organisation_id = '${its.organisationId}', xero_id = '${id}'`;
const heard = () => database.pool.query('UPDATE outbox SET rung_at = NULL');

async function versions(externalId: string): Promise<[number, boolean][]> {
  const { rows } = await database.pool.query<{ version: number; deleted: boolean }>(
    `SELECT v.version, v.deleted FROM document_version v JOIN document d ON d.id = v.document_id
      WHERE d.company_id = $1 AND d.external_id = $2 ORDER BY v.version`,
    [its.companyId, externalId],
  );
  return rows.map(({ version, deleted }) => [version, deleted]);
}

describe('a save', () => {
  test('makes a version of each content, and none of the same again', async () => {
    expect(await save(aDocument('contact', 'c-1'))).toMatchObject([
      { kind: 'saved', created: true, document: { version: 1, state: 'queued', code: null, synced: false } },
    ]);
    expect(await save(aDocument('contact', 'c-1'))).toMatchObject([{ created: false, document: { version: 1 } }]);
    expect(await save(aDocument('contact', 'c-1', { name: 'Ada' }))).toMatchObject([{ document: { version: 2 } }]);
    expect(await versions('c-1')).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(await documents.get(its.companyId, contact)).toMatchObject({ content: { name: 'Ada' }, version: 2 });
  });

  test('of an older source version never overwrites a newer one, also where the newer one changed nothing', async () => {
    await save(aDocument('contact', 'c-1', {}, 1));
    await save(aDocument('contact', 'c-1', {}, 5));
    expect(await save(aDocument('contact', 'c-1', { name: 'Late' }, 4))).toMatchObject([
      { kind: 'stale', document: { version: 1, sourceVersion: 5, content: { name: 'Ada Fern' } } },
    ]);
    expect(await save(aDocument('contact', 'c-1', { name: 'New' }, 6))).toMatchObject([
      { kind: 'saved', document: { version: 2, sourceVersion: 6 } },
    ]);
    expect(await save(aDocument('contact', 'c-1', { name: 'Unnumbered' }))).toMatchObject([
      { kind: 'saved', document: { version: 3, sourceVersion: 6 } },
    ]);
  });

  test('of twenty at once of one document ends as one content, and its versions have no gap', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `Ada ${at}`);
    const saved = await Promise.all(
      names.map((name) => documents.save(context(), [aDocument('contact', 'c-1', { name })])),
    );
    expect(saved.filter((each) => each?.results[0]?.kind === 'saved')).toHaveLength(20);
    expect((await versions('c-1')).map(([version]) => version)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    const { rows } = await database.pool.query(
      `SELECT FROM document d JOIN document_version v ON v.document_id = d.id AND v.version = d.version
        WHERE d.company_id = $1 AND v.content = d.content AND d.version = 20`,
      [its.companyId],
    );
    expect(rows).toHaveLength(1);
  });

  test('of many documents in any order at once waits for none in a ring', async () => {
    const many = Array.from({ length: 60 }, (_, at) => at);
    const given = (turn: number) => [
      ...many.map((at) => aDocument('invoice', `i-${at}`, { reference: `turn ${turn}`, contact: `c-${at}` })),
      ...many.map((at) => aDocument('contact', `c-${at}`, { name: `Turn ${turn}` })),
    ];
    const turns = Array.from({ length: 8 }, (_, turn) => (turn % 2 ? given(turn) : given(turn).reverse()));
    await Promise.all(turns.map((turn, at) => documents.save(context({ urgent: at < 4 }), turn)));
    const { data } = await documents.list(its.companyId, { limit: 200 });
    expect(data.map(({ version }) => version)).toEqual(Array.from({ length: 120 }, () => 8));
  });

  test('of five hundred is a handful of statements, and answers in the order given', async () => {
    const given = Array.from({ length: 500 }, (_, at) => aDocument('invoice', `i-${499 - at}`, { contact: `c-${at}` }));
    const client = await database.pool.connect();
    const prototype = Object.getPrototypeOf(client);
    client.release();
    const query = prototype.query;
    let statements = 0;
    prototype.query = function (...asked: unknown[]) {
      statements++;
      return query.apply(this, asked);
    };
    const results = await save(...given).finally(() => {
      prototype.query = query;
    });
    expect(results.map(({ document }) => document.externalId)).toEqual(given.map(({ externalId }) => externalId));
    expect(statements).toBeLessThan(10);
  });

  test('that names one document twice makes both its versions, in that order', async () => {
    const results = await save(
      aDocument('contact', 'c-1', { name: 'One' }),
      aDocument('contact', 'c-1', { name: 'Two' }),
    );
    expect(results).toMatchObject([{ created: true }, { created: false, document: { content: { name: 'Two' } } }]);
    expect(await versions('c-1')).toHaveLength(2);
  });

  test('of a company that is not there, or is being deleted, stores nothing', async () => {
    expect(await documents.save({ ...context(), companyId: 'nobody' }, [aDocument('contact', 'c-1')])).toBeNull();
    await database.pool.query('UPDATE company SET deleting_at = now() WHERE id = $1', [its.companyId]);
    expect(await documents.save(context(), [aDocument('contact', 'c-1')])).toBeNull();
    expect(await columns('contact', 'c-1')).toBeUndefined();
  });

  test('queues again what was sent, failed, held or skipped, and clears what was said of the version before', async () => {
    for (const state of ['sent', 'failed', 'held', 'skipped', 'waiting', 'voided']) {
      await save(aDocument('contact', state));
      await stand(
        { kind: 'contact', externalId: state },
        `state = '${state}', code = 'validation', errors = '[{}]', queued_version = NULL`,
      );
      const [saved] = await save(aDocument('contact', state, { name: 'Changed' }));
      expect(saved?.document).toMatchObject({ state: 'queued', code: null, errors: [], version: 2 });
      expect(await columns('contact', state)).toMatchObject({ queued_version: 2 });
    }
  });

  test('leaves alone what a person keeps out, what is being sent and what was voided in Xero', async () => {
    const expected = { excluded: null, sending: 2, voidedInXero: null, deletedInXero: null };
    for (const [state, queued_version] of Object.entries(expected)) {
      await save(aDocument('contact', state));
      await stand(
        { kind: 'contact', externalId: state },
        `state = '${state}', excluded = ${state === 'excluded'}, queued_version = ${state === 'sending' ? 1 : null}`,
      );
      const [saved] = await save(aDocument('contact', state, { name: 'Changed' }));
      expect(saved?.document).toMatchObject({ state, version: 2 });
      expect(await columns('contact', state)).toMatchObject({ queued_version });
    }
  });

  test('of an invoice with a project number makes its item once, and never over one that was saved', async () => {
    const lines = [
      { description: 'Work', quantity: '1', unitAmount: '1.00', projectNumber: 'P-7' },
      { description: 'More', quantity: '1', unitAmount: '1.00', projectNumber: 'P-8' },
    ];
    await save(aDocument('item', 'project:P-8', { code: 'P-8', name: 'Eight' }));
    await save(aDocument('invoice', 'i-1', { lines }), aDocument('invoice', 'i-2', { lines }));
    const { data } = await documents.list(its.companyId, { limit: 10, kind: 'item' });
    expect(data.map(({ externalId, content, version }) => [externalId, content, version])).toEqual([
      ['project:P-7', { code: 'P-7' }, 1],
      ['project:P-8', { code: 'P-8', name: 'Eight' }, 1],
    ]);
    await save(aDocument('item', 'project:P-7', { code: 'P-7', name: 'Seven' }));
    await save(aDocument('invoice', 'i-1', { lines, reference: 'again' }));
    expect(await columns('item', 'project:P-7')).toMatchObject({ content: { name: 'Seven' }, derived: false });
  });

  test('keeps the parents of the current version only', async () => {
    const parents = async () => {
      const { rows } = await database.pool.query<{ name: string }>(
        `SELECT parent_kind || ' ' || parent_external_id AS name FROM document_parent WHERE company_id = $1 ORDER BY 1`,
        [its.companyId],
      );
      return rows.map(({ name }) => name);
    };
    const line = { description: 'Fern', quantity: '1', unitAmount: '1.00' };
    await save(aDocument('invoice', 'i-1', { lines: [{ ...line, item: 'fern' }] }));
    expect(await parents()).toEqual(['contact c-1', 'item fern']);
    const changes = Array.from({ length: 10 }, (_, at) => aDocument('invoice', 'i-1', { contact: `c-${at + 2}` }));
    await Promise.all(changes.map((change) => documents.save(context(), [change])));
    const current = (await documents.get(its.companyId, invoice))?.content as { contact: string };
    expect(await parents()).toEqual([`contact ${current.contact}`]);
  });

  test('that is urgent makes urgent what it stands on and is not sent yet', async () => {
    await save(aDocument('contact', 'c-1'), aDocument('contact', 'c-2'), aDocument('invoice', 'i-1'));
    await save(aDocument('item', 'PLANT'));
    await documents.save(context({ urgent: true }), [aDocument('payment', 'p-1')]);
    const urgent = await database.pool.query(
      'SELECT external_id FROM document WHERE company_id = $1 AND urgent ORDER BY 1',
      [its.companyId],
    );
    expect(urgent.rows.map(({ external_id }) => external_id)).toEqual(['c-1', 'i-1', 'p-1']);
  });
});

describe('the bell', () => {
  test('is rung by the first save, and by none until it was heard', async () => {
    const first = await documents.save(context(), [aDocument('contact', 'c-1')]);
    expect(first?.bells).toEqual([bell()]);
    expect((await documents.save(context(), [aDocument('contact', 'c-2')]))?.bells).toEqual([]);
    await heard();
    expect((await documents.save(context(), [aDocument('contact', 'c-2')]))?.bells).toEqual([]);
    expect((await documents.save(context(), [aDocument('contact', 'c-3')]))?.bells).toEqual([bell()]);
  });

  test('is rung again when nobody heard it for half a minute', async () => {
    await save(aDocument('contact', 'c-1'));
    await database.pool.query(`UPDATE outbox SET rung_at = now() - interval '31 seconds'`);
    expect((await documents.save(context(), [aDocument('contact', 'c-2')]))?.bells).toEqual([bell()]);
  });

  test('is heard by a claim that waits for the save in hand, or rung after it: no save falls between', async () => {
    const client = await database.pool.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO outbox (connection_id) VALUES ($1)', [its.connectionId]);
    await client.query('COMMIT');
    await client.query('BEGIN');
    // The claim turned the flag off and has not looked yet: a save waits for it, and turns it on again.
    await client.query('UPDATE outbox SET rung_at = NULL WHERE connection_id = $1', [its.connectionId]);
    const saving = documents.save(context(), [aDocument('contact', 'c-1')]);
    await client.query('COMMIT');
    client.release();
    expect((await saving)?.bells).toEqual([bell()]);
  });

  test('is not rung for what cannot go', async () => {
    await database.pool.query(`UPDATE connection SET status = 'backfilling' WHERE id = $1`, [its.connectionId]);
    expect((await documents.save(context(), [aDocument('contact', 'c-1')]))?.bells).toEqual([]);
    expect(await bells.ofConnection(its.connectionId)).toBeNull();
    await database.pool.query(`UPDATE connection SET status = 'active' WHERE id = $1`, [its.connectionId]);
    expect(await bells.ofConnection(its.connectionId)).toEqual(bell());
  });

  test('is found to be owed where something could have gone for longer than that', async () => {
    await save(aDocument('contact', 'c-1'));
    expect(await bells.pendingLongerThan(30_000)).not.toContainEqual(bell());
    await stand(contact, `queued_at = now() - interval '31 seconds'`);
    expect(await bells.pendingLongerThan(30_000)).toContainEqual(bell());
    await stand(contact, `state = 'sending'`);
    expect(await bells.pendingLongerThan(30_000)).toContainEqual(bell());
    await stand(contact, sent(randomUUID()));
    expect(await bells.pendingLongerThan(30_000)).not.toContainEqual(bell());
  });
});

describe('what is shown', () => {
  const shown = async (filter = {}) =>
    (await documents.list(its.companyId, { limit: 10, ...filter })).data.map(({ state, code }) => [state, code]);
  const connection = (set: string) =>
    database.pool.query(`UPDATE connection SET ${set} WHERE id = $1`, [its.connectionId]);

  test('follows from the connection as it stands, and the filter by state sees the same', async () => {
    await save(aDocument('contact', 'c-1'));
    const writes = createWrites(database.pool);
    expect([await shown(), await shown({ state: 'waiting' })]).toEqual([[['queued', null]], []]);
    await connection(`paused_at = now()`);
    expect(await shown({ state: 'waiting' })).toEqual([['waiting', 'writes_paused']]);
    await connection(`status = 'authFailed'`);
    expect(await shown({ state: 'waiting' })).toEqual([['waiting', 'connection_not_active']]);
    await connection(`status = 'active', paused_at = NULL, settings = '{"exportMode":"reviewed"}'`);
    expect(await shown({ state: 'waiting' })).toEqual([['waiting', 'awaiting_export']]);
    expect(await shown({ state: 'queued' })).toEqual([]);
    await connection(`settings = '{}'`);
    await writes.pause('user:1');
    expect(await shown({ state: 'waiting' })).toEqual([['waiting', 'writes_paused']]);
    await writes.resume();
    expect(await shown({ state: 'queued' })).toEqual([['queued', null]]);
  });

  test('names what is missing: a connection, or a location where books are separate', async () => {
    const companyId = randomUUID();
    const of = { ...context(), companyId };
    await database.pool.query(`INSERT INTO company (id, name) VALUES ($1, 'Bare')`, [companyId]);
    const codes = async () => (await documents.list(companyId, { limit: 10 })).data.map(({ code }) => code);
    const given = [aDocument('contact', 'c-1'), aDocument('contact', 'c-2', { location: 'north' })];
    expect((await documents.save(of, given))?.bells).toEqual([]);
    expect(await codes()).toEqual(['not_connected', 'not_connected']);
    const north = randomUUID();
    await database.pool.query(`UPDATE company SET sync_by = 'locations' WHERE id = $1`, [companyId]);
    await database.pool.query(
      `INSERT INTO connection (id, company_id, direction, sync_by, status) VALUES ($1, $2, 'two-way', 'locations', 'active')`,
      [north, companyId],
    );
    await database.pool.query(
      `INSERT INTO location (company_id, id, name, connection_id) VALUES ($1, 'north', 'North', $2)`,
      [companyId, north],
    );
    expect(await codes()).toEqual(['location_required', null]);
    expect((await documents.list(companyId, { limit: 10, location: 'north' })).data).toMatchObject([
      { externalId: 'c-2', connectionId: north, state: 'queued' },
    ]);
    expect(await bells.ofConnection(north)).toEqual({ connectionId: north, companyId });
  });

  test('is listed page by page by kind and external id', async () => {
    await save(...['i-2', 'i-1'].map((id) => aDocument('invoice', id)), aDocument('contact', 'c-1'));
    const first = await documents.list(its.companyId, { limit: 2 });
    expect(first.data.map(({ externalId }) => externalId)).toEqual(['c-1', 'i-1']);
    const rest = await documents.list(its.companyId, { limit: 2, cursor: first.nextCursor ?? '' });
    expect([rest.data.map(({ externalId }) => externalId), rest.nextCursor]).toEqual([['i-2'], null]);
  });

  test('counts what waits for a person', async () => {
    await save(...['a', 'b', 'c'].map((id) => aDocument('contact', id)));
    await stand({ kind: 'contact', externalId: 'a' }, `state = 'held'`);
    await stand({ kind: 'contact', externalId: 'b' }, `state = 'failed'`);
    expect(await documents.needingPerson(its.connectionId)).toEqual({ held: 1, failed: 1 });
  });
});

describe('a deletion', () => {
  const removed = () => documents.remove(context(), contact);

  test('voids at once what was never sent, and tells of it', async () => {
    await save(aDocument('contact', 'c-1'));
    await heard();
    expect(await removed()).toMatchObject({
      document: { state: 'voided', version: 2, deleted: true, synced: true },
      bells: [],
    });
    const { rows } = await database.pool.query(
      'SELECT type, kind, external_id, connection_id, data FROM feed_event WHERE company_id = $1',
      [its.companyId],
    );
    expect(rows).toEqual([
      {
        type: 'document.voided',
        kind: 'contact',
        external_id: 'c-1',
        connection_id: its.connectionId,
        data: { version: 2 },
      },
    ]);
    expect(await versions('c-1')).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  test('is to be sent where it stands in Xero, once however often it is asked', async () => {
    await save(aDocument('contact', 'c-1'));
    await heard();
    await stand(contact, sent(randomUUID()));
    expect(await removed()).toMatchObject({ document: { state: 'queued', version: 2 }, bells: [bell()] });
    expect(await removed()).toMatchObject({ document: { state: 'queued', version: 2 }, bells: [] });
    expect(await columns('contact', 'c-1')).toMatchObject({ queued_version: 2, urgent: true, actor: 'user:1' });
  });

  test('of what is being sent waits for its outcome', async () => {
    await save(aDocument('contact', 'c-1'));
    await stand(contact, `state = 'sending', code = 'outcome_unknown'`);
    expect(await removed()).toMatchObject({ document: { state: 'sending', code: 'outcome_unknown' } });
    expect(await columns('contact', 'c-1')).toMatchObject({ queued_version: 2 });
  });

  test('is taken back by saving the same content again', async () => {
    await save(aDocument('contact', 'c-1'));
    await removed();
    expect(await save(aDocument('contact', 'c-1'))).toMatchObject([
      { document: { state: 'queued', version: 3, deleted: false } },
    ]);
  });

  test('of what is not there answers nothing', async () => {
    expect(await removed()).toBeNull();
  });
});

describe('a wish', () => {
  const wish = (wished: Parameters<Documents['wish']>[2]) => documents.wish(context(), contact, wished);
  beforeEach(async () => {
    await save(aDocument('contact', 'c-1'));
    await heard();
  });

  test('to resync queues the current version again, and forgets a record that is gone', async () => {
    const xeroId = randomUUID();
    await stand(contact, sent(xeroId));
    expect(await wish({ wish: 'resync' })).toMatchObject({ document: { state: 'queued', xeroId }, bells: [bell()] });
    await stand(contact, `state = 'deletedInXero', queued_version = NULL`);
    expect(await wish({ wish: 'resync' })).toMatchObject({ document: { state: 'queued', xeroId: null } });
    expect(await columns('contact', 'c-1')).toMatchObject({ queued_version: 1, sent_version: null });
  });

  test('to send or link is for what is held, and for its current version', async () => {
    await expect(wish({ wish: 'send' })).rejects.toMatchObject({ reason: 'not_held' });
    await stand(contact, `state = 'held', code = 'duplicate_suspected', queued_version = NULL`);
    expect(await wish({ wish: 'send' })).toMatchObject({ document: { state: 'queued', code: null } });
    expect(await columns('contact', 'c-1')).toMatchObject({
      decided_version: 1,
      queued_version: 1,
      link_xero_id: null,
    });
    await stand(contact, `state = 'held'`);
    const xeroId = randomUUID();
    await wish({ wish: 'link', xeroId });
    expect(await columns('contact', 'c-1')).toMatchObject({ decided_version: 1, link_xero_id: xeroId });
  });

  test('to link is refused for a record that another document is', async () => {
    const xeroId = randomUUID();
    await save(aDocument('contact', 'c-2'));
    await stand({ kind: 'contact', externalId: 'c-2' }, sent(xeroId));
    await stand(contact, `state = 'held'`);
    await expect(wish({ wish: 'link', xeroId })).rejects.toMatchObject({ reason: 'record_taken' });
    expect(await columns('contact', 'c-1')).toMatchObject({ state: 'held' });
  });

  test('to exclude keeps it out until it is included again, whatever is saved meanwhile', async () => {
    expect(await wish({ wish: 'exclude' })).toMatchObject({
      document: { state: 'excluded', code: 'excluded' },
      bells: [],
    });
    await save(aDocument('contact', 'c-1', { name: 'Changed' }));
    expect(await wish({ wish: 'resync' })).toMatchObject({ document: { state: 'excluded', version: 2 } });
    expect(await wish({ wish: 'include' })).toMatchObject({
      document: { state: 'queued', code: null },
      bells: [bell()],
    });
    expect(await columns('contact', 'c-1')).toMatchObject({ queued_version: 2, excluded: false });
  });

  test('to include what stands in Xero as it is sends nothing', async () => {
    await stand(contact, sent(randomUUID()));
    await wish({ wish: 'exclude' });
    expect(await wish({ wish: 'include' })).toMatchObject({ document: { state: 'sent' }, bells: [] });
  });

  test('about what is not there is answered with nothing', async () => {
    expect(await documents.wish(context(), { kind: 'item', externalId: 'none' }, { wish: 'resync' })).toBeNull();
  });
});

test('the ranks in the table are those of the kinds', async () => {
  await save(aDocument('contact', 'c-1'), aDocument('payment', 'p-1'));
  expect(await columns('contact', 'c-1')).toMatchObject({ rank: documentKinds.contact.rank });
  expect(await columns('payment', 'p-1')).toMatchObject({ rank: documentKinds.payment.rank });
});

test('the attempts of a document are its timeline, the oldest first', async () => {
  await save(aDocument('contact', 'c-1'));
  const { id } = await columns('contact', 'c-1');
  const attempt = `INSERT INTO push_attempt (id, document_id, version, attempt, at, outcome, sent) VALUES
    (gen_random_uuid(), $1, 1, 2, '2026-10-02', 'sent', '{"Name":"Ada"}'), (gen_random_uuid(), $1, 1, 1, '2026-10-01', 'absent', NULL)`;
  await database.pool.query(attempt, [id]);
  const first = await documents.attempts(its.companyId, contact, { limit: 1 });
  expect(first?.data).toMatchObject([{ attempt: 1, outcome: 'absent', at: '2026-10-01T00:00:00.000Z' }]);
  const rest = await documents.attempts(its.companyId, contact, { limit: 1, cursor: first?.nextCursor ?? '' });
  expect(rest).toMatchObject({ data: [{ attempt: 2, sent: { Name: 'Ada' } }], nextCursor: null });
  expect(await documents.attempts(its.companyId, { kind: 'item', externalId: 'none' }, { limit: 1 })).toBeNull();
});
