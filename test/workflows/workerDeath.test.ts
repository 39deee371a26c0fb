import { randomUUID } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { backfillWorkflowName } from '../../workflows/contract.js';
import { FakeActivities } from '../support/fakeActivities.js';
import { quietWorkers } from '../support/quiet.js';
import { freshNamespace } from '../support/temporalNamespace.js';
import { workflowBundle } from '../support/workflowBundle.js';

/** Attempts that ended in a wait for the budget; doubled with each, the next wait would be over half a minute. */
const waits = 5;

test('a reading whose worker died is tried again a second later, however often it had waited for the budget', async () => {
  quietWorkers();
  const address = process.env.TEST_TEMPORAL_ADDRESS ?? '';
  const [connection, native] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  const namespace = await freshNamespace(connection);
  const fake = new FakeActivities();
  const scheduledAt: number[] = [];
  const note = () => scheduledAt.push(activityInfo().currentAttemptScheduledTimestampMs);
  const dies = () => {
    note();
    // As a missed heartbeat is: a failure that names no time for the next attempt.
    throw ApplicationFailure.retryable('its worker died');
  };
  const completes = () => {
    note();
    return { outcome: 'complete' as const, records: 1, expected: 1, until: null };
  };
  fake.next.invoices = [...Array.from({ length: waits }, () => fake.postpone('10 milliseconds')), dies, completes];
  const taskQueue = randomUUID();
  const activities = fake.activities();
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities,
  });
  const client = new Client({ connection, namespace });
  const start = { taskQueue, workflowId: randomUUID(), args: [{ connectionId: 'c1' }] };
  await worker.runUntil(() => client.workflow.execute(backfillWorkflowName, start));
  await Promise.all([connection.close(), native.close()]);
  const [died, again] = scheduledAt as [number, number];
  expect(again - died).toBeLessThan(10_000);
});
