import { calendarDate, isoSeconds } from '../core/calendar.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { checkLocks, currencyOf, partyOf } from './documents.js';
import { dated, dayIn, dayOfDate, textOf } from './fields.js';
import { type DocumentLines, documentLines } from './lines.js';
import { type NumberedKind, namedDocument, nextNumber, withNumber } from './numbered.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

const KIND: NumberedKind = {
  stream: 'creditNotes',
  idField: 'CreditNoteID',
  numberField: 'CreditNoteNumber',
  prefix: 'CN-',
  label: 'Credit Note',
};
const SALES = 'ACCRECCREDIT';
const TYPES = [SALES, 'ACCPAYCREDIT'];

/** The states that a note of each state can be given; a new one stands under ''. PAID is the system's. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  '': ['DRAFT', 'SUBMITTED', 'AUTHORISED'],
  DRAFT: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  SUBMITTED: ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'DELETED'],
  AUTHORISED: ['AUTHORISED', 'VOIDED'],
};
const ENDS = new Set(['DELETED', 'VOIDED']);

const NOT_MODIFIABLE = 'Credit Note not of valid status for modification';
const HAS_ALLOCATIONS = 'This document cannot be edited as it has a payment or credit note allocated to it.';

/** `PUT` and `POST /CreditNotes`: like invoices, with allocations of their own (xero-api.md §4). */
export const creditNotes: ElementWriter = {
  path: 'CreditNotes',
  collection: 'CreditNotes',
  stream: 'creditNotes',
  idField: 'CreditNoteID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan: (books, given, how) => {
    const there = how.method === 'PUT' ? undefined : target(books, given, how);
    return there ? change(books, given, how, there) : create(books, given, how);
  },
};

function target(books: Books, given: Given, how: How): Found | undefined {
  const named = namedDocument(books, KIND, given, how);
  if (named || given.Type === 'ACCPAYCREDIT' || !books.switches.postEditsInvoiceByNumber) return named;
  return holderOf(books, given.CreditNoteNumber);
}

/** The sales note that holds a number: a voided one keeps it, a deleted draft gives it back. */
const holderOf = (books: Books, number: unknown): Found | undefined =>
  withNumber(books, KIND, number).find(({ row }) => row.Type === SALES && row.Status !== 'DELETED');

function create(books: Books, given: Given, how: How): Planned {
  const { index, id } = books.fresh('creditNotes');
  const type = String(given.Type ?? '').toUpperCase();
  if (!TYPES.includes(type)) throw new ValidationFailed([`'${given.Type ?? ''}' is not a valid value for Type`]);
  return laidOver(books, given, how, { index, row: newNote(books, id, type) }, '');
}

function change(books: Books, given: Given, how: How, there: Found): Planned {
  const { row } = there;
  const from = String(row.Status);
  const wanted = String(given.Status ?? from).toUpperCase();
  if (given.Type !== undefined && String(given.Type).toUpperCase() !== row.Type) {
    throw new ValidationFailed(['The Type of a credit note cannot be changed']);
  }
  if (isUsed(row)) throw new ValidationFailed([HAS_ALLOCATIONS]);
  if (!MOVES[from]?.includes(wanted)) throw new ValidationFailed([NOT_MODIFIABLE]);
  return ENDS.has(wanted) ? end(books, there, wanted) : laidOver(books, given, how, there, from);
}

const isUsed = (row: Row): boolean => (row.Allocations as Row[]).length + (row.Payments as Row[]).length > 0;

/** Voiding needs an open period; either way nothing is left to allocate. */
function end(books: Books, { index, row }: Found, Status: string): Planned {
  const complaints: string[] = [];
  checkLocks(books, Status, dayOfDate(row.Date) ?? books.today(), complaints);
  refuseIfAny(complaints);
  const ended = { ...row, Status, RemainingCredit: money(0) };
  return { id: String(row.CreditNoteID), rows: [{ stream: 'creditNotes', index, row: ended }] };
}

/** The note with what is given laid over what there is, and everything about it checked. */
function laidOver(books: Books, given: Given, how: How, { index, row }: Found, from: string): Planned {
  const complaints: string[] = [];
  const previous = from === '' ? undefined : row;
  const status = String(given.Status ?? row.Status).toUpperCase();
  if (!MOVES[from]?.includes(status)) complaints.push(`'${status}' is not a valid Status for this credit note`);
  const party = partyOf(books, given, row.Type === SALES ? 'customer' : 'supplier', previous, complaints);
  const day = dayIn(given, 'Date', complaints) ?? dayOfDate(row.Date) ?? books.today();
  const lines = linesOf(books, given, how, row, status !== 'DRAFT', complaints);
  const note = {
    ...row,
    CreditNoteNumber: numberOf(books, given, row, complaints),
    Reference: textOf(given, 'Reference', complaints, 255) ?? row.Reference,
    Contact: party.Contact,
    ...dated('Date', day),
    ...lines,
    ...currencyOf(books, given, day, previous, complaints),
    ...balance(status, lines, day),
  };
  if (previous) checkLocks(books, from, dayOfDate(previous.Date) ?? day, complaints);
  checkLocks(books, status, day, complaints);
  refuseIfAny([...new Set(complaints)]);
  return { id: String(row.CreditNoteID), rows: [...party.rows, { stream: 'creditNotes', index, row: note }] };
}

function linesOf(
  books: Books,
  given: Given,
  { unitDecimals }: How,
  row: Row,
  complete: boolean,
  complaints: string[],
): DocumentLines {
  const terms = { purchase: row.Type !== SALES, unitDecimals, complete, previous: row.LineItems as Row[] };
  const lines = documentLines(books, { LineAmountTypes: row.LineAmountTypes, ...given }, terms, complaints);
  if (lines.Total.units < 0) complaints.push('The document total must not be negative');
  return lines;
}

/** A note of nothing is used up as soon as it is approved. */
function balance(status: string, { Total }: DocumentLines, day: number): Row {
  const usedUp = status === 'AUTHORISED' && Total.units === 0;
  return {
    Status: usedUp ? 'PAID' : status,
    RemainingCredit: Total,
    FullyPaidOnDate: usedUp ? calendarDate(day) : undefined,
  };
}

/** A sales note has a number of its own, given or Xero's next; a supplier's may have any, or none. */
function numberOf(books: Books, given: Given, row: Row, complaints: string[]): string {
  const number = textOf(given, 'CreditNoteNumber', complaints, 255) || String(row.CreditNoteNumber);
  if (row.Type !== SALES) return number;
  if (number === '') return nextNumber(books, KIND, (one) => holderOf(books, one) !== undefined);
  const holder = holderOf(books, number);
  if (holder && holder.row.CreditNoteID !== row.CreditNoteID) complaints.push('Credit Note # must be unique.');
  return number;
}

/** A note of which nothing is known but its type. */
const newNote = (books: Books, id: string, Type: string): Row => ({
  CreditNoteID: id,
  CreditNoteNumber: '',
  ID: id,
  Type,
  Reference: '',
  Payments: [],
  RemainingCredit: money(0),
  Allocations: [],
  HasErrors: false,
  HasAttachments: false,
  InvoiceAddresses: [],
  Status: 'DRAFT',
  LineAmountTypes: 'Exclusive',
  LineItems: [],
  UpdatedDateUTC: new XeroDate(books.now()),
  UpdatedDateUTCString: isoSeconds(books.now()),
});
