/** What Xero's webhooks told of. */
import type { StreamName } from '../streams.js';
import type { EventFate } from '../webhooks.js';

/** Something was made or changed in Xero. */
export interface WebhookEvent {
  /** Xero's tenant id. */
  organisationId: string;
  stream: StreamName;
  resourceId: string;
  /** `CREATE` or `UPDATE`. */
  type: string;
  /** Instant of the change, by Xero's clock. */
  at: string;
}

/** Whose run is to be rung for. */
export interface WebhookBell {
  organisationId: string;
  connectionId: string;
  companyId: string;
}

export interface StoredEvents {
  /** New ones. */
  stored: number;
  /** Those that were stored before: nothing changed. */
  replayed: number;
  /** Those too old to be worth a call. */
  stale: number;
  /** Those of organisations that no living connection reads. */
  foreign: number;
  /** Organisations whose run has not been rung for since it last looked. */
  bells: WebhookBell[];
}

/** What is to be asked for: a record, and the events that told of it. */
export interface RecordToFetch {
  stream: StreamName;
  resourceId: string;
  eventIds: string[];
}

export interface WebhookEvents {
  /**
   * Stores each event once, by what it says, and turns the bell on where it is off or was not heard for some minutes.
   * @param staleAfterMs events older than that are not stored.
   */
  store(events: readonly WebhookEvent[], staleAfterMs: number): Promise<StoredEvents>;
  /**
   * Turns the bell off, settles the events that need no call, and answers records to fetch, ordered by stream. Nothing is
   * taken away: what is not settled is answered again, so a fetch that dies in the middle is done again.
   */
  claim(connectionId: string, most: number): Promise<RecordToFetch[]>;
  settle(eventIds: readonly string[], fate: EventFate): Promise<void>;
  /** Living connections that have had events to fetch for longer than `waitedMs`. */
  waiting(waitedMs: number): Promise<WebhookBell[]>;
  /** Deletes settled events older than that, and the noted runs that fetched; answers how many events. */
  forget(settledMsAgo: number): Promise<number>;
}
