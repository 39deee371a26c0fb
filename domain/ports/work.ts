/** What activities ask of Temporal itself. */
import type { Connection } from './books.js';
import type { OutboxBell } from './documents.js';
import type { WebhookBell } from './webhooks.js';

export interface ConnectionWork {
  /** Starts the first full read, or answers that one in hand is in hand. */
  startBackfill(connection: Connection): Promise<void>;
  /** Starts the run that fetches what webhooks told of, or lets the one in hand know that there is more. */
  ringForWebhooks(bell: WebhookBell): Promise<void>;
  /** Starts the run that sends what was saved, or lets the one in hand know that there is more. */
  ringOutbox(bell: OutboxBell): Promise<void>;
  /** Starts a preview or an export that is noted and has no run. */
  startReview(
    kind: 'preview' | 'export',
    wanted: { id: string; connectionId: string; companyId: string },
  ): Promise<void>;
  /** Ends every run that the connection has in hand, and waits until they have ended. */
  stop(connectionId: string): Promise<void>;
}

/** The schedules of the connections: nights and second looks. The connection is the truth; what somebody edited in Temporal is put right. */
export interface ConnectionSchedules {
  /** Makes, changes, pauses or removes the connection's schedules, as the connection stands now. May be repeated. */
  keep(connectionId: string): Promise<void>;
  /** Does so for every schedule that is not as its connection stands. @returns how many, and how many could not be. */
  repair(): Promise<{ repaired: number; removed: number; failed: number }>;
}
