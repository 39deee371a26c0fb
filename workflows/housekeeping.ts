import { ApplicationFailure, isCancellation, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { HousekeepingActivities } from '../activities/index.js';
import {
  type Counts,
  type HousekeepingTask,
  housekeepingTaskNames,
  housekeepingTasks,
} from '../domain/housekeeping.js';
import type { HousekeepingResult } from './contract.js';

type Outcomes = Partial<Record<HousekeepingTask, Counts | 'failed'>>;

/**
 * What has to be done now and then, or of it these tasks, one after the other; one that fails holds up no other, and the next run does it again.
 * Fails with `housekeeping_failed` when a task did, after all the others.
 */
export async function housekeeping(tasks = housekeepingTaskNames): Promise<HousekeepingResult> {
  const outcomes: Outcomes = {};
  for (const task of tasks) {
    outcomes[task] = await outcomeOf(task);
    setCurrentDetails(detailsOf(tasks, outcomes));
  }
  const failed = tasks.filter((task) => outcomes[task] === 'failed');
  if (failed.length > 0) {
    throw ApplicationFailure.create({
      type: 'housekeeping_failed',
      message: `Not done: ${failed.join(', ')}. The next run tries again; the failed activities above name the reason.`,
      details: [outcomes],
      nonRetryable: true,
    });
  }
  return outcomes as HousekeepingResult;
}

async function outcomeOf(task: HousekeepingTask): Promise<Counts | 'failed'> {
  const { housekeep } = proxyActivities<HousekeepingActivities>({
    startToCloseTimeout: '20 minutes',
    // Longer than the wait for another process's refresh of the same grant.
    heartbeatTimeout: '2 minutes',
    retry: { maximumAttempts: 2 },
    summary: housekeepingTasks[task],
  });
  try {
    return await housekeep(task);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return 'failed';
  }
}

function detailsOf(tasks: readonly HousekeepingTask[], outcomes: Outcomes): string {
  return tasks.map((task) => `- ${housekeepingTasks[task]}: ${wordsOf(outcomes[task])}`).join('\n');
}

function wordsOf(outcome: Counts | 'failed' | undefined): string {
  if (outcome === undefined) return 'to be done';
  if (outcome === 'failed') return '**failed**';
  return Object.entries(outcome)
    .map(([name, count]) => `${name} **${count}**`)
    .join(', ');
}
