import { notFound } from '../accounting/errors.js';
import { calendarDate, dateString } from '../core/calendar.js';
import { newGuid } from '../core/guid.js';
import { money, type Row } from '../core/values.js';
import { unsettled } from '../data/parties.js';
import { openOf, settled } from '../data/settling.js';
import type { Books, Found } from './books.js';
import { centsOf, dayIn, dayOfDate, decimalOf, objectOf } from './fields.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

/** A kind of credit that can be allocated to invoices. */
interface CreditKind {
  endpoint: 'CreditNotes' | 'Prepayments' | 'Overpayments';
  stream: string;
  idField: string;
  numberField?: string;
  /** What Xero calls it in its messages. */
  label: string;
  /** The types that go to sales invoices; others go to bills. */
  salesType: string;
}

const CREDIT_KINDS: readonly CreditKind[] = [
  {
    endpoint: 'CreditNotes',
    stream: 'creditNotes',
    idField: 'CreditNoteID',
    numberField: 'CreditNoteNumber',
    label: 'Credit Note',
    salesType: 'ACCRECCREDIT',
  },
  {
    endpoint: 'Prepayments',
    stream: 'prepayments',
    idField: 'PrepaymentID',
    label: 'Prepayment',
    salesType: 'RECEIVE-PREPAYMENT',
  },
  {
    endpoint: 'Overpayments',
    stream: 'overpayments',
    idField: 'OverpaymentID',
    label: 'Overpayment',
    salesType: 'RECEIVE-OVERPAYMENT',
  },
];

/**
 * `PUT /CreditNotes/{id}/Allocations` allocates, and allocates again when it is repeated; `DELETE …/{allocationId}` takes an
 * allocation back (xero-api.md §4). Prepayments and overpayments alike.
 */
