/** Counts over all customers, for whoever watches the service. */
import type { ConnectionStatus } from '../connection.js';
import type { PaymentImportState } from '../payments/imports.js';
import type { LimitName } from '../problems.js';

export interface Figures {
  connections: Partial<Record<ConnectionStatus, number>>;
  /** Connections that sleep until Xero allows calls again. */
  asleep: number;
  grants: { alive: number; dead: number };
  /** Runs in hand, by kind. */
  runs: Record<string, number>;
  /** Calls to Xero that were answered, and those of them that a limit refused, of the runs that are still known. */
  calls: { answered: number; refused: Record<LimitName, number> };
  /** Payments made in Xero, by state, and how old the oldest is that nobody has decided about. */
  payments: { states: Partial<Record<PaymentImportState, number>>; oldestSeconds: number };
  /** Organisations whose day has no call left for background work. */
  daysEnded: number;
}

export interface FiguresSource {
  figures(): Promise<Figures>;
}
