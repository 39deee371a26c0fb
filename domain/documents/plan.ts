/** What is to be done next about a document: the one decision of the outbox, taken from facts alone. */
import type { DocumentCode } from '../codes.js';
import type { DocumentError } from '../ports/documents.js';
import type { StreamName } from '../streams.js';
import { type Finding, findings } from './checks.js';
import { type LookedUpBy, type PushFacts, type QueuedDocument, textOf, xeroIdOf } from './facts.js';
import { groupNameOf } from './faults/contacts.js';
import { fingerprintOf } from './fingerprint.js';
import { documentKinds } from './kinds.js';
import { mergedInto, numberOf, statusOf } from './records.js';
import { isDone, isLink, isNew, isWritten, recordOf, wasDone } from './standing.js';
import type { DocumentState } from './states.js';
import { type Call, isGrouped, type Step, stepsLeft, voidSteps } from './steps.js';

/** A write: elements of one method and path go together in one call, except where the path names a record. */
export interface SendPlan extends Call {
  do: 'send';
  /** `document`, `group`, `allocation:0`, `bill`, `billed`, `void`: one attempt each. */
  step: string;
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
  if (document.deleted && document.xeroId === null) return settle('voided', []);
  const found = findings(document, facts);
  const states = found.flatMap(({ state }) => state ?? []);
  if (states[0] === 'skipped') return settle('skipped', found);
  // Who waits is looked at again later: nothing is asked of Xero until then.
  const fetch = states.length > 0 && states.every((state) => state === 'waiting') ? null : fetchFirst(document, facts);
  if (fetch !== null) return fetch;
  const state = precedence.find((each) => states.includes(each));
  if (state !== undefined) return settle(state, found);
  if (document.deleted) return planVoid(document, facts);
  return nextStep(
    document,
    facts,
    found.map(({ error }) => error),
  );
}

/** Where several things are wrong, the first of these is what becomes of the document; all are told. */
const precedence: readonly DocumentState[] = ['voidedInXero', 'deletedInXero', 'failed', 'held', 'waiting'];

function settle(state: DocumentState, found: readonly Finding[]): SettlePlan {
  const code = found.find((each) => each.state === state)?.error.code ?? null;
  const errors = found.filter(({ level }) => level === 'error').map(({ error }) => error);
  return { do: 'settle', state, code, errors };
}

/**
 * What Xero must be asked before this document is written: the record it updates, voids or is linked with, an order's number
 * (to write one that is in use would edit that order), what a contact was merged into. Nothing for what is new.
 */
function fetchFirst(document: QueuedDocument, facts: PushFacts): FetchPlan | null {
  const { stream } = documentKinds[document.kind];
  const ask = (by: LookedUpBy, value: string | null): FetchPlan | null =>
    value === null || facts.lookedUp(stream, by, value) ? null : { do: 'fetch', stream, by, values: [value] };
  if (needsRecord(document, facts)) {
    const id = ask('id', xeroIdOf(document) ?? recordOf(document, facts)?.xeroId ?? null);
    if (id !== null) return id;
  }
  if (document.kind === 'contact') return ask('id', unknownTarget(document, facts)) ?? groupsFirst(document, facts);
  const number = document.kind === 'purchaseOrder' && isNew(document) ? (document.content.number ?? null) : null;
  return ask('number', number);
}

/** An order that was made a moment ago is as we made it. */
function needsRecord(document: QueuedDocument, facts: PushFacts): boolean {
  if (document.deleted || document.xeroId === null || !isWritten(document)) return true;
  return document.kind === 'purchaseOrder' && !isDone(document, 'document') && stepsLeft(document, facts).length > 0;
}

/** What a contact was merged into, where the mirror does not have it. */
function unknownTarget(document: QueuedDocument<'contact'>, facts: PushFacts): string | null {
  const record = recordOf(document, facts);
  return record === null ? null : mergedInto(record);
}

function groupsFirst(document: QueuedDocument<'contact'>, facts: PushFacts): FetchPlan | null {
  if (facts.contactGroups !== null || groupNameOf(document, facts) === null || isGrouped(document, facts)) return null;
  return { do: 'fetch', stream: 'contactGroups', by: 'id', values: [] };
}

function planVoid(document: QueuedDocument, facts: PushFacts): Plan {
  const [step] = voidSteps(document, facts);
  return step === undefined ? settle('voided', []) : send(step, [], false);
}

function nextStep(document: QueuedDocument, facts: PushFacts, warnings: readonly DocumentError[]): Plan {
  const [next, ...later] = isLink(document) ? [] : stepsLeft(document, facts);
  return next === undefined ? standing(document, facts) : send(next, warnings, later.length > 0);
}

const send = (step: Step, warnings: readonly DocumentError[], more: boolean): SendPlan => ({
  ...{ do: 'send', step: step.step, own: step.own, warnings, more },
  ...step.call(),
});

/** Nothing of this version is left to write. */
function standing(document: QueuedDocument, facts: PushFacts): LinkPlan | SettlePlan {
  const record = recordOf(document, facts);
  const xeroId = document.xeroId ?? record?.xeroId ?? null;
  // An order from before the Sync From Date is its bill alone.
  if (xeroId === null) return settle('sent', []);
  return {
    do: 'link',
    stream: documentKinds[document.kind].stream,
    xeroId,
    number: record === null ? null : numberOf(record),
    fingerprint:
      record === null ? (document.fingerprint ?? '') : fingerprintOf(document.kind, document.content, record),
    code: noteOn(document, facts),
  };
}

/** What people should know of a document that stands without a write. */
function noteOn(document: QueuedDocument, facts: PushFacts): DocumentCode | null {
  if (textOf(document.content, 'xeroPaymentId') !== null) return 'from_xero';
  if (document.kind !== 'purchaseOrder') return null;
  const record = recordOf(document, facts);
  const isBilled = record !== null && statusOf(record) === 'BILLED';
  const isUnfinished = document.content.finished === undefined && wasDone(document, 'billed');
  return isBilled && (isUnfinished || !isWritten(document)) ? 'order_billed' : null;
}
