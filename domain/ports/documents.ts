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

/** `stale`: a newer source version is stored; nothing was changed. `bells`: connections whose outbox is to be rung for. */
export type Saved = { kind: 'saved'; document: Document; created: boolean } | { kind: 'stale'; document: Document };

export interface SavedDocuments {
  /** In the order given. */
  results: Saved[];
  /** Connections whose outbox is to be rung for: a flag turned true in the save's transaction. */
  bells: string[];
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

/** What a person can ask for one document. Each answers the document, or null where there is none. */
export type DocumentWish =
  | { wish: 'resync' }
  | { wish: 'send' }
  | { wish: 'link'; xeroId: string }
  | { wish: 'exclude' }
  | { wish: 'include' };

/** A wish that the document's state forbids; `code` says why. */
export interface Wished {
  document: Document;
  bells: string[];
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
  attempts(companyId: string, reference: DocumentReference, page: ListPage): Promise<Listed<PushAttempt> | null>;
}

/** `not_held`: there is nothing to decide; `record_taken`: another document is linked with that record. */
export class WishRefused extends Error {
  constructor(readonly reason: 'not_held' | 'record_taken') {
    super(reason);
    this.name = 'WishRefused';
  }
}
