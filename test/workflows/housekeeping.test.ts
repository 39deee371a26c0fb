import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HousekeepingTask, housekeepingTaskNames } from '../../domain/housekeeping.js';
import { housekeepingWorkflowName } from '../../workflows/contract.js';
import { quietWorkers } from '../support/quiet.js';
import { workflowBundle } from '../support/workflowBundle.js';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  quietWorkers();
  const path = process.env.TEST_TIME_SKIPPING_SERVER ?? '';
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
});
afterAll(() => environment?.teardown());

/** A run whose tasks are these functions. */
async function keptHouse(
  housekeep: (task: HousekeepingTask) => Promise<Record<string, number>>,
  ...args: [HousekeepingTask[]?]
): Promise<unknown> {
  const taskQueue = randomUUID();
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: { housekeep },
  });
  return worker.runUntil(
    environment.client.workflow.execute(housekeepingWorkflowName, { taskQueue, workflowId: randomUUID(), args }),
  );
}

test('housekeeping does its tasks in the order of their list and answers what each counted', async () => {
  const done: string[] = [];
  const counted = await keptHouse(async (task) => ({ done: done.push(task) }));
  expect(done).toEqual(housekeepingTaskNames);
  expect(counted).toEqual(Object.fromEntries(housekeepingTaskNames.map((task, index) => [task, { done: index + 1 }])));
});

test('housekeeping does the tasks that it is given, and no other', async () => {
  expect(await keptHouse(async () => ({ rung: 1 }), ['ringOutboxes'])).toEqual({ ringOutboxes: { rung: 1 } });
});

test('a task that fails is tried once more and holds up no other; then the run fails and names it', async () => {
  const tried: string[] = [];
  const run = keptHouse(async (task) => {
    tried.push(task);
    if (task === 'showDeadGrants') throw ApplicationFailure.retryable('not this time', 'fault');
    return { done: 1 };
  });
  const failure = await run.then(
    () => null,
    (error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error),
  );
  expect(failure).toMatchObject({ type: 'housekeeping_failed', message: expect.stringContaining('showDeadGrants.') });
  expect(tried).toEqual(housekeepingTaskNames.flatMap((task) => (task === 'showDeadGrants' ? [task, task] : [task])));
});
