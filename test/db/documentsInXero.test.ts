import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createMirror } from '../../db/mirror.js';
import type { DocumentContent } from '../../domain/documents/content.js';
import { fingerprintOf } from '../../domain/documents/fingerprint.js';
import type { DocumentKind } from '../../domain/documents/kinds.js';
import type { Documents, Mirror } from '../../domain/ports.js';
import { type StreamName, streams } from '../../domain/streams.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, type Connected, connectedCompany, contents } from '../support/documents.js';

let database: FreshDatabase;
let documents: Documents;
let mirror: Mirror;
let its: Connected;
let reads = 0;
beforeAll(async () => {
  database = await freshDatabase();
  documents = createDocuments(database.pool);
  mirror = createMirror(database.pool);
});
afterAll(() => database.drop());
beforeEach(async () => {
  its = await connectedCompany(database.pool);
});

type Body = Record<string, unknown>;

/** As a sync stores it: each read is later than the one before. */
async function read(stream: StreamName, bodies: Body[], more: object = {}): Promise<void> {
  const at = new Date(Date.UTC(2026, 9, 1) + 1000 * ++reads);
  const stamped = bodies.map((body) => ({ ...body, UpdatedDateUTC: `/Date(${at.getTime()}+0000)/` }));
  await mirror.storeReferences(stream, {
    organisationId: its.organisationId,
    text: JSON.stringify({ [streams[stream].collection]: stamped }),
    readAt: at.toISOString(),
    syncFromDate: null,
    ...more,
  });
}

/** What the feed tells besides the records themselves, since the last time it was asked. */
async function told(): Promise<(string | null)[][]> {
  const { rows } = await database.pool.query<{ type: string; external_id: string | null; xero_id: string }>(
    `DELETE FROM feed_event WHERE company_id = $1 RETURNING type, external_id, xero_id, position`,
    [its.companyId],
  );
  return rows
    .filter(({ type }) => !type.startsWith('record.'))
    .map(({ type, external_id, xero_id }) => [type, external_id, xero_id]);
}

/** A document that stands in Xero as this record, as the outbox would leave it. */
async function pushed<Kind extends DocumentKind & keyof typeof contents>(kind: Kind, stream: StreamName, body: Body) {
  const externalId = `${kind}-${randomUUID()}`;
  const xeroId = body[streams[stream].idField] as string;
  await documents.save({ companyId: its.companyId, actor: null, urgent: false }, [aDocument(kind, externalId)]);
  await database.pool.query(
    `UPDATE document SET state = 'sent', sent_version = 1, queued_version = NULL, organisation_id = $3, xero_id = $4,
            xero_fingerprint = $5 WHERE company_id = $1 AND external_id = $2`,
    [
      ...[its.companyId, externalId, its.organisationId, xeroId],
      fingerprintOf(kind, contents[kind] as unknown as DocumentContent[Kind], { body }),
    ],
  );
  await read(stream, [body], { own: true });
  expect(await told()).toEqual([]);
  const state = async () => (await documents.get(its.companyId, { kind, externalId }))?.state;
  return { externalId, xeroId, state, reference: { kind, externalId } };
}

const invoice = (more: Body = {}): Body => ({
  ...{ InvoiceID: randomUUID(), Type: 'ACCREC', Status: 'AUTHORISED', InvoiceNumber: 'INV-1', Total: 23 },
  ...{ DateString: '2026-10-01T00:00:00', LineItems: [{ Description: 'Ferns', Quantity: 2, UnitAmount: 10 }] },
  ...more,
});

const set = (externalId: string, to: string) =>
  database.pool.query(`UPDATE document SET ${to} WHERE external_id = $1`, [externalId]);

