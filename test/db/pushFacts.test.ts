import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createPushFacts } from '../../db/pushFacts.js';
import type { DocumentContent } from '../../domain/documents/content.js';
import type { PushFacts, QueuedDocument } from '../../domain/documents/facts.js';
import type { DocumentKind, DocumentReference } from '../../domain/documents/kinds.js';
import { planDocument } from '../../domain/documents/plan.js';
import type { DocumentToSave, LookedUp, PushFactsSource } from '../../domain/ports.js';
import { type StreamName, streams } from '../../domain/streams.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, type Connected, connectedCompany } from '../support/documents.js';
import { chart, goodSettings, queued } from '../support/pushFacts.js';

let database: FreshDatabase;
let source: PushFactsSource;
let its: Connected;
let charts = 0;
beforeAll(async () => {
  database = await freshDatabase();
  const of = async () => {
    charts++;
    return chart;
  };
  source = createPushFacts(database.pool, { of });
});
afterAll(() => database.drop());
beforeEach(async () => {
  its = await connectedCompany(database.pool);
  await database.pool.query('UPDATE connection SET settings = $2 WHERE id = $1', [its.connectionId, goodSettings]);
});

async function mirror(stream: StreamName, body: object, deleted = false): Promise<string> {
  const xeroId = String((body as Record<string, unknown>)[streams[stream].idField]);
  await database.pool.query(
    `INSERT INTO record (organisation_id, stream, xero_id, body, read_at, date, deleted_at)
     VALUES ($1, $2, $3, $4, now(), xero_date($4::jsonb, 'Date'), CASE WHEN $5 THEN now() END)`,
    [its.organisationId, stream, xeroId, JSON.stringify(body), deleted],
  );
  return xeroId;
}

const contact = (id: string, more: object = {}) =>
  mirror('contacts', { ContactID: id, ContactStatus: 'ACTIVE', Name: 'Ada Fern', ...more });
const invoiceBody = {
  Type: 'ACCREC',
  Status: 'AUTHORISED',
  Contact: { ContactID: 'x-ada' },
  Total: 23.0,
  AmountDue: 23,
};
const invoiceRecord = (id: string, more: object = {}) =>
  mirror('invoices', { InvoiceID: id, ...invoiceBody, DateString: '2026-10-01T00:00:00', ...more });

/** Saves documents and reads them as the claim would. */
async function saved(...given: DocumentToSave[]): Promise<QueuedDocument[]> {
  await createDocuments(database.pool).save({ companyId: its.companyId, actor: null, urgent: false }, given);
  return Promise.all(given.map((each) => claimed(each)));
}

