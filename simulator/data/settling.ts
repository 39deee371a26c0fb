import { calendarDate, dateString, isoSeconds } from '../core/calendar.js';
import { Decimal, money, type Row, type Value, XeroDate } from '../core/values.js';
import { unsettled } from './parties.js';

/** A kind of document that payments are made against, named as a payment names it. */
export interface PayableKind {
  field: 'Invoice' | 'CreditNote' | 'Prepayment' | 'Overpayment';
  stream: string;
  idField: string;
  /** Where the kind has numbers, the field that holds them. */
  numberField?: string;
  /** The type of a payment by the type of its document. */
  paymentTypes: Readonly<Record<string, string>>;
}

/** What can be paid, or paid back (xero-api.md §4). */
export const PAYABLE_KINDS: readonly PayableKind[] = [
  {
    field: 'Invoice',
    stream: 'invoices',
    idField: 'InvoiceID',
    numberField: 'InvoiceNumber',
    paymentTypes: { ACCREC: 'ACCRECPAYMENT', ACCPAY: 'ACCPAYPAYMENT' },
  },
  {
    field: 'CreditNote',
    stream: 'creditNotes',
    idField: 'CreditNoteID',
    numberField: 'CreditNoteNumber',
    paymentTypes: { ACCRECCREDIT: 'ARCREDITPAYMENT', ACCPAYCREDIT: 'APCREDITPAYMENT' },
  },
  {
    field: 'Prepayment',
    stream: 'prepayments',
    idField: 'PrepaymentID',
    paymentTypes: { 'RECEIVE-PREPAYMENT': 'ARPREPAYMENTPAYMENT', 'SPEND-PREPAYMENT': 'APPREPAYMENTPAYMENT' },
  },
  {
    field: 'Overpayment',
    stream: 'overpayments',
    idField: 'OverpaymentID',
    paymentTypes: { 'RECEIVE-OVERPAYMENT': 'AROVERPAYMENTPAYMENT', 'SPEND-OVERPAYMENT': 'APOVERPAYMENTPAYMENT' },
  },
];

/** What a payment is besides the document it is made against. */
export interface PaymentFacts {
  id: string;
  /** Hundredths, in the document's currency. */
  amount: number;
  /** Hundredths, in the bank account's currency. */
  bankAmount: number;
  /** The number of its day. */
  day: number;
  account: Row;
  rate: Value;
  reference: Value;
  reconciled: boolean;
  /** When it was entered, in ms. */
  now: number;
}

export const cents = (value: Value): number => (value instanceof Decimal ? value.units : 0);

const openField = (document: Row): string => ('AmountDue' in document ? 'AmountDue' : 'RemainingCredit');

/** What of a document is open, in hundredths: due on an invoice, left of a credit. */
export const openOf = (document: Row): number => cents(document[openField(document)]);

/**
 * A payment as Xero shows it. Whatever it was made against stands under `Invoice`, a refunded credit note with its own id
 * as `InvoiceID` (R: XeroAPI/xero-ruby#48).
 */
export function paymentRow(document: Row, kind: PayableKind, facts: PaymentFacts): Row {
  const { Type, Contact, CurrencyCode } = document;
  const { AccountID, Code } = facts.account;
  return {
    PaymentID: facts.id,
    DateString: dateString(facts.day),
    Date: calendarDate(facts.day),
    BankAmount: money(facts.bankAmount),
    Amount: money(facts.amount),
    Reference: facts.reference,
    CurrencyRate: facts.rate,
    PaymentType: kind.paymentTypes[String(Type)],
    Status: 'AUTHORISED',
    UpdatedDateUTC: new XeroDate(facts.now),
    UpdatedDateUTCString: isoSeconds(facts.now),
    HasAccount: true,
    IsReconciled: facts.reconciled,
    Account: { AccountID, Code },
    Invoice: {
      Type,
      InvoiceID: document[kind.idField],
      InvoiceNumber: kind.numberField && document[kind.numberField],
      ...unsettled(),
      Contact,
      LineItems: [],
      CurrencyCode,
    },
    HasValidationErrors: false,
  };
}

/** What a payment was made against: the kind of document, and its id. */
export function paidDocument(payment: Row): { kind: PayableKind; id: string } | undefined {
  const kind = PAYABLE_KINDS.find(({ paymentTypes }) =>
    Object.values(paymentTypes).includes(String(payment.PaymentType)),
  );
  return kind && { kind, id: String((payment.Invoice as Row).InvoiceID) };
}

/** A document with one more payment. */
export function withPayment(document: Row, payment: Row): Row {
  const { PaymentID, Date: paidOn, Amount, CurrencyRate } = payment;
  const entry = { PaymentID, Date: paidOn, Amount, CurrencyRate, HasAccount: false, HasValidationErrors: false };
  const Payments = [...(document.Payments as Row[]), entry];
  return { ...settled(document, 'AmountPaid', cents(Amount), paidOn), Payments };
}

/** A document whose payment was deleted. */
export function withoutPayment(document: Row, payment: Row): Row {
  const Payments = (document.Payments as Row[]).filter(({ PaymentID }) => PaymentID !== payment.PaymentID);
  return { ...settled(document, 'AmountPaid', -cents(payment.Amount), payment.Date), Payments };
}

/**
 * A document once `amount` hundredths more of it are settled, or fewer where that is negative: the system makes it PAID when
 * nothing is open, and AUTHORISED again when something is.
 */
export function settled(document: Row, counter: 'AmountPaid' | 'AmountCredited', amount: number, date: Value): Row {
  const left = openOf(document) - amount;
  return {
    ...document,
    ...(counter in document && { [counter]: money(cents(document[counter]) + amount) }),
    [openField(document)]: money(left),
    Status: left === 0 ? 'PAID' : 'AUTHORISED',
    FullyPaidOnDate: left === 0 ? date : undefined,
  };
}
