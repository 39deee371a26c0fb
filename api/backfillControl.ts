import type { AskedBy } from '../domain/ports.js';

/** How the API starts and steers the first full read of a connection. */
export interface BackfillControl {
  /**
   * Starts the backfill, or answers the one in hand.
   * @returns `alreadyDone` when one has been completed.
   */
  start(backfill: BackfillStart): Promise<StartedRun | 'alreadyDone'>;
  /** Null when none is in hand; so too for the next two. */
  pause(connectionId: string): Promise<WorkflowRun | null>;
  resume(connectionId: string): Promise<WorkflowRun | null>;
  cancel(connectionId: string): Promise<WorkflowRun | null>;
  /** Wakes a backfill that waits for the Sync From Date; without one in hand it does nothing. */
  syncFromDateChosen(connectionId: string): Promise<void>;
}

export interface BackfillStart {
  connectionId: string;
  companyId: string;
  syncFromDate: { chosen: boolean; date: string | null };
  askedBy: AskedBy;
}

export interface WorkflowRun {
  workflowId: string;
  /** First execution run id: the same through every continue-as-new. */
  runId: string;
}

/** A run with the request that started it, which need not be the one that was just made. */
export interface StartedRun extends WorkflowRun {
  askedBy: AskedBy;
}
