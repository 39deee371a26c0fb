/**
 * The kinds of documents, as a table: where each stands in Xero and what it stands on. Another kind is another row here and
 * a schema in content.ts.
 */
import type { StreamName } from '../streams.js';

interface DocumentKindRow {
  /** Where its record is mirrored, and the endpoint it is written to. */
  stream: StreamName;
  /** Lower ranks are sent first: what others stand on. */
  rank: number;
  /** The field of the content that decides against the Sync From Date; null: always in (rules.md, "Which date decides"). */
  decidingDate: 'date' | null;
}

export const documentKinds = {
  contact: { stream: 'contacts', rank: 0, decidingDate: null },
  item: { stream: 'items', rank: 1, decidingDate: null },
  invoice: { stream: 'invoices', rank: 2, decidingDate: 'date' },
  bill: { stream: 'invoices', rank: 2, decidingDate: 'date' },
  staffExpense: { stream: 'invoices', rank: 2, decidingDate: 'date' },
  purchaseOrder: { stream: 'purchaseOrders', rank: 3, decidingDate: 'date' },
  creditNote: { stream: 'creditNotes', rank: 3, decidingDate: 'date' },
  payment: { stream: 'payments', rank: 4, decidingDate: 'date' },
  billPayment: { stream: 'payments', rank: 4, decidingDate: 'date' },
} as const satisfies Record<string, DocumentKindRow>;

export type DocumentKind = keyof typeof documentKinds;
export const documentKindNames = Object.keys(documentKinds) as [DocumentKind, ...DocumentKind[]];

/** A document as the platform names it, within its company. */
export interface DocumentReference {
  kind: DocumentKind;
  externalId: string;
}
