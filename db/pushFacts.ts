/** What planning a push knows, out of the mirror and the documents, in a few statements for a whole batch. */
import type pg from 'pg';
import type { Direction } from '../domain/connection.js';
import { matchContact } from '../domain/documents/contactMatch.js';
import {
  type Body,
  contactName,
  factsWanted,
  normalisedName,
  type OrganisationFacts,
  type ParentDocument,
  type PushFacts,
  type QueuedDocument,
  textOf,
  type WantedFacts,
  type XeroRecord,
} from '../domain/documents/facts.js';
import { alikeQuestions } from '../domain/documents/faults/standing.js';
import { type DocumentKind, type DocumentReference, documentKinds } from '../domain/documents/kinds.js';
import { dateAt, isLiving, numberOf, textAt } from '../domain/documents/records.js';
import type { Chart, Charts, LookedUp, PushFactsSource } from '../domain/ports.js';
import { type ChosenSettings, type Settings, settingsOf } from '../domain/settings.js';
import type { StreamName } from '../domain/streams.js';
import { nameOf } from './documentRows.js';
import { earlierOnes, ourRecords, type Related } from './pushRelations.js';

/** Charts that a process keeps: one is read anew when any of its streams was read to the end since. */
const keptCharts = 500;

export function createPushFacts(pool: pg.Pool, charts: Charts): PushFactsSource {
  const kept = new Map<string, { asOf: string; chart: Chart }>();

  /** The chart's records change when they are read, and every reading to the end moves `asOf`. */
  async function chartOf(connectionId: string, context: ContextRow): Promise<Chart | null> {
    const held = kept.get(connectionId);
    if (held !== undefined && held.asOf === context.chart_as_of) return held.chart;
    const chart = await charts.of({ id: connectionId, organisation: organisationOf(context) });
    kept.delete(connectionId);
    if (chart !== null && context.chart_as_of !== null) {
      kept.set(connectionId, { asOf: context.chart_as_of, chart });
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - keptCharts))) kept.delete(oldest);
    }
    return chart;
  }

  return {
    async load(connectionId, documents, lookedUp, contactGroups) {
      const context = await contextOf(pool, connectionId);
      const chart = context === null ? null : await chartOf(connectionId, context);
      if (context === null || chart === null) return null;
      const settings = settingsOf(context.settings);
      const batch = { pool, connectionId, context, settings, documents };
      const held = await readBatch(batch);
      const facts = { ...plainFacts(context, settings, chart, lookedUp), contactGroups, ...lookups(held) };
      matchUnsent(held, facts);
      await addAlike(batch, held, facts);
      const related = await relations(batch, held);
      return { ...facts, ...related };
    },
  };
}

interface ContextRow {
  company_id: string;
  direction: Direction;
  settings: ChosenSettings;
  sync_from_date: string | null;
  organisation_id: string;
  name: string;
  base_currency: string | null;
  time_zone: string | null;
  country_code: string | null;
  organisation: Body | null;
  chart_as_of: string | null;
}

/** Null for a connection that is bound to no organisation. */
async function contextOf(pool: pg.Pool, connectionId: string): Promise<ContextRow | null> {
  const { rows } = await pool.query<ContextRow>({
    name: 'push-facts-context',
    text: `
      SELECT c.company_id, c.direction, c.settings, to_char(c.sync_from_date, 'YYYY-MM-DD') AS sync_from_date,
             o.id AS organisation_id, o.name, o.base_currency, o.time_zone, o.country_code,
             (SELECT body FROM record WHERE organisation_id = o.id AND stream = 'organisation' LIMIT 1) AS organisation,
             (SELECT string_agg(completed_at::text, ' ' ORDER BY stream) FROM stream_cursor
               WHERE connection_id = c.id AND stream IN
                 ('organisation', 'accounts', 'taxRates', 'trackingCategories', 'currencies')) AS chart_as_of
        FROM connection c JOIN organisation o ON o.id = c.organisation_id
       WHERE c.id = $1`,
    values: [connectionId],
  });
  return rows[0] ?? null;
}

const organisationOf = (context: ContextRow) => ({
  id: context.organisation_id,
  name: context.name,
  baseCurrency: context.base_currency,
  timeZone: context.time_zone,
  countryCode: context.country_code,
});

function plainFacts(context: ContextRow, settings: Settings, chart: Chart, lookedUp: readonly LookedUp[]) {
  const asked = new Set(lookedUp.map(({ stream, by, value }) => `${stream} ${by} ${value}`));
  const organisation: OrganisationFacts = {
    baseCurrency: chart.baseCurrency,
    periodLockDate: dateAt(context.organisation ?? {}, 'PeriodLockDate'),
    endOfYearLockDate: dateAt(context.organisation ?? {}, 'EndOfYearLockDate'),
  };
  return {
    settings,
    chart,
    direction: context.direction,
    syncFromDate: context.sync_from_date,
    organisation,
    lookedUp: (stream: StreamName, by: string, value: string) => asked.has(`${stream} ${by} ${value}`),
  };
}

