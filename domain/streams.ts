/**
 * The streams: which Xero endpoints are mirrored, and how each is read. A new stream is a new row here.
 * Facts: xero-api.md §2 (paging, If-Modified-Since, where) and §4 (fields).
 */

/**
 * How a stream is read; reading.ts has the proof of each.
 * - `orderedPages`: pages in the immutable order of the record's id, several in flight.
 * - `stampedPages`: pages in Xero's default order, by stamp, where Xero will not sort or would forget the paging.
 * - `plainPages`: the same, a hundred at a time, without a count of what there is.
 * - `numbered`: by ascending number; what has a number never changes.
 * - `wholeList`: one call answers everything; what is absent from a complete answer is deleted.
 */
export type WayOfReading = 'orderedPages' | 'stampedPages' | 'plainPages' | 'numbered' | 'wholeList';

/** Contacts come first, then what documents refer to, then the documents, then what takes a call for every hundred. */
export const stages = ['contacts', 'settings', 'documents', 'extras'] as const;
export type Stage = (typeof stages)[number];

export interface Stream {
  name: StreamName;
  /** Path under /api.xro/2.0. */
  endpoint: string;
  /** The name of the array in the answer. */
  collection: string;
  /** The field that names a record for good. */
  idField: string;
  stage: Stage;
  way: WayOfReading;
  /** Records of a full page. */
  pageSize: number;
  /** The field whose calendar date decides whether a record is in scope; null where every record is. */
  decidingDate: string | null;
  /** How Xero is asked for dates from the Sync From Date on; null where it is not, and what lies before is left out here. */
  dateFilter: 'where' | 'DateFrom' | null;
  /** `numbered`: the field that holds the number. */
  numberField: string | null;
  /** Does Xero tell what changed since an instant? Otherwise every sync reads the whole. */
  modifiedSince: boolean;
  /** Read only where it was chosen: it costs calls that not everybody needs. */
  optional: boolean;
  /**
   * How single records are asked for by id: Contacts and Invoices take a list (`IDs=`, xero-api.md §2), where else a filter
   * names them; null where neither is honoured. Xero leaves out a parameter it does not know and answers everything.
   */
  byId: 'IDs' | 'where' | null;
  /** The field of what people call a record; null where we never ask by it. */
  numberedBy: string | null;
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
  'creditNotes',
  'payments',
  'prepayments',
  'overpayments',
  'bankTransactions',
  'purchaseOrders',
  'manualJournals',
  'bankTransfers',
  'batchPayments',
  'quotes',
  'linkedTransactions',
  'journals',
] as const;
export type StreamName = (typeof streamNames)[number];

/** The most records that Xero gives a page (xero-api.md §2, clamped to 1..1000), and what it gives where it takes no size. */
const largePage = 1000;
const fixedPage = 100;

/** Rows are differences from these: a document that is paged, and a list that is not. */
const document = {
  stage: 'documents',
  way: 'orderedPages',
  pageSize: largePage,
  decidingDate: 'Date',
  dateFilter: 'where',
  numberField: null,
  numberedBy: null,
  byId: 'where',
  modifiedSince: true,
  optional: false,
  query: {},
} as const;

const list = {
  stage: 'settings',
  way: 'wholeList',
  pageSize: largePage,
  decidingDate: null,
  dateFilter: null,
  numberField: null,
  numberedBy: null,
  byId: null,
  modifiedSince: false,
  optional: false,
  query: {},
} as const;

type Row = Omit<Stream, 'name' | 'collection'> & { collection?: string };

/** Four decimals of a unit price are asked for, or Xero rounds them to two (rules.md, Amounts). */
const fourDecimals = { unitdp: '4' };
/** Without it an archived record leaves the list, and those after it move one place unseen. */
const withArchived = { includeArchived: 'true' };