async function claimed({ kind, externalId }: DocumentReference): Promise<QueuedDocument> {
  const { rows } = await database.pool.query<{
    id: string;
    content: DocumentContent['invoice'];
    xero_id: string | null;
  }>('SELECT id, content, xero_id FROM document WHERE company_id = $1 AND kind = $2 AND external_id = $3', [
    its.companyId,
    kind,
    externalId,
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error('no such document');
  return queued(kind as 'invoice', row.content, { id: row.id, externalId, xeroId: row.xero_id });
}

/** As the outbox would leave it. */
async function stand(kind: DocumentKind, externalId: string, xeroId: string, state = 'sent'): Promise<void> {
  await database.pool.query(
    `UPDATE document SET state = $4, organisation_id = $5, xero_id = $6, sent_version = version
      WHERE company_id = $1 AND kind = $2 AND external_id = $3`,
    [its.companyId, kind, externalId, state, its.organisationId, xeroId],
  );
}

async function load(documents: QueuedDocument[], lookedUp: LookedUp[] = []): Promise<PushFacts> {
  const facts = await source.load(its.connectionId, documents, lookedUp, null);
  if (facts === null) throw new Error('there are no facts');
  return facts;
}

const ids = (records: readonly { xeroId: string }[]) => records.map(({ xeroId }) => xeroId).sort();

describe('the facts of a push', () => {
  test('have the connection’s settings, direction and date, and the organisation’s locks', async () => {
    await database.pool.query(
      "UPDATE connection SET sync_from_date_chosen = true, sync_from_date = '2026-04-01' WHERE id = $1",
      [its.connectionId],
    );
    await mirror('organisation', { OrganisationID: 'o', PeriodLockDate: '/Date(1774915200000+0000)/' });
    expect(await load([])).toMatchObject({
      direction: 'two-way',
      syncFromDate: '2026-04-01',
      settings: { accounts: { sales: '200' } },
      organisation: { baseCurrency: 'NZD', periodLockDate: '2026-03-31', endOfYearLockDate: null },
    });
  });

  test('are none for a connection without an organisation', async () => {
    expect(await source.load(randomUUID(), [], [], null)).toBeNull();
  });

  test('read a chart once, until one of its streams was read to the end again', async () => {
    const read = () =>
      database.pool.query(
        `INSERT INTO stream_cursor (connection_id, stream, completed_at) VALUES ($1, 'accounts', clock_timestamp())
         ON CONFLICT (connection_id, stream) DO UPDATE SET completed_at = excluded.completed_at`,
        [its.connectionId],
      );
    await read();
    const before = charts;
    await load([]);
    await load([]);
    expect(charts - before).toBe(1);
    await read();
    await load([]);
    expect(charts - before).toBe(2);
  });

  test('find contacts by ContactNumber, by AccountNumber where that is empty, and by name as it is compared', async () => {
    await contact('by-number', { ContactNumber: 'c-1', Name: 'Other' });
    await contact('by-account', { AccountNumber: 'c-1', Name: 'Other too' });
    await contact('numbered', { AccountNumber: 'c-1', ContactNumber: 'c-2', Name: 'Third' });
    await contact('by-name', { Name: '  ÄDA \t fern ' });
    await contact('stranger', { Name: 'Somebody' });
    const facts = await load(await saved(aDocument('contact', 'c-1', { name: 'Äda Fern' })));
    expect(ids(facts.contactsNumbered('c-1'))).toEqual(['by-account', 'by-number']);
    expect(ids(facts.contactsNamed('Äda Fern'))).toEqual(['by-name']);
    expect(facts.record('contacts', 'stranger')).toBeNull();
  });

  test('follow a contact through every merge', async () => {
    const merged = (into: string) => ({ ContactStatus: 'ARCHIVED', MergedToContactID: into });
    await contact('one', { ContactNumber: 'c-1', ...merged('two') });
    await contact('two', merged('three'));
    await contact('three', { Name: 'Fern Group', ...merged('one') });
    const facts = await load(await saved(aDocument('contact', 'c-1')));
    expect(facts.record('contacts', 'three')?.body).toMatchObject({ Name: 'Fern Group' });
  });

  test('know a parent with its record, and say whether it stands', async () => {
    const [, invoice] = await saved(aDocument('contact', 'c-1'), aDocument('invoice', 'i-1'));
    const facts = await load([invoice as QueuedDocument]);
    expect(facts.parent({ kind: 'contact', externalId: 'c-1' })).toMatchObject({ state: 'queued', comes: false });
    expect(facts.parent({ kind: 'contact', externalId: 'c-2' })).toBeNull();
    await contact('x-ada');
    await stand('contact', 'c-1', 'x-ada');
    const later = await load([invoice as QueuedDocument]);
    const parent = later.parent({ kind: 'contact', externalId: 'c-1' });
    expect(parent).toMatchObject({ comes: true, xeroId: 'x-ada', record: { body: { Name: 'Ada Fern' } } });
    await stand('contact', 'c-1', 'x-ada', 'deletedInXero');
    expect((await load([invoice as QueuedDocument])).parent({ kind: 'contact', externalId: 'c-1' })).toMatchObject({
      comes: false,
    });
  });

  test('know which record an unsent contact will become one with', async () => {
    await contact('x-ada');
    const [, invoice] = await saved(aDocument('contact', 'c-1'), aDocument('invoice', 'i-1'));
    const facts = await load([invoice as QueuedDocument]);
    const parent = facts.parent({ kind: 'contact', externalId: 'c-1' });
    expect(parent).toMatchObject({ comes: false, xeroId: null, record: { xeroId: 'x-ada' } });
  });

  test('find what has the number, or the contact, date and total, and say what is ours', async () => {
    await contact('x-ada');
    await invoiceRecord('same-number', { InvoiceNumber: 'A-1', Contact: { ContactID: 'y' } });
    await invoiceRecord('alike');
    await invoiceRecord('of-ours', { InvoiceNumber: 'B-1' });
    await invoiceRecord('other-total', { Total: 23.01 });
    await invoiceRecord('other-date', { DateString: '2026-10-02T00:00:00' });
    await mirror('creditNotes', { CreditNoteID: 'a-note', ...invoiceBody, CreditNoteNumber: 'A-1' });
    const numbered = aDocument('invoice', 'i-1', { number: 'A-1' });
    const [, invoice] = await saved(aDocument('contact', 'c-1'), numbered, aDocument('invoice', 'i-2'));
    await stand('contact', 'c-1', 'x-ada');
    await stand('invoice', 'i-2', 'of-ours');
    const facts = await load([invoice as QueuedDocument]);
    expect(ids(facts.numbered('invoices', 'ACCREC', 'A-1'))).toEqual(['same-number']);
    expect(facts.numbered('invoices', 'ACCPAY', 'A-1')).toEqual([]);
    const question = {
      stream: 'invoices',
      type: 'ACCREC',
      contactId: 'x-ada',
      date: '2026-10-01',
      total: '23.00',
    } as const;
    expect(ids(facts.alike(question))).toEqual(['alike', 'of-ours']);
    expect(facts.ours('invoices', 'of-ours')).toBe(true);
    expect(facts.ours('invoices', 'alike')).toBe(false);
    expect(facts.ours('creditNotes', 'of-ours')).toBe(false);
    expect(planDocument(invoice as QueuedDocument, facts)).toMatchObject({
      state: 'held',
      code: 'duplicate_suspected',
    });
  });

  test('say that the bill of an order is ours', async () => {
    const [order] = await saved(aDocument('contact', 'c-1'));
    const call = randomUUID();
    await database.pool.query(
      `INSERT INTO push_call (id, connection_id, organisation_id, method, path, body_hash) VALUES ($1, $2, $3, 'PUT', 'Invoices', '')`,
      [call, its.connectionId, its.organisationId],
    );
    await database.pool.query(
      `INSERT INTO push_attempt (id, document_id, version, step, attempt, push_call_id, outcome, xero_id)
       VALUES ($1, $2, 1, 'bill', 1, $3, 'sent', 'the-bill')`,
      [randomUUID(), order?.id, call],
    );
    await invoiceRecord('the-bill', { Type: 'ACCPAY', InvoiceNumber: 'S-1' });
    const facts = await load([queued('bill', billContent, { externalId: 'b-1' })]);
    expect(facts.ours('invoices', 'the-bill')).toBe(true);
  });
  const billContent = {
    number: 'S-1',
    contact: 'c-1',
    date: '2026-10-01',
    lines: [{ description: 'x', unitAmount: '1' }],
    total: '1.15',
  };

  test('find the living payments of what is paid, and the item of a code', async () => {
    await invoiceRecord('x-inv');
    const payment = (id: string, invoice: string, Status = 'AUTHORISED') =>
      mirror('payments', { PaymentID: id, Status, Amount: 5, Invoice: { InvoiceID: invoice } });
    await payment('p-1', 'x-inv');
    await payment('p-2', 'x-inv', 'DELETED');
    await payment('p-3', 'elsewhere');
    await mirror('items', { ItemID: 'x-item', Code: 'PLANT' });
    await mirror('items', { ItemID: 'gone', Code: 'PLANT' }, true);
    const [, , paying, item] = await saved(
      ...[
        aDocument('contact', 'c-1'),
        aDocument('invoice', 'i-1'),
        aDocument('payment', 'p-1'),
        aDocument('item', 'it-1'),
      ],
    );
    await stand('invoice', 'i-1', 'x-inv');
    const facts = await load([paying, item] as QueuedDocument[]);
    expect(ids(facts.paymentsOf('x-inv'))).toEqual(['p-1']);
    expect(facts.itemOfCode('PLANT')?.xeroId).toBe('x-item');
  });

  test('name who comes before with the same number, code or name, and not who comes after', async () => {
    const [first, second] = await saved(
      aDocument('invoice', 'i-1', { number: 'A-1' }),
      aDocument('invoice', 'i-2', { number: 'A-1' }),
    );
    const [ada, also] = await saved(aDocument('contact', 'c-1'), aDocument('contact', 'c-2', { name: 'ADA  Fern' }));
    const [plant, same] = await saved(aDocument('item', 'it-1'), aDocument('item', 'it-2'));
    const all = [first, second, ada, also, plant, same] as QueuedDocument[];
    const facts = await load(all);
    expect(all.map((each) => facts.rivals(each).map(({ externalId }) => externalId))).toEqual([
      ...[[], ['i-1'], [], ['c-1'], [], ['it-1']],
    ]);
    await stand('invoice', 'i-2', 'x');
    const [standing, late] = await Promise.all([claimed(second as QueuedDocument), claimed(first as QueuedDocument)]);
    const later = await load([standing, late]);
    expect([standing, late].map((each) => later.rivals(each).length)).toEqual([0, 1]);
  });

  test('name nobody as rival who goes to the books of another location', async () => {
    const [companyId, connectionId, other] = [`company-${randomUUID()}`, randomUUID(), randomUUID()];
    await database.pool.query(`INSERT INTO company (id, name, sync_by) VALUES ($1, 'Test', 'locations')`, [companyId]);
    for (const [id, place] of [
      [connectionId, 'north'],
      [other, 'south'],
    ]) {
      const organisation = randomUUID();
      await database.pool.query('INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, $3)', [
        organisation,
        companyId,
        place,
      ]);
      await database.pool.query(
        `INSERT INTO connection (id, company_id, direction, organisation_id, status, sync_by) VALUES ($1, $2, 'two-way', $3, 'active', 'locations')`,
        [id, companyId, organisation],
      );
      await database.pool.query('INSERT INTO location (company_id, id, name, connection_id) VALUES ($1, $2, $2, $3)', [
        companyId,
        place,
        id,
      ]);
    }
    its = { ...its, companyId, connectionId };
    const [, second, third] = await saved(
      aDocument('contact', 'c-1', { location: 'south' }),
      aDocument('contact', 'c-2', { location: 'north' }),
      aDocument('contact', 'c-3', { location: 'north' }),
    );
    const facts = await load([second, third] as QueuedDocument[]);
    expect([second, third].map((each) => facts.rivals(each as QueuedDocument))).toEqual([
      ...[[], [{ kind: 'contact', externalId: 'c-2' }]],
    ]);
  });

  test('name nobody as rival whose name the template makes another', async () => {
    const template = { ...goodSettings, contactNameTemplate: '{name} ({externalId})' };
    await database.pool.query('UPDATE connection SET settings = $2 WHERE id = $1', [its.connectionId, template]);
    const [, second] = await saved(aDocument('contact', 'c-1'), aDocument('contact', 'c-2'));
    expect((await load([second as QueuedDocument])).rivals(second as QueuedDocument)).toEqual([]);
  });

  test('add up what earlier payments that are still to go will take', async () => {
    const [, first, second, third] = await saved(
      aDocument('invoice', 'i-1'),
      ...['p-1', 'p-2', 'p-3'].map((id) => aDocument('payment', id, { amount: '5.25' })),
    );
    const facts = await load([first, second, third] as QueuedDocument[]);
    const promised = [first, second, third].map((each) => facts.promised(each as QueuedDocument<'payment'>));
    expect(promised).toEqual(['0', '5.25', '10.50']);
    await stand('payment', 'p-1', 'x-p1');
    const later = await load([third as QueuedDocument]);
    expect(later.promised(third as QueuedDocument<'payment'>)).toBe('5.25');
  });

  test('remember what Xero was asked for', async () => {
    const facts = await load([], [{ stream: 'invoices', by: 'id', value: 'x' }]);
    expect(facts.lookedUp('invoices', 'id', 'x')).toBe(true);
    expect(facts.lookedUp('invoices', 'number', 'x')).toBe(false);
  });

  test('hold nothing of another organisation', async () => {
    await contact('x-ada', { ContactNumber: 'c-1' });
    its = await connectedCompany(database.pool);
    const facts = await load(await saved(aDocument('contact', 'c-1')));
    expect(facts.contactsNumbered('c-1')).toEqual([]);
    expect(facts.contactsNamed('Ada Fern')).toEqual([]);
  });
});

describe('the statements of the facts', () => {
  test('look records up by their indexes, whatever the mirror holds', async () => {
    await database.pool.query(
      `INSERT INTO record (organisation_id, stream, xero_id, body, read_at, date)
       SELECT $1, 'contacts', 'c' || n, jsonb_build_object('ContactID', 'c' || n, 'Name', 'Contact ' || n, 'ContactNumber', 'n' || n), now(), NULL
         FROM generate_series(1, 5000) AS n`,
      [its.organisationId],
    );
    await database.pool.query('ANALYZE record');
    const plan = async (where: string) => {
      const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT FROM record r WHERE r.organisation_id = '${its.organisationId}' AND ${where}`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    expect(await plan(`stream = 'contacts' AND name_key(body ->> 'Name') = name_key('Contact 7')`)).toContain(
      'name_key',
    );
    const numbered = `stream IN ('contacts', 'items', 'invoices', 'creditNotes', 'purchaseOrders') AND length(number) <= 255`;
    expect(await plan(`stream = 'contacts' AND number = 'n7' AND ${numbered}`)).toContain('number_idx');
  });
});