export const allocations: readonly ElementWriter[] = CREDIT_KINDS.map((kind) => ({
  path: `${kind.endpoint}/Allocations`,
  collection: 'Allocations',
  stream: kind.stream,
  idField: 'AllocationID',
  methods: ['PUT', 'DELETE'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan: (books, given, how) => {
    const credit = books.byId(kind.stream, how.id) ?? byNumber(books, kind, how);
    if (!credit) throw notFound();
    return how.method === 'PUT' ? allocate(books, kind, credit, given) : takeBack(books, kind, credit, how);
  },
}));

const byNumber = (books: Books, { stream, numberField }: CreditKind, { id }: How): Found | undefined =>
  numberField === undefined ? undefined : books.by(stream, numberField, id)[0];

function allocate(books: Books, kind: CreditKind, credit: Found, given: Given): Planned {
  const complaints: string[] = [];
  const invoice = invoiceOf(books, given);
  const amount = decimalOf(given, 'Amount', 2, complaints)?.units ?? 0;
  const day = dayIn(given, 'Date', complaints) ?? books.today();
  const lock = books.lockedBy(day);
  refuseIfAny([...complaints, ...whyNot(kind, credit.row, invoice.row, amount), ...(lock ? [lock] : [])]);
  const allocation = allocationRow(invoice.row, amount, day);
  const credited = settled(credit.row, 'AmountCredited', amount, calendarDate(day));
  const relieved = settled(invoice.row, 'AmountCredited', amount, calendarDate(day));
  return planned(kind, allocation, [
    { ...credit, row: { ...credited, Allocations: [...(credit.row.Allocations as Row[]), allocation] } },
    { ...invoice, row: { ...relieved, [kind.endpoint]: withCredit(kind, credit.row, invoice.row, amount) } },
  ]);
}

function takeBack(books: Books, kind: CreditKind, credit: Found, { childId }: How): Planned {
  const wanted = String(childId).toLowerCase();
  const list = credit.row.Allocations as Row[];
  const allocation = list.find(({ AllocationID }) => String(AllocationID).toLowerCase() === wanted);
  if (!allocation) throw notFound();
  const lock = books.lockedBy(dayOfDate(allocation.Date) ?? books.today());
  refuseIfAny(lock ? [lock] : []);
  const invoice = books.byId('invoices', (allocation.Invoice as Row).InvoiceID);
  if (!invoice) throw notFound();
  const amount = -centsOf(allocation.Amount);
  const freed = settled(credit.row, 'AmountCredited', amount, allocation.Date);
  const opened = settled(invoice.row, 'AmountCredited', amount, allocation.Date);
  return planned(kind, { ...allocation, IsDeleted: true }, [
    { ...credit, row: { ...freed, Allocations: list.filter((one) => one !== allocation) } },
    { ...invoice, row: { ...opened, [kind.endpoint]: withCredit(kind, credit.row, invoice.row, amount) } },
  ]);
}

const planned = (kind: CreditKind, allocation: Row, [credit, invoice]: [Found, Found]): Planned => ({
  id: String(allocation.AllocationID),
  rows: [
    { stream: kind.stream, ...credit },
    { stream: 'invoices', ...invoice },
  ],
  shown: allocation,
});

function invoiceOf(books: Books, given: Given): Found {
  const named = objectOf(given, 'Invoice');
  const byNumber = () =>
    books.by('invoices', 'InvoiceNumber', named?.InvoiceNumber).find(({ row }) => row.Status === 'AUTHORISED');
  const invoice = named?.InvoiceID ? books.byId('invoices', named.InvoiceID) : byNumber();
  if (!invoice) throw new ValidationFailed(['Invoice could not be found']);
  return invoice;
}

/** Why a credit cannot go to an invoice; Xero names all reasons at once (R). */
function whyNot({ label, salesType }: CreditKind, credit: Row, invoice: Row, amount: number): string[] {
  const cannot = `${label} cannot be allocated`;
  const reasons: [boolean, string][] = [
    [amount <= 0, `${cannot} as the amount must be greater than zero`],
    [!['AUTHORISED', 'PAID'].includes(String(credit.Status)), `${label} not of valid status for allocation`],
    [
      !['AUTHORISED', 'PAID'].includes(String(invoice.Status)),
      `${cannot} to an invoice that is ${String(invoice.Status).toLowerCase()}`,
    ],
    [invoice.Status === 'PAID', 'The invoice you are trying to allocate to has already been paid off'],
    [amount > Math.min(openOf(credit), openOf(invoice)), `${cannot} as amount is greater than amount outstanding`],
    [(credit.Type === salesType) !== (invoice.Type === 'ACCREC'), `${cannot} to an incorrect invoice type`],
    [contactOf(credit) !== contactOf(invoice), `${cannot} to an invoice of another contact`],
    [credit.CurrencyCode !== invoice.CurrencyCode, `${cannot} to an invoice in another currency`],
  ];
  return reasons.filter(([applies]) => applies).map(([, message]) => message);
}

const contactOf = ({ Contact }: Row): unknown => (Contact as Row).ContactID;

function allocationRow({ InvoiceID, InvoiceNumber }: Row, amount: number, day: number): Row {
  return {
    AllocationID: newGuid(),
    Amount: money(amount),
    DateString: dateString(day),
    Date: calendarDate(day),
    Invoice: {
      InvoiceID,
      InvoiceNumber,
      ...unsettled(),
      LineItems: [],
    },
    IsDeleted: false,
    HasErrors: false,
  };
}

/** The credits that stand inside an invoice: one entry each, however often it was allocated; none once all is taken back. */
function withCredit({ endpoint, idField, numberField }: CreditKind, credit: Row, invoice: Row, amount: number): Row[] {
  const id = credit[idField];
  const list = invoice[endpoint] as Row[];
  const before = list.find((entry) => entry[idField] === id);
  const applied = centsOf(before?.AppliedAmount) + amount;
  const entry: Row = {
    [idField]: id,
    ...(numberField && { [numberField]: credit[numberField] }),
    ID: id,
    HasErrors: false,
    AppliedAmount: money(applied),
    DateString: credit.DateString,
    Date: credit.Date,
    LineItems: [],
    Total: credit.Total,
  };
  return [...list.filter((one) => one !== before), ...(applied > 0 ? [entry] : [])];
}
