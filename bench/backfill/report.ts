/** `npm run bench -- backfill`: each figure beside its aim. */
import { type Figure, median, spread } from '../figures.js';
import { warmUp } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';
import { measureCalls } from './calls.js';
import { measureEvents } from './events.js';
import { measureWallTime } from './latency.js';
import { measureMinuteShare } from './minuteShare.js';
import { measureThroughput } from './throughput.js';

const rounds = 3;
const records = 50_000;

/** One measurement after the other, by one worker that has read before. */
export async function* benchBackfill(stack: Stack): AsyncGenerator<Figure> {
  await stack.startWorker();
  await warmUp(stack);
  yield* throughput(stack);
  yield await calls(stack);
  yield await wallTime(stack);
  yield* minuteShare(stack);
  yield await events(stack);
}

async function* throughput(stack: Stack): AsyncGenerator<Figure> {
  const { floor, ours } = await measureThroughput(stack, { rounds, records });
  const ratios = ours.map((rate, round) => rate / (floor[round] as number));
  const value = `${spread(ratios, 2)} of the floor in ${rounds} rounds; ${spread(ours)} against ${spread(floor)}`;
  yield { what: 'records a second, limits off', value, aim: '>= 0.8', met: median(ratios) >= 0.8 };
}

async function calls(stack: Stack): Promise<Figure> {
  const figure = await measureCalls(stack, records);
  const more = (figure.calls - figure.least) / figure.least;
  const value = `${figure.calls} for ${figure.records} records, least possible ${figure.least}: ${percent(more)} more`;
  return { what: 'calls', value, aim: 'within 3 %', met: more <= 0.03 };
}

async function wallTime(stack: Stack): Promise<Figure> {
  const { ours, floor } = await measureWallTime(stack, rounds);
  const seconds = ours.map((ms) => ms / 1000);
  const least = floor.map((ms) => ms / 1000);
  const value = `${spread(seconds, 2)} s in ${rounds} rounds; the floor took ${spread(least, 2)} s`;
  return { what: '30,200 records at 100 ms an answer', value, aim: '< 2 s', met: median(seconds) < 2 };
}

async function* minuteShare(stack: Stack): AsyncGenerator<Figure> {
  const { share, windows, refusals } = await measureMinuteShare(stack);
  const value = `${percent(share)} of ${windows} full windows of 10 s`;
  yield { what: 'share of the minute limit', value, aim: '>= 97 %', met: windows >= 4 && share >= 0.97 };
  yield { what: 'answers with 429', value: `${refusals} for the organisation`, aim: 'at most 1', met: refusals <= 1 };
}

async function events(stack: Stack): Promise<Figure> {
  const figure = await measureEvents(stack, records);
  const value = `${figure.perMillion} a million, extrapolated from ${figure.events} (${figure.turns} turns of reading) for ${figure.records}`;
  return { what: 'Temporal events', value, aim: '< 2,000', met: figure.perMillion < 2000 };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
