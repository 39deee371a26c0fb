/**
 * Which invoice of the platform a payment made in Xero pays (rules.md, "Payment import"). Pure; amounts are decimal strings
 * in the currency of the invoice, contacts are Xero's ids with merges followed.
 */
import { Decimal } from 'decimal.js';
import type { PaymentCode } from '../codes.js';

/** A payment made in Xero that nobody has decided about. */
export interface XeroPayment {
  xeroPaymentId: string;
  /** Xero's `Amount`: what of the invoice it pays; never BankAmount. */
  amount: string;
  currency: string | null;
  date: string;
  /** Xero's id of the invoice that it was entered on. */
  invoiceId: string | null;
  contactId: string | null;
}

/** A sales invoice of the platform. */
export interface PlatformInvoice {
  /** Ours. */
  id: string;
  externalId: string;
  currency: string | null;
  /** What is open in the books of the platform: `amountDue` as last saved, less what was applied since. */
  open: string;
  contactId: string | null;
  /** What it is in Xero; null where it is not there. */
  xeroId: string | null;
  /** `unknown`: it is on its way. */
  inXero: 'absent' | 'open' | 'closed' | 'unknown';
}

/** An invoice near a payment, and what stands against it. */
export interface Candidate {
  invoice: string;
  open: string;
  because: 'fits' | 'amountDiffers' | 'currencyDiffers' | 'openInXero';
}

export type Verdict =
  | { state: 'matched'; invoiceId: string; candidates: Candidate[] }
  | { state: 'unmatched' | 'ambiguous'; code: PaymentCode; invoiceId: string | null; candidates: Candidate[] };

export interface MatchingRules {
  /** A payment on our own invoice is taken for any amount up to what is open. */
  partPayments: boolean;
}

const mostCandidates = 5;

/** Says of each payment what it pays, all of them together: two for one invoice are a doubt. Answers by payment id. */
export function matchPayments(
  payments: readonly XeroPayment[],
  invoices: readonly PlatformInvoice[],
  rules: MatchingRules,
): Map<string, Verdict> {
  const books = indexed(invoices);
  const alone = payments.map((payment) => ({ payment, verdict: verdictOf(payment, books, rules) }));
  const paid = groupedBy(
    alone.filter(({ verdict }) => verdict.state === 'matched'),
    ({ verdict }) => verdict.invoiceId as string,
  );
  const doubtful = new Set([...paid].filter(([id, group]) => exceeds(group, books.byId.get(id))).map(([id]) => id));
  return new Map(
    alone.map(({ payment, verdict }) => [
      payment.xeroPaymentId,
      verdict.state === 'matched' && doubtful.has(verdict.invoiceId) ? { ...verdict, ...ambiguous } : verdict,
    ]),
  );
}

const ambiguous = { state: 'ambiguous', code: 'ambiguous' } as const;

interface IndexedBooks {
  byId: ReadonlyMap<string, PlatformInvoice>;
  byXeroId: ReadonlyMap<string, PlatformInvoice>;
  byContact: ReadonlyMap<string, PlatformInvoice[]>;
}

function indexed(invoices: readonly PlatformInvoice[]): IndexedBooks {
  const inXero = invoices.flatMap((invoice) => (invoice.xeroId === null ? [] : [[invoice.xeroId, invoice] as const]));
  const known = invoices.filter(({ contactId }) => contactId !== null);
  return {
    byId: new Map(invoices.map((invoice) => [invoice.id, invoice])),
    byXeroId: new Map(inXero),
    byContact: groupedBy(known, ({ contactId }) => contactId as string),
  };
}

/** Together more than is open: which of them is meant is a doubt. */
function exceeds(group: readonly { payment: XeroPayment }[], invoice: PlatformInvoice | undefined): boolean {
  const sum = group.reduce((total, { payment }) => total.plus(payment.amount), new Decimal(0));
  return sum.greaterThan(invoice?.open ?? 0);
}

/** Its own invoice, when it is ours, decides. */
function verdictOf(payment: XeroPayment, books: IndexedBooks, rules: MatchingRules): Verdict {
  const own = payment.invoiceId === null ? undefined : books.byXeroId.get(payment.invoiceId);
  return own === undefined ? guess(payment, books) : onOwnInvoice(payment, own, rules);
}

function onOwnInvoice(payment: XeroPayment, invoice: PlatformInvoice, { partPayments }: MatchingRules): Verdict {
  const candidates = [candidateOf(payment, invoice)];
  const refused = (code: PaymentCode): Verdict => ({ state: 'unmatched', code, invoiceId: invoice.id, candidates });
  if (!sameCurrency(payment, invoice)) return refused('currency_differs');
  const [amount, open] = [new Decimal(payment.amount), new Decimal(invoice.open)];
  const fits = amount.equals(open) || (partPayments && amount.lessThan(open));
  return fits ? { state: 'matched', invoiceId: invoice.id, candidates } : refused('amount_differs');
}

/** It was entered on an invoice that is not ours: the same customer's, of exactly this amount, that is not in Xero. */
function guess(payment: XeroPayment, books: IndexedBooks): Verdict {
  const customers = books.byContact.get(payment.contactId ?? '') ?? [];
  const fitting = customers.filter((invoice) => isOfAmount(payment, invoice) && invoice.inXero !== 'closed');
  const [first, second] = fitting;
  const candidates = nearest(payment, customers);
  if (first === undefined) return { state: 'unmatched', code: 'no_match', invoiceId: null, candidates };
  if (fitting.some(({ inXero }) => inXero !== 'absent')) {
    return { state: 'ambiguous', code: 'paid_elsewhere', invoiceId: null, candidates };
  }
  if (second !== undefined) return { ...ambiguous, invoiceId: null, candidates };
  return { state: 'matched', invoiceId: first.id, candidates };
}

function isOfAmount(payment: XeroPayment, invoice: PlatformInvoice): boolean {
  const open = new Decimal(invoice.open);
  return sameCurrency(payment, invoice) && open.greaterThan(0) && open.equals(payment.amount);
}

const sameCurrency = (payment: XeroPayment, invoice: PlatformInvoice): boolean => payment.currency === invoice.currency;

/** Those with something open, the smallest difference first. */
function nearest(payment: XeroPayment, invoices: readonly PlatformInvoice[]): Candidate[] {
  const distance = ({ open }: PlatformInvoice) => new Decimal(open).minus(payment.amount).abs();
  return invoices
    .filter(({ open }) => new Decimal(open).greaterThan(0))
    .toSorted((a, b) => distance(a).comparedTo(distance(b)) || (a.externalId < b.externalId ? -1 : 1))
    .slice(0, mostCandidates)
    .map((invoice) => candidateOf(payment, invoice));
}

function candidateOf(payment: XeroPayment, invoice: PlatformInvoice): Candidate {
  return { invoice: invoice.externalId, open: invoice.open, because: reasonOf(payment, invoice) };
}

function reasonOf(payment: XeroPayment, invoice: PlatformInvoice): Candidate['because'] {
  if (!sameCurrency(payment, invoice)) return 'currencyDiffers';
  if (!new Decimal(invoice.open).equals(payment.amount)) return 'amountDiffers';
  return invoice.xeroId !== payment.invoiceId && invoice.inXero !== 'absent' ? 'openInXero' : 'fits';
}

function groupedBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(keyOf(each));
    if (group === undefined) groups.set(keyOf(each), [each]);
    else group.push(each);
  }
  return groups;
}