describe('a record that is a document', () => {
  test('is told of when it was edited in Xero, and not when only something was paid on it', async () => {
    const body = invoice();
    const { externalId, xeroId, state } = await pushed('invoice', 'invoices', body);
    await read('invoices', [{ ...body, AmountPaid: 23, AmountDue: 0, Status: 'PAID' }]);
    expect(await told()).toEqual([]);
    await read('invoices', [{ ...body, Reference: 'edited by hand' }]);
    expect(await told()).toEqual([['document.changedInXero', externalId, xeroId]]);
    expect(await state()).toBe('sent');
  });

  test.each([
    ['VOIDED', 'voidedInXero'],
    ['DELETED', 'deletedInXero'],
  ])('that is %s there ends its document, which is told once', async (Status, expected) => {
    const body = invoice();
    const { externalId, xeroId, state } = await pushed('invoice', 'invoices', body);
    await read('invoices', [{ ...body, Status }]);
    expect(await told()).toEqual([[`document.${expected}`, externalId, xeroId]]);
    expect(await state()).toBe(expected);
    await read('invoices', [{ ...body, Status, Reference: 'once more' }]);
    expect(await told()).toEqual([]);
  });

  test('that is gone ends its document too, found by a whole list or by a second look', async () => {
    const item = { ItemID: randomUUID(), Code: 'PLANT' };
    const first = await pushed('item', 'items', item);
    const held = await mirror.acquire(its.connectionId, 'items', 'a run', 60_000);
    if (held === null) throw new Error('the stream is held');
    const at = new Date(Date.UTC(2026, 9, 1) + 1000 * ++reads).toISOString();
    const page = { organisationId: its.organisationId, runId: 'a run', text: '{"Items":[]}', readAt: at };
    await mirror.storePage(
      held.lease,
      { ...page, syncFromDate: null, complete: true, seen: false },
      (state) => state,
      1,
    );
    expect(await told()).toEqual([['document.deletedInXero', first.externalId, first.xeroId]]);
    const second = await pushed('invoice', 'invoices', invoice());
    const later = new Date(Date.UTC(2026, 9, 1) + 1000 * ++reads).toISOString();
    await mirror.markDeleted(its.organisationId, 'invoices', [second.xeroId], later);
    expect(await told()).toEqual([['document.deletedInXero', second.externalId, second.xeroId]]);
    expect([await first.state(), await second.state()]).toEqual(['deletedInXero', 'deletedInXero']);
  });

  test('ends what is queued, failed, held or kept out as well, and nothing goes of it by itself any more', async () => {
    for (const state of ['queued', 'failed', 'held', 'excluded', 'waiting', 'skipped']) {
      const body = invoice();
      const { externalId, state: now } = await pushed('invoice', 'invoices', body);
      await set(externalId, `state = '${state}', queued_version = 1`);
      await read('invoices', [{ ...body, Status: 'VOIDED' }]);
      expect([await now(), (await told()).length]).toEqual(['voidedInXero', 1]);
    }
  });

  test('is no news while we send, where the platform deleted it, and where we voided it', async () => {
    for (const to of [`state = 'sending'`, 'deleted = true', `state = 'voided', deleted = true`]) {
      const body = invoice();
      const { externalId, state } = await pushed('invoice', 'invoices', body);
      await set(externalId, to);
      const before = await state();
      await read('invoices', [{ ...body, Status: 'VOIDED' }]);
      expect([await state(), await told()]).toEqual([before, []]);
    }
  });
});

describe('a contact that is new in Xero', () => {
  const contact = (more: Body = {}): Body => ({
    ContactID: randomUUID(),
    Name: 'Fern',
    ContactStatus: 'ACTIVE',
    ...more,
  });

  test('is told of as found, during the first full read too', async () => {
    const [early, late] = [contact(), contact()];
    await database.pool.query('UPDATE connection SET backfilled_at = NULL WHERE id = $1', [its.connectionId]);
    await read('contacts', [early]);
    expect(await told()).toEqual([['contact.found', null, early.ContactID]]);
    await database.pool.query('UPDATE connection SET backfilled_at = now() WHERE id = $1', [its.connectionId]);
    await read('contacts', [early, late]);
    expect(await told()).toEqual([['contact.found', null, late.ContactID]]);
    await read('contacts', [{ ...late, Name: 'Renamed' }]);
    expect(await told()).toEqual([]);
  });

  test('is not, where a document is linked with it or has its unique id, where it is archived, or where we made it', async () => {
    const linked = contact();
    const { externalId } = await pushed('contact', 'contacts', linked);
    await database.pool.query('DELETE FROM record WHERE organisation_id = $1', [its.organisationId]);
    await read('contacts', [linked, contact({ ContactNumber: externalId }), contact({ ContactStatus: 'ARCHIVED' })]);
    await read('contacts', [contact()], { own: true });
    expect(await told()).toEqual([]);
  });
});
