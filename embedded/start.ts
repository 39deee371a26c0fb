import { join, relative } from 'node:path';
import { ConfigError, readConfig } from '../config/config.js';
import { ensureAdminKey } from '../workers/adminKeys.js';
import { createApiClient } from './apiClient.js';
import { type Backfill, followBackfill } from './backfill.js';
import { connectDemo, demoCompany } from './demo.js';
import { showPush } from './documents.js';
import { readOptions, type StartOptions, usage } from './options.js';
import { showPayments } from './payments.js';
import { showPreview } from './preview.js';
import { endLeftovers, stopAll } from './processes.js';
import { reportOf } from './report.js';
import { type Services, startServices } from './services.js';
import { StartError } from './startError.js';
import { adminKeyOf, eraseState, type StateFolder, stateFolder } from './state.js';
import { lockStateDir } from './stateLock.js';
import { stopOnSignals } from './stopSignals.js';
import { showSync } from './sync.js';

/** 128 + SIGINT, as shells report it. */
const interruptedExitCode = 130;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** `npm start`: everything in one terminal, the demo company connected and read. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return say(usage);
  readConfig(process.env);
  const folder = stateFolder(process.env.NIGHTLEDGER_STATE_DIR || '.nightledger');
  const unlock = await lockStateDir(folder.path);
  const end = async (code: number): Promise<never> => {
    await stopAll();
    await unlock();
    process.exit(code);
  };
  let interrupted = false;
  stopOnSignals(() => {
    interrupted = true;
    void end(interruptedExitCode);
  });
  try {
    await serve(options, folder);
    if (options.once) await end(0);
  } catch (error) {
    // What is being stopped fails in its own ways; the person who stopped it knows why.
    if (interrupted) return;
    explain(error);
    await end(1);
  }
}

async function serve(options: StartOptions, folder: StateFolder): Promise<void> {
  const ended = await endLeftovers(folder.pids);
  if (ended.length > 0) say(`Ended what an earlier start left running: ${ended.join(', ')}.`);
  if (options.fresh) await eraseState(folder);
  say('Starting Nightledger …');
  const services = await startServices(options, folder, process.env, say);
  const key = await adminKeyOf(folder);
  await ensureAdminKey(services.databaseUrl, 'npm start', key);
  if (services.simulatorUrl === null) return lookHere(services, folder, null);
  const api = createApiClient(services.apiUrl, key);
  const connectionId = await connectDemo(api);
  const backfill = await followBackfill(api, connectionId);
  lookHere(services, folder, backfill, connectionId);
  if (options.once) return say(JSON.stringify(await reportOf(api, services, connectionId, backfill)));
  say(await showSync(api, services.simulatorUrl, connectionId));
  for (const line of await showPreview(api, connectionId, new Date())) say(line);
  for (const line of await showPush(api, demoCompany, new Date())) say(line);
  say(await showPayments(api, services.simulatorUrl, connectionId, demoCompany));
  say('Ctrl-C ends everything; the next start goes on from here.');
}

function lookHere(services: Services, folder: StateFolder, backfill: Backfill | null, connectionId?: string): void {
  const rows: [string, string][] = [
    ['API reference', services.docsUrl],
    ['Temporal UI', services.temporalUiUrl ?? 'yours, at TEMPORAL_ADDRESS'],
    ['Metrics', `${services.metricsUrls[0]} (API), ${services.metricsUrls[1]} (worker)`],
    ['This run', backfill?.url ?? 'none yet: connect a company with POST /v1/connections'],
    ...(backfill && connectionId ? [nightRow(backfill, connectionId)] : []),
    ['Admin key', fromHere(join(folder.path, 'admin.key'))],
    ['Logs', fromHere(join(folder.path, 'logs'))],
  ];
  say('');
  for (const [what, where] of rows) say(`  ${what.padEnd(14)} ${where}`);
  say('');
}

/** The schedule stands in the UI beside the run. */
function nightRow(backfill: Backfill, connectionId: string): [string, string] {
  const [ui] = backfill.url.split('/workflows/');
  return ['Its nights', `${ui}/schedules/${encodeURIComponent(`nightly:${connectionId}`)}`];
}

/** As a person at this terminal would type it. */
function fromHere(path: string): string {
  return relative(process.cwd(), path);
}

function explain(error: unknown): void {
  const sentence = error instanceof StartError || error instanceof ConfigError;
  process.stderr.write(`${sentence ? error.message : ((error as Error).stack ?? String(error))}\n`);
}

await main().catch((error: unknown) => {
  explain(error);
  process.exitCode = 1;
});
