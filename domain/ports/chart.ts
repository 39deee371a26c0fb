/** An organisation's chart of accounts and what goes with it, as last mirrored: what settings are checked against. */
import type { Connection } from './books.js';

export const accountClasses = ['ASSET', 'EQUITY', 'EXPENSE', 'LIABILITY', 'REVENUE'] as const;
export type AccountClass = (typeof accountClasses)[number];

/** An account that has a code; Xero lets a bank account go without. */
export interface ChartAccount {
  code: string;
  name: string;
  /** Xero's AccountType, e.g. `BANK`, `REVENUE`, `DIRECTCOSTS`. */
  type: string;
  class: AccountClass | null;
  /** What Xero itself uses it for, e.g. `DEBTORS`; null for an ordinary account. */
  system: string | null;
  active: boolean;
  enablePayments: boolean;
  /** Of a bank account. */
  currency: string | null;
  taxType: string | null;
}

export interface ChartTaxRate {
  taxType: string;
  name: string;
  /** Percent, as a decimal; null where Xero sent none. */
  rate: string | null;
  active: boolean;
  /** Classes of accounts that it can apply to. */
  appliesTo: readonly AccountClass[];
}

export interface ChartTrackingCategory {
  id: string;
  name: string;
  active: boolean;
  options: readonly { id: string; name: string; active: boolean }[];
}

export interface Chart {
  /** When the oldest of its streams was last read to the end. */
  asOf: string;
  baseCurrency: string;
  accounts: readonly ChartAccount[];
  taxRates: readonly ChartTaxRate[];
  trackingCategories: readonly ChartTrackingCategory[];
  currencies: readonly { code: string; name: string }[];
}

export interface Charts {
  /** Null until each of its streams was read to the end once. */
  of(connection: Pick<Connection, 'id' | 'organisation'>): Promise<Chart | null>;
}
