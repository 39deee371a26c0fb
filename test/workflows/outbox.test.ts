import { randomUUID } from 'node:crypto';
import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PushInput, PushResult } from '../../activities/outbox.js';
import { addSearchAttributes, searchAttributeTypes } from '../../workers/searchAttributes.js';
import { type OutboxInput, type OutboxResult, outboxWorkflowName, ringSignal } from '../../workflows/contract.js';
import { outboxDetails } from '../../workflows/runDetails.js';
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

interface Moment {
  /** The instant by the server's clock, ISO. */
  now: string;
  ring(): Promise<void>;
}
type Turn = (moment: Moment) => Promise<Partial<PushResult>> | Partial<PushResult>;

interface Outcome {
  /** What each turn was asked for, and when, in seconds from the first. */
  turns: (Pick<PushInput, 'urgentOnly' | 'awake'> & { at: number })[];
  /** When it had ended, likewise. */
  endedAt: number;
  result: Promise<OutboxResult>;
}

const idle = { outcome: 'idle', until: null, peopleMay: true, lookAt: null, done: {}, left: { queued: 0, sending: 0 } };

/** A run whose turns come to this, and then to nothing more to send. */
async function sent(planned: Turn[], more: Partial<OutboxInput> = {}): Promise<Outcome> {
  const turns: Outcome['turns'] = [];
  const [taskQueue, workflowId] = [randomUUID(), randomUUID()];
  const ring = () => environment.client.workflow.getHandle(workflowId).signal(ringSignal);
  let began = 0;
  const at = async () => Math.round(((await environment.currentTimeMs()) - began) / 1000);
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: {
      push: async ({ urgentOnly, awake }: PushInput): Promise<PushResult> => {
        began ||= await environment.currentTimeMs();
        turns.push({ urgentOnly, awake, at: await at() });
        const now = new Date(await environment.currentTimeMs()).toISOString();
        return { ...(idle as PushResult), ...(await planned.shift()?.({ now, ring })) };
      },
    },
  });
  const input: OutboxInput = { connectionId: 'c1', companyId: '42', ...more };
  const run = environment.client.workflow.signalWithStart<(input: OutboxInput) => Promise<OutboxResult>, []>(
    outboxWorkflowName,
    { taskQueue, workflowId, args: [input], signal: ringSignal, signalArgs: [] },
  );
  const result = worker.runUntil(run.then((handle) => handle.result()));
  await result.catch(() => undefined);
  return { turns, endedAt: await at(), result };
}

const later = (now: string, seconds: number) => new Date(Date.parse(now) + seconds * 1000).toISOString();

test('it sends, stays five minutes for more, and ends with what it did', async () => {
  const { turns, endedAt, result } = await sent([
    () => ({ outcome: 'more', done: { sent: 50 } }),
    () => ({ done: { sent: 3, failed: 1 } }),
  ]);
  expect(await result).toEqual({ outcome: 'completed', done: { sent: 53, failed: 1 } });
  expect(turns).toHaveLength(2);
  expect(endedAt).toBeGreaterThanOrEqual(300);
});

test('a ring during a turn makes another one: its bell was off before the claim that may have missed it', async () => {
  const ringing: Turn = async ({ ring }) => {
    await ring();
    return {};
  };
  const { turns, result } = await sent([ringing, ringing]);
  await result;
  expect(turns.map(({ at }) => at)).toEqual([0, 0, 0]);
});

test('what is looked up once more is looked up when it is time, by itself', async () => {
  const { turns, result } = await sent([({ now }) => ({ lookAt: later(now, 360), left: { queued: 0, sending: 1 } })]);
  await result;
  expect(turns.map(({ at }) => at)).toEqual([0, 360]);
});

test("it sleeps through the end of the day's calls, and a ring does not wake it where people's are used up too", async () => {
  const { turns, result } = await sent([
    async ({ now, ring }) => {
      await ring();
      return { outcome: 'sleep', until: later(now, 7200), peopleMay: false };
    },
  ]);
  await result;
  expect(turns).toEqual([
    { urgentOnly: false, awake: false, at: 0 },
    { urgentOnly: false, awake: true, at: 7200 },
  ]);
});

test('where what is kept for people is left, a ring wakes it for what somebody waits for, and it sleeps on', async () => {
  let until = '';
  const { turns, result } = await sent([
    async ({ now, ring }) => {
      await ring();
      until = later(now, 7200);
      return { outcome: 'sleep', until, peopleMay: true };
    },
    () => ({ outcome: 'sleep', until, peopleMay: true }),
  ]);
  await result;
  expect(turns).toEqual([
    { urgentOnly: false, awake: false, at: 0 },
    { urgentOnly: true, awake: false, at: 0 },
    { urgentOnly: false, awake: true, at: 7200 },
  ]);
});

test('it goes on in a new run when its history is long, and keeps count', async () => {
  const { result } = await sent(
    [() => ({ outcome: 'more', done: { sent: 1 } }), () => ({ outcome: 'more', done: { sent: 1 } })],
    { eventsPerRun: 5 },
  );
  expect(await result).toEqual({ outcome: 'completed', done: { sent: 2 } });
});

test('it ends with the code of a connection that Xero refuses', async () => {
  const { result } = await sent([
    () => {
      throw ApplicationFailure.nonRetryable('refused', 'xero_auth_failed');
    },
  ]);
  const error = await result.catch((failure: unknown) => failure);
  expect((error as WorkflowFailedError).cause?.cause).toMatchObject({ type: 'xero_auth_failed' });
});

test('support staff read what it has done, what is left, and what it waits for', () => {
  const details = outboxDetails({
    company: '42',
    doing: 'sleepingDailyLimit',
    waitsFor: 'daily limit of Xero, until 2026-11-22',
    done: { sent: 12, failed: 1 },
    left: { queued: 300, sending: 0 },
  });
  expect(details).toContain('Documents: sent **12**, failed **1**');
  expect(details).toContain('Left: 300 queued, 0 whose outcome is not known yet');
  expect(details).toContain('Waits for: daily limit of Xero, until 2026-11-22');
});
