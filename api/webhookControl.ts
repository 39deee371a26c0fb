import type { WebhookBell } from '../domain/ports.js';
import type { WorkflowRun } from './backfillControl.js';

/** How the run that fetches what webhooks told of is started and ended. */
export interface WebhookControl {
  /** Starts it, or lets the one in hand know that there is more. */
  ring(bell: WebhookBell): Promise<void>;
  /** Null when none is in hand. */
  cancel(organisationId: string): Promise<WorkflowRun | null>;
}
