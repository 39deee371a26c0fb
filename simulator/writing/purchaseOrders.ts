import { type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { currencyOf, partyOf } from './documents.js';
import { dated, dayIn, dayOfDate, textOf, textsOf } from './fields.js';
import { type DocumentLines, documentLines } from './lines.js';
import { type NumberedKind, namedDocument, nextNumber, withNumber } from './numbered.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

const KIND: NumberedKind = {
  stream: 'purchaseOrders',
  idField: 'PurchaseOrderID',
  numberField: 'PurchaseOrderNumber',
  prefix: 'PO-',
  label: 'Purchase Order',
};

/** The states that an order of each state can be given; a new one stands under ''. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  '': ['DRAFT', 'SUBMITTED', 'AUTHORISED'],
  DRAFT: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  SUBMITTED: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  AUTHORISED: ['AUTHORISED', 'BILLED', 'DELETED'],
};

const NOT_MODIFIABLE = 'Purchase Order not of valid status for modification';

/** The text fields of an order, and the most characters each may have. */
const TEXTS: Readonly<Record<string, number>> = {
  Reference: 255,
  DeliveryAddress: 500,
  AttentionTo: 255,
  Telephone: 50,
  DeliveryInstructions: 500,
};

/**
 * `PUT` makes orders. `POST` changes the one of its id, and silently the one of its number where it has no id; a number
 * that a deleted order holds stays taken (xero-api.md §4).
 */
export const purchaseOrders: ElementWriter = {
  path: 'PurchaseOrders',
  collection: 'PurchaseOrders',
  stream: 'purchaseOrders',
  idField: 'PurchaseOrderID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan: (books, given, how) => {
    const there = how.method === 'PUT' ? undefined : target(books, given, how);
    return there ? change(books, given, how, there) : create(books, given, how);
  },
};

function target(books: Books, given: Given, how: How): Found | undefined {
  return namedDocument(books, KIND, given, how) ?? withNumber(books, KIND, given.PurchaseOrderNumber)[0];
}

function create(books: Books, given: Given, how: How): Planned {
  const { index, id } = books.fresh('purchaseOrders');
  return planned(books, given, how, { index, row: newOrder(books, id) }, MOVES[''] ?? []);
}

function change(books: Books, given: Given, how: How, there: Found): Planned {
  const moves = MOVES[String(there.row.Status)];
  if (!moves) throw new ValidationFailed([NOT_MODIFIABLE]);
  return planned(books, given, how, there, moves);
}

function planned(books: Books, given: Given, how: How, { index, row }: Found, moves: readonly string[]): Planned {
  const complaints: string[] = [];
  const isNew = row.Contact === undefined;
  const previous = isNew ? undefined : row;
  const status = (textOf(given, 'Status', complaints) || String(row.Status)).toUpperCase();
  if (!moves.includes(status)) complaints.push(NOT_MODIFIABLE);
  const day = dayIn(given, 'Date', complaints) ?? dayOfDate(row.Date) ?? books.today();
  const party = partyOf(books, given, 'supplier', previous, complaints);
  const order = {
    ...row,
    PurchaseOrderNumber: numberOf(books, given, row, complaints),
    ...dated('Date', day),
    ...dated('DeliveryDate', dayIn(given, 'DeliveryDate', complaints) ?? dayOfDate(row.DeliveryDate)),
    ...textsOf(given, TEXTS, complaints),
    ...(typeof given.SentToContact === 'boolean' && { SentToContact: given.SentToContact }),
    ...currencyOf(books, given, day, previous, complaints),
    Contact: party.Contact,
    Status: status,
    ...linesOf(books, given, how, row, complaints),
  };
  refuseIfAny(complaints);
  const id = String(row.PurchaseOrderID);
  return { id, rows: [...party.rows, { stream: 'purchaseOrders', index, row: order }] };
}

/** An order cannot be without lines; their accounts may be named later, on the bill. */
function linesOf(books: Books, given: Given, { unitDecimals }: How, row: Row, complaints: string[]): DocumentLines {
  const terms = { purchase: true, unitDecimals, complete: false, previous: row.LineItems as Row[] };
  const lines = documentLines(books, { LineAmountTypes: row.LineAmountTypes, ...given }, terms, complaints);
  if (lines.LineItems.length === 0) complaints.push('One or more line items must be specified');
  return lines;
}

/** The number given, kept, or the next one that no order ever had. */
function numberOf(books: Books, given: Given, row: Row, complaints: string[]): string {
  const isTaken = (number: string) =>
    withNumber(books, KIND, number).some(({ row: other }) => other.PurchaseOrderID !== row.PurchaseOrderID);
  const number = textOf(given, 'PurchaseOrderNumber', complaints, 255) || String(row.PurchaseOrderNumber);
  if (number === '') return nextNumber(books, KIND, isTaken);
  if (isTaken(number)) complaints.push('Order number must be unique');
  return number;
}

const newOrder = (books: Books, id: string): Row => ({
  PurchaseOrderID: id,
  PurchaseOrderNumber: '',
  DeliveryAddress: '',
  AttentionTo: '',
  Telephone: '',
  DeliveryInstructions: '',
  HasErrors: false,
  IsDiscounted: false,
  Reference: '',
  Type: 'PURCHASEORDER',
  Status: 'DRAFT',
  LineAmountTypes: 'Exclusive',
  LineItems: [],
  UpdatedDateUTC: new XeroDate(books.now()),
  HasAttachments: false,
});
