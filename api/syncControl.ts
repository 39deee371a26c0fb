import type { AskedBy } from '../domain/ports.js';
import type { SyncMode } from '../domain/reading.js';
import type { StreamName } from '../domain/streams.js';
import type { StartedRun } from './backfillControl.js';

/** How the API starts and ends the sync of a connection. */
export interface SyncControl {
  /** Starts a sync, or joins the one in hand, unless it is to take the place of that. */
  start(sync: SyncStart, inPlaceOf?: 'anyInHand'): Promise<StartedRun & { alreadyRunning: boolean }>;
  /** Ends a sync and a second look that are in hand. */
  cancel(connectionId: string): Promise<void>;
}

export interface SyncStart {
  connectionId: string;
  companyId: string;
  mode: SyncMode;
  /** Null for all that the connection reads. */
  streams: StreamName[] | null;
  askedBy: AskedBy;
}