interface Batch {
  pool: pg.Pool;
  connectionId: string;
  context: ContextRow;
  settings: Settings;
  documents: readonly QueuedDocument[];
}

type Held = XeroRecord & { stream: StreamName };

/** What was read for a batch; more records may be added. */
interface HeldBatch {
  parents: Map<string, ParentDocument>;
  records: Map<string, Held>;
}

async function readBatch(batch: Batch): Promise<HeldBatch> {
  const wanted = factsWanted(batch.documents, batch.settings);
  const parents = await readParents(batch, wanted.parents);
  const held: HeldBatch = { parents, records: new Map() };
  await addFound(batch, held, { ...wanted, ...contactsToMatch(parents.values(), wanted, batch.settings) });
  await addById(batch, held, wanted);
  for (const parent of parents.values()) {
    const stream = documentKinds[parent.kind].stream;
    if (parent.xeroId !== null) parent.record = held.records.get(`${stream} ${parent.xeroId}`) ?? null;
  }
  return held;
}

interface ParentRow {
  kind: DocumentKind;
  external_id: string;
  state: ParentDocument['state'];
  code: ParentDocument['code'];
  excluded: boolean;
  deleted: boolean;
  content: ParentDocument['content'];
  xero_id: string | null;
}

/** States in which nothing of ours stands in Xero, whatever the record's id was. */
const ended: ReadonlySet<string> = new Set(['voided', 'voidedInXero', 'deletedInXero']);

/** Parents, and the contacts of parents, as what stands of them in Xero, else as what is to. */
async function readParents(
  { pool, context }: Batch,
  references: readonly DocumentReference[],
): Promise<HeldBatch['parents']> {
  if (references.length === 0) return new Map();
  const { rows } = await pool.query<ParentRow>({
    name: 'push-facts-parents',
    text: `
      WITH asked AS (SELECT * FROM unnest($3::text[], $4::text[]) AS each (kind, external_id)),
      named AS (
        SELECT kind, external_id FROM asked
        UNION
        SELECT p.parent_kind, p.parent_external_id
          FROM asked
          JOIN document d ON d.company_id = $1 AND d.kind = asked.kind AND d.external_id = asked.external_id
          JOIN document_parent p ON p.document_id = d.id AND p.parent_kind = 'contact'
      )
      SELECT d.kind, d.external_id, d.state, d.code, d.excluded, d.deleted, coalesce(stands.content, d.content) AS content,
             CASE WHEN d.organisation_id = $2 THEN d.xero_id END AS xero_id
        FROM named
        JOIN document d ON d.company_id = $1 AND d.kind = named.kind AND d.external_id = named.external_id
        LEFT JOIN document_version stands ON stands.document_id = d.id AND stands.version = d.sent_version`,
    values: [
      context.company_id,
      context.organisation_id,
      references.map(({ kind }) => kind),
      references.map(({ externalId }) => externalId),
    ],
  });
  return new Map(rows.map((row) => [`${row.kind} ${row.external_id}`, parentOf(row)]));
}

function parentOf({ external_id: externalId, xero_id: xeroId, ...row }: ParentRow): ParentDocument {
  const comes = xeroId !== null && !row.deleted && !ended.has(row.state);
  return { ...row, externalId, xeroId, record: null, comes } as ParentDocument;
}

/** Contacts that are not in Xero by us yet may be there all the same: a preview wants to know which they are. */
function contactsToMatch(
  parents: Iterable<ParentDocument>,
  { contactNumbers, contactNames }: WantedFacts,
  { contactNameTemplate }: Settings,
): Pick<WantedFacts, 'contactNumbers' | 'contactNames'> {
  const unsent = [...parents].flatMap((parent) => (isUnsentContact(parent) ? [parent] : []));
  return {
    contactNumbers: [...contactNumbers, ...unsent.map(({ externalId }) => externalId)],
    contactNames: [
      ...contactNames,
      ...unsent.flatMap(({ content: { name }, externalId }) =>
        [name, contactName(contactNameTemplate, { name, externalId })].map(normalisedName),
      ),
    ],
  };
}

type ParentContact = Extract<ParentDocument, { kind: 'contact' }>;

const isUnsentContact = (parent: ParentDocument): parent is ParentContact =>
  parent.kind === 'contact' && parent.xeroId === null;

interface RecordRow {
  stream: StreamName;
  xero_id: string;
  body: Body;
  outside_window: boolean;
  deleted: boolean;
}

