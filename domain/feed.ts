/**
 * The feed: what happened, in the order in which it was committed. Another type of event is another row here; the API
 * reference and docs/feed.md show this table. Events hold ids, codes and counts, never the content of a record.
 */
import type { ConnectionCode } from './codes.js';
import type { ConnectionStatus } from './connection.js';
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
};
export const eventTypeNames = Object.keys(eventTypes) as [EventType, ...EventType[]];

/** An event that is to be told. */
export type NewEvent = {
  [Type in EventType]: { type: Type; companyId: string; connectionId: string; xeroId?: string; data: EventData[Type] };
}[EventType];

/** Days for which events are kept. */
export const keptDays = 30;
