/** What is to be done next about a document: the one decision of the outbox, taken from facts alone. */
import type { DocumentCode } from '../codes.js';
import type { DocumentError } from '../ports/documents.js';
import type { StreamName } from '../streams.js';
import type { Body, LookedUpBy, PushFacts, QueuedDocument } from './facts.js';
import type { Lookup } from './lookup.js';
import type { DocumentState } from './states.js';

/** A write: elements of one method and path go together in one call, except where the path names a record. */
export interface SendPlan {
  do: 'send';
  /** `document`, `group`, `allocation:0`, `bill`, `billed`, `void`: one attempt each. */
  step: string;
  method: 'PUT' | 'POST' | 'DELETE';
  /** Under /api.xro/2.0: `Invoices`, `Payments/{id}`, `CreditNotes/{id}/Allocations`. */
  path: string;
  /** The array that holds the element in body and answer, e.g. `Invoices`; null: the element is the body itself. */
  collection: string | null;
  /** Null: the call has no body. */
  element: Body | null;
  /** How it is found in Xero when no answer came. */
  lookup: Lookup;
  /** The document's record in Xero, where it is one already. */
  xeroId: string | null;
  /** What Xero answers is the document's own record: its id, number and fingerprint are kept. */
  own: boolean;
  /** What people should know of it although it goes. */
  warnings: readonly DocumentError[];
  /** Something of this version is left to do after this step: plan it again then. */
  more: boolean;
}

/** Nothing is written: the document gets this state. */
export interface SettlePlan {
  do: 'settle';
  state: DocumentState;
  code: DocumentCode | null;
  errors: readonly DocumentError[];
}

/** It is this record from now on, and nothing is written: state `sent`, this version stands. */
export interface LinkPlan {
  do: 'link';
  stream: StreamName;
  xeroId: string;
  number: string | null;
  fingerprint: string;
  code: DocumentCode | null;
}

/** Xero is to be asked first, the answer goes into the mirror; then it is planned again with fresh facts. */
export interface FetchPlan {
  do: 'fetch';
  /** Contact groups are asked for as a whole. */
  stream: StreamName | 'contactGroups';
  by: LookedUpBy;
  values: readonly string[];
}

export type Plan = SendPlan | SettlePlan | LinkPlan | FetchPlan;

/** The next thing to do about a document, by its kind's rules (rules.md). The same facts give the same plan. */
export function planDocument(document: QueuedDocument, facts: PushFacts): Plan {
  throw new Error(`no rules for ${document.kind} yet in ${facts.organisation.timeZone}`);
}
