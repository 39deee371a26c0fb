import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReadChangesResult } from '../../activities/changes.js';
import type { ReviewActivities } from '../../activities/index.js';
import { addSearchAttributes, searchAttributeTypes } from '../../workers/searchAttributes.js';
import {
  type ExportInput,
  type ExportResult,
  exportWorkflowName,
  type PreviewInput,
  type PreviewResult,
  pauseSignal,
  previewWorkflowName,
  resumeSignal,
} from '../../workflows/contract.js';
import { FakeActivities, heldReading } from '../support/fakeActivities.js';
import { quietWorkers } from '../support/quiet.js';
import { workflowBundle } from '../support/workflowBundle.js';

let environment: TestWorkflowEnvironment;
/** Keeps real time: the other one loses the cancellation of an activity (steering.test.ts). */
let steered: TestWorkflowEnvironment;
beforeAll(async () => {
  quietWorkers();
  const path = process.env.TEST_TIME_SKIPPING_SERVER ?? '';
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  steered = await TestWorkflowEnvironment.createFromExistingServer({ address: process.env.TEST_TEMPORAL_ADDRESS });
  await addSearchAttributes(environment.connection, 'default', searchAttributeTypes);
});
afterAll(async () => {
  await environment?.teardown();
  await steered?.teardown();
});

/** What the activities do beyond being noted; each is given the run's handle. */
interface Script {
  reads?: (() => Partial<ReadChangesResult>)[];
  lookUps?: Awaited<ReturnType<ReviewActivities['lookUpNumbers']>>[];
  plan?: () => Promise<void>;
  compare?: Awaited<ReturnType<ReviewActivities['comparePreview']>>;
  payments?: string[][];
  /** Batches of each group. */
  batches?: Partial<Record<string, number[]>>;
  /** What is left at each look. */
  left?: ((run: WorkflowHandle) => Promise<number>)[];
}

async function ran<Result>(on: TestWorkflowEnvironment, workflow: string, input: object, script: Script) {
  const fake = new FakeActivities();
  const { log } = fake;
  const ordinary = fake.activities();
  const workflowId = randomUUID();
  const run = on.client.workflow.getHandle(workflowId);
  const priorities: unknown[] = [];
  const noted =
    (name: string) =>
    async (_id: string, more?: unknown): Promise<void> =>
      void log.push(more === undefined ? name : `${name} ${JSON.stringify(more)}`);
  const review: ReviewActivities = {
    chooseRows: async () => {
      log.push('choose');
      return 3;
    },
    lookUpNumbers: async ({ after }) => {
      log.push(`look up after ${after}`);
      return script.lookUps?.shift() ?? { after: null, until: null };
    },
    planRows: async () => {
      log.push('plan');
      await script.plan?.();
    },
    failPreview: noted('fail'),
    comparePreview: async () => {
      log.push('compare');
      return script.compare ?? { code: null, changed: [] };
    },
    beginExport: noted('begin'),
    pauseExport: async () => {
      log.push('paused');
      await run.signal(resumeSignal);
    },
    resumeExport: noted('resumed'),
    queueRows: async (_input, group) => {
      const taken = script.batches?.[group]?.shift() ?? 0;
      if (taken > 0) log.push(`queue ${taken} ${group}`);
      return taken;
    },
    awaitSent: async () => {
      const left = (await script.left?.shift()?.(run)) ?? 0;
      log.push(`left ${left}`);
      return left;
    },
    takePayments: async () => script.payments?.shift() ?? [],
    settlePayments: noted('settle payments'),
    takeBack: noted('take back'),
    endExport: noted('ended'),
  };
  const taskQueue = randomUUID();
  const worker = await Worker.create({
    connection: on.nativeConnection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: {
      ...ordinary,
      readChanges: async (asked: Parameters<typeof ordinary.readChanges>[0]) => {
        priorities.push(asked.priority);
        return { ...(await ordinary.readChanges(asked)), ...script.reads?.shift()?.() };
      },
      ...review,
    },
  });
  const starting = on.client.workflow.start<(given: object) => Promise<Result>>(workflow, {
    taskQueue,
    workflowId,
    args: [input],
  });
  const result = worker.runUntil(starting.then((handle) => handle.result()));
  await result.catch(() => undefined);
  return { log, priorities, result };
}

const previewed = (script: Script = {}) => {
  const input: PreviewInput = { previewId: 'p', connectionId: 'c' };
  return ran<PreviewResult>(environment, previewWorkflowName, input, script);
};
const exported = (script: Script = {}) => {
  const input: ExportInput = { exportId: 'e', connectionId: 'c' };
  return ran<ExportResult>(steered, exportWorkflowName, input, script);
};

