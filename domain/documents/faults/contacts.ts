/** Contacts and items (rules.md, "Contacts"). */
import type { DocumentCode } from '../../codes.js';
import { followed, matchContact, xeroNameOf } from '../contactMatch.js';
import { type PushFacts, type QueuedDocument, textOf } from '../facts.js';
import { isArchived } from '../records.js';
import { type Fault, none, when } from './fault.js';

/** Xero's limits (xero-api.md §4). */
const longest = { contactName: 255, contactNumber: 50, itemName: 50, itemCode: 30 };

export function tooLong(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind === 'item') {
    return when((document.content.name ?? '').length > longest.itemName, 'name', limit('item names', 'itemName'));
  }
  if (document.kind !== 'contact') return none;
  const name = xeroNameOf(document, facts);
  return [
    ...when(name.length > longest.contactName, 'name', limit('contact names', 'contactName')),
    ...when(document.externalId.length > longest.contactNumber, null, limit('unique ids', 'contactNumber')),
  ];
}

const limit = (what: string, which: keyof typeof longest): string => `Its ${what} have ${longest[which]} characters.`;

export const itemCodeTooLong = ({ content }: QueuedDocument): readonly Fault[] =>
  when((textOf(content, 'code') ?? '').length > longest.itemCode, 'code');

export const contactFault =
  (code: DocumentCode) =>
  (document: QueuedDocument, facts: PushFacts): readonly Fault[] => {
    if (document.kind !== 'contact') return none;
    const found = matchContact(document, facts);
    const rival = code === 'contact_name_taken' && found.match === 'none' ? facts.rivals(document)[0] : undefined;
    if (rival !== undefined) return when(true, 'name', `The contact ${rival.externalId} goes before it.`);
    return when(found.match === 'fault' && found.code === code, 'name');
  };

/** The contact itself, or the one that a document names. */
export function archivedContact(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind === 'contact') return contactFault('contact_archived')(document, facts);
  const externalId = textOf(document.content, 'contact');
  const record = externalId === null ? null : facts.parent({ kind: 'contact', externalId })?.record;
  return when(record != null && isArchived(followed(record, facts)), 'contact');
}

export const matchedByName = (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
  when(document.kind === 'contact' && matchContact(document, facts).match === 'nameOnly', 'name');

/** The group in Xero that a contact's role is to be in; null where the settings have none for it. */
export const groupNameOf = ({ content }: QueuedDocument<'contact'>, { settings }: PushFacts): string | null =>
  settings.contactGroups[({ customer: 'customers', supplier: 'suppliers', staff: 'staff' } as const)[content.role]];

export function groupMissing(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const name = document.kind === 'contact' ? groupNameOf(document, facts) : null;
  const known = facts.contactGroups === null || facts.contactGroups.some((group) => group.name === name);
  return when(name !== null && !known, 'role');
}
