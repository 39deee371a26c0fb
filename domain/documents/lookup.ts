/** Finding in Xero what was sent and never answered. */
import type { StreamName } from '../streams.js';

/** How a record that an attempt made, or changed, is known; kept with the attempt. */
export interface Lookup {
  stream: StreamName;
  /** The record to look at, where it is known: one that was changed, or the credit note of an allocation. */
  xeroId: string | null;
  /** What the record must hold, by dotted path; `Url` and `Reference` need only contain it. */
  holds: Readonly<Record<string, string>>;
  /** What was sent of an allocation: it is an element of the record's Allocations. */
  allocation: { invoiceId: string; amount: string } | null;
  /** It was deleted for good: it is as we want it when Xero has it no more. */
  gone: boolean;
  /** Records (or allocations) that were there before the call and so are not what it made. */
  except: readonly string[];
}
