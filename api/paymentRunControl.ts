import type { AskedBy } from '../domain/ports.js';
import type { StartedRun } from './backfillControl.js';

/** How the API starts and ends the payment import of a connection. */
export interface PaymentRunControl {
  /** Starts one, or joins the one in hand. */
  start(wish: PaymentRunStart): Promise<StartedRun & { alreadyRunning: boolean }>;
  /** Ends one that is in hand; the payment that is being applied is let end. */
  cancel(connectionId: string): Promise<void>;
}

export interface PaymentRunStart {
  connectionId: string;
  companyId: string;
  askedBy: AskedBy;
}
