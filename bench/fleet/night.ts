/** A night of many connections: all are due at the same moment, and nobody has touched their books. */
import { setTimeout as delay } from 'node:timers/promises';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { scheduleIds, workflowIds } from '../../domain/names.js';
import type { Usage } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';
import type { Stack } from '../stack/stack.js';
import { sideBySide } from './sideBySide.js';

export interface Member {
  connectionId: string;
  /** Its tenant id. */
  organisation: string;
}

export interface Night {
  /** Of each connection, by its nightly run and its sync together. */
  calls: number[];
  activities: number[];
  events: number[];
  /** Answers with 429, all together. */
  refusals: number;
  completed: number;
  /** Seconds from the first trigger until the last sync had ended, and until each had begun and ended. */
  seconds: number;
  began: number[];
  ended: number[];
}

const atATime = 16;
const lastsAtMostMs = 1_200_000;
/** Seldom, since it is Postgres that is asked, whose time is measured. */
const lookEveryMs = 500;

interface Sync {
  outcome: string;
  began: number;
  ended: number;
}

/** Triggers every connection's nightly schedule and waits until each of their syncs has ended. */
export async function night(stack: Stack, fleet: readonly Member[]): Promise<Night> {
  await endAccessTokens(stack);
  const before = await sideBySide(fleet, atATime, (member) => usageOf(stack, member));
  const began = await clock(stack);
  await sideBySide(fleet, atATime, ({ connectionId }) =>
    stack.temporal.schedule.getHandle(scheduleIds.nightly(connectionId)).trigger(ScheduleOverlapPolicy.SKIP),
  );
  const syncs = await allEnded(stack, began, fleet.length);
  const after = await sideBySide(fleet, atATime, (member) => usageOf(stack, member));
  const histories = await sideBySide(fleet, atATime, (member) => historiesOf(stack, member));
  const difference = (figure: (usage: Usage) => number) =>
    after.map((usage, index) => figure(usage) - figure(before[index] as Usage));
  return {
    calls: difference(({ calls }) => calls.total),
    refusals: sum(difference(({ refusals }) => sum(Object.values(refusals)))),
    activities: histories.map(({ activities }) => activities),
    events: histories.map(({ events }) => events),
    completed: syncs.filter(({ outcome }) => outcome === 'completed').length,
    seconds: Math.max(...syncs.map(({ ended }) => ended)),
    began: syncs.map((sync) => sync.began),
    ended: syncs.map((sync) => sync.ended),
  };
}

/** A night comes a day after the last one: access tokens, which live for half an hour, have ended, and each is refreshed. */
async function endAccessTokens({ pool }: Stack): Promise<void> {
  await pool.query('UPDATE oauth_grant SET access_token_expires_at = clock_timestamp()');
}

async function clock({ pool }: Stack): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return (rows[0] as { now: Date }).now;
}

async function allEnded(stack: Stack, began: Date, count: number): Promise<Sync[]> {
  const deadline = performance.now() + lastsAtMostMs;
  for (;;) {
    const syncs = await syncsSince(stack, began);
    if (syncs.length >= count) return syncs;
    if (performance.now() > deadline) throw new Error(`only ${syncs.length} of ${count} syncs have ended`);
    await delay(lookEveryMs);
  }
}

async function syncsSince({ pool }: Stack, began: Date): Promise<Sync[]> {
  const { rows } = await pool.query<Sync>(
    `SELECT outcome, extract(epoch FROM started_at - $1)::float8 AS began, extract(epoch FROM ended_at - $1)::float8 AS ended
     FROM run WHERE kind = 'sync' AND started_at >= $1 AND ended_at IS NOT NULL`,
    [began],
  );
  return rows;
}

function usageOf({ simulatorUrl }: Stack, { organisation }: Member): Promise<Usage> {
  return control(simulatorUrl, 'GET', `/organisations/${organisation}/truth`);
}

/** Of the run that the schedule started and of the sync that this one started. */
async function historiesOf({ temporal }: Stack, { connectionId }: Member) {
  const { info } = await temporal.schedule.getHandle(scheduleIds.nightly(connectionId)).describe();
  const nightly = info.recentActions.at(-1)?.action.workflow.workflowId ?? '';
  let [activities, events] = [0, 0];
  for (const workflowId of [nightly, workflowIds.sync(connectionId)]) {
    const handle = temporal.workflow.getHandle(workflowId);
    // Postgres knows of the end a moment before Temporal.
    await handle.result().catch(() => undefined);
    const history = (await handle.fetchHistory()).events ?? [];
    events += history.length;
    activities += history.filter((event) => event.activityTaskScheduledEventAttributes).length;
  }
  return { activities, events };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
