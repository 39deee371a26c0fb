/** Finding in Xero what was sent and never answered. */
import type { StreamName } from '../streams.js';
import { sameAmount } from './amounts.js';
import { reflects } from './elements.js';
import type { Body, XeroRecord } from './facts.js';
import { dateAt, isLiving, listIn, textAt, valuesAt } from './records.js';

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

/**
 * What an attempt became, among records that Xero answered since.
 * @param sent the element, where a known record was changed: the record must reflect it
 * @param taken records that are other documents'
 * @returns null: it is not there
 */
export function found(
  lookup: Lookup,
  sent: Body | null,
  records: readonly XeroRecord[],
  taken: (xeroId: string) => boolean,
): { xeroId: string; record: XeroRecord | null } | null {
  const { xeroId } = lookup;
  if (xeroId === null) {
    const made = records.find((record) => isMade(lookup, record) && !taken(record.xeroId));
    return made === undefined ? null : { xeroId: made.xeroId, record: made };
  }
  const record = records.find((each) => each.xeroId === xeroId) ?? null;
  return isDone(lookup, sent, record) ? { xeroId, record } : null;
}

function isMade({ holds, except }: Lookup, record: XeroRecord): boolean {
  return isLiving(record) && !except.includes(record.xeroId) && holdsAll(holds, record.body);
}

function isDone({ gone, allocation, holds, except }: Lookup, sent: Body | null, record: XeroRecord | null): boolean {
  if (gone) return record === null || !isLiving(record);
  if (record === null) return false;
  if (allocation !== null)
    return listIn(record.body, 'Allocations').some((each) => isAllocated(each, allocation, except));
  return holdsAll(holds, record.body) && (sent === null || reflects(sent, record.body));
}

function isAllocated(
  held: Body,
  allocation: { invoiceId: string; amount: string },
  except: readonly string[],
): boolean {
  const fits = textAt(held, 'Invoice.InvoiceID') === allocation.invoiceId && sameAmount(held.Amount, allocation.amount);
  return fits && held.IsDeleted !== true && !except.includes(textAt(held, 'AllocationID') ?? '');
}

const holdsAll = (holds: Lookup['holds'], body: Body): boolean =>
  Object.entries(holds).every(([path, wanted]) => holdsOne(path, wanted, body));

function holdsOne(path: string, wanted: string, body: Body): boolean {
  if (path === 'Url' || path === 'Reference') return (textAt(body, path) ?? '').includes(wanted);
  if (path === 'Date') return dateAt(body, path) === wanted;
  return valuesAt(body, path).some((held) => held === wanted || (typeof held === 'number' && sameAmount(held, wanted)));
}
