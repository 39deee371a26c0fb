/** Which contact of Xero's a contact of the platform's is: the order of rules.md, "Contacts". */
import type { DocumentCode } from '../codes.js';
import { contactName, normalisedName, type PushFacts, type QueuedDocument, textOf, type XeroRecord } from './facts.js';
import { isArchived, mergedInto, statusOf, textAt } from './records.js';

export type ContactMatch =
  /** Linked already, or found by id (a merged one is what it became): updated in place. */
  | { match: 'linked' | 'idAndName'; record: XeroRecord }
  /** It had no unique id, and is given ours. */
  | { match: 'nameOnly'; record: XeroRecord }
  | { match: 'none' }
  | { match: 'fault'; code: DocumentCode; record: XeroRecord | null };

/** What of a contact's document decides which one it is. */
export type ContactToMatch = Pick<QueuedDocument<'contact'>, 'content' | 'externalId' | 'xeroId'>;

/** The name under which it goes to Xero. */
export const xeroNameOf = ({ content, externalId }: ContactToMatch, { settings }: PushFacts): string =>
  contactName(settings.contactNameTemplate, { name: content.name, externalId });

/** The first of the steps that says something. */
export function matchContact(document: ContactToMatch, facts: PushFacts): ContactMatch {
  const linked = linkedContact(document, facts);
  if (linked !== null) return usable(linked, facts, document) ?? { match: 'linked', record: linked };
  return byUniqueId(document, facts) ?? byName(document, facts) ?? { match: 'none' };
}

/** Follows a merged contact to what it became, as far as the mirror knows. */
export function followed(contact: XeroRecord, { record }: Pick<PushFacts, 'record'>): XeroRecord {
  const seen = new Set([contact.xeroId]);
  let last = contact;
  for (let next = mergedInto(last); next !== null && !seen.has(next); next = mergedInto(last)) {
    const target = record('contacts', next);
    if (target === null) break;
    seen.add(next);
    last = target;
  }
  return last;
}

/** 0. */
function linkedContact({ xeroId, content }: ContactToMatch, facts: PushFacts): XeroRecord | null {
  const record = facts.record('contacts', xeroId ?? content.xeroId ?? '');
  return record === null ? null : followed(record, facts);
}

/**
 * 1 and 3: ContactNumber is the unique id; AccountNumber is compared only where that is empty. What is another document's
 * already cannot be this one too.
 */
function byUniqueId(document: ContactToMatch, facts: PushFacts): ContactMatch | null {
  const found = facts.contactsNumbered(document.externalId);
  const named = found.find((record) => isNamed(record, document, facts));
  if (named !== undefined) {
    const record = followed(named, facts);
    if (facts.ours('contacts', record.xeroId)) return { match: 'fault', code: 'contact_id_taken', record };
    return usable(record, facts, document) ?? { match: 'idAndName', record };
  }
  const other = found.find((record) => mergedInto(record) === null);
  return other === undefined ? null : { match: 'fault', code: 'contact_id_taken', record: other };
}

/** 2: the name alone, only if nothing has claimed that contact. A merged one has lost its name to what it became. */
function byName(document: ContactToMatch, facts: PushFacts): ContactMatch | null {
  const found = facts.contactsNamed(xeroNameOf(document, facts)).filter((record) => mergedInto(record) === null);
  const record = found.find((each) => !isArchived(each)) ?? found[0];
  if (record === undefined) return null;
  if (isArchived(record)) return { match: 'fault', code: 'contact_archived', record };
  const free = uniqueIdOf(record) === null && !facts.ours('contacts', record.xeroId);
  return free ? { match: 'nameOnly', record } : { match: 'fault', code: 'contact_name_taken', record };
}

const uniqueIdOf = ({ body }: XeroRecord): string | null =>
  textOf(body, 'ContactNumber') ?? textOf(body, 'AccountNumber');

/** Under the name of today's template, or the platform's own from before there was one. */
function isNamed({ body }: XeroRecord, document: ContactToMatch, facts: PushFacts): boolean {
  const name = normalisedName(textAt(body, 'Name') ?? '');
  return [document.content.name, xeroNameOf(document, facts)].some((each) => normalisedName(each) === name);
}

/** What keeps a contact that was found from being updated: it is archived, or another one has its new name. */
function usable(record: XeroRecord, facts: PushFacts, document: ContactToMatch): ContactMatch | null {
  if (isArchived(record)) return { match: 'fault', code: 'contact_archived', record };
  const holder = facts
    .contactsNamed(xeroNameOf(document, facts))
    .find((each) => each.xeroId !== record.xeroId && statusOf(each) === 'ACTIVE');
  return holder === undefined ? null : { match: 'fault', code: 'contact_name_taken', record: holder };
}
