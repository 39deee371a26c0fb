import { ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { housekeepingTaskNames } from '../../domain/housekeeping.js';
import { scheduleIds } from '../../domain/names.js';
import { decodedHistory } from '../support/decodedHistory.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

const schedule = () => system.client.schedule.getHandle(scheduleIds.housekeeping);

/** The schedule as a worker left it that has started. */
async function afterWorkerStarted() {
  const worker = system.startWorker();
  await eventually('the worker serves', worker.output, (output) => output.includes('RUNNING'));
  return schedule().describe();
}

test('a worker makes the schedule; each run refreshes, shows and forgets, and says how much', async () => {
  const { spec, policies, state } = await afterWorkerStarted();
  expect(spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  expect(spec.jitter).toBe(600_000);
  expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 3_600_000 });
  expect(state.paused).toBe(false);

  const organisation = await system.organisation({ counts: { contacts: 5, invoices: 5 } });
  const books = await system.connect(organisation);
  await books.ended();
  await system.database.pool.query(
    `UPDATE oauth_grant SET used_at = used_at - interval '21 days',
       access_token_expires_at = access_token_expires_at - interval '21 days'`,
  );

  // So that no run starts but the test's own.
  await schedule().pause();
  await schedule().trigger(ScheduleOverlapPolicy.SKIP);
  const { info } = await eventually(
    'the run was started',
    () => schedule().describe(),
    (now) => now.info.recentActions.length > 0,
  );
  const started = info.recentActions.at(-1)?.action;
  expect(started?.workflow.workflowId).toMatch(/^housekeeping-/);
  const run = system.client.workflow.getHandle(started?.workflow.workflowId ?? '');
  expect(await run.result()).toEqual({
    startBackfills: { started: 0, failed: 0 },
    repairSchedules: { repaired: 0, removed: 0, failed: 0 },
    ringForWebhooks: { rung: 0, failed: 0 },
    ringOutboxes: { rung: 0, failed: 0 },
    startReviews: { started: 0, failed: 0 },
    refreshIdleGrants: { refreshed: 1, failed: 0 },
    showDeadGrants: { connections: 0 },
    endLinks: { ended: 0, failed: 0 },
    forgetConsents: { forgotten: 0 },
    forgetGrants: { forgotten: 0 },
    forgetChanges: { forgotten: 0 },
    forgetPreviews: { forgotten: 0 },
    forgetWebhookEvents: { forgotten: 0 },
  });
  const history = await decodedHistory(run);
  expect(housekeepingTaskNames.filter((task) => !history.includes(task))).toEqual([]);
});

test('bells of outboxes that nobody heard are looked for every minute', async () => {
  await afterWorkerStarted();
  const { spec, action } = await system.client.schedule.getHandle(scheduleIds.outboxBells).describe();
  expect(spec.intervals).toMatchObject([{ every: 60_000 }]);
  expect(action).toMatchObject({ workflowType: 'housekeeping', args: [['ringOutboxes']] });
});

test('a schedule that a person paused stays paused when workers start', async () => {
  await afterWorkerStarted();
  await schedule().pause('by a person');
  const { state, policies } = await afterWorkerStarted();
  expect(state).toMatchObject({ paused: true, note: 'by a person' });
  expect(policies.catchupWindow).toBe(3_600_000);
});

test('workers that start at the same time leave one schedule', async () => {
  await schedule().delete();
  await Promise.all([afterWorkerStarted(), afterWorkerStarted()]);
  const ids: string[] = [];
  for await (const { scheduleId } of system.client.schedule.list()) ids.push(scheduleId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await schedule().describe()).toMatchObject({ state: { paused: false } });
});
