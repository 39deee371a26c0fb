/** What activities ask of Temporal itself. */
import type { Connection } from './books.js';
import type { WebhookBell } from './webhooks.js';

export interface ConnectionWork {
  /** Starts the first full read, or answers that one in hand is in hand. */
  startBackfill(connection: Connection): Promise<void>;
  /** Starts the run that fetches what webhooks told of, or lets the one in hand know that there is more. */
  ringForWebhooks(bell: WebhookBell): Promise<void>;
  /** Ends every run that the connection has in hand. */
  stop(connectionId: string): Promise<void>;
}
