import { calendarDate, isoSeconds } from '../core/calendar.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { checkLocks, currencyOf, partyOf, urlOf } from './documents.js';
import { centsOf, dated, dayIn, dayOfDate, textOf } from './fields.js';
import { type DocumentLines, documentLines } from './lines.js';
import { type NumberedKind, namedDocument, nextNumber, withNumber } from './numbered.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

const KIND: NumberedKind = {
  stream: 'invoices',
  idField: 'InvoiceID',
  numberField: 'InvoiceNumber',
  prefix: 'INV-',
  label: 'Invoice',
};
const TYPES = ['ACCREC', 'ACCPAY'];
const NOT_MODIFIABLE = 'Invoice not of valid status for modification';
const HAS_ALLOCATIONS = 'This document cannot be edited as it has a payment or credit note allocated to it.';

/** Told, not refused: only approved documents are marked as sent. */
const NOT_SENT_YET = 'Only AUTHORISED and PAID invoices may have their SentToContact updated.';

/** Where an invoice may go from each state by a call; PAID is the system's (xero-api.md §4). */
const MOVES: Record<string, string[]> = {
  NEW: ['DRAFT', 'SUBMITTED', 'AUTHORISED'],
  DRAFT: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  SUBMITTED: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  AUTHORISED: ['AUTHORISED', 'VOIDED'],
};
/** What may still be changed of a document that is part paid or paid, or part credited. */
const ALWAYS_EDITABLE = new Set([
  'InvoiceID',
  'InvoiceNumber',
  'Type',
  'Status',
  'DueDate',
  'SentToContact',
  'ExpectedPaymentDate',
  'PlannedPaymentDate',
]);

/** `PUT` and `POST /Invoices`: sales invoices and bills (xero-api.md §4). */
export const invoices: ElementWriter = {
  path: 'Invoices',
  collection: 'Invoices',
  stream: 'invoices',
  idField: 'InvoiceID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan(books, given, how) {
    const there = how.method === 'PUT' ? undefined : target(books, given, how);
    return there ? planChange(books, given, how, there) : planNew(books, given, how);
  },
};

function target(books: Books, given: Given, how: How): Found | undefined {
  const named = namedDocument(books, KIND, given, how);
  if (named || given.Type === 'ACCPAY' || !books.switches.postEditsInvoiceByNumber) return named;
  return holderOf(books, given.InvoiceNumber);
}

/** The sales invoice that holds a number: a voided one keeps it, a deleted draft gives it back. */
const holderOf = (books: Books, number: unknown): Found | undefined =>
  withNumber(books, KIND, number).find(({ row }) => row.Type === 'ACCREC' && row.Status !== 'DELETED');

function planNew(books: Books, given: Given, how: How): Planned {
  const { index, id } = books.fresh('invoices');
  const type = String(given.Type ?? '').toUpperCase();
  if (!TYPES.includes(type)) throw new ValidationFailed([`'${given.Type ?? ''}' is not a valid value for Type`]);
  return planRow(books, given, how, { index, row: newInvoice(books, id, type) }, 'NEW');
}

function planChange(books: Books, given: Given, how: How, there: Found): Planned {
  const { row } = there;
  const state = String(row.Status);
  const wanted = String(given.Status ?? state).toUpperCase();
  if (given.Type !== undefined && String(given.Type).toUpperCase() !== row.Type) {
    throw new ValidationFailed(['The Type of an invoice cannot be changed']);
  }
  if (isSettledInPart(row)) return planSettled(books, given, there, wanted);
  if (!MOVES[state]?.includes(wanted)) throw new ValidationFailed([NOT_MODIFIABLE]);
  if (wanted === 'VOIDED' || wanted === 'DELETED') return planEnd(books, there, wanted);
  return planRow(books, given, how, there, state);
}

const isSettledInPart = (row: Row): boolean => centsOf(row.AmountPaid) + centsOf(row.AmountCredited) > 0;

/** A document with payments or credits: only dates beside the ledger change, and they do not move its stamp (§2). */
function planSettled(_books: Books, given: Given, { index, row }: Found, wanted: string): Planned {
  const changes = Object.keys(given).every((field) => ALWAYS_EDITABLE.has(field)) && wanted === row.Status;
  if (!changes) throw new ValidationFailed([HAS_ALLOCATIONS]);
  const complaints: string[] = [];
  const changed = { ...row, ...dated('DueDate', dayIn(given, 'DueDate', complaints)), ...besides(given, complaints) };
  refuseIfAny(complaints);
  return { id: String(row.InvoiceID), rows: [{ stream: 'invoices', index, row: changed, silent: true }] };
}

/** Voiding needs an open period; either way nothing is due any more. */
function planEnd(books: Books, { index, row }: Found, wanted: string): Planned {
  const complaints: string[] = [];
  checkLocks(books, wanted, dayOfDate(row.Date) ?? books.today(), complaints);
  refuseIfAny(complaints);
  const ended = { ...row, Status: wanted, AmountDue: money(0) };
  return { id: String(row.InvoiceID), rows: [{ stream: 'invoices', index, row: ended }] };
}

