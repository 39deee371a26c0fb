/**
 * What a preview shows, and an export sends, as groups in this order: whatever a document stands on is in an earlier group.
 * Another group is another row.
 */
import type { DocumentKind } from './documents/kinds.js';

interface PreviewGroupRow {
  /** The documents of the group; none for what comes from Xero. */
  kinds: readonly DocumentKind[];
  title: string;
}

export const previewGroups = {
  contacts: { kinds: ['contact'], title: 'Contacts' },
  items: { kinds: ['item'], title: 'Items' },
  invoices: { kinds: ['invoice'], title: 'Invoices' },
  credits: { kinds: ['creditNote'], title: 'Credits' },
  exportPayments: { kinds: ['payment'], title: 'Export payments' },
  importPayments: { kinds: [], title: 'Import payments' },
  bills: { kinds: ['bill'], title: 'Bills' },
  billPayments: { kinds: ['billPayment'], title: 'Bill payments' },
  staffExpenses: { kinds: ['staffExpense'], title: 'Staff expenses' },
  purchaseOrders: { kinds: ['purchaseOrder'], title: 'Purchase orders' },
} as const satisfies Record<string, PreviewGroupRow>;

export type PreviewGroup = keyof typeof previewGroups;
export const previewGroupNames = Object.keys(previewGroups) as [PreviewGroup, ...PreviewGroup[]];

/** `send`: the export sends (or links, voids, imports) it; `error`: it blocks the export; `skipped`: it stays here. */
export const rowOutcomes = ['send', 'error', 'skipped'] as const;
export type RowOutcome = (typeof rowOutcomes)[number];

export const previewStates = ['working', 'ready', 'failed'] as const;
export type PreviewState = (typeof previewStates)[number];

/** `checking`: it holds the preview against the books as they are now. */
export const exportStates = ['checking', 'running', 'paused', 'completed', 'cancelled', 'failed'] as const;
export type ExportState = (typeof exportStates)[number];

/**
 * What became of a row in its export: `pending` is not handed to the outbox yet, `queued` is; `waiting` stands on what is not
 * in Xero; `superseded` has a newer version, which waits for the next export; `cancelled` was put back. The others are states of documents, and of payments that were brought in.
 */
export const rowResults = [
  'pending',
  'queued',
  'sent',
  'imported',
  'failed',
  'held',
  'skipped',
  'excluded',
  'superseded',
  'waiting',
  'cancelled',
] as const;
export type RowResult = (typeof rowResults)[number];

/** What a preview stands on; when one of these is different, the preview is stale. */
export const fingerprintParts = {
  documents: 'the documents, or what they stand on',
  settings: 'the settings',
  chart: 'the accounts, currencies or tracking of the organisation',
  taxRates: 'the tax rates',
  locks: 'the lock dates of the organisation',
  records: 'records in Xero that the checks read',
} as const;
export type FingerprintPart = keyof typeof fingerprintParts;
export const fingerprintPartNames = Object.keys(fingerprintParts) as [FingerprintPart, ...FingerprintPart[]];
