/** Facts for planning, held in memory: what db/pushFacts.ts reads out of Postgres. */

import { type DocumentContent, documentSchemas } from '../../domain/documents/content.js';
import type {
  AlikeQuestion,
  Body,
  DoneStep,
  ParentDocument,
  PushFacts,
  QueuedDocument,
  XeroRecord,
} from '../../domain/documents/facts.js';
import { normalisedName } from '../../domain/documents/facts.js';
import type { DocumentKind, DocumentReference } from '../../domain/documents/kinds.js';
import { dateAt, isLiving, numberOf, textAt } from '../../domain/documents/records.js';
import { accountClasses, type Chart, type ChartAccount } from '../../domain/ports.js';
import { changed, type SettingsPatch, settingsOf } from '../../domain/settings.js';
import { type StreamName, streams } from '../../domain/streams.js';

const account = (code: string, more: Partial<ChartAccount> = {}): ChartAccount => ({
  ...{ code, name: `Account ${code}`, type: 'REVENUE', class: 'REVENUE', system: null, active: true },
  ...{ enablePayments: false, currency: null, taxType: 'OUTPUT2' },
  ...more,
});
const expense = { type: 'EXPENSE', class: 'EXPENSE', taxType: 'INPUT2' } as const;

export const trackingOption = '11111111-2222-4333-8444-555555555501';
export const archivedOption = '11111111-2222-4333-8444-555555555502';

export const chart: Chart = {
  asOf: '2026-11-01T00:00:00.000Z',
  baseCurrency: 'NZD',
  accounts: [
    account('090', { type: 'BANK', class: 'ASSET', currency: 'NZD', taxType: 'NONE' }),
    account('091', { type: 'BANK', class: 'ASSET', currency: 'EUR', taxType: 'NONE' }),
    account('092', { type: 'BANK', class: 'ASSET', currency: 'USD', taxType: 'NONE' }),
    account('200'),
    account('201', { active: false }),
    account('300', expense),
    account('429', expense),
    account('650', { type: 'CURRENT', class: 'ASSET', enablePayments: true, taxType: 'NONE' }),
    account('860', { type: 'CURRLIAB', class: 'LIABILITY', system: 'ROUNDING', taxType: 'NONE' }),
  ],
  taxRates: [
    { taxType: 'OUTPUT2', name: 'On income', rate: '15', active: true, appliesTo: ['REVENUE', 'LIABILITY'] },
    { taxType: 'INPUT2', name: 'On expenses', rate: '15', active: true, appliesTo: ['EXPENSE'] },
    { taxType: 'NONE', name: 'No GST', rate: '0', active: true, appliesTo: [...accountClasses] },
    { taxType: 'OLD', name: 'Before 2010', rate: '12.5', active: false, appliesTo: [...accountClasses] },
  ],
  trackingCategories: [
    {
      ...{ id: 'category', name: 'Region', active: true },
      options: [
        { id: trackingOption, name: 'North', active: true },
        { id: archivedOption, name: 'Closed', active: false },
      ],
    },
  ],
  currencies: [
    { code: 'NZD', name: 'New Zealand Dollar' },
    { code: 'EUR', name: 'Euro' },
  ],
};

export const goodSettings: SettingsPatch = {
  accounts: {
    sales: '200',
    purchases: '300',
    rounding: '860',
    payments: { card: '090' },
    expenseTypes: { fuel: '429' },
  },
  taxCodes: { sales: 'OUTPUT2', purchases: 'INPUT2' },
};

/** A record of the mirror; its id is the one that its stream names. */
export function record(
  stream: StreamName,
  body: Body,
  more: Partial<XeroRecord> = {},
): XeroRecord & { stream: StreamName } {
  const xeroId = String(body[streams[stream].idField]);
  return { stream, xeroId, body, outsideWindow: false, deleted: false, ...more };
}

export interface Books {
  records?: readonly (XeroRecord & { stream: StreamName })[];
  parents?: readonly ParentDocument[];
  /** Ids of records that are ours beside those of the parents. */
  ours?: readonly string[];
  /** Ids and numbers that Xero was asked for; absent: everything was. */
  lookedUp?: readonly string[];
  rivals?: readonly DocumentReference[];
  promised?: string;
  settings?: SettingsPatch;
  facts?: Partial<PushFacts>;
}

