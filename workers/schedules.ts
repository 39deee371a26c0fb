import {
  ScheduleAlreadyRunning,
  type ScheduleClient,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { HousekeepingTask } from '../domain/housekeeping.js';
import { readingTaskQueue, scheduleIds } from '../domain/names.js';
import { housekeepingWorkflowName } from '../workflows/contract.js';

/** What runs by the clock. */
const schedules: readonly ScheduleOptions[] = [
  {
    scheduleId: scheduleIds.housekeeping,
    spec: { intervals: [{ every: '1 hour' }], jitter: '10 minutes' },
    action: {
      type: 'startWorkflow',
      workflowType: housekeepingWorkflowName,
      workflowId: scheduleIds.housekeeping,
      taskQueue: readingTaskQueue,
      // A run that stands still, e.g. because another version of its code took over, does not keep the next ones waiting.
      workflowExecutionTimeout: '55 minutes',
      staticSummary: 'Housekeeping: refreshes idle grants, forgets what ended',
    },
    // One run does what several missed ones would have done.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
  },
  {
    // Nobody waits an hour for a document whose bell was rung while Temporal was away.
    scheduleId: scheduleIds.outboxBells,
    spec: { intervals: [{ every: '1 minute' }] },
    action: {
      type: 'startWorkflow',
      workflowType: housekeepingWorkflowName,
      workflowId: scheduleIds.outboxBells,
      taskQueue: readingTaskQueue,
      args: [['ringOutboxes' satisfies HousekeepingTask]],
      workflowExecutionTimeout: '10 minutes',
      staticSummary: 'Rings outboxes whose bell nobody heard',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  },
];

/**
 * Makes the schedules that are missing and brings the others up to date; one that a person paused stays paused. Any number
 * of workers may do so at once.
 * @throws the client's error when Temporal does not answer.
 */
export async function ensureSchedules(client: ScheduleClient): Promise<void> {
  for (const schedule of schedules) await ensure(client, schedule);
}

async function ensure(client: ScheduleClient, schedule: ScheduleOptions): Promise<void> {
  try {
    await client.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.getHandle(schedule.scheduleId).update(({ state }) => ({ ...schedule, state }));
  }
}
