/** Holding a month of the mirror against Xero: what can be asked for, and how it is counted. */
import { addDays, isCalendarDate } from './calendar.js';
import type { DateRange } from './dateRange.js';
import type { StreamName } from './streams.js';

export interface ReconciledKind {
  stream: StreamName;
  /** The records of the stream that are meant, by Xero's `Type`; null where all are (xero-api.md §4). */
  type: string | null;
  /** The field that is summed. */
  amount: 'Total' | 'Amount';
}

/** What can be reconciled: the documents that Xero gives by date and that have an amount. */
export const reconciledKinds = {
  invoice: { stream: 'invoices', type: 'ACCREC', amount: 'Total' },
  bill: { stream: 'invoices', type: 'ACCPAY', amount: 'Total' },
  creditNote: { stream: 'creditNotes', type: 'ACCRECCREDIT', amount: 'Total' },
  supplierCredit: { stream: 'creditNotes', type: 'ACCPAYCREDIT', amount: 'Total' },
  payment: { stream: 'payments', type: null, amount: 'Amount' },
  prepayment: { stream: 'prepayments', type: null, amount: 'Total' },
  overpayment: { stream: 'overpayments', type: null, amount: 'Total' },
  bankTransaction: { stream: 'bankTransactions', type: null, amount: 'Total' },
  purchaseOrder: { stream: 'purchaseOrders', type: null, amount: 'Total' },
} as const satisfies Record<string, ReconciledKind>;
export type ReconciledKindName = keyof typeof reconciledKinds;

/** Statuses that Xero's own reports leave out, and so do count and sum on both sides. */
export const uncountedStatuses = ['DELETED', 'VOIDED'] as const;

/** `YYYY-MM`, a month that exists. */
export function isMonth(value: string): boolean {
  return isCalendarDate(`${value}-01`);
}

/** A month of calendar dates, both ends known. */
export interface MonthRange extends DateRange {
  from: string;
  before: string;
}

/**
 * The dates of a month that are in scope: from the Sync From Date on, which is null for all history.
 * @returns null when the whole month lies before it.
 */
export function rangeOfMonth(month: string, syncFromDate: string | null): MonthRange | null {
  const first = `${month}-01`;
  const before = `${addDays(first, 31).slice(0, 7)}-01`;
  const from = syncFromDate !== null && syncFromDate > first ? syncFromDate : first;
  return from < before ? { from, before } : null;
}
