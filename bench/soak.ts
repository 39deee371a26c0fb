/** `npm run soak`: no record is lost while people work in the books that are read. */
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { startPostgres } from '../embedded/postgres.js';
import { stopAll } from '../embedded/processes.js';
import { stopOnSignals } from '../embedded/stopSignals.js';
import { makeStateDir, removeStateDir } from '../test/embedded/support.js';
import { UsageError } from './commandLine.js';
import { caseOf, type SoakCase, ways } from './soak/cases.js';
import { startLane } from './soak/lane.js';
import { readSoakOptions, usage } from './soak/options.js';
import { readUnderEdits, type SoakResult } from './soak/readUnderEdits.js';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const lanes = 2;
/** Seeds after which the simulator and the database begin anew. */
const seedsPerLane = 20;
const sayEvery = 20;

interface Totals {
  seeds: number;
  readings: number;
  records: number;
  edits: number;
  failed: string[];
}

async function main(): Promise<number> {
  const options = readSoakOptions(process.argv.slice(2));
  if (options.help) {
    say(usage);
    return 0;
  }
  const seeds = Array.from({ length: options.seeds }, (_, index) => options.from + index);
  let stopped = false;
  stopOnSignals(() => {
    say('Stopping after the readings in hand; again to end at once.');
    stopped = true;
    seeds.length = 0;
  });
  const stateDir = await makeStateDir();
  try {
    const { url } = await startPostgres({ stateDir, fast: true });
    await migrate(url);
    const totals: Totals = { seeds: 0, readings: 0, records: 0, edits: 0, failed: [] };
    const began = performance.now();
    const soaking = Array.from({ length: lanes }, (_, lane) =>
      soak(url, stateDir, `simulator-${lane}`, seeds, totals).finally(() => {
        // One that failed takes nothing more, and neither do the others: all end before what they use does.
        seeds.length = 0;
      }),
    );
    const ends = await Promise.allSettled(soaking);
    for (const end of ends) if (end.status === 'rejected') totals.failed.push(String(end.reason));
    for (const failure of totals.failed) say(failure);
    const { records, edits, readings, failed } = totals;
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    say(
      `${totals.seeds} seeds, ${readings} readings under edits in ${ways.length} ways; ${edits} edits, ${records} records; ` +
        `failed ${failed.length}; ${minutes} min`,
    );
    return stopped ? 130 : failed.length === 0 ? 0 : 1;
  } finally {
    await stopAll();
    await removeStateDir(stateDir);
  }
}

/** Takes seeds off the common list until there are none. */
async function soak(url: string, stateDir: string, name: string, seeds: number[], totals: Totals): Promise<void> {
  const pool = createPool(url);
  while (seeds.length > 0) {
    const lane = await startLane(stateDir, name);
    for (let count = 0; count < seedsPerLane; count++) {
      const seed = seeds.shift();
      if (seed === undefined) break;
      for (const way of ways) await soakOne(pool, lane.xeroUrl, caseOf(way, seed), totals);
      if (++totals.seeds % sayEvery === 0) say(`${totals.seeds} seeds, failed ${totals.failed.length}`);
    }
    await lane.stop();
  }
  await pool.end();
}

async function soakOne(pool: Parameters<typeof readUnderEdits>[0], xeroUrl: string, wish: SoakCase, totals: Totals) {
  const about = `seed ${wish.seed}, ${wish.stream} (${wish.way})`;
  const result = await readUnderEdits(pool, xeroUrl, wish).catch((error: Error) => error);
  totals.readings++;
  if (result instanceof Error) return void totals.failed.push(`${about}: ${result.message}`);
  totals.records += result.rows;
  totals.edits += result.edits;
  const wrong = Object.entries(wrongOf(result)).filter(([, count]) => count > 0);
  if (wrong.length > 0) totals.failed.push(`${about}: ${wrong.map((pair) => pair.join(' ')).join(', ')}`);
}

function wrongOf({ lost, left }: SoakResult): Record<string, number> {
  return {
    'missing before the cursor': lost.missing.length,
    'different before the cursor': lost.different.length,
    'surplus before the cursor': lost.surplus.length,
    'missing after one more reading': left.missing.length,
    'different after one more reading': left.different.length,
    'surplus after one more reading': left.surplus.length,
  };
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof UsageError ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = 1;
}
