/** The activities as the workflows call them, by risk: reads are repeated, bookkeeping is short. */
import {
  ActivityCancellationType,
  type ActivityOptions,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type {
  BookkeepingActivities,
  MappingActivities,
  ReadingActivities,
  SecondLookActivities,
} from '../activities/index.js';

/** Reads are repeated until they succeed or end with a code; the activity counts the faults itself (patience.ts). */
export const readOptions: ActivityOptions = {
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '6 seconds',
  // Never longer: a wait for the budget is an attempt too, and what should wait longer after a fault says so itself.
  retry: { initialInterval: '1 second', backoffCoefficient: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};
export const { readStream, readReferences, readChanges } = proxyActivities<ReadingActivities>(readOptions);

export const { auditStreams, verifyAbsent } = proxyActivities<SecondLookActivities>(readOptions);

/** Short transactions of our own, each with a word for the timeline in the UI. */
export const booked = (summary: string) =>
  proxyActivities<BookkeepingActivities & MappingActivities>({
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });

/** A mere look into our tables, in the worker that has the workflow: an event and no way over the server for each. */
export const lookedUp = (summary: string) =>
  proxyLocalActivities<Pick<BookkeepingActivities, 'facts'>>({
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });

/** Short transactions for the second look. */
export const looks = (summary: string) =>
  proxyActivities<SecondLookActivities>({
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });
