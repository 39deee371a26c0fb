/** Counts over all customers, for whoever watches the service. */
import type { ConnectionStatus } from '../connection.js';

export interface Figures {
  connections: Partial<Record<ConnectionStatus, number>>;
  /** Connections that sleep until Xero allows calls again. */
  asleep: number;
  grants: { alive: number; dead: number };
  /** Runs in hand, by kind. */
  runs: Record<string, number>;
}

export interface FiguresSource {
  figures(): Promise<Figures>;
}
