/** The facts of a preview: those of the immediate push, as they will be by the time a document's turn comes. */

import { parentsOf } from './content.js';
import type { PushFacts, QueuedDocument, XeroRecord } from './facts.js';
import type { DocumentReference } from './kinds.js';

/**
 * @param comes is the parent sent by the same export, and earlier?
 * @param witness is told of every record that planning reads, so that a later look can say whether it is still the same.
 * What was mirrored by the sync that a preview begins with, and what was looked up after it, needs no other look.
 */
export function previewFacts(
  facts: PushFacts,
  comes: (parent: DocumentReference) => boolean,
  witness: (record: string) => void,
): PushFacts {
  const one =
    <Args extends unknown[]>(ask: (...args: Args) => XeroRecord | null) =>
    (...args: Args): XeroRecord | null => {
      const record = ask(...args);
      witness(record === null ? 'none' : textOfRecord(record));
      return record;
    };
  const many =
    <Args extends unknown[]>(ask: (...args: Args) => readonly XeroRecord[]) =>
    (...args: Args): readonly XeroRecord[] => {
      const records = ask(...args);
      witness(records.map(textOfRecord).sort().join());
      return records;
    };
  return {
    ...facts,
    lookedUp: () => true,
    record: one((...args) => facts.record(...args)),
    itemOfCode: one((...args) => facts.itemOfCode(...args)),
    contactsNumbered: many((...args) => facts.contactsNumbered(...args)),
    contactsNamed: many((...args) => facts.contactsNamed(...args)),
    numbered: many((...args) => facts.numbered(...args)),
    alike: many((...args) => facts.alike(...args)),
    paymentsOf: many((...args) => facts.paymentsOf(...args)),
    parent(reference) {
      const parent = facts.parent(reference);
      witness(parent?.record ? textOfRecord(parent.record) : 'none');
      return parent !== null && comes(reference) ? { ...parent, comes: true } : parent;
    },
  };
}

/**
 * What it depends on of the other documents. Where the work on those stands is left out: that one is queued now, or waits,
 * says nothing of what this one becomes.
 */
export function standsOn(document: QueuedDocument, facts: PushFacts): string {
  const parents = parentsOf(document.kind, document.content).map((reference) => {
    const parent = facts.parent(reference);
    return parent === null ? null : [parent.excluded, parent.deleted, parent.content, parent.xeroId];
  });
  const paid = document.kind === 'payment' || document.kind === 'billPayment' ? facts.promised(document) : null;
  return JSON.stringify([document.version, parents, facts.rivals(document), paid]);
}

const texts = new WeakMap<XeroRecord, string>();

/** Many documents read the same contact. */
function textOfRecord(record: XeroRecord): string {
  const known = texts.get(record);
  if (known !== undefined) return known;
  const text = JSON.stringify(record);
  texts.set(record, text);
  return text;
}
