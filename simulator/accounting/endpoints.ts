/**
 * The endpoints of the accounting API, one row each: every difference between them stands here (xero-api.md §2, §5).
 */
export type Paging = 'pages' | 'hundreds' | 'offset' | 'whole';

/** A query parameter that keeps rows by one field. */
export interface ListParameter {
  field: string;
  keeps: 'oneOf' | 'equal' | 'from' | 'to';
}

export interface Endpoint {
  /** The name in the path. */
  name: string;
  /** The key of the collection in the answer, where it is not the name. */
  collection?: string;
  /** The name in the control API. */
  stream: string;
  idField: string;
  /** The id is no GUID of the stream's own but a code. */
  naturalId?: boolean;
  /** Other fields by which `GET /{Endpoint}/{key}` finds a row. */
  otherKeys: string[];
  /** The scope that allows to write; with `.read` appended it allows to read. */
  scope: string;
  paging: Paging;
  /** Whether a paged answer holds the `pagination` block. */
  paginationBlock: boolean;
  modifiedSince: boolean;
  where: 'honoured' | 'ignored' | 'refused';
  order: 'honoured' | 'ignored' | 'refused' | 'endsPaging';
  /** The calendar date that decides whether a row is in scope of a reader. */
  decidingDate?: string;
  /** Rows with this value stay out of lists unless `includeArchived=true`. */
  archived?: { field: string; value: string };
  /** Fields that are left out (or sent empty, when lists) of an answer that is not paged. */
  unpagedOmits: string[];
  /** Fields that `summaryOnly=true` leaves out. */
  summaryOmits: string[];
  parameters: Record<string, ListParameter>;
  /** Whether `UpdatedDateUTCString` stands beside `UpdatedDateUTC`. */
  stampString: boolean;
  /** A text field that an unspecified edit changes. */
  editField: string;
  /** The field that holds a row's state, and the state that "delete" leads to. */
  stateField?: string;
  deletedState?: string;
  /** Rows follow from something else and cannot be edited. */
  derived?: boolean;
  /** Needs the Advanced tier. */
  advancedOnly?: boolean;
  /** Webhook category, where Xero has one (§6). */
  webhook?: string;
}

const oneOf = (field: string): ListParameter => ({ field, keeps: 'oneOf' });
const equal = (field: string): ListParameter => ({ field, keeps: 'equal' });
const dates = (field: string) => ({
  DateFrom: { field, keeps: 'from' } as ListParameter,
  DateTo: { field, keeps: 'to' } as ListParameter,
});

const wholeList = {
  otherKeys: [],
  paging: 'whole',
  paginationBlock: false,
  modifiedSince: false,
  where: 'honoured',
  order: 'honoured',
  unpagedOmits: [],
  summaryOmits: [],
  parameters: {},
  stampString: false,
  editField: 'Name',
} satisfies Partial<Endpoint>;

const pagedDocument = {
  ...wholeList,
  paging: 'pages',
  paginationBlock: true,
  modifiedSince: true,
  decidingDate: 'Date',
  editField: 'Reference',
  stateField: 'Status',
  deletedState: 'DELETED',
} satisfies Partial<Endpoint>;

