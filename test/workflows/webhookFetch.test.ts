import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FetchEventsResult } from '../../activities/webhooks.js';
import { addSearchAttributes, searchAttributeTypes } from '../../workers/searchAttributes.js';
import { type WebhookInput, type WebhookResult, webhookSignal, webhookWorkflowName } from '../../workflows/contract.js';
import { FakeActivities } from '../support/fakeActivities.js';
import { quietWorkers } from '../support/quiet.js';
import { workflowBundle } from '../support/workflowBundle.js';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  quietWorkers();
  const path = process.env.TEST_TIME_SKIPPING_SERVER ?? '';
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  // The time-skipping server cannot list what it has.
  await addSearchAttributes(environment.connection, 'default', searchAttributeTypes);
});
afterAll(() => environment?.teardown());

type Turn = (ring: () => Promise<void>) => Promise<Partial<FetchEventsResult>>;

interface Outcome {
  /** What the activities were asked for, in order. */
  log: string[];
  /** The runs that were noted. */
  noted: Set<string>;
  result: Promise<WebhookResult>;
}

/** A run whose fetches end as these turns do, and then completely; `atEnd` is done while it notes its end. */
async function fetched(turns: Turn[], atEnd: Turn[] = []): Promise<Outcome> {
  const fake = new FakeActivities();
  const { log } = fake;
  const noted = new Set<string>();
  const taskQueue = randomUUID();
  const workflowId = randomUUID();
  const ring = () => environment.client.workflow.getHandle(workflowId).signal(webhookSignal);
  const ordinary = fake.activities();
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: {
      ...ordinary,
      startRun: async (run: { runId: string }) => {
        noted.add(run.runId);
        return '2026-10-01T00:00:00.000Z';
      },
      endRun: async (...args: Parameters<typeof ordinary.endRun>) => {
        await ordinary.endRun(...args);
        await atEnd.shift()?.(ring);
      },
      fetchWebhookEvents: async (): Promise<FetchEventsResult> => {
        log.push('fetch');
        return { outcome: 'complete', until: null, counts: {}, ...(await turns.shift()?.(ring)) };
      },
    },
  });
  const run = environment.client.workflow.signalWithStart<(input: WebhookInput) => Promise<WebhookResult>, []>(
    webhookWorkflowName,
    { taskQueue, workflowId, args: [{ connectionId: 'c1' }], signal: webhookSignal, signalArgs: [] },
  );
  const result = worker.runUntil(run.then((handle) => handle.result()));
  await result.catch(() => undefined);
  return { log, noted, result };
}

const nothing: Turn = async () => ({});

test('one bell is one run: it gathers, fetches and ends', async () => {
  const { log, noted, result } = await fetched([nothing]);
  expect(await result).toEqual({ outcome: 'completed', counts: {} });
  expect(log).toEqual(['fetch', 'end completed']);
  expect(noted.size).toBe(1);
});

test('it fetches until nothing is left of what it claimed', async () => {
  const { log } = await fetched([async () => ({ outcome: 'more' }), async () => ({ outcome: 'more' })]);
  expect(log).toEqual(['fetch', 'fetch', 'fetch', 'end completed']);
});

test("the end of the day's calls is a sleep that is seen, and then it goes on", async () => {
  const until = new Date((await environment.currentTimeMs()) + 20 * 3_600_000).toISOString();
  const { log } = await fetched([async () => ({ outcome: 'sleep', until })]);
  expect(log).toEqual(['fetch', 'sleep: daily limit of Xero', 'awake', 'fetch', 'end completed']);
});

test.each([
  { when: 'during a fetch', turns: 1, ends: 0 },
  { when: 'while the run notes its end', turns: 0, ends: 1 },
])('a bell that is rung $when is heard by another run, noted by itself', async ({ turns, ends }) => {
  const rings: Turn = async (ring) => {
    await ring();
    return {};
  };
  const { log, noted, result } = await fetched(Array(turns).fill(rings), Array(ends).fill(rings));
  expect(await result).toEqual({ outcome: 'completed', counts: {} });
  expect(log).toEqual(['fetch', 'end completed', 'fetch', 'end completed']);
  expect(noted.size).toBe(2);
});

test('a connection that Xero refuses ends it with that code, and is told so', async () => {
  const { log, result } = await fetched([
    async () => {
      throw ApplicationFailure.nonRetryable('refused', 'xero_auth_failed');
    },
  ]);
  const failure = await result.catch((error: unknown) => (error instanceof WorkflowFailedError ? error.cause : error));
  expect(failure).toMatchObject({ type: 'xero_auth_failed' });
  expect(log).toEqual(['fetch', 'end xero_auth_failed']);
});
