import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { type Held, holdWhatWasLost } from '../db/restoration.js';
import { databaseUrl } from './composition.js';
import { run } from './run.js';

const usage = 'npm run restored -- --at <instant of the backup, e.g. 2026-11-22T03:00:00Z>';

/** Run once after a backup was restored, before the API and the workers are started. */
await run(async () => {
  const at = backupInstant(process.argv.slice(2));
  if (at === null) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 1;
    return;
  }
  const url = databaseUrl(readConfig(process.env));
  await migrate(url);
  const pool = createPool(url, 1);
  try {
    for (const line of report(at, await holdWhatWasLost(pool))) process.stdout.write(`${line}\n`);
  } finally {
    await pool.end();
  }
});

/** Null where it is none, or lies ahead. */
function backupInstant(args: string[]): string | null {
  const { values } = parseArgs({ args, options: { at: { type: 'string' } }, strict: false });
  const at = typeof values.at === 'string' ? Date.parse(values.at) : Number.NaN;
  return Number.isNaN(at) || at > Date.now() ? null : new Date(at).toISOString();
}

function report(at: string, { organisations, payments, claims, documents }: Held): string[] {
  return [
    'All sending to Xero is paused.',
    `Held: ${payments} payments that were not imported, and all that Xero has until now in ${organisations} organisations, as runs find them; ${claims} attempts without an outcome; ${documents} documents that were to be sent.`,
    'Whoever follows the feed gets 410 position_gone, and starts anew.',
    '',
    'What to do now:',
    `1. Start the API and the workers, and have the platform save again what it saved since ${at}.`,
    '2. GET /v1/connections/{id}/payment-imports?state=failed lists the payments that are held: look in the books of the platform which of them are there, and resolve each.',
    '3. GET /v1/companies/{company}/documents?state=held lists the documents: look in Xero which of them are there, and decide each, with "link" or "send".',
    '4. POST /v1/writes/resume.',
  ];
}
