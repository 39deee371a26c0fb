/** Xero's records in the mirror, and the cursors of their reading. */
import type { StreamCode } from '../codes.js';
import type { ParentLink } from '../parents.js';
import type { Edges, ReadingState } from '../reading.js';
import type { StreamName } from '../streams.js';
import type { Listed, ListPage } from './lists.js';

export type StreamStatus = 'waiting' | 'reading' | 'complete' | 'unavailable' | 'failed';

export interface StreamProgress {
  stream: StreamName;
  status: StreamStatus;
  /** Records of this stream in the mirror that are in scope. */
  records: number;
  /** What Xero said there is; null until it said. */
  expected: number | null;
  setAside: number;
  lastError: string | null;
  completedAt: string | null;
}

/** A stream in the hands of a reader. */
export interface HeldStream {
  lease: ReaderLease;
  /** Of the last reading, complete or not; null before the first. */
  state: ReadingState | null;
  status: StreamStatus;
  /** When that reading began; null before the first. */
  beganAt: string | null;
}

/** The one reader a stream has; `fence` makes a writer that lost its lease harmless. */
export interface ReaderLease {
  connectionId: string;
  stream: StreamName;
  fence: number;
}

export interface PageToStore {
  organisationId: string;
  /** The run that reads, which the page's counts are kept for (first execution run id). */
  runId: string;
  text: string;
  /** The instant (Postgres's clock) before the call was sent: at equal stamps the later read wins. */
  readAt: string;
  syncFromDate: string | null;
  /** A complete answer: what is absent from it is deleted. */
  complete: boolean;
  /** Remember that these records were seen, also where nothing about them changed. */
  seen: boolean;
  /** The answer to a write of our own: whoever wrote knows what it says of the documents. */
  own?: boolean;
}

export interface StoredPage {
  /** Records the page held, those set aside included. */
  seen: number;
  created: number;
  changed: number;
  unchanged: number;
  setAside: number;
  /** Records before the Sync From Date that the page held. */
  outOfScope: number;
  /** Were the rows in ascending order of UpdatedDateUTC, over at least two stamps? */
  ascendingByStamp: boolean;
  /** The latest UpdatedDateUTC on the page; null where records have none. */
  newestStamp: string | null;
  /** The ids of the first and the last record; null on an empty page. */
  edges: Edges | null;
  /** Numbered streams: the highest number on the page; null elsewhere. */
  lastNumber: number | null;
}

export interface Mirror {
  /** Takes the stream for one reader; null while another holds it. The same holder may take it again. */
  acquire(connectionId: string, stream: StreamName, holder: string, leaseMs: number): Promise<HeldStream | null>;
  release(lease: ReaderLease): Promise<void>;
  /** Postgres's clock. */
  now(): Promise<string>;
  /**
   * Stores a page and the reading's new state in one transaction, and renews the lease. Pages of one reader may be
   * stored at the same time: `advance` is given the state as it is by then, and what the page did.
   * @throws LeaseLost when another reader has taken over; XeroFault `badAnswer` when the text is no JSON.
   */
  storePage(
    lease: ReaderLease,
    page: PageToStore,
    advance: (state: ReadingState, stored: StoredPage) => ReadingState,
    leaseMs: number,
  ): Promise<ReadingState>;
  /** Ids, in ascending order after `after`, that records in scope refer to and the mirror lacks. */
  missingParents(organisationId: string, link: ParentLink, after: string, most: number): Promise<string[]>;
  /** Stores records because others refer to them, wherever their dates lie. */
  storeReferences(stream: StreamName, page: Omit<PageToStore, 'complete' | 'seen' | 'runId'>): Promise<void>;
  /**
   * Stores records that were asked for by id, as reading would: where their dates lie before the Sync From Date only those
   * that the mirror has already. Counts them for the run. Nothing is stored of a stream that was deleted meanwhile.
   * @throws XeroFault `badAnswer` when the text is no JSON.
   */
  storeFetched(connectionId: string, stream: StreamName, page: Omit<PageToStore, 'complete' | 'seen'>): Promise<void>;
  /** Ids, in ascending order after `after`, of records in scope that no answer has shown since. */
  notSeenSince(
    organisationId: string,
    stream: StreamName,
    since: string,
    after: string,
    most: number,
  ): Promise<string[]>;
  /** They are gone from Xero, as a call sent at `readAt` showed. @returns how many were there until then. */
  markDeleted(organisationId: string, stream: StreamName, ids: readonly string[], readAt: string): Promise<number>;
  /** Records of a stream in the mirror that are in scope and not deleted there. */
  countInScope(organisationId: string, stream: StreamName): Promise<number>;
  /** A new reading begins with this state; answers when, by Postgres's clock. @throws LeaseLost */
  begin(lease: ReaderLease, state: ReadingState): Promise<string>;
  /** Saves a state that changed without a page. @throws LeaseLost */
  saveState(lease: ReaderLease, state: ReadingState): Promise<void>;
  finish(lease: ReaderLease, status: 'complete' | 'unavailable' | 'failed', code: StreamCode | null): Promise<void>;
  /** Counts a fault; answers how many came in a row without a stored page between them. */
  countFault(lease: ReaderLease): Promise<number>;
  progress(connectionId: string): Promise<StreamProgress[]>;
  records(organisationId: string, stream: StreamName, page: ListPage & RecordFilter): Promise<Listed<MirroredRecord>>;
  record(organisationId: string, stream: StreamName, xeroId: string): Promise<MirroredRecord | null>;
  setAside(organisationId: string, stream: StreamName, page: ListPage): Promise<Listed<SetAsideRecord>>;
}

/** A record that could not be stored as one, as the text that came. */
export interface SetAsideRecord {
  body: string;
  readAt: string;
}

export interface RecordFilter {
  updatedAfter?: string;
  ids?: readonly string[];
  number?: string;
  contact?: string;
}

export interface MirroredRecord {
  xeroId: string;
  /** The record as JSON text, every digit as Xero sent it. */
  body: string;
  updatedAt: string | null;
  outsideWindow: boolean;
  deletedAt: string | null;
}

/** Another reader has the stream now; what this one would have written is the other's to write. */
export class LeaseLost extends Error {
  constructor(readonly lease: ReaderLease) {
    super(`the reading of ${lease.stream} was taken over by another reader`);
    this.name = 'LeaseLost';
  }
}
