/**
 * The streams: which Xero endpoints are mirrored, and how each is read. A new stream is a new row here.
 * Facts: xero-api.md §2 (paging, If-Modified-Since, where) and §4 (fields).
 */

/**
 * How a stream is read.
 * - `orderedPages`: pages in the immutable order of the record's id, several in flight, each edge proven (reading.ts).
 * - `wholeList`: one call answers everything; what is absent from a complete answer is deleted.
 */
export type WayOfReading = 'orderedPages' | 'wholeList';

/** Contacts come first, then what documents refer to, then the documents. */
export type Stage = 'contacts' | 'settings' | 'documents';
export const stages: readonly Stage[] = ['contacts', 'settings', 'documents'];

export interface Stream {
  name: StreamName;
  /** Path under /api.xro/2.0, and the name of the array in the answer. */
  endpoint: string;
  collection: string;
  /** The field that names a record for good. */
  idField: string;
  stage: Stage;
  way: WayOfReading;
  /** The field whose calendar date decides whether a record is in scope; null where every record is. */
  decidingDate: string | null;
  /** Sent with every list call of this stream. */
  query: Readonly<Record<string, string>>;
  /** What a person calls the rows. */
  title: string;
}

export const streamNames = [
  'contacts',
  'organisation',
  'accounts',
  'taxRates',
  'trackingCategories',
  'currencies',
  'items',
  'invoices',
] as const;
export type StreamName = (typeof streamNames)[number];

/** Records of one page of a paged stream: the most that Xero gives (xero-api.md §2, clamped to 1..1000). */
export const pageSize = 1000;

const wholeList = (
  name: StreamName,
  endpoint: string,
  idField: string,
  title: string,
  query: Readonly<Record<string, string>> = {},
): Stream => ({
  name,
  endpoint,
  collection: endpoint,
  idField,
  stage: 'settings',
  way: 'wholeList',
  decidingDate: null,
  query,
  title,
});

export const streams: Readonly<Record<StreamName, Stream>> = {
  contacts: {
    name: 'contacts',
    endpoint: 'Contacts',
    collection: 'Contacts',
    idField: 'ContactID',
    stage: 'contacts',
    way: 'orderedPages',
    decidingDate: null,
    // Without it an archived contact leaves the list, and the records after it move one place unseen.
    query: { includeArchived: 'true' },
    title: 'contacts',
  },
  organisation: {
    ...wholeList('organisation', 'Organisation', 'OrganisationID', 'organisation'),
    collection: 'Organisations',
  },
  accounts: wholeList('accounts', 'Accounts', 'AccountID', 'accounts'),
  taxRates: wholeList('taxRates', 'TaxRates', 'TaxType', 'tax rates'),
  trackingCategories: wholeList(
    'trackingCategories',
    'TrackingCategories',
    'TrackingCategoryID',
    'tracking categories',
    {
      includeArchived: 'true',
    },
  ),
  currencies: wholeList('currencies', 'Currencies', 'Code', 'currencies'),
  items: wholeList('items', 'Items', 'ItemID', 'items', { unitdp: '4' }),
  invoices: {
    name: 'invoices',
    endpoint: 'Invoices',
    collection: 'Invoices',
    idField: 'InvoiceID',
    stage: 'documents',
    way: 'orderedPages',
    decidingDate: 'Date',
    // Four decimals of a unit price are asked for, or Xero rounds them to two (rules.md, Amounts).
    query: { unitdp: '4' },
    title: 'sales and purchase invoices',
  },
};

/** The streams of a stage, in the order of the table. */
export function streamsOf(stage: Stage): Stream[] {
  return streamNames.map((name) => streams[name]).filter((stream) => stream.stage === stage);
}

export function isStreamName(value: string): value is StreamName {
  return (streamNames as readonly string[]).includes(value);
}
