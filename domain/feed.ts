/**
 * The feed: what happened, in the order in which it was committed. Another type of event is another row here; the API
 * reference and docs/feed.md show this table. Events hold ids, codes and counts, never the content of a record.
 */
import type { ConnectionCode, DocumentCode } from './codes.js';
import type { ConnectionStatus } from './connection.js';
import type { DocumentKind } from './documents/kinds.js';
import type { StreamName } from './streams.js';

/** What `data` holds, by type. */
export interface EventData {
  'connection.statusChanged': { status: ConnectionStatus };
  'connection.failed': { code: ConnectionCode };
  'backfill.completed': { streams: Record<string, number> };
  'sync.completed': { streams: Record<string, { created: number; changed: number; unchanged: number }> };
  'record.created': { stream: StreamName };
  'record.changed': { stream: StreamName };
  'record.deleted': { stream: StreamName };
  'document.sent': { version: number };
  'document.failed': { version: number; code: DocumentCode };
  'document.held': { version: number; code: DocumentCode };
  'document.skipped': { version: number; code: DocumentCode };
  'document.voided': { version: number };
  'document.conflict': { version: number };
  'document.changedInXero': { stream: StreamName };
  'document.voidedInXero': { stream: StreamName };
  'document.deletedInXero': { stream: StreamName };
  'contact.found': Record<string, never>;
  'payment.imported': { amount: string; date: string | null; by: 'run' | 'person' };
  'payment.deletedInXero': { amount: string };
  'invoice.balanceChanged': { amountDue: string; amountPaid: string; amountCredited: string };
}
export type EventType = keyof EventData;

interface EventExplanation {
  /** What happened, one sentence. */
  sentence: string;
  /** What `data` holds, in words. */
  data: string;
}

export const eventTypes: Readonly<Record<EventType, EventExplanation>> = {
  'connection.statusChanged': {
    sentence: 'The connection shows another status.',
    data: '`status`: the new one',
  },
  'connection.failed': {
    sentence: 'Work of the connection did not end well, or Xero no longer accepts it.',
    data: '`code`: of the closed list of connection codes, as in `lastError`',
  },
  'backfill.completed': {
    sentence: 'The first full read is done: read the mirror now; its records had no events of their own.',
    data: '`streams`: how many records of each stream are in the mirror',
  },
  'sync.completed': {
    sentence: 'What changed in Xero since the reading before is in the mirror.',
    data: '`streams`: for each stream how many records were `created`, `changed` and `unchanged`',
  },
  'record.created': {
    sentence: 'A record is new in the mirror.',
    data: '`stream`; fetch it with GET /v1/connections/{connection}/records/{stream}/{xeroId}',
  },
  'record.changed': {
    sentence: 'A record of the mirror has another content, or is back after it was deleted.',
    data: '`stream`; fetch it as above',
  },
  'record.deleted': {
    sentence: 'A record is gone from Xero; the mirror keeps it, with `deletedAt`.',
    data: '`stream`',
  },
  'document.sent': {
    sentence: 'A version of a document stands in Xero.',
    data: '`version`',
  },
  'document.failed': {
    sentence: 'A document was refused, by Xero or by a rule.',
    data: '`version`, and `code` of the closed list of document codes; the document has the errors',
  },
  'document.held': {
    sentence: 'A person must decide about a document: POST …/decide.',
    data: '`version` and `code`, as above',
  },
  'document.skipped': {
    sentence: 'By the rules a document is not sent.',
    data: '`version` and `code`, as above',
  },
  'document.voided': {
    sentence: 'The platform deleted a document, and nothing of it stands in Xero any more.',
    data: '`version`',
  },
  'document.conflict': {
    sentence: 'A document was edited both here and in Xero, and is held.',
    data: '`version`',
  },
  'document.changedInXero': {
    sentence: 'What a document is in Xero was edited there.',
    data: '`stream`; fetch the record as above',
  },
  'document.voidedInXero': {
    sentence: 'What a document is in Xero was voided there; it is not sent again by itself.',
    data: '`stream`',
  },
  'document.deletedInXero': {
    sentence: 'What a document is in Xero was deleted there; it is not sent again by itself.',
    data: '`stream`',
  },
  'contact.found': {
    sentence: 'A contact is in Xero that no document is linked with: the platform may adopt it by its `xeroId`.',
    data: 'nothing; fetch the record of stream `contacts` as above. The first full read tells of these too',
  },
  'payment.imported': {
    sentence: 'A payment made in Xero was applied to an invoice, whose kind and external id the event has.',
    data: '`amount` and `date` of the payment, whose id is `xeroId`; `by`: `run`, or `person` where somebody resolved it',
  },
  'payment.deletedInXero': {
    sentence: 'A payment was deleted in Xero after it was imported: nothing is taken back by itself.',
    data: '`amount` of the payment, whose id is `xeroId`',
  },
  'invoice.balanceChanged': {
    sentence:
      'What is due of an invoice in Xero changed by a credit, a prepayment or an overpayment, not by a payment.',
    data: '`amountDue`, `amountPaid` and `amountCredited`, as Xero has them',
  },
};
export const eventTypeNames = Object.keys(eventTypes) as [EventType, ...EventType[]];

/** An event that is to be told. */
export type NewEvent = {
  [Type in EventType]: {
    type: Type;
    companyId: string;
    /** Null: a document that no connection covers. */
    connectionId: string | null;
    /** Of the platform's document that it is about. */
    kind?: DocumentKind;
    externalId?: string;
    /** Of Xero's record that it is about. */
    xeroId?: string;
    data: EventData[Type];
  };
}[EventType];

/** Days for which events are kept. */
export const keptDays = 30;
