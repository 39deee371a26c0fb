/** What a document is in Xero at the moment, and what of its version is still to be written. */
import { followed, matchContact } from './contactMatch.js';
import type { DocumentContent } from './content.js';
import { type Body, type PushFacts, type QueuedDocument, textOf, type XeroRecord, xeroIdOf } from './facts.js';
import { documentKinds } from './kinds.js';
import { isLiving, textAt } from './records.js';

/** The record it is, or is to be linked with or matched to, in whatever state; null where the mirror has none. */
export function recordOf(document: QueuedDocument, facts: PushFacts): XeroRecord | null {
  const { stream } = documentKinds[document.kind];
  if (document.kind === 'contact') {
    const found = matchContact(document, facts);
    return 'record' in found ? found.record : null;
  }
  const xeroId = xeroIdOf(document);
  if (xeroId !== null) return facts.record(stream, xeroId);
  return document.kind === 'item' ? facts.itemOfCode(document.content.code) : null;
}

/** The record that is updated: not one that a person wants sent anew because it was voided or deleted in Xero. */
export function updatable(document: QueuedDocument, facts: PushFacts): XeroRecord | null {
  const record = recordOf(document, facts);
  return record === null || (!isLiving(record) && asked(document)) ? null : record;
}

/** A person asked for it: by a decision, or by sending it once more. */
export const asked = ({ decided, again }: QueuedDocument): boolean => decided || again;

/**
 * Is it to be linked with what Xero has already? Nothing is written then; only contacts and items are updated in place.
 */
export const isLink = (document: QueuedDocument): boolean =>
  document.xeroId === null && !isNew(document) && document.kind !== 'contact' && document.kind !== 'item';

/** Is it in Xero neither by us nor by a link? */
export const isNew = (document: QueuedDocument): boolean => xeroIdOf(document) === null;

/** What the content has that Xero never sees, or that has a step of its own. */
const notTheRecord: ReadonlySet<string> = new Set([
  ...['amountDue', 'paid', 'xeroId', 'xeroPaymentId', 'role', 'allocations', 'finished'],
]);

/** Does the record need no write for this version? Its own step is done, or the version that stands says the same. */
export function isWritten(document: QueuedDocument): boolean {
  if (document.again) return false;
  if (isDone(document, 'document')) return true;
  return document.xeroId !== null && document.sentContent !== null && isSame(document.content, document.sentContent);
}

/** Was this step sent for this version? */
export const isDone = ({ done, version }: QueuedDocument, step: string): boolean =>
  done.some((each) => each.step === step && each.version === version);

/** Was this step sent for any version? What happens once in a document's life is not repeated for the next. */
export const wasDone = ({ done }: QueuedDocument, step: string): boolean => done.some((each) => each.step === step);

function isSame(one: object, other: object): boolean {
  return canonical(recordPart(one)) === canonical(recordPart(other));
}

const recordPart = (content: object): Body =>
  Object.fromEntries(Object.entries(content).filter(([field]) => !notTheRecord.has(field)));

/** The same text for the same values, in whatever order their fields came. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/** The contact it is in Xero is, by a merge, another document's: that one says what it is called. */
export function isAnothers(document: QueuedDocument<'contact'>, facts: PushFacts): boolean {
  const own = document.xeroId === null ? null : facts.record('contacts', document.xeroId);
  if (own === null) return false;
  const target = followed(own, facts);
  return target.xeroId !== own.xeroId && facts.ours('contacts', target.xeroId);
}

type Allocation = DocumentContent['creditNote']['allocations'][number];

export interface WantedAllocation {
  /** Its place in the content. */
  index: number;
  allocation: Allocation;
  invoiceId: string | null;
}

/** The allocations of a note that are not in Xero yet, and those that are there and no longer wanted. */
export function allocationsLeft(
  document: QueuedDocument<'creditNote'>,
  facts: PushFacts,
): { wanted: WantedAllocation[]; unwanted: Body[] } {
  const unwanted = document.done.flatMap(({ step, sent }) => (step.startsWith('allocation:') && sent ? [sent] : []));
  const wanted = document.content.allocations
    .map((allocation, index) => ({ index, allocation, invoiceId: invoiceIdOf(allocation, facts) }))
    .filter(({ allocation, invoiceId }) => {
      const place = unwanted.findIndex(
        (sent) => textAt(sent, 'Invoice.InvoiceID') === invoiceId && textOf(sent, 'Amount') === allocation.amount,
      );
      if (place >= 0) unwanted.splice(place, 1);
      return place < 0;
    });
  return { wanted, unwanted };
}

const invoiceIdOf = ({ invoice }: Allocation, facts: PushFacts): string | null =>
  facts.parent({ kind: 'invoice', externalId: invoice })?.xeroId ?? null;