async function failureOf(result: Promise<unknown>): Promise<unknown> {
  const error = await result.then(
    () => new Error('it did not fail'),
    (failure: unknown) => failure,
  );
  return error instanceof WorkflowFailedError ? error.cause : error;
}

describe('a preview', () => {
  test("reads Xero in the people's share, looks numbers up and plans, in this order", async () => {
    const { log, priorities, result } = await previewed();
    expect(await result).toEqual({ outcome: 'completed', rows: 3 });
    expect(log).toEqual(['read changes', 'choose', 'look up after 0', 'plan', 'end completed']);
    expect(priorities).toEqual(['people']);
  });

  test("sleeps when the day's calls are used up, and goes on from where it was", async () => {
    const until = new Date((await environment.currentTimeMs()) + 20 * 3_600_000).toISOString();
    const { log } = await previewed({
      lookUps: [
        { after: 200, until: null },
        { after: 400, until },
      ],
    });
    expect(log).toEqual([
      ...['read changes', 'choose', 'look up after 0', 'look up after 200', 'sleep: daily limit of Xero', 'awake'],
      ...['look up after 400', 'plan', 'end completed'],
    ]);
  });

  test('fails when a stream could not be read: nothing is planned on half of the books', async () => {
    const { log, result } = await previewed({ reads: [() => ({ failed: ['accounts'] })] });
    expect(await failureOf(result)).toMatchObject({ type: 'could_not_sync' });
    expect(log).toEqual(['read changes', 'fail "could_not_sync"', 'end could_not_sync']);
  });

  test('ends with the code of what stopped it', async () => {
    const { log } = await previewed({
      plan: () => Promise.reject(ApplicationFailure.nonRetryable('refused', 'xero_auth_failed')),
    });
    expect(log.slice(-2)).toEqual(['fail "xero_auth_failed"', 'end xero_auth_failed']);
  });
});

describe('an export', () => {
  test('reads, compares, and sends group by group, each batch when the one before has gone', async () => {
    const { log, result } = await exported({
      batches: { contacts: [2], invoices: [500, 7] },
      left: [async () => 0, async () => 1, async () => 0, async () => 0],
    });
    expect(await result).toEqual({ outcome: 'completed', changed: [] });
    expect(log).toEqual([
      ...['read changes', 'compare', 'begin'],
      ...['queue 2 contacts', 'left 0', 'queue 500 invoices', 'left 1', 'left 0', 'queue 7 invoices', 'left 0'],
      ...['ended {"state":"completed"}', 'end completed'],
    ]);
  });

  test('that is stale sends nothing and names what changed', async () => {
    const { log, result } = await exported({
      compare: { code: 'preview_stale', changed: ['locks'] },
      batches: { invoices: [1] },
    });
    expect(await result).toEqual({ outcome: 'preview_stale', changed: ['locks'] });
    expect(log).toEqual([
      ...['read changes', 'compare', 'ended {"state":"failed","code":"preview_stale","changed":["locks"]}'],
      'end completed',
    ]);
  });

  test('that is paused hands over no further batch before it is resumed', async () => {
    const { log } = await exported({
      batches: { invoices: [1, 1] },
      left: [
        async (run) => {
          await run.signal(pauseSignal);
          return 0;
        },
      ],
    });
    expect(log.slice(3)).toEqual([
      ...['queue 1 invoices', 'left 0', 'paused', 'resumed', 'queue 1 invoices', 'left 0'],
      ...['ended {"state":"completed"}', 'end completed'],
    ]);
  });

  test('that is cancelled puts back what is not being sent, and waits for what is', async () => {
    const { log, result } = await exported({
      batches: { invoices: [500, 500] },
      left: [
        async (run) => {
          await run.cancel();
          return await heldReading().reading();
        },
        async () => 1,
        async () => 0,
      ],
    });
    await expect(result).rejects.toThrow(WorkflowFailedError);
    expect(log.slice(3)).toEqual([
      ...['queue 500 invoices', 'take back "cancelled"', 'left 1', 'left 0'],
      ...['ended {"state":"cancelled"}', 'end cancelled'],
    ]);
  });

  test('that cannot read Xero ends with the reason, and has sent nothing', async () => {
    const { log } = await exported({
      reads: [
        () => {
          throw ApplicationFailure.nonRetryable('refused', 'xero_auth_failed');
        },
      ],
    });
    expect(log).toEqual([
      ...['read changes', 'take back "failed"', 'left 0'],
      ...['ended {"state":"failed","code":"xero_auth_failed","changed":[]}', 'end xero_auth_failed'],
    ]);
  });
});
