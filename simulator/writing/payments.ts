import { notFound } from '../accounting/errors.js';
import type { Row } from '../core/values.js';
import {
  openOf,
  PAYABLE_KINDS,
  type PayableKind,
  paidDocument,
  paymentRow,
  withoutPayment,
  withPayment,
} from '../data/settling.js';
import type { Books, Found } from './books.js';
import { dayIn, dayOfDate, decimalOf, objectOf, textOf } from './fields.js';
import {
  type ElementWriter,
  type Given,
  type How,
  type Planned,
  type PlannedRow,
  refuseIfAny,
  ValidationFailed,
} from './writer.js';

const RATE_DECIMALS = 10;
const NOT_MODIFIABLE = 'Payment not of valid status for modification';

/** Payments are made, and deleted by a POST of their state; they are never edited (xero-api.md §4). */
export const payments: ElementWriter = {
  path: 'Payments',
  collection: 'Payments',
  stream: 'payments',
  idField: 'PaymentID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasValidationErrors',
  plan: (books, given, how) => {
    const id = how.id ?? (how.method === 'POST' ? given.PaymentID : undefined);
    return id === undefined || id === null ? pay(books, given) : remove(books, given, how, id);
  },
};

/** A payment against one document, whose balance follows. */
function pay(books: Books, given: Given): Planned {
  const complaints: string[] = [];
  const { kind, document } = paidBy(books, given);
  const account = accountOf(books, given, document.row, complaints);
  const amount = amountOf(given, document.row, complaints);
  const day = dayIn(given, 'Date', complaints) ?? books.today();
  const rate = rateOf(books, given, document.row, day, complaints);
  const inDocumentCurrency = currencyOf(books, account) === document.row.CurrencyCode;
  const converted = inDocumentCurrency ? amount : Math.round(amount / rate.toNumber());
  const bankAmount = decimalOf(given, 'BankAmount', 2, complaints)?.units ?? converted;
  const reference = textOf(given, 'Reference', complaints, 255) ?? '';
  const lock = books.lockedBy(day);
  refuseIfAny(lock ? [...complaints, lock] : complaints);
  const { index, id } = books.fresh('payments');
  const entered = { reconciled: given.IsReconciled === true, now: books.now() };
  const row = paymentRow(document.row, kind, { id, amount, bankAmount, day, account, rate, reference, ...entered });
  return {
    id,
    rows: [
      { stream: 'payments', index, row },
      { stream: kind.stream, index: document.index, row: withPayment(document.row, row), byPayment: true },
    ],
    ...(kind.field !== 'Invoice' && { shown: asCreated(row, kind, document.row) }),
  };
}

/** A refund is answered under the name of its document, though it is read under `Invoice` (R: XeroAPI/xero-ruby#48). */
const asCreated = ({ Invoice, ...row }: Row, { field, idField, numberField }: PayableKind, document: Row): Row => ({
  ...row,
  [field]: { [idField]: document[idField], ...(numberField && { [numberField]: document[numberField] }) },
});

/** The document that a payment names, by its id or its number. */
function paidBy(books: Books, given: Given): { kind: PayableKind; document: Found } {
  const kind = PAYABLE_KINDS.find(({ field }) => objectOf(given, field));
  const named = kind && objectOf(given, kind.field);
  if (!named) throw new ValidationFailed(['A payment must name an Invoice, CreditNote, Prepayment or Overpayment']);
  const { stream, idField, numberField } = kind;
  const byNumber = () => standingFirst(numberField ? books.by(stream, numberField, named[numberField]) : []);
  const document = named[idField] ? books.byId(stream, named[idField]) : byNumber();
  if (!document) throw new ValidationFailed([`${kind.field} could not be found`]);
  return { kind, document };
}

const ENDED = new Set(['VOIDED', 'DELETED']);

/** A number may have been used before by a document that was deleted. */
const standingFirst = (found: Found[]): Found | undefined =>
  found.find(({ row }) => !ENDED.has(String(row.Status))) ?? found[0];

function accountOf(books: Books, given: Given, document: Row, complaints: string[]): Row {
  const named = objectOf(given, 'Account');
  const account = books.account(named?.AccountID ?? named?.Code);
  if (!account) {
    complaints.push('Account could not be found');
    return {};
  }
  const takesPayments = account.Type === 'BANK' || account.EnablePaymentsToAccount === true;
  if (!takesPayments || account.Status !== 'ACTIVE') {
    complaints.push('Account type is invalid for making a payment to/from');
  }
  if (![books.baseCurrency, document.CurrencyCode].includes(currencyOf(books, account))) {
    complaints.push("The account's currency must be that of the document or the base currency");
  }
  return account;
}

const currencyOf = (books: Books, account: Row): string => String(account.CurrencyCode ?? books.baseCurrency);

/** In hundredths. A settled document is refused for both reasons, as Xero does (R). */
function amountOf(given: Given, document: Row, complaints: string[]): number {
  const amount = decimalOf(given, 'Amount', 2, complaints)?.units ?? 0;
  if (amount <= 0) complaints.push('Payment amount must be greater than zero');
  if (document.Status !== 'AUTHORISED') complaints.push('Payments can only be made against Authorised documents');
  if (amount > openOf(document)) {
    complaints.push('Payment amount exceeds the amount outstanding on this document');
  }
  return amount;
}

function rateOf(books: Books, given: Given, document: Row, day: number, complaints: string[]) {
  const currency = String(document.CurrencyCode);
  const stated = decimalOf(given, 'CurrencyRate', RATE_DECIMALS, complaints);
  const ofDay = books.rateOfDay(currency, day);
  return stated && stated.units > 0 && currency !== books.baseCurrency ? stated : ofDay;
}

/** Deletes a payment, which opens its document again. */
function remove(books: Books, given: Given, how: How, id: unknown): Planned {
  const payment = books.byId('payments', id);
  if (!payment && how.id !== undefined) throw notFound();
  if (!payment) throw new ValidationFailed(['Payment could not be found']);
  refuseIfAny(whyKept(books, given, payment.row));
  const paid = paidDocument(payment.row);
  const document = paid && books.byId(paid.kind.stream, paid.id);
  const rows: PlannedRow[] = [{ stream: 'payments', index: payment.index, row: { ...payment.row, Status: 'DELETED' } }];
  if (paid && document) {
    const freed = withoutPayment(document.row, payment.row);
    rows.push({ stream: paid.kind.stream, index: document.index, row: freed, byPayment: true });
  }
  return { id: String(payment.row.PaymentID), rows };
}

function whyKept(books: Books, given: Given, payment: Row): string[] {
  if (given.Status !== 'DELETED' || payment.Status !== 'AUTHORISED') return [NOT_MODIFIABLE];
  if (payment.BatchPaymentID) return ['Payments within a batch cannot be deleted.'];
  const lock = books.lockedBy(dayOfDate(payment.Date) ?? books.today());
  return lock ? [lock] : [];
}
