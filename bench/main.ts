/** `npm run bench`: figures as ratios of one run, beside what they should be. */
import { forceStopAll, stopAll } from '../embedded/processes.js';
import { stopOnSignals } from '../embedded/stopSignals.js';
import { benchBackfill } from './backfill/report.js';
import { type Figure, lineOf } from './figures.js';
import { benchMemory } from './memory/report.js';
import { machine } from './stack/machine.js';
import { type Stack, startStack } from './stack/stack.js';

const benches: Readonly<Record<string, (stack: Stack) => AsyncGenerator<Figure>>> = {
  backfill: benchBackfill,
  memory: benchMemory,
};

const usage = `npm run bench -- NAME

  backfill   calls, share of the minute limit, refusals, records a second against the floor, wall time, Temporal events
  memory     a worker's peak resident memory at 500,000 records against 50,000
  --help     this text

Starts a Postgres, a Temporal dev server, the Xero simulator, the API and workers of its own on free loopback ports and in a
temporary folder, and ends them all. Ratios are of one run; the machine should have nothing else to do.`;

let stopped = false;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** @returns the exit code: 1 where an aim was missed, 2 where nothing of that name is measured. */
async function main([name = '']: readonly string[]): Promise<number> {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined) {
    say(usage);
    return name === '--help' ? 0 : 2;
  }
  stopOnSignals(() => {
    stopped = true;
    say('Stopped before the end.');
    void stopAll().finally(() => process.exit(130));
  });
  say(`${name} on ${machine()}`);
  const stack = await startStack();
  let allMet = true;
  try {
    for await (const figure of bench(stack)) {
      say(lineOf(figure));
      allMet &&= figure.met;
    }
  } finally {
    await stack.stop();
  }
  return allMet ? 0 : 1;
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