const rows: Record<StreamName, Row> = {
  contacts: {
    ...document,
    stage: 'contacts',
    endpoint: 'Contacts',
    idField: 'ContactID',
    numberedBy: 'ContactNumber',
    decidingDate: null,
    dateFilter: null,
    byId: 'IDs',
    query: withArchived,
    title: 'contacts',
  },
  organisation: {
    ...list,
    endpoint: 'Organisation',
    collection: 'Organisations',
    idField: 'OrganisationID',
    title: 'organisation',
  },
  accounts: { ...list, endpoint: 'Accounts', idField: 'AccountID', title: 'accounts' },
  taxRates: { ...list, endpoint: 'TaxRates', idField: 'TaxType', title: 'tax rates' },
  trackingCategories: {
    ...list,
    endpoint: 'TrackingCategories',
    idField: 'TrackingCategoryID',
    query: withArchived,
    title: 'tracking categories',
  },
  currencies: { ...list, endpoint: 'Currencies', idField: 'Code', title: 'currencies' },
  items: { ...list, endpoint: 'Items', idField: 'ItemID', numberedBy: 'Code', query: fourDecimals, title: 'items' },
  invoices: {
    ...document,
    endpoint: 'Invoices',
    idField: 'InvoiceID',
    numberedBy: 'InvoiceNumber',
    byId: 'IDs',
    query: fourDecimals,
    title: 'sales and purchase invoices',
  },
  creditNotes: {
    ...document,
    endpoint: 'CreditNotes',
    idField: 'CreditNoteID',
    numberedBy: 'CreditNoteNumber',
    query: fourDecimals,
    title: 'credit notes',
  },
  payments: { ...document, endpoint: 'Payments', idField: 'PaymentID', title: 'payments' },
  prepayments: {
    ...document,
    endpoint: 'Prepayments',
    idField: 'PrepaymentID',
    query: fourDecimals,
    title: 'prepayments',
  },
  overpayments: {
    ...document,
    endpoint: 'Overpayments',
    idField: 'OverpaymentID',
    query: fourDecimals,
    title: 'overpayments',
  },
  bankTransactions: {
    ...document,
    endpoint: 'BankTransactions',
    idField: 'BankTransactionID',
    query: fourDecimals,
    title: 'bank transactions',
  },
  purchaseOrders: {
    ...document,
    way: 'stampedPages',
    dateFilter: 'DateFrom',
    byId: null,
    endpoint: 'PurchaseOrders',
    idField: 'PurchaseOrderID',
    numberedBy: 'PurchaseOrderNumber',
    query: fourDecimals,
    title: 'purchase orders',
  },
  manualJournals: {
    ...document,
    way: 'stampedPages',
    endpoint: 'ManualJournals',
    idField: 'ManualJournalID',
    title: 'manual journals',
  },
  bankTransfers: {
    ...list,
    stage: 'extras',
    decidingDate: 'Date',
    optional: true,
    endpoint: 'BankTransfers',
    idField: 'BankTransferID',
    title: 'bank transfers',
  },
  batchPayments: {
    ...list,
    stage: 'extras',
    decidingDate: 'Date',
    optional: true,
    endpoint: 'BatchPayments',
    idField: 'BatchPaymentID',
    title: 'batch payments',
  },
  quotes: {
    ...document,
    stage: 'extras',
    way: 'plainPages',
    pageSize: fixedPage,
    // Its filter has no count to show that a quote left it, so all are read and the old ones left out here.
    dateFilter: null,
    optional: true,
    byId: null,
    endpoint: 'Quotes',
    idField: 'QuoteID',
    query: fourDecimals,
    title: 'quotes',
  },
  linkedTransactions: {
    ...document,
    stage: 'extras',
    way: 'plainPages',
    pageSize: fixedPage,
    decidingDate: null,
    dateFilter: null,
    modifiedSince: false,
    optional: true,
    byId: null,
    endpoint: 'LinkedTransactions',
    idField: 'LinkedTransactionID',
    title: 'linked transactions',
  },
  journals: {
    ...document,
    stage: 'extras',
    way: 'numbered',
    numberField: 'JournalNumber',
    pageSize: fixedPage,
    decidingDate: 'JournalDate',
    dateFilter: null,
    optional: true,
    byId: null,
    endpoint: 'Journals',
    idField: 'JournalID',
    title: 'journals',
  },
};

export const streams = Object.fromEntries(
  streamNames.map((name) => [name, { name, collection: rows[name].endpoint, ...rows[name] }]),
) as Readonly<Record<StreamName, Stream>>;

/** Ids in one call: about as many as an address of 2,048 characters holds (xero-api.md §2); a filter spells each out. */
export function idsPerCall({ byId }: Stream): number {
  return byId === 'IDs' ? 40 : 20;
}

/** The streams that are not read unless they are chosen. */
export const optionalStreams = streamNames.filter((name) => streams[name].optional);

/** The streams of a stage, in the order of the table: all that are not optional, and of those the chosen ones. */
export function streamsOf(stage: Stage, chosen: readonly StreamName[]): Stream[] {
  return streamNames
    .map((name) => streams[name])
    .filter((stream) => stream.stage === stage && (!stream.optional || chosen.includes(stream.name)));
}
