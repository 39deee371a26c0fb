/** Holding what Xero answers against the mirror. */
import type { MonthRange, ReconciledKind } from '../reconciliation.js';

/** Which records are held against each other. */
export interface ReconciledSet extends ReconciledKind {
  organisationId: string;
  range: MonthRange;
}

/**
 * How a record of Xero's stands to the mirror, of whatever month: the whole record is compared, every field and digit.
 * One that jsonb refuses is `equal` where the mirror set aside the very same text.
 */
export type Standing = 'equal' | 'different' | 'missingHere';

/** A record of Xero's answer. */
export interface ComparedRecord {
  id: string;
  standing: Standing;
  /** Does it stand, so that count and sum have it? False also for one that jsonb refuses. */
  counted: boolean;
  /** Every digit as Xero sent it; null where there is none. */
  amount: string | null;
  currency: string | null;
}

export interface ReconciledTotal {
  /** Null where Xero names none. */
  currency: string | null;
  /** A decimal of every digit. */
  total: string;
}

export interface ReconciledSide {
  count: number;
  /** By currency, in their order. */
  totals: ReconciledTotal[];
}

export interface Reconciliation {
  /**
   * Compares a page as it came with the mirror; nothing is written.
   * @throws XeroFault `badAnswer` when the text is no JSON.
   */
  comparePage(set: ReconciledSet, text: string): Promise<ComparedRecord[]>;
  /**
   * Count and sum of both sides, and the ids that the mirror has in the set and `records`, all that Xero answered, lack;
   * nothing is written.
   */
  sides(
    set: ReconciledSet,
    records: readonly ComparedRecord[],
  ): Promise<{ here: ReconciledSide; xero: ReconciledSide; missingInXero: string[] }>;
}
