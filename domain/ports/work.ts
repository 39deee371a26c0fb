/** What activities ask of Temporal itself. */
import type { Connection } from './books.js';

export interface ConnectionWork {
  /** Starts the first full read, or answers that one in hand is in hand. */
  startBackfill(connection: Connection): Promise<void>;
  /** Ends every run that the connection has in hand, and waits until they have ended. */
  stop(connectionId: string): Promise<void>;
}
