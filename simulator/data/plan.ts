import { ACCOUNTS, currenciesOf, regimeOf, TRACKING, taxRatesOf } from './chart.js';

/** Rows by stream; journals follow from the documents and are not planned. */
export type Counts = Record<string, number>;

/** Shares of the rows that are not settings, in thousandths; invoices take what is left. */
const SHARES: Record<string, number> = {
  contacts: 70,
  creditNotes: 25,
  payments: 290,
  prepayments: 5,
  overpayments: 5,
  bankTransactions: 70,
  purchaseOrders: 25,
  manualJournals: 8,
  quotes: 8,
  linkedTransactions: 4,
  batchPayments: 5,
  bankTransfers: 4,
};
const ITEM_SHARE = 15;
const ITEMS_LARGEST = 2_000;

/** Streams whose size can be asked for when an organisation is made. */
export const SIZED_STREAMS = ['items', 'invoices', ...Object.keys(SHARES)];

/**
 * How many rows each stream has so that all together are `records`, as far as the settings leave room; streams named in
 * `wanted` have the size named there.
 */
export function planCounts(records: number, baseCurrency: string, wanted: Partial<Counts> = {}): Counts {
  const settings: Counts = {
    organisation: 1,
    accounts: ACCOUNTS.length,
    taxRates: taxRatesOf(regimeOf(baseCurrency)).length,
    trackingCategories: TRACKING.length,
    currencies: currenciesOf(baseCurrency).length,
    users: 3,
    contactGroups: 4,
    brandingThemes: 2,
  };
  const left = Math.max(records - sum(settings), 0);
  const sized: Counts = { items: Math.min(ITEMS_LARGEST, Math.floor((left * ITEM_SHARE) / 1000)) };
  for (const [stream, share] of Object.entries(SHARES)) sized[stream] = Math.floor((left * share) / 1000);
  sized.invoices = left - sum(sized);
  const counts: Counts = { ...settings, ...sized };
  for (const [stream, count] of Object.entries(wanted)) if (count !== undefined) counts[stream] = count;
  counts.contacts = Math.max(counts.contacts ?? 0, 1);
  return counts;
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
