import { contactGroupContacts, contactGroups } from './contactGroups.js';
import { contacts } from './contacts.js';
import { invoices } from './invoices.js';
import { items } from './items.js';
import type { ElementWriter } from './writer.js';

/** Everything that can be written, one row a kind. */
export const WRITERS: readonly ElementWriter[] = [contacts, contactGroups, contactGroupContacts, items, invoices];

const byPath = new Map(WRITERS.map((writer) => [writer.path.toLowerCase(), writer]));

/** The writer of `/{endpoint}` or, nested, of `/{endpoint}/{id}/{under}`; paths do not care for case. */
export const writerOf = (endpoint: string, under: string | undefined): ElementWriter | undefined =>
  byPath.get((under === undefined ? endpoint : `${endpoint}/${under}`).toLowerCase());
