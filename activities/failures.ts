import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import type { ConnectionCode } from '../domain/codes.js';
import { connectionCodes } from '../domain/codes.js';
import { LeaseLost } from '../domain/ports.js';
import { MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';

/**
 * What leaves an activity: a code and our own ids. Never a cause, because Xero's and Postgres's words hold names.
 */

/** The work cannot go on, whoever tries it again. */
export function ended(code: ConnectionCode, about: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message: `${connectionCodes[code].message} ${connectionCodes[code].remedy} (${about})`,
    nonRetryable: true,
  });
}

/** Nothing is wrong; Temporal asks again after `waitMs`, which shows in the UI as the activity's next attempt. */
export function notYet(
  type: 'budgetWait' | 'streamBusy' | 'outboxBusy',
  waitMs: number,
  about: string,
): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: about,
    nextRetryDelay: Math.max(1, Math.ceil(waitMs)),
    category: ApplicationFailureCategory.BENIGN,
  });
}

/** Something failed that may go better next time. */
export function again(type: string, waitMs: number, about: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message: about, nextRetryDelay: Math.max(1, Math.ceil(waitMs)) });
}

/** A name for an error that says what kind it was and nothing of what it held. */
export function kindOf(error: unknown): string {
  if (error instanceof MustWait || error instanceof XeroFault || error instanceof XeroRefusal) return error.message;
  if (error instanceof LeaseLost) return 'another reader took over';
  const { code, name } = error as { code?: unknown; name?: unknown };
  return `internal error ${String(name ?? 'unknown')}${typeof code === 'string' ? ` ${code}` : ''}`;
}

export function isOurs(error: unknown): error is ApplicationFailure | CancelledFailure {
  return error instanceof ApplicationFailure || error instanceof CancelledFailure;
}

const retryMs = 1000;

type Activity = (...args: never[]) => Promise<unknown>;

/** Whatever Postgres says may hold a customer's data: only its kind leaves the activity. A failure of ours says what it may. */
export function guarded<T extends Record<string, Activity>>(activities: T): T {
  const guard = (activity: Activity): Activity =>
    ((...args: never[]) =>
      activity(...args).catch((error: unknown) => {
        throw isOurs(error) ? error : again('fault', retryMs, kindOf(error));
      })) as Activity;
  return Object.fromEntries(Object.entries(activities).map(([name, activity]) => [name, guard(activity)])) as T;
}
