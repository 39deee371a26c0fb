/** What is remembered of calls to the API: who changed what, and the answers that a repeated request gets again. */
import type { Listed, ListPage } from './lists.js';

/** A changing call before anything was done for it. */
export interface CallBegun {
  id: string;
  keyId: string;
  keyName: string;
  /** The platform's opaque id of the person. */
  actor: string | null;
  method: string;
  /** The pattern, e.g. `/v1/connections/:id`. */
  route: string;
  pathIds: Readonly<Record<string, string>>;
  companyId: string | null;
  requestId: string;
}

export interface CallEnded {
  /** HTTP status of the answer. */
  status: number;
  /** Of a problem. */
  code: string | null;
  /** Null leaves what the beginning said. */
  companyId: string | null;
  connectionId: string | null;
}

/** A row without a status: the call is in hand, or its process died in the middle. */
export interface AuditRow extends CallBegun {
  at: string;
  connectionId: string | null;
  status: number | null;
  code: string | null;
}

export interface Audit {
  begin(call: CallBegun): Promise<void>;
  end(id: string, ended: CallEnded): Promise<void>;
  /** Latest first. */
  list(page: ListPage & { company?: string; connection?: string; actor?: string }): Promise<Listed<AuditRow>>;
}

/** A request that claims an idempotency key; `claim` tells its holder from a later one. */
export interface KeyedRequest {
  keyId: string;
  idempotencyKey: string;
  /** A UUID. */
  claim: string;
  /** All that makes the request what it is; stored as a hash. */
  request: string;
  companyId: string | null;
}

export interface KeptAnswer {
  status: number;
  /** Of a problem. */
  code: string | null;
  contentType: string;
  body: string;
  companyId: string | null;
}

/**
 * `claimed`: carry it out, then keep or release. `inHand`: another process does. `reused`: the key was used for another
 * request.
 */
export type Claimed = { kind: 'claimed' } | ({ kind: 'kept' } & KeptAnswer) | { kind: 'inHand' } | { kind: 'reused' };

/** Answers by idempotency key, for 24 hours. A claim that is neither kept nor released ends after 60 seconds. */
export interface KeptAnswers {
  claim(request: KeyedRequest): Promise<Claimed>;
  /** Does nothing when the claim is another's by now. */
  keep(request: KeyedRequest, answer: KeptAnswer): Promise<void>;
  /** As if the request had not been made; does nothing when the claim is another's by now. */
  release(request: KeyedRequest): Promise<void>;
}
