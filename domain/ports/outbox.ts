/** What is to be sent to Xero: claimed, noted before it is sent, settled when its outcome is known. */
import type { DocumentCode } from '../codes.js';
import type { Body, QueuedDocument } from '../documents/facts.js';
import type { DocumentKind } from '../documents/kinds.js';
import type { Lookup } from '../documents/lookup.js';
import type { DocumentState } from '../documents/states.js';
import type { StreamName } from '../streams.js';
import type { DocumentError } from './documents.js';

/** The one that sends for a connection now. */
export interface OutboxLease {
  connectionId: string;
  owner: string;
  /** Were there parts of calls whose outcome was not known? */
  anyOpen: boolean;
}

/** Another one sends for the connection now, or nobody may any more. */
export class OutboxLost extends Error {
  constructor() {
    super('another one sends for this connection now');
    this.name = 'OutboxLost';
  }
}

export interface ClaimWish {
  /** Documents at most; all of one stream, what somebody waits for first, then what others stand on, then the oldest. */
  most: number;
  /** Nothing but what somebody waits for. */
  urgentOnly: boolean;
}

export interface ClaimedDocuments {
  documents: readonly QueuedDocument[];
  /** Somebody waits for one of them. */
  urgent: boolean;
  /** Others that may be sent now. */
  left: number;
}

/** One document's part in a call that is about to be sent. */
export interface AttemptToWrite {
  documentId: string;
  version: number;
  step: string;
  /** The element; null for a DELETE. */
  sent: Body | null;
  lookup: Lookup;
  /** What Xero answers is the document's own record. */
  own: boolean;
  /** A step of this version is left after this one. */
  more: boolean;
}

export interface CallToWrite {
  /** Its Idempotency-Key. */
  id: string;
  organisationId: string;
  runId: string;
  method: string;
  path: string;
}

/** A part of a call that was noted, in the order of the call's elements. */
export interface WrittenAttempt extends AttemptToWrite {
  id: string;
  callId: string;
  kind: DocumentKind;
  /** When the call was noted, by Postgres's clock; it was sent after that. */
  writtenAt: string;
}

/** A part of a call whose outcome is not known. */
export interface OpenAttempt extends WrittenAttempt {
  /** Of the version. */
  content: QueuedDocument['content'];
  path: string;
}

/** What became of a part of a call. */
export type AttemptOutcome =
  | {
      outcome: 'sent';
      /** The record that came of the step; null where something was taken away. */
      xeroId: string | null;
      number: string | null;
      /** Of the document's own record; null where the step made another one. */
      fingerprint: string | null;
      warnings: readonly DocumentError[];
    }
  | { outcome: 'refused'; state: DocumentState; code: DocumentCode; errors: readonly DocumentError[] }
  /** Nothing of it stands in Xero: the document is queued again. */
  | { outcome: 'absent' };

export interface SettledAttempt {
  attempt: WrittenAttempt;
  outcome: AttemptOutcome;
}

/** Xero's answer for the mirror. */
export interface AnsweredRecords {
  stream: StreamName;
  /** The records as Xero sent them. */
  texts: readonly string[];
  /** The instant (Postgres's clock) before the call was sent. */
  readAt: string;
}

/** What the rules say of a document without a call. */
export interface Decision {
  documentId: string;
  version: number;
  state: DocumentState;
  code: DocumentCode | null;
  errors: readonly DocumentError[];
  /** It is this record from now on. */
  record: { xeroId: string; number: string | null; fingerprint: string } | null;
}

/** How many documents came to which state. Those that are `queued` by it are to be claimed again, or for the first time. */
export type StateCounts = Partial<Record<DocumentState, number>>;

export interface Outbox {
  /**
   * Takes the sending for a connection, unless a run of another workflow has it, and turns the bell off: what is saved from
   * here on rings again, or is seen by the claims that follow.
   * @param runId of the workflow: an earlier attempt of it, which may have died, gives way at once, because what it had
   *   under way is noted in open attempts and nobody sends those again.
   * @returns null while a run of another workflow has it.
   */
  acquire(connectionId: string, runId: string, leaseMs: number): Promise<OutboxLease | null>;
  /** Answers what is left of the connection's documents, for people to see. */
  release(lease: OutboxLease): Promise<{ queued: number; sending: number }>;
  /**
   * The next documents that may be sent together. None while the connection is not active, or while writing is paused.
   * On a connection that only imports, what is queued becomes `skipped`.
   */
  claim(lease: OutboxLease, wish: ClaimWish): Promise<ClaimedDocuments>;
  /**
   * Notes a call before it is sent; its documents become `sending`. Documents that have changed since they were claimed are
   * left out.
   * @returns the parts that were noted, in their order; empty: there is nothing to send.
   * @throws OutboxLost
   */
  write(lease: OutboxLease, call: CallToWrite, attempts: readonly AttemptToWrite[]): Promise<WrittenAttempt[]>;
  /**
   * In one transaction: what became of the parts of calls, their documents, what stands on them, the mirror and the feed.
   * Parts that were settled meanwhile are passed over.
   */
  settle(
    connectionId: string,
    settled: readonly SettledAttempt[],
    status: number | null,
    records: AnsweredRecords | null,
  ): Promise<StateCounts>;
  /** Shows that the outcome of these is being looked up. */
  outcomeUnknown(callId: string): Promise<void>;
  /** Parts of calls that were written and not settled, with when they were last looked up. */
  open(connectionId: string): Promise<(OpenAttempt & { lookedAt: string | null })[]>;
  /** A call that was noted was surely never carried out: its note goes, and its documents are queued as before. */
  takeBack(callId: string): Promise<void>;
  /** They were looked up now. */
  lookedUp(callIds: readonly string[]): Promise<void>;
  /** Those of these records that are a document's already. */
  taken(organisationId: string, stream: StreamName, xeroIds: readonly string[]): Promise<string[]>;
  /** Settles documents without a call. Those that have changed since they were claimed are left as they are. */
  decide(lease: OutboxLease, decisions: readonly Decision[]): Promise<StateCounts>;
}
