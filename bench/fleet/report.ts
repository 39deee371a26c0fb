/** `npm run bench -- fleet`: what a night of many small organisations costs. */
import { loadavg } from 'node:os';
import { peakRssMb } from '../../embedded/peakRss.js';
import { type Figure, spread } from '../figures.js';
import { cpuSeconds } from '../stack/cpu.js';
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack, StackWish } from '../stack/stack.js';
import { type Member, type Night, night } from './night.js';
import { sideBySide } from './sideBySide.js';

/** As in life: a minute is a minute, and the app has 10,000 calls in it. */
export const fleetStack: StackWish = { speed: 1, appMinute: 10_000, temporalInMemory: true };

const small = { counts: { contacts: 20, invoices: 30 }, limits: { minute: 60, day: 5000 } };
const connectedAtATime = 8;
const mostCalls = 19;
const mostActivities = 4;
const mostEvents = 60;
const longestSeconds = 120;

/** Connects them, reads each for the first time, and lets one night come to all at once. One worker does it all. */
export async function* benchFleet(stack: Stack, organisations: number): AsyncGenerator<Figure> {
  const worker = await stack.startWorker();
  const processes = { worker: worker.pid, ...stack.pids };
  yield told('load of the machine at the start', loadavg()[0]?.toFixed(1) ?? '');
  const began = performance.now();
  const fleet = await sideBySide(Array.from({ length: organisations }), connectedAtATime, () => connect(stack));
  yield told(`${organisations} connected and first read`, `${seconds((performance.now() - began) / 1000)} s`);
  const before = cpuOf(processes);
  const passed = await night(stack, fleet);
  const used = cpuOf(processes);
  yield* costOfEach(passed);
  yield* nightAsAWhole(passed, organisations);
  const cpu = Object.keys(processes).map((name) => `${name} ${spent(before[name], used[name])}`);
  yield told('processor seconds of the night', cpu.join(', '));
  yield told('peak resident memory', `worker ${peakRssMb(worker.pid)} MB, api ${peakRssMb(stack.pids.api)} MB`);
  yield told('load of the machine at the end', loadavg()[0]?.toFixed(1) ?? '');
}

async function connect(stack: Stack): Promise<Member> {
  const organisation = await newOrganisation(stack, small);
  const { connectionId } = await backfill(stack, organisation);
  return { connectionId, organisation };
}

function* costOfEach({ calls, activities, events }: Night): Generator<Figure> {
  yield atMost('calls of a quiet connection', calls, mostCalls);
  yield atMost('activities of a quiet connection', activities, mostActivities);
  yield atMost('Temporal events of a quiet one', events, mostEvents);
}

function* nightAsAWhole(passed: Night, organisations: number): Generator<Figure> {
  const { completed, refusals, began, ended } = passed;
  const whole = `${completed} of ${organisations} syncs completed`;
  yield { what: 'the night', value: whole, aim: 'all', met: completed === organisations };
  const value = `${seconds(passed.seconds)} s from the first trigger to the last end`;
  yield { what: 'its wall time', value, aim: `<= ${longestSeconds} s`, met: passed.seconds <= longestSeconds };
  yield told('until a sync began', `${spread(began, 1)} s`);
  yield told('until a sync had ended', `${spread(ended, 1)} s`);
  yield { what: 'answers with 429', value: String(refusals), aim: '0', met: refusals === 0 };
}

function atMost(what: string, values: readonly number[], most: number): Figure {
  return { what, value: spread(values), aim: `<= ${most}`, met: Math.max(...values) <= most };
}

function told(what: string, value: string): Figure {
  return { what, value, aim: null, met: true };
}

const seconds = (value: number): string => value.toFixed(1);

function cpuOf(processes: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

function spent(before: number | null | undefined, after: number | null | undefined): string {
  return before == null || after == null ? 'not known' : seconds(after - before);
}
