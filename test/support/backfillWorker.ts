import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { type BackfillInput, type BackfillResult, backfillWorkflowName } from '../../workflows/contract.js';
import type { FakeActivities } from './fakeActivities.js';
import { workflowBundle } from './workflowBundle.js';

export type Backfill = (input: BackfillInput) => Promise<BackfillResult>;
type Start = (input?: Partial<BackfillInput>) => Promise<WorkflowHandle<Backfill>>;

/** Does the work while a worker serves the workflow with these activities, on a task queue of its own. */
export async function withWorker<T>(
  environment: TestWorkflowEnvironment,
  fake: FakeActivities,
  work: (start: Start) => Promise<T>,
): Promise<T> {
  const taskQueue = `test-${randomUUID()}`;
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: fake.activities(),
  });
  const start: Start = (input) =>
    environment.client.workflow.start<Backfill>(backfillWorkflowName, {
      taskQueue,
      workflowId: `backfill:${randomUUID()}`,
      args: [{ connectionId: 'c1', ...input }],
    });
  return worker.runUntil(() => work(start));
}

/** What a run failed with. */
export async function failureOf(handle: WorkflowHandle<Backfill>): Promise<unknown> {
  const error = await handle.result().then(
    () => new Error('it did not fail'),
    (failure: unknown) => failure,
  );
  return error instanceof WorkflowFailedError ? error.cause : error;
}