export const ENDPOINTS: readonly Endpoint[] = [
  {
    ...wholeList,
    name: 'Organisation',
    collection: 'Organisations',
    derived: true,
    stream: 'organisation',
    idField: 'OrganisationID',
    naturalId: true,
    scope: 'accounting.settings',
    where: 'ignored',
    order: 'ignored',
  },
  {
    ...pagedDocument,
    name: 'Contacts',
    stream: 'contacts',
    idField: 'ContactID',
    otherKeys: ['ContactNumber'],
    scope: 'accounting.contacts',
    decidingDate: undefined,
    archived: { field: 'ContactStatus', value: 'ARCHIVED' },
    unpagedOmits: ['ContactPersons', 'MergedToContactID', 'PaymentTerms', 'SalesTrackingCategories'],
    summaryOmits: ['ContactPersons', 'Balances', 'PaymentTerms', 'BatchPayments', 'BrandingTheme', 'ContactGroups'],
    parameters: { IDs: oneOf('ContactID') },
    editField: 'AccountNumber',
    stateField: 'ContactStatus',
    deletedState: 'ARCHIVED',
    webhook: 'CONTACT',
  },
  {
    ...wholeList,
    name: 'Accounts',
    stream: 'accounts',
    idField: 'AccountID',
    scope: 'accounting.settings',
    modifiedSince: true,
    editField: 'Description',
    stateField: 'Status',
    deletedState: 'DELETED',
  },
  {
    ...wholeList,
    name: 'TaxRates',
    stream: 'taxRates',
    idField: 'TaxType',
    naturalId: true,
    scope: 'accounting.settings',
    parameters: { TaxType: equal('TaxType') },
    stateField: 'Status',
    deletedState: 'DELETED',
  },
  {
    ...wholeList,
    name: 'TrackingCategories',
    stream: 'trackingCategories',
    idField: 'TrackingCategoryID',
    scope: 'accounting.settings',
    archived: { field: 'Status', value: 'ARCHIVED' },
    stateField: 'Status',
    deletedState: 'DELETED',
  },
  {
    ...wholeList,
    name: 'Currencies',
    stream: 'currencies',
    idField: 'Code',
    naturalId: true,
    scope: 'accounting.settings',
    editField: 'Description',
  },
  {
    ...wholeList,
    name: 'Items',
    stream: 'items',
    idField: 'ItemID',
    otherKeys: ['Code'],
    scope: 'accounting.settings',
    modifiedSince: true,
    editField: 'Description',
  },
  {
    ...pagedDocument,
    name: 'Invoices',
    stream: 'invoices',
    idField: 'InvoiceID',
    otherKeys: ['InvoiceNumber'],
    scope: 'accounting.invoices',
    unpagedOmits: ['LineItems'],
    summaryOmits: ['LineItems', 'Payments', 'CreditNotes', 'Prepayments', 'Overpayments', 'InvoiceAddresses'],
    parameters: {
      IDs: oneOf('InvoiceID'),
      InvoiceNumbers: oneOf('InvoiceNumber'),
      ContactIDs: oneOf('Contact.ContactID'),
      Statuses: oneOf('Status'),
    },
    stampString: true,
    webhook: 'INVOICE',
  },
  {
    ...pagedDocument,
    name: 'CreditNotes',
    stream: 'creditNotes',
    idField: 'CreditNoteID',
    otherKeys: ['CreditNoteNumber'],
    scope: 'accounting.invoices',
    unpagedOmits: ['LineItems'],
    stampString: true,
    webhook: 'CREDITNOTE',
  },
  {
    ...pagedDocument,
    name: 'Payments',
    stream: 'payments',
    idField: 'PaymentID',
    scope: 'accounting.payments',
    stampString: true,
  },
  {
    ...pagedDocument,
    name: 'Prepayments',
    stream: 'prepayments',
    idField: 'PrepaymentID',
    scope: 'accounting.payments',
    unpagedOmits: ['LineItems'],
    stampString: true,
    deletedState: 'VOIDED',
    webhook: 'PREPAYMENT',
  },
  {
    ...pagedDocument,
    name: 'Overpayments',
    stream: 'overpayments',
    idField: 'OverpaymentID',
    scope: 'accounting.payments',
    unpagedOmits: ['LineItems'],
    stampString: true,
    deletedState: 'VOIDED',
    webhook: 'OVERPAYMENT',
  },
  {
    ...pagedDocument,
    name: 'BankTransactions',
    stream: 'bankTransactions',
    idField: 'BankTransactionID',
    scope: 'accounting.banktransactions',
    unpagedOmits: ['LineItems'],
  },
  {
    ...pagedDocument,
    name: 'PurchaseOrders',
    stream: 'purchaseOrders',
    idField: 'PurchaseOrderID',
    otherKeys: ['PurchaseOrderNumber'],
    scope: 'accounting.invoices',
    where: 'refused',
    order: 'refused',
    parameters: { ...dates('Date'), Status: equal('Status') },
  },
  {
    ...pagedDocument,
    name: 'ManualJournals',
    stream: 'manualJournals',
    idField: 'ManualJournalID',
    scope: 'accounting.manualjournals',
    order: 'endsPaging',
    unpagedOmits: ['JournalLines'],
    editField: 'Narration',
  },
  {
    ...pagedDocument,
    name: 'Quotes',
    stream: 'quotes',
    idField: 'QuoteID',
    scope: 'accounting.invoices',
    paging: 'hundreds',
    paginationBlock: false,
    where: 'ignored',
    parameters: {
      ...dates('Date'),
      ExpiryDateFrom: { field: 'ExpiryDate', keeps: 'from' },
      ExpiryDateTo: { field: 'ExpiryDate', keeps: 'to' },
      ContactID: equal('Contact.ContactID'),
      QuoteNumber: equal('QuoteNumber'),
      Status: equal('Status'),
    },
  },
  {
    ...pagedDocument,
    name: 'LinkedTransactions',
    stream: 'linkedTransactions',
    idField: 'LinkedTransactionID',
    scope: 'accounting.invoices',
    paging: 'hundreds',
    paginationBlock: false,
    modifiedSince: false,
    where: 'ignored',
    order: 'ignored',
    decidingDate: undefined,
    parameters: {
      SourceTransactionID: equal('SourceTransactionID'),
      TargetTransactionID: equal('TargetTransactionID'),
      ContactID: equal('ContactID'),
      Status: equal('Status'),
    },
    stateField: undefined,
    deletedState: undefined,
  },
  {
    ...wholeList,
    name: 'Journals',
    stream: 'journals',
    idField: 'JournalID',
    otherKeys: ['JournalNumber'],
    scope: 'accounting.journals',
    paging: 'offset',
    modifiedSince: true,
    where: 'ignored',
    order: 'ignored',
    decidingDate: 'JournalDate',
    editField: 'Reference',
    derived: true,
    advancedOnly: true,
  },
  {
    ...pagedDocument,
    name: 'BatchPayments',
    stream: 'batchPayments',
    idField: 'BatchPaymentID',
    scope: 'accounting.payments',
    paging: 'whole',
    paginationBlock: false,
  },
  {
    ...pagedDocument,
    name: 'BankTransfers',
    stream: 'bankTransfers',
    idField: 'BankTransferID',
    scope: 'accounting.banktransactions',
    paging: 'whole',
    paginationBlock: false,
    stateField: undefined,
    deletedState: undefined,
  },
  {
    ...wholeList,
    name: 'Users',
    stream: 'users',
    idField: 'UserID',
    scope: 'accounting.settings',
    modifiedSince: true,
    editField: 'LastName',
  },
  {
    ...wholeList,
    name: 'ContactGroups',
    stream: 'contactGroups',
    idField: 'ContactGroupID',
    scope: 'accounting.contacts',
    stateField: 'Status',
    deletedState: 'DELETED',
  },
  {
    ...wholeList,
    name: 'BrandingThemes',
    stream: 'brandingThemes',
    idField: 'BrandingThemeID',
    scope: 'accounting.settings',
    where: 'ignored',
    order: 'ignored',
  },
  {
    ...wholeList,
    name: 'RepeatingInvoices',
    stream: 'repeatingInvoices',
    idField: 'RepeatingInvoiceID',
    scope: 'accounting.invoices',
    editField: 'Reference',
  },
  {
    ...pagedDocument,
    name: 'Receipts',
    stream: 'receipts',
    idField: 'ReceiptID',
    scope: 'accounting.invoices',
    paging: 'whole',
    paginationBlock: false,
  },
  {
    ...wholeList,
    name: 'ExpenseClaims',
    stream: 'expenseClaims',
    idField: 'ExpenseClaimID',
    scope: 'accounting.invoices',
    modifiedSince: true,
  },
];

const byName = new Map(ENDPOINTS.map((endpoint) => [endpoint.name.toLowerCase(), endpoint]));
const byStream = new Map(ENDPOINTS.map((endpoint) => [endpoint.stream, endpoint]));

/** The endpoint of a path segment; Xero's paths do not care for case. */
export const endpointNamed = (name: string): Endpoint | undefined => byName.get(name.toLowerCase());

/** The endpoint behind a stream of the control API. */
export const endpointOfStream = (stream: string): Endpoint | undefined => byStream.get(stream);
