import type { AskedBy } from '../domain/ports.js';

/** How the API starts and steers the first full read of a connection. */
export interface BackfillControl {
  /**
   * Starts the backfill, or answers the one in hand; with `inPlaceOf` it ends that one, which a new consent made obsolete.
   * @returns `alreadyDone` when one has been completed.
   */
  start(backfill: BackfillStart, inPlaceOf?: 'anyInHand'): Promise<StartedRun | 'alreadyDone'>;
  /** Null when none is in hand; so too for the next two. */
  pause(connectionId: string): Promise<WorkflowRun | null>;
  resume(connectionId: string): Promise<WorkflowRun | null>;
  cancel(connectionId: string): Promise<WorkflowRun | null>;
  /** What a backfill may be waiting for is different now: it looks again. Without one in hand this does nothing. */
  connectionChanged(connectionId: string): Promise<void>;
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
