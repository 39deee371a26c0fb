/** What a document's record is to be written as. */
import { sameAmount } from './amounts.js';
import { xeroNameOf } from './contactMatch.js';
import { contactElement, itemElement, pricedElement, reflects } from './elements.js';
import type { Body, PushFacts, QueuedDocument, XeroRecord } from './facts.js';
import { amountsOf, isPriced, ownPart, type PricedDocument } from './lines.js';
import { isAnothers, isWritten, updatable } from './standing.js';

export interface Change {
  element: Body;
  /** The record that is changed; null: it is made. */
  record: XeroRecord | null;
}

/**
 * Null where there is nothing to write: the version stands, or Xero has all of it already. Not for payments, which are made
 * and never changed.
 */
export function changeOf(document: QueuedDocument, facts: PushFacts): Change | null {
  if (isWritten(document)) return null;
  const record = updatable(document, facts);
  if (isPriced(document)) {
    const element = pricedElement(document.id, ownPart(document), facts, record);
    return document.again && isAsWanted(document, element, record, facts) ? null : { element, record };
  }
  const element = elementOf(document, record, facts);
  const isThere = record !== null && element !== null && reflects(element, record.body);
  return element === null || isThere ? null : { element, record };
}

/** Sent once more, it is compared first: what is paid or allocated could not be written, and need not be. */
function isAsWanted(document: PricedDocument, element: Body, record: XeroRecord | null, facts: PushFacts): boolean {
  const { total } = amountsOf(ownPart(document), facts);
  return record !== null && sameAmount(record.body.Total, total.toString()) && reflects(element, record.body);
}

function elementOf(document: QueuedDocument, record: XeroRecord | null, facts: PushFacts): Body | null {
  if (document.kind === 'item') return itemElement(document, record);
  if (document.kind !== 'contact' || isAnothers(document, facts)) return null;
  return contactElement(document, xeroNameOf(document, facts), record);
}
