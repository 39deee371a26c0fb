/** What webhooks tell of, and for how long an event is worth a call. */
import type { StreamName } from './streams.js';

/** The streams that Xero's event categories lead to (xero-api.md §6). What is not here (SUBSCRIPTION) is not fetched. */
const streamOfCategory: ReadonlyMap<string, StreamName> = new Map([
  ['CONTACT', 'contacts'],
  ['INVOICE', 'invoices'],
  ['CREDITNOTE', 'creditNotes'],
  ['PREPAYMENT', 'prepayments'],
  ['OVERPAYMENT', 'overpayments'],
]);

/** Null for a category that is not mirrored. */
export function streamOfEvents(category: string): StreamName | null {
  return streamOfCategory.get(category) ?? null;
}

/** Xero tries for 24 hours to deliver an event (xero-api.md §6); with an hour of margin, what is older is the night's. */
export const staleAfterMs = 25 * 3_600_000;

/** Longer than an event may be delivered for, so that a replay always meets the row that it would repeat, or is stale. */
export const keptForMs = 7 * 86_400_000;

/** What became of an event that was stored. */
export type EventFate =
  /** Asked for; Xero's answer is in the mirror. */
  | 'fetched'
  /** The mirror had it, most often because we had written it ourselves. */
  | 'known'
  /** Its stream has not been read to the end yet, and that reading or the sync after it has the change. */
  | 'leftToFirstRead'
  /** Xero refused to answer for it; the night asks in its own way. */
  | 'refused';
