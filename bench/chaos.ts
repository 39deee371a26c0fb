/** `npm run chaos`: whatever is killed, the mirror ends up equal to Xero, and every document is there once. */
import { createPool } from '../db/pool.js';
import { forceStopAll, stopAll } from '../embedded/processes.js';
import { stopOnSignals } from '../embedded/stopSignals.js';
import { seeded } from '../test/support/readingModel.js';
import { type Audit, audit } from './chaos/audit.js';
import { type Customer, connect, followToEnd, newOrganisation } from './chaos/customer.js';
import { killOneByOne } from './chaos/killing.js';
import { type ChaosOptions, readChaosOptions, usage } from './chaos/options.js';
import { ragePayments } from './chaos/payments.js';
import { ragePush } from './chaos/pushing.js';
import { type Stack, startStack, type Victims } from './chaos/stack.js';
import { UsageError } from './commandLine.js';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

type Tally = Record<keyof Victims, number>;

async function main(): Promise<number> {
  const options = readChaosOptions(process.argv.slice(2));
  if (options.help) {
    say(usage);
    return 0;
  }
  stopOnSignals(() => {
    say('Stopped before the end.');
    void stopAll().finally(() => process.exit(130));
  });
  const stack = await startStack();
  let fine = false;
  try {
    fine = await rages[options.what ?? 'backfill'](stack, options, say);
    return fine ? 0 : 1;
  } finally {
    if (!fine) say(`Everything that was kept, logs too, is in ${stack.folder}`);
    await stack.stop(!fine);
  }
}

const rages = { backfill: rage, push: ragePush, payments: ragePayments };

async function rage(stack: Stack, { kills, seed }: ChaosOptions): Promise<boolean> {
  const began = performance.now();
  const random = seeded(seed);
  const tally: Tally = { worker: 0, API: 0, Postgres: 0, Temporal: 0 };
  let [over, records] = [false, 0];
  const customers: Customer[] = [];
  const ended = new AbortController();

  const killing = async (): Promise<void> => {
    for await (const { number, kind, name, awayMs } of killOneByOne(stack.victims, kills, random, ended.signal)) {
      tally[kind]++;
      const at = ((performance.now() - began) / 1000).toFixed(1);
      const where = `organisation ${customers.length}, ${records} records`;
      say(`${String(number).padStart(4)}  ${at.padStart(6)} s  ${name.padEnd(9)} away for ${awayMs} ms; ${where}`);
    }
    over = true;
  };
  const reading = async (): Promise<void> => {
    do {
      const name = `${seed}-${customers.length + 1}`;
      const organisation = await newOrganisation(stack.simulatorUrl, name);
      const customer = await connect(stack.api, `company-${name}`, organisation);
      customers.push(customer);
      await followToEnd(stack.api, customer, (now) => {
        records = now;
      });
    } while (!over);
  };
  const both = [killing(), reading()];
  try {
    await Promise.all(both);
  } finally {
    ended.abort();
    await Promise.allSettled(both);
  }
  return summarise(stack, tally, await auditAll(stack, customers), performance.now() - began);
}

async function auditAll(stack: Stack, customers: readonly Customer[]): Promise<Audit[]> {
  const pool = createPool(stack.databaseUrl);
  const audits: Audit[] = [];
  try {
    for (const customer of customers) audits.push(await audit(pool, stack.api, stack.simulatorUrl, customer));
  } finally {
    await pool.end();
  }
  return audits;
}

/** The closing line. @returns whether nothing was wrong. */
function summarise({ ownEnds }: Stack, tally: Tally, audits: readonly Audit[], ms: number): boolean {
  const sum = (field: 'records' | 'mismatches' | 'duplicates' | 'calls' | 'least') =>
    audits.reduce((total, each) => total + each[field], 0);
  const complaints = audits.flatMap((each) => each.complaints);
  for (const complaint of complaints) say(complaint);
  const killed = Object.values(tally).reduce((total, count) => total + count, 0);
  const kinds = Object.entries(tally).map(([kind, count]) => `${kind} ${count}`);
  const ends = Object.entries(ownEnds).map(([name, count]) => `${name} ${count}`);
  const [calls, least] = [sum('calls'), sum('least')];
  say(
    [
      `${killed} kills (${kinds.join(', ')})`,
      `${audits.length} organisations, ${sum('records')} records`,
      `mismatches ${sum('mismatches')}, duplicates ${sum('duplicates')}`,
      `${calls} calls, least possible ${least} (${(((calls - least) / least) * 100).toFixed(1)} % more)`,
      `ended without being killed: ${ends.length === 0 ? 'none' : ends.join(', ')}`,
      `${(ms / 1000).toFixed(0)} s`,
    ].join('; '),
  );
  return complaints.length === 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof UsageError ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = 1;
} finally {
  forceStopAll();
}