/** The invoice with what is given laid over what there is, and everything about it checked. */
function planRow(books: Books, given: Given, how: How, { index, row }: Found, from: string): Planned {
  const complaints: string[] = [];
  const previous = from === 'NEW' ? undefined : row;
  const isSale = row.Type === 'ACCREC';
  const status = statusOf(given, from, complaints);
  const party = partyOf(books, given, isSale ? 'customer' : 'supplier', previous, complaints);
  const day = dayIn(given, 'Date', complaints) ?? dayOfDate(row.Date) ?? books.today();
  const due = dayIn(given, 'DueDate', complaints) ?? dayOfDate(row.DueDate);
  if (status === 'AUTHORISED' && due === undefined) complaints.push('DueDate is required to authorise an invoice');
  const lines = linesOf(books, given, how, row, status !== 'DRAFT', complaints);
  const warnings = given.SentToContact === true && status !== 'AUTHORISED' ? [NOT_SENT_YET] : [];
  const changed = {
    ...row,
    ...texts(books, given, isSale, complaints),
    InvoiceNumber: numberOf(books, given, row, complaints),
    Contact: party.Contact,
    ...dated('Date', day),
    ...dated('DueDate', due),
    ...besides(given, complaints),
    ...(warnings.length > 0 && { SentToContact: row.SentToContact }),
    ...lines,
    ...currencyOf(books, given, day, previous, complaints),
    ...settled(status, lines, day),
    IsDiscounted: lines.LineItems.some(({ DiscountRate }) => DiscountRate !== undefined),
  };
  if (previous) checkLocks(books, String(previous.Status), dayOfDate(previous.Date) ?? day, complaints);
  checkLocks(books, status, day, complaints);
  refuseIfAny([...new Set(complaints)]);
  return { id: String(row.InvoiceID), rows: [...party.rows, { stream: 'invoices', index, row: changed }], warnings };
}

function statusOf(given: Given, from: string, complaints: string[]): string {
  const status = String(given.Status ?? (from === 'NEW' ? 'DRAFT' : from)).toUpperCase();
  if (!MOVES[from]?.includes(status)) complaints.push(`'${status}' is not a valid Status for this invoice`);
  return status;
}

function linesOf(
  books: Books,
  given: Given,
  how: How,
  row: Row,
  complete: boolean,
  complaints: string[],
): DocumentLines {
  const terms = {
    purchase: row.Type === 'ACCPAY',
    unitDecimals: how.unitDecimals,
    complete,
    previous: row.LineItems as Row[],
  };
  const lines = documentLines(books, { LineAmountTypes: row.LineAmountTypes, ...given }, terms, complaints);
  if (lines.Total.units < 0) complaints.push('The document total must not be negative');
  return lines;
}

/** A document that asks for nothing is paid as soon as it is approved. */
function settled(status: string, { Total }: DocumentLines, day: number): Row {
  const paid = status === 'AUTHORISED' && Total.units === 0;
  return { Status: paid ? 'PAID' : status, AmountDue: Total, FullyPaidOnDate: paid ? calendarDate(day) : undefined };
}

/** Sales invoices have numbers of their own, given or Xero's next; a bill has its supplier's, or none. */
function numberOf(books: Books, given: Given, row: Row, complaints: string[]): string {
  const number = textOf(given, 'InvoiceNumber', complaints, 255) || String(row.InvoiceNumber);
  if (row.Type === 'ACCPAY') return number;
  if (number === '') return nextNumber(books, KIND, (one) => holderOf(books, one) !== undefined);
  const holder = holderOf(books, number);
  if (holder && holder.row.InvoiceID !== row.InvoiceID) complaints.push('Invoice # must be unique.');
  return number;
}

function texts(books: Books, given: Given, isSale: boolean, complaints: string[]): Row {
  const keepsReference = isSale || books.switches.billsKeepReference;
  const found = {
    Reference: keepsReference ? textOf(given, 'Reference', complaints, 255) : undefined,
    Url: urlOf(given, complaints),
    BrandingThemeID: isSale ? textOf(given, 'BrandingThemeID', complaints) : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, text]) => text !== undefined)) as Row;
}

/** What stands beside the ledger. */
function besides(given: Given, complaints: string[]): Row {
  return {
    ...dated('ExpectedPaymentDate', dayIn(given, 'ExpectedPaymentDate', complaints)),
    ...dated('PlannedPaymentDate', dayIn(given, 'PlannedPaymentDate', complaints)),
    ...(typeof given.SentToContact === 'boolean' && { SentToContact: given.SentToContact }),
  };
}

/** An invoice of which nothing is known but its type. */
function newInvoice(books: Books, id: string, type: string): Row {
  const isSale = type === 'ACCREC';
  return {
    Type: type,
    InvoiceID: id,
    InvoiceNumber: '',
    Reference: '',
    Payments: [],
    CreditNotes: [],
    Prepayments: [],
    Overpayments: [],
    AmountDue: money(0),
    AmountPaid: money(0),
    AmountCredited: money(0),
    SentToContact: isSale ? false : undefined,
    IsDiscounted: false,
    HasAttachments: false,
    InvoiceAddresses: [],
    HasErrors: false,
    InvoicePaymentServices: [],
    BrandingThemeID: isSale ? (books.all('brandingThemes')[0]?.BrandingThemeID as string) : undefined,
    LineAmountTypes: 'Exclusive',
    LineItems: [],
    UpdatedDateUTC: new XeroDate(books.now()),
    UpdatedDateUTCString: isoSeconds(books.now()),
  };
}
