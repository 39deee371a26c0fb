/** The platform's documents: what is saved, what became of it, and what is to be sent. */
import type { DocumentCode } from '../codes.js';
import type { DocumentContent } from '../documents/content.js';
import type { DocumentKind, DocumentReference } from '../documents/kinds.js';
import type { DocumentState } from '../documents/states.js';
import type { Listed, ListPage } from './lists.js';

/** One thing that is wrong with a document; `message` may hold Xero's own words and stays with the document. */
export interface DocumentError {
  code: DocumentCode;
  /** Dotted path in the content, e.g. `lines.0.account`; null where no field is to blame. */
  field: string | null;
  message: string;
}

/** A document as people see it. */
export interface Document extends DocumentReference {
  companyId: string;
  location: string | null;
  version: number;
  sourceVersion: number | null;
  content: DocumentContent[DocumentKind];
  deleted: boolean;
  state: DocumentState;
  code: DocumentCode | null;
  errors: DocumentError[];
  /** Does the current version stand in Xero? */
  synced: boolean;
  connectionId: string | null;
  xeroId: string | null;
  xeroNumber: string | null;
  lastPushedAt: string | null;
  updatedAt: string;
}

export interface DocumentToSave extends DocumentReference {
  content: DocumentContent[DocumentKind];
  sourceVersion: number | null;
}

export interface SaveContext {
  companyId: string;
  /** The platform's opaque id of the person. */
  actor: string | null;
  /** Somebody waits for it: it goes before what came in bulk. */
  urgent: boolean;
}

/** `stale`: a newer source version is stored; nothing was changed. */
export type Saved = { kind: 'saved'; document: Document; created: boolean } | { kind: 'stale'; document: Document };

export interface SavedDocuments {
  /** In the order given. */
  results: Saved[];
  /** Outboxes to ring for: a flag turned true in the save's transaction. */
  bells: OutboxBell[];
}

/** Whose outbox is to be rung for. */
export interface OutboxBell {
  connectionId: string;
  companyId: string;
}

/** What was tried for a document, one row a step and attempt. */
export interface PushAttempt {
  id: string;
  version: number;
  step: string;
  attempt: number;
  at: string;
  endedAt: string | null;
  /** Null: not known yet. */
  outcome: string | null;
  code: DocumentCode | null;
  errors: DocumentError[];
  sent: unknown;
  xeroId: string | null;
  runId: string | null;
  actor: string | null;
}

export interface DocumentFilter {
  kind?: DocumentKind;
  state?: DocumentState;
  location?: string;
}

/**
 * What a person can ask for one document.
 * - `resync`: its current version is sent once more, onto the record it is; anew where that was voided or deleted in Xero. What a person keeps out stays out.
 * - `send`, `link`: the answer for one that is held.
 * - `exclude`, `include`: it is kept out from now on, or goes again.
 */
export type DocumentWish =
  | { wish: 'resync' }
  | { wish: 'send' }
  | { wish: 'link'; xeroId: string }
  | { wish: 'exclude' }
  | { wish: 'include' };

export interface Wished {
  document: Document;
  bells: OutboxBell[];
}

export interface Documents {
  /** All in one transaction. Null when there is no such company. */
  save(context: SaveContext, documents: readonly DocumentToSave[]): Promise<SavedDocuments | null>;
  get(companyId: string, reference: DocumentReference): Promise<Document | null>;
  list(companyId: string, page: ListPage & DocumentFilter): Promise<Listed<Document>>;
  /** It is to be voided in Xero, or never sent. Null where there is none. */
  remove(context: SaveContext, reference: DocumentReference): Promise<Wished | null>;
  /** @throws WishRefused when its state forbids it */
  wish(context: SaveContext, reference: DocumentReference, wish: DocumentWish): Promise<Wished | null>;
  /** The oldest first. Null where there is no such document. */
  attempts(companyId: string, reference: DocumentReference, page: ListPage): Promise<Listed<PushAttempt> | null>;
  needingPerson(connectionId: string): Promise<DocumentsInNeed>;
}

/** How many documents of a connection wait for a person, by state. */
export type DocumentsInNeed = Record<'held' | 'failed', number>;

/** The bells of the outboxes, for what rings them beside a save. */
export interface OutboxBells {
  /** The connection's, where something is to go. */
  ofConnection(connectionId: string): Promise<OutboxBell | null>;
  /** Those in which something could have gone for longer than that, in milliseconds. */
  pendingLongerThan(ms: number): Promise<OutboxBell[]>;
}

/** All writing to Xero, which a person may hold. */
export interface Writes {
  /** When it was paused, and by whom; null: it is not. */
  paused(): Promise<{ at: string; actor: string | null } | null>;
  pause(actor: string | null): Promise<void>;
  resume(): Promise<void>;
}

/** `not_held`: there is nothing to decide; `record_taken`: another document is linked with that record. */
export class WishRefused extends Error {
  constructor(readonly reason: 'not_held' | 'record_taken') {
    super(reason);
    this.name = 'WishRefused';
  }
}
