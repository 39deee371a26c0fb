/**
 * What starts, steers and describes the workflows: names, inputs, messages, search attributes. The API and the workers
 * import this page and no workflow code.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { Counts, HousekeepingTask } from '../domain/housekeeping.js';
import { searchAttributes as names } from '../domain/names.js';
import type { Priority, StateCounts } from '../domain/ports.js';
import type { FingerprintPart } from '../domain/preview.js';
import type { SyncMode } from '../domain/reading.js';
import type { Stage, StreamName } from '../domain/streams.js';

export const backfillWorkflowName = 'initialBackfill';

export interface BackfillInput {
  connectionId: string;
  /** Starts a new run of the same execution after so many history events; Temporal's own advice when absent. */
  eventsPerRun?: number;
  /** Set by a run for the run that continues it. */
  carried?: Carried;
}

export interface Carried {
  /** Stages that are read to their end. */
  stagesDone: Stage[];
  /** Streams that could not be read. */
  failed: StreamName[];
}

export interface BackfillResult {
  outcome: 'completed' | 'could_not_sync';
  /** Records in scope, by stream. */
  records: Record<string, number>;
}

export const syncWorkflowName = 'sync';

export interface SyncInput {
  connectionId: string;
  mode: SyncMode;
  /** Null for all that the connection reads. */
  streams: StreamName[] | null;
}

/** Started by the schedules of a connection; each starts the work that is its own. */
export const nightlyWorkflowName = 'nightly';
export const weeklyWorkflowName = 'weekly';

export interface StarterInput {
  connectionId: string;
  companyId: string;
}

export const secondLookWorkflowName = 'secondLook';

export interface SecondLookRequest {
  connectionId: string;
  /** Set by a run for the run that continues it: what is left to be looked at. */
  left?: StreamName[];
  /** Is that everything, or only what the counts made suspicious? */
  everything?: boolean;
}

export interface SecondLookResult {
  outcome: 'completed';
  /** Streams that were read once more. */
  lookedAt: StreamName[];
  /** Records that were found to be gone from Xero. */
  deleted: number;
}

/** The starter of the schedule, and what it starts. */
export const paymentsWorkflowName = 'payments';
export const paymentImportWorkflowName = 'paymentImport';

export interface PaymentImportInput {
  connectionId: string;
  /** `people` where somebody asked for it. */
  priority: Priority;
  /** Payments of an export that a person reviewed; null: all that fit, unless the connection wants a review. */
  reviewed: string[] | null;
  /** Attempts that failed one after the other, in the run before. */
  failuresInARow: number;
  /** Set by a run for the run that continues it. */
  carried?: { imported: number; failed: number };
}

export interface PaymentImportResult {
  outcome: 'completed';
  imported: number;
  failed: number;
}

export interface SyncResult {
  outcome: 'completed' | 'could_not_sync';
  /** What the run did to the mirror, by stream. */
  counts: Record<string, { created: number; changed: number; unchanged: number }>;
}

export const previewWorkflowName = 'preview';

/** What it looks at stands in Postgres. */
export interface PreviewInput {
  previewId: string;
  connectionId: string;
}

export interface PreviewResult {
  outcome: 'completed';
  rows: number;
}

/** `export` is a word of the language. */
export const exportWorkflowName = 'exportReviewed';

export interface ExportInput {
  exportId: string;
  connectionId: string;
  /** Set by a run for the run that continues it: the preview was held against the books. */
  checked?: boolean;
}

export interface ExportResult {
  outcome: 'completed' | 'preview_stale' | 'preview_has_errors';
  /** What is different from what was reviewed. */
  changed: FingerprintPart[];
}

export const webhookWorkflowName = 'webhookFetch';

/** What to fetch stands in Postgres. */
export interface WebhookInput {
  connectionId: string;
}

export interface WebhookResult {
  outcome: 'completed';
  /** What the run did to the mirror, by stream. */
  counts: SyncResult['counts'];
}

export const outboxWorkflowName = 'outbox';

/** What to send stands in Postgres. */
export interface OutboxInput {
  connectionId: string;
  companyId: string;
  /** Starts a new run of the same execution after so many history events; Temporal's own advice when absent. */
  eventsPerRun?: number;
  /** Set by a run for the run that continues it: what was done so far. */
  done?: StateCounts;
}

export interface OutboxResult {
  outcome: 'completed';
  /** Documents by the state that they came to. */
  done: StateCounts;
}

/** Takes the company's id, answers the rows removed by table. */
export const deleteCompanyWorkflowName = 'deleteCompany';

export const housekeepingWorkflowName = 'housekeeping';

/** What each task counted that was to be done. */
export type HousekeepingResult = Partial<Record<HousekeepingTask, Counts>>;

/** Messages to a running workflow. Each may be sent twice without harm. */
export const pauseSignal = 'pause';
export const resumeSignal = 'resume';
/** Something that a first full read may be waiting for is different now: it looks again. */
export const connectionChangedSignal = 'connectionChanged';
/** There are webhook events to fetch. */
export const webhookSignal = 'webhook';
/** There are documents to send. */
export const ringSignal = 'ring';

export const searchAttributeKeys = {
  company: defineSearchAttributeKey(names.company, 'KEYWORD'),
  connection: defineSearchAttributeKey(names.connection, 'KEYWORD'),
  state: defineSearchAttributeKey(names.state, 'KEYWORD'),
  sleepingUntil: defineSearchAttributeKey(names.sleepingUntil, 'DATETIME'),
};

/** What a run is doing, as support staff search for it. */
export type RunState =
  | 'readingContacts'
  | 'readingSettings'
  | 'awaitingSyncFromDate'
  | 'awaitingAccountCodes'
  | 'awaitingLocations'
  | 'awaitingDate'
  | 'readingDocuments'
  | 'readingChanges'
  | 'counting'
  | 'lookingAgain'
  | 'fetchingEvents'
  | 'planning'
  | 'exporting'
  | 'importingPayments'
  | 'sending'
  | 'awaitingDocuments'
  | 'lookingUp'
  | 'sleepingDailyLimit'
  | 'stalled'
  | 'paused'
  | 'completed'
  | 'failed'
  | 'cancelled';
