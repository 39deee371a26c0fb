/** Runs, as the API shows them. */
import type { ConnectionCode } from '../codes.js';
import type { Listed, ListPage } from './lists.js';

export const runKinds = ['backfill', 'sync', 'webhook', 'secondLook', 'paymentImport', 'preview', 'export'] as const;
export type RunKind = (typeof runKinds)[number];
export type RunOutcome = 'running' | 'completed' | 'cancelled' | ConnectionCode;

/** The request that started a run; both null for one that nobody asked for. */
export interface AskedBy {
  requestId: string | null;
  /** The platform's opaque id of the person. */
  actor: string | null;
}

export interface Run extends AskedBy {
  workflowId: string;
  /** First execution run id: the same through every continue-as-new. */
  runId: string;
  kind: RunKind;
  connectionId: string;
  outcome: RunOutcome;
  startedAt: string;
  endedAt: string | null;
  calls: number;
  bytes: number;
  rateLimited: { minute: number; day: number; concurrent: number; appMinute: number };
  sleeps: { reason: string; seconds: number }[];
  streams: Record<string, StreamTally>;
}

/** What a run asked of Xero for a stream, and what came of it in the mirror. */
export interface StreamTally {
  calls: number;
  created: number;
  changed: number;
  unchanged: number;
}

export interface Runs {
  /**
   * Notes it, once; who asked for it is kept once it is known. @returns when it was first noted, by Postgres's clock, and
   * whether it is still open: a disconnect or a new consent closes every run that was in hand.
   */
  start(
    run: { workflowId: string; runId: string; kind: RunKind; connectionId: string },
    askedBy?: AskedBy,
  ): Promise<{ startedAt: string; open: boolean }>;
  isOpen(runId: string): Promise<boolean>;
  end(runId: string, outcome: RunOutcome): Promise<void>;
  /** A sleep begins, and ends when the next one begins or `endSleep` is called; replays change nothing. */
  beginSleep(runId: string, reason: string, until: string): Promise<void>;
  endSleep(runId: string): Promise<void>;
  /** Has it fallen asleep and not noted the end of that? */
  isAsleep(runId: string): Promise<boolean>;
  /** Whole minutes in which the run stored no page; its sleeps do not count. */
  minutesWithoutPage(runId: string): Promise<number>;
  /** Latest first. */
  list(connectionId: string, page: ListPage): Promise<Listed<Run>>;
  get(connectionId: string, runId: string): Promise<Run | null>;
  latest(connectionId: string, kind: RunKind): Promise<Run | null>;
}
