/** The facts of a preview: those of the immediate push, as they will be by the time a document's turn comes. */

import type { ParentDocument, PushFacts, XeroRecord } from './facts.js';
import type { DocumentReference } from './kinds.js';

/** Is told of everything that planning read, so that a later look can say whether it is still the same. */
export interface Witness {
  documents(read: string): void;
  records(read: string): void;
}

/**
 * @param comes is the parent sent by the same export, and earlier?
 * What was mirrored by the sync that a preview begins with, and what was looked up after it, needs no other look.
 */
export function previewFacts(
  facts: PushFacts,
  comes: (parent: DocumentReference) => boolean,
  witness: Witness,
): PushFacts {
  const one =
    <Args extends unknown[]>(ask: (...args: Args) => XeroRecord | null) =>
    (...args: Args): XeroRecord | null => {
      const record = ask(...args);
      witness.records(record === null ? 'none' : textOfRecord(record));
      return record;
    };
  const many =
    <Args extends unknown[]>(ask: (...args: Args) => readonly XeroRecord[]) =>
    (...args: Args): readonly XeroRecord[] => {
      const records = ask(...args);
      witness.records(records.map(textOfRecord).sort().join());
      return records;
    };
  const told =
    <Args extends unknown[], T>(ask: (...args: Args) => T) =>
    (...args: Args): T => {
      const answer = ask(...args);
      witness.documents(JSON.stringify(answer));
      return answer;
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
    ours: told((...args) => facts.ours(...args)),
    rivals: told((...args) => facts.rivals(...args)),
    promised: told((...args) => facts.promised(...args)),
    parent(reference) {
      const parent = facts.parent(reference);
      const seen = parent !== null && comes(reference) ? { ...parent, comes: true } : parent;
      witness.documents(seen === null ? 'none' : standing(seen));
      witness.records(seen?.record ? textOfRecord(seen.record) : 'none');
      return seen;
    },
  };
}

/** Where the work on it stands is left out: that it is queued now, or waits, says nothing of what its child becomes. */
const standing = ({ excluded, deleted, content, xeroId, comes }: ParentDocument): string =>
  JSON.stringify([excluded, deleted, content, xeroId, comes]);

const texts = new WeakMap<XeroRecord, string>();

/** Many documents read the same contact. */
function textOfRecord(record: XeroRecord): string {
  const known = texts.get(record);
  if (known !== undefined) return known;
  const text = JSON.stringify(record);
  texts.set(record, text);
  return text;
}