export function factsOf(books: Books = {}): PushFacts {
  const records = books.records ?? [];
  const parents = books.parents ?? [];
  const ours = new Set([...(books.ours ?? []), ...parents.flatMap(({ xeroId }) => xeroId ?? [])]);
  const of = (stream: StreamName) => records.filter((each) => each.stream === stream);
  return {
    settings: settingsOf(changed(changed({}, goodSettings), books.settings ?? {})),
    chart,
    direction: 'two-way',
    syncFromDate: '2026-04-01',
    organisation: {
      ...{ baseCurrency: 'NZD', periodLockDate: null, endOfYearLockDate: null },
    },
    contactGroups: null,
    record: (stream, xeroId) => of(stream).find((each) => each.xeroId === xeroId) ?? null,
    lookedUp: (_, __, value) => books.lookedUp === undefined || books.lookedUp.includes(value),
    contactsNumbered: (uniqueId) =>
      of('contacts').filter(
        ({ body }) => (textAt(body, 'ContactNumber') ?? textAt(body, 'AccountNumber')) === uniqueId,
      ),
    contactsNamed: (name) =>
      of('contacts').filter(({ body }) => normalisedName(textAt(body, 'Name') ?? '') === normalisedName(name)),
    itemOfCode: (code) => of('items').find(({ body }) => body.Code === code) ?? null,
    numbered: (stream, type, number) =>
      of(stream).filter((each) => (type === null || each.body.Type === type) && numberOf(each) === number),
    alike: (question) => of(question.stream).filter((each) => isLiving(each) && isAlike(each, question)),
    paymentsOf: (invoiceId) =>
      of('payments').filter((each) => isLiving(each) && textAt(each.body, 'Invoice.InvoiceID') === invoiceId),
    ours: (_, xeroId) => ours.has(xeroId),
    parent: ({ kind, externalId }) =>
      parents.find((each) => each.kind === kind && each.externalId === externalId) ?? null,
    rivals: () => books.rivals ?? [],
    promised: () => books.promised ?? '0',
    ...books.facts,
  };
}

function isAlike({ body }: XeroRecord, { type, contactId, date, total }: AlikeQuestion): boolean {
  return (
    (type === null || body.Type === type) &&
    textAt(body, 'Contact.ContactID') === contactId &&
    dateAt(body, 'Date') === date &&
    Number(body.Total) === Number(total)
  );
}

type Given<Kind extends DocumentKind> = Parameters<(typeof documentSchemas)[Kind]['parse']>[0] & object;

/** A document that is to go, its content through the schema that a save goes through. */
export function queued<Kind extends DocumentKind>(
  kind: Kind,
  content: Given<Kind>,
  more: Partial<QueuedDocument<Kind>> = {},
): QueuedDocument<Kind> {
  return {
    ...{ id: '00000000-0000-4000-8000-000000000001', companyId: 'company', kind, externalId: `${kind}-1` },
    ...{ location: null, version: 1, content: documentSchemas[kind].parse(content), deleted: false, decided: false },
    ...{ again: false, xeroId: null, sentVersion: null, sentContent: null, fingerprint: null, done: [] },
    ...more,
  } as unknown as QueuedDocument<Kind>;
}

/** The same document in Xero, as another version of it finds it. */
export function sent<Kind extends DocumentKind>(
  document: QueuedDocument<Kind>,
  xeroId: string,
  fingerprint: string,
  content: Given<Kind> | null = null,
  done: readonly DoneStep[] = [{ step: 'document', version: 1, sent: null, xeroId }],
): QueuedDocument<Kind> {
  const next = content === null ? document.content : documentSchemas[document.kind].parse(content);
  return {
    ...document,
    ...{ version: 2, content: next, xeroId, sentVersion: 1, sentContent: document.content, fingerprint, done },
  } as unknown as QueuedDocument<Kind>;
}

/** A parent that stands in Xero as this record. */
export function parent<Kind extends DocumentKind>(
  kind: Kind,
  externalId: string,
  content: Given<Kind>,
  held: XeroRecord | null,
  more: Partial<ParentDocument> = {},
): ParentDocument {
  return {
    ...{ kind, externalId, state: held === null ? 'queued' : 'sent', code: null, excluded: false, deleted: false },
    content: documentSchemas[kind].parse(content) as DocumentContent[Kind],
    ...{ xeroId: held?.xeroId ?? null, record: held, comes: held !== null },
    ...more,
  } as unknown as ParentDocument;
}
