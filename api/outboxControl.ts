import type { OutboxBell } from '../domain/ports.js';
import type { WorkflowRun } from './backfillControl.js';

/** How the one writer to a connection's books is started and ended. */
export interface OutboxControl {
  /** Starts it, or lets the one in hand know that there is something to send. */
  ring(bell: OutboxBell): Promise<void>;
  /** Null when none is in hand. */
  cancel(connectionId: string): Promise<WorkflowRun | null>;
}