const recordColumns = (of: string) =>
  `${of}.stream, ${of}.xero_id, ${of}.body, ${of}.outside_window, ${of}.deleted_at IS NOT NULL AS deleted`;

function hold({ records }: HeldBatch, rows: readonly RecordRow[]): void {
  for (const { stream, xero_id: xeroId, body, outside_window: outsideWindow, deleted } of rows) {
    records.set(`${stream} ${xeroId}`, { stream, xeroId, body, outsideWindow, deleted });
  }
}

/** By number (ContactNumber and item codes are numbers too), by AccountNumber and by name: each by its own index. */
async function addFound({ pool, context }: Batch, held: HeldBatch, wanted: WantedFacts): Promise<void> {
  const numbers = [
    ...wanted.numbers,
    ...wanted.contactNumbers.map((number) => ({ stream: 'contacts', number })),
    ...wanted.itemCodes.map((number) => ({ stream: 'items', number })),
  ];
  if (numbers.length === 0 && wanted.contactNames.length === 0) return;
  const { rows } = await pool.query<RecordRow>({
    name: 'push-facts-found',
    text: `
      SELECT ${recordColumns('r')} FROM unnest($2::text[], $3::text[]) AS asked (stream, number)
        JOIN record r ON r.organisation_id = $1 AND r.stream = asked.stream AND r.number = asked.number
         AND r.stream IN ('contacts', 'items', 'invoices', 'creditNotes', 'purchaseOrders') AND length(r.number) <= 255
      UNION ALL
      SELECT ${recordColumns('r')} FROM unnest($4::text[]) AS asked (number)
        JOIN record r ON r.organisation_id = $1 AND r.stream = 'contacts' AND coalesce(r.number, '') = ''
         AND r.body ->> 'AccountNumber' = asked.number AND length(r.body ->> 'AccountNumber') <= 255
      UNION ALL
      SELECT ${recordColumns('r')} FROM unnest($5::text[]) AS asked (name)
        JOIN record r ON r.organisation_id = $1 AND r.stream = 'contacts'
         AND name_key(r.body ->> 'Name') = name_key(asked.name)`,
    values: [
      context.organisation_id,
      numbers.map(({ stream }) => stream),
      numbers.map(({ number }) => number),
      wanted.contactNumbers,
      wanted.contactNames,
    ],
  });
  hold(held, rows);
}

/** By id: what documents and parents are, the contacts they had when they were sent, and whatever any contact was merged into. */
async function addById(batch: Batch, held: HeldBatch, wanted: WantedFacts): Promise<void> {
  const ids = [
    ...wanted.records,
    ...[...held.parents.values()].flatMap(({ kind, xeroId }) =>
      xeroId === null ? [] : [{ stream: documentKinds[kind].stream, xeroId }],
    ),
    ...[...held.records.values()].filter(({ stream }) => stream === 'contacts'),
    ...batch.documents.flatMap(({ fingerprint }) => {
      const xeroId = fingerprint?.split(':')[1] ?? '';
      return xeroId === '' ? [] : [{ stream: 'contacts' as const, xeroId }];
    }),
  ];
  if (ids.length === 0) return;
  const { rows } = await batch.pool.query<RecordRow>({
    name: 'push-facts-by-id',
    text: `
      WITH RECURSIVE asked (stream, xero_id) AS (
        SELECT * FROM unnest($2::text[], $3::text[])
        UNION
        SELECT 'contacts', r.body ->> 'MergedToContactID' FROM asked
          JOIN record r ON r.organisation_id = $1 AND r.stream = 'contacts' AND r.xero_id = asked.xero_id
         WHERE asked.stream = 'contacts' AND r.body ->> 'MergedToContactID' IS NOT NULL
      )
      SELECT ${recordColumns('r')} FROM asked
        JOIN record r ON r.organisation_id = $1 AND r.stream = asked.stream AND r.xero_id = asked.xero_id`,
    values: [batch.context.organisation_id, ids.map(({ stream }) => stream), ids.map(({ xeroId }) => xeroId)],
  });
  hold(held, rows);
}

