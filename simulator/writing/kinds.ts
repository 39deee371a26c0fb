import { accounts } from './accounts.js';
import { allocations } from './allocations.js';
import { bankTransactions } from './bankTransactions.js';
import { contactGroupContacts, contactGroups } from './contactGroups.js';
import { contacts } from './contacts.js';
import { creditNotes } from './creditNotes.js';
import { currencies } from './currencies.js';
import { invoices } from './invoices.js';
import { items } from './items.js';
import { manualJournals } from './manualJournals.js';
import { payments } from './payments.js';
import { purchaseOrders } from './purchaseOrders.js';
import { taxRates } from './taxRates.js';
import { trackingCategories, trackingOptions } from './trackingCategories.js';
import type { ElementWriter } from './writer.js';

/** Everything that can be written, one row a kind. */
export const WRITERS: readonly ElementWriter[] = [
  contacts,
  contactGroups,
  contactGroupContacts,
  items,
  invoices,
  creditNotes,
  ...allocations,
  payments,
  purchaseOrders,
  bankTransactions,
  manualJournals,
  accounts,
  taxRates,
  trackingCategories,
  trackingOptions,
  currencies,
];

const byPath = new Map(WRITERS.map((writer) => [writer.path.toLowerCase(), writer]));

/** The writer of `/{endpoint}` or, nested, of `/{endpoint}/{id}/{under}`; paths do not care for case. */
export const writerOf = (endpoint: string, under: string | undefined): ElementWriter | undefined =>
  byPath.get((under === undefined ? endpoint : `${endpoint}/${under}`).toLowerCase());
