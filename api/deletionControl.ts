import type { WorkflowRun } from './backfillControl.js';

/** How the API has a company deleted. */
export interface DeletionControl {
  /** Starts the deletion, or answers the one in hand. */
  start(companyId: string): Promise<WorkflowRun>;
}
