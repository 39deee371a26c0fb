/** The calls that Xero still allows. */
import type { LimitName } from '../problems.js';
import type { Priority } from './xero.js';

/** A permission for one call. */
export interface Ticket {
  id: string;
  organisationId: string;
}

export type Take = { granted: true; ticket: Ticket } | { granted: false; limit: LimitName; waitMs: number };

/** What an answer said about the limits (xero-api.md §1). Null where a header was absent. */
export interface AnsweredLimits {
  minuteRemaining: number | null;
  dayRemaining: number | null;
  appMinuteRemaining: number | null;
  /** Set on a 429. */
  refused: { limit: LimitName; retryAfterSeconds: number | null } | null;
}

export interface CallBudget {
  /** Asks for one call now. Never waits. */
  take(organisationId: string, priority: Priority): Promise<Take>;
  /** Gives the permission back with what the answer said; null when no answer came. Also counts for the run. */
  settle(ticket: Ticket, answered: AnsweredLimits | null, count: CallCount): Promise<void>;
  /** What is known of an organisation's windows, for people to see. */
  look(organisationId: string): Promise<BudgetView>;
}

export interface CallCount {
  connectionId: string;
  runId: string | null;
  stream: string;
  bytes: number;
}

export interface WindowView {
  limit: number;
  /** Null until an answer told. */
  remaining: number | null;
  /** When the window surely has ended; null while unknown. */
  resetsAt: string | null;
}

export interface BudgetView {
  minute: WindowView;
  day: WindowView;
  appMinute: WindowView;
  inFlight: number;
}
