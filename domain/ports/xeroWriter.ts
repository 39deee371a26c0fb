/** Writing to Xero. */
import type { DocumentCode } from '../codes.js';
import type { MustWait, XeroFault, XeroRefusal } from '../problems.js';
import type { StreamName } from '../streams.js';
import type { CallContext } from './xero.js';

/** One call: what it holds is in Xero's own shape. */
export interface XeroWrite {
  method: 'PUT' | 'POST' | 'DELETE';
  /** Under `/api.xro/2.0/`: `Invoices`, `Payments/{id}`, `CreditNotes/{id}/Allocations`. */
  path: string;
  /** JSON objects in their order; one for a path that names a record, none for DELETE. */
  elements: readonly unknown[];
  /** At most 128 characters; Xero answers a repeated call with the first one's answer for six minutes. */
  idempotencyKey: string;
  /** Where the records are mirrored: the call is counted for it. */
  stream: StreamName;
}

/** What became of one element. */
export type WriteOutcome =
  | {
      kind: 'sent';
      /** Null where Xero's answer names none: something was taken away. */
      xeroId: string | null;
      number: string | null;
      /** The record as Xero sent it, every digit; null for a DELETE. */
      text: string | null;
      /** Xero's own words. */
      warnings: readonly string[];
    }
  /** `words`: Xero's own; they stay with the document. */
  | { kind: 'refused'; code: DocumentCode; words: readonly string[] }
  /** It may have been carried out or not: it is to be looked up, and never sent again before that. */
  | { kind: 'unknown' };

export type WriteAnswer =
  /** In the order of the elements; one for a DELETE. */
  | { kind: 'answered'; status: number; outcomes: readonly WriteOutcome[] }
  /** Nothing of it stands in Xero. */
  | { kind: 'notCarriedOut'; problem: MustWait | XeroFault | XeroRefusal }
  /** No usable answer came. */
  | { kind: 'unknown'; problem: XeroFault };

export interface XeroWriter {
  /**
   * Makes one call, once. A token that Xero no longer takes is renewed and the same call made again, because a 401 carries
   * nothing out.
   * A call is never broken off by us before its deadline.
   * @throws what the budget throws when Postgres is away: nothing was sent, or the outcome is unknown.
   */
  write(context: CallContext, call: XeroWrite): Promise<WriteAnswer>;
}