/** Every accessor that looks at what is held; what is added later is seen too. */
function lookups(held: HeldBatch): Omit<PushFacts, keyof ReturnType<typeof plainFacts> | 'contactGroups'> {
  const all = (stream: StreamName) =>
    [...held.records.values()].filter((each) => each.stream === stream && !each.deleted);
  const indexed = index(held, all);
  return {
    record: (stream, xeroId) => held.records.get(`${stream} ${xeroId}`) ?? null,
    contactsNumbered: (uniqueId) => indexed('contacts', uniqueIdOf).get(uniqueId) ?? [],
    contactsNamed: (name) => indexed('contacts', nameKeyOf).get(normalisedName(name)) ?? [],
    itemOfCode: (code) => indexed('items', numberOf).get(code)?.[0] ?? null,
    numbered: (stream, type, number) =>
      (indexed(stream, numberOf).get(number) ?? []).filter(({ body }) => type === null || body.Type === type),
    alike: ({ stream, type, contactId, date, total }) =>
      (indexed(stream, alikeKeyOf).get(`${contactId} ${date} ${Number(total)}`) ?? []).filter(
        (record) => isLiving(record) && (type === null || record.body.Type === type),
      ),
    paymentsOf: (invoiceId) => (indexed('payments', invoiceOf).get(invoiceId) ?? []).filter(isLiving),
    parent: (reference) => held.parents.get(nameOf(reference)) ?? null,
    ours: () => false,
    rivals: () => [],
    promised: () => '0',
  };
}

const uniqueIdOf = ({ body }: XeroRecord) => textOf(body, 'ContactNumber') ?? textOf(body, 'AccountNumber');
const nameKeyOf = ({ body }: XeroRecord) => normalisedName(textAt(body, 'Name') ?? '');
const alikeKeyOf = ({ body }: XeroRecord) =>
  `${textAt(body, 'Contact.ContactID')} ${dateAt(body, 'Date')} ${Number(body.Total)}`;
const invoiceOf = ({ body }: XeroRecord) => textAt(body, 'Invoice.InvoiceID');

type KeyOf = (record: XeroRecord) => string | null;

/** Records of a stream by a key of theirs, grouped once for as many as are held. */
function index({ records }: HeldBatch, all: (stream: StreamName) => Held[]) {
  const groups = new Map<KeyOf, Map<StreamName, { size: number; by: Map<string, Held[]> }>>();
  return (stream: StreamName, keyOf: KeyOf): Map<string, Held[]> => {
    const streams = groups.get(keyOf) ?? new Map();
    groups.set(keyOf, streams);
    const known = streams.get(stream);
    if (known?.size === records.size) return known.by;
    const by = new Map<string, Held[]>();
    for (const record of all(stream)) {
      const key = keyOf(record) ?? '';
      by.set(key, [...(by.get(key) ?? []), record]);
    }
    streams.set(stream, { size: records.size, by });
    return by;
  };
}

/** What is alike, and the payments of what is paid, can be asked for once the contacts and totals are known. */
async function addAlike({ pool, context, documents }: Batch, held: HeldBatch, facts: PushFacts): Promise<void> {
  const questions = documents.flatMap((document) => (document.deleted ? [] : alikeQuestions(document, facts)));
  const paid = [...held.parents.values()].flatMap(({ kind, xeroId }) =>
    xeroId !== null && (kind === 'invoice' || kind === 'bill') ? [xeroId] : [],
  );
  if (questions.length === 0 && paid.length === 0) return;
  const { rows } = await pool.query<RecordRow>({
    name: 'push-facts-alike',
    text: `
      SELECT ${recordColumns('r')}
        FROM unnest($2::text[], $3::text[], $4::date[], $5::numeric[]) AS asked (stream, contact_id, date, total)
        JOIN record r ON r.organisation_id = $1 AND r.stream = asked.stream AND r.contact_id = asked.contact_id
         AND r.date = asked.date AND r.total = asked.total
         AND r.stream IN ('invoices', 'creditNotes', 'purchaseOrders') AND length(r.contact_id) <= 64
       WHERE r.deleted_at IS NULL
      UNION ALL
      SELECT ${recordColumns('r')} FROM unnest($6::text[]) AS asked (invoice_id)
        JOIN record r ON r.organisation_id = $1 AND r.stream = 'payments'
         AND r.body #>> '{Invoice,InvoiceID}' = asked.invoice_id AND length(r.body #>> '{Invoice,InvoiceID}') <= 64
       WHERE r.deleted_at IS NULL`,
    values: [
      context.organisation_id,
      questions.map(({ stream }) => stream),
      questions.map(({ contactId }) => contactId),
      questions.map(({ date }) => date),
      questions.map(({ total }) => total),
      paid,
    ],
  });
  hold(held, rows);
}

/** The record that an unsent contact will become one with, by the rules for contacts. */
function matchUnsent({ parents }: HeldBatch, facts: PushFacts): void {
  for (const parent of parents.values()) {
    if (!isUnsentContact(parent)) continue;
    const match = matchContact(parent, facts);
    if ('record' in match) parent.record = match.record;
  }
}

async function relations(batch: Batch, { records }: HeldBatch): Promise<Related> {
  const { pool, context, connectionId, documents } = batch;
  const place = { organisationId: context.organisation_id, companyId: context.company_id, connectionId };
  const ours = await ourRecords(pool, place, [...records.values()]);
  return { ours, ...(await earlierOnes(pool, place, documents, batch.settings)) };
}
