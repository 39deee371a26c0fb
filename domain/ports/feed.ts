/** The feed, as its readers meet it. */
import type { EventType } from '../feed.js';

/** An event with the position that it has in the feed. */
export interface FeedEvent {
  position: string;
  type: EventType;
  at: string;
  companyId: string;
  connectionId: string | null;
  /** Of the platform's document that it is about. */
  kind: string | null;
  externalId: string | null;
  /** Of Xero's record that it is about. */
  xeroId: string | null;
  data: Record<string, unknown>;
}

export interface FeedQuery {
  /** What comes after this position; absent: from the oldest event that is kept. */
  after?: string;
  limit: number;
  /** Only this company's events; absent: all. */
  company?: string;
}

export interface FeedPage {
  events: FeedEvent[];
  /** Where to go on: behind the last event, or behind all that were passed over because they are other companies'. */
  next: string;
}

export interface Feed {
  /** In the order in which they were committed. @throws PositionGone */
  read(query: FeedQuery): Promise<FeedPage>;
  /** The newest position. */
  newest(): Promise<string>;
  /** Removes a batch of events that are older; answers how many, 0 when none is left. */
  forget(olderThanMs: number): Promise<number>;
}

/** Tells those who wait that the feed goes on, in whatever process it was appended. */
export interface FeedBell {
  /** From now on nothing of this company, or of any, is missed. */
  listen(company?: string): FeedListener;
  /** Wakes all who wait, for good. */
  close(): Promise<void>;
}

export interface FeedListener {
  /**
   * Waits until something may have been appended since `listen`, or since the last time this was fulfilled.
   * @returns false when the signal aborts first, or the bell is closed: nothing more is to be waited for.
   */
  rung(signal: AbortSignal): Promise<boolean>;
  /** To be called by whoever listens no more. */
  end(): void;
}

/** The events behind the position are not kept any more, or the position was never given out. */
export class PositionGone extends Error {
  constructor() {
    super('the feed does not have what follows this position');
    this.name = 'PositionGone';
  }
}
