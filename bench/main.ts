/** `npm run bench`: figures as ratios of one run, beside what they should be. */
import { parseArgs } from 'node:util';
import { forceStopAll, stopAll } from '../embedded/processes.js';
import { stopOnSignals } from '../embedded/stopSignals.js';
import { benchBackfill } from './backfill/report.js';
import { type Figure, lineOf } from './figures.js';
import { benchFleet, fleetStack } from './fleet/report.js';
import { benchMemory } from './memory/report.js';
import { benchPreview } from './preview/report.js';
import { benchPush, pushStack } from './push/report.js';
import { machine } from './stack/machine.js';
import { fastWithoutLimits, type Stack, type StackWish, startStack } from './stack/stack.js';

interface Bench {
  measure(stack: Stack, organisations: number): AsyncGenerator<Figure>;
  stack: StackWish;
}

const benches: Readonly<Record<string, Bench>> = {
  backfill: { measure: benchBackfill, stack: fastWithoutLimits },
  memory: { measure: benchMemory, stack: fastWithoutLimits },
  preview: { measure: benchPreview, stack: { ...fastWithoutLimits, temporalInMemory: true } },
  fleet: { measure: benchFleet, stack: fleetStack },
  push: { measure: benchPush, stack: pushStack },
};

const usage = `npm run bench -- NAME

  backfill   calls, share of the minute limit, refusals, records a second against the floor, wall time, Temporal events
  memory     a worker's peak resident memory at 500,000 records against 50,000
  preview    10,000 documents that wait: seconds beyond the sync, and calls
  fleet      a night of small organisations whose books nobody touched: calls, activities and events of each, wall time,
             refusals, processor time, memory
             --organisations N   how many (default 1000)
  push       from our answer to the invoice standing in Xero, at 1 save a second and at 50 over 200 connections, beside a
             bare call of xero-node; the calls of a bulk of 10,000
  --help     this text

Starts a Postgres, a Temporal dev server, the Xero simulator, the API and workers of its own on free loopback ports and in a
temporary folder, and ends them all. Ratios are of one run; the machine should have nothing else to do.`;

let stopped = false;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** @returns the exit code: 1 where an aim was missed, 2 where nothing of that name is measured. */
async function main(args: readonly string[]): Promise<number> {
  const { name, organisations, help } = read(args);
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined || !Number.isSafeInteger(organisations) || organisations < 1) {
    say(usage);
    return help ? 0 : 2;
  }
  stopOnSignals(() => {
    stopped = true;
    say('Stopped before the end.');
    void stopAll().finally(() => process.exit(130));
  });
  say(`${name} on ${machine()}`);
  const stack = await startStack(bench.stack);
  let allMet = true;
  try {
    for await (const figure of bench.measure(stack, organisations)) {
      say(lineOf(figure));
      allMet &&= figure.met;
    }
  } finally {
    await stack.stop();
  }
  return allMet ? 0 : 1;
}

function read(args: readonly string[]): { name: string; organisations: number; help: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { organisations: { type: 'string', default: '1000' }, help: { type: 'boolean', default: false } },
  });
  return { name: positionals[0] ?? '', organisations: Number(values.organisations), help: values.help };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // What fails because everything ends under it is no news.
  if (!stopped) process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
} finally {
  if (!stopped) forceStopAll();
}
