import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError, readConfig } from '../config/config.js';
import { ensureAdminKey } from '../workers/adminKeys.js';
import { type ApiClient, createApiClient } from './apiClient.js';
import { connectDemo } from './demo.js';
import { readOptions, type StartOptions, usage } from './options.js';
import { peakRssMb } from './peakRss.js';
import { endLeftovers, stopAll } from './processes.js';
import { type BackfillView, createProgress } from './progressBar.js';
import { type Services, startServices } from './services.js';
import { StartError } from './startError.js';
import { adminKeyOf, eraseState, type StateFolder, stateFolder } from './state.js';
import { lockStateDir } from './stateLock.js';
import { stopOnSignals } from './stopSignals.js';

const pollMs = 300;
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
  let stopped = false;
  stopOnSignals(() => {
    stopped = true;
    void end(unlock, 130);
  });
  try {
    const ended = await endLeftovers(folder.pids);
    if (ended.length > 0) say(`Ended what an earlier start left running: ${ended.join(', ')}.`);
    if (options.fresh) await eraseState(folder);
    await serve(options, folder);
    if (options.once) await end(unlock, 0);
  } catch (error) {
    if (stopped) return;
    explain(error);
    await end(unlock, 1);
  }
}

async function serve(options: StartOptions, folder: StateFolder): Promise<void> {
  say('Starting Nightledger …');
  const services = await startServices(options, folder, process.env, say);
  const key = await adminKeyOf(folder);
  await ensureAdminKey(services.databaseUrl, 'npm start', key);
  const api = createApiClient(services.apiUrl, key);
  if (services.simulatorUrl === null) return lookHere(services, folder, null);
  const connectionId = await connectDemo(api);
  const backfill = await follow(api, connectionId);
  lookHere(services, folder, backfill);
  if (options.once) await report(api, services, connectionId, backfill);
}

interface Backfill extends BackfillView {
  url: string;
  bytes: number;
  endedAt: string | null;
  rateLimited: { minute: number; day: number; concurrent: number };
  sleeps: { reason: string; seconds: number }[];
  streams: Record<string, { status: string; records: number; expected: number | null; calls: number }>;
}

/** Shows the first full read until it has ended; starts it where an earlier start could not. */
async function follow(api: ApiClient, connectionId: string): Promise<Backfill> {
  const { backfilled } = await ensureStarted(api, connectionId);
  const progress = createProgress(process.stdout);
  for (;;) {
    const [backfill, budget] = await Promise.all([
      api.get<Backfill>(`/connections/${connectionId}/backfill`),
      api.get<{ day: { remaining: number | null } }>(`/connections/${connectionId}/budget`),
    ]);
    if (!backfilled) progress.show({ backfill, callsLeftToday: budget.day.remaining });
    if (backfill.endedAt !== null) {
      progress.end();
      if (backfill.outcome !== 'completed') {
        throw new StartError(`The first full read ended as ${backfill.outcome}: look at ${backfill.url}`);
      }
      return backfill;
    }
    await delay(pollMs);
  }
}

/** A run that failed or was never started (Temporal was away) is started; one in hand goes on by itself. */
async function ensureStarted(api: ApiClient, connectionId: string): Promise<{ backfilled: boolean }> {
  const { outcome } = await api.get<{ outcome: string | null }>(`/connections/${connectionId}/backfill`);
  if (outcome === 'completed') return { backfilled: true };
  await api.post(`/connections/${connectionId}/backfill`, {});
  return { backfilled: false };
}

function lookHere(services: Services, folder: StateFolder, backfill: Backfill | null): void {
  const rows = [
    ['API reference', services.docsUrl],
    ['Temporal UI', services.temporalUiUrl ?? 'yours'],
    ['This run', backfill?.url ?? 'connect a company first: POST /v1/connections'],
    ['Admin key', `${folder.path}/admin.key`],
    ['Logs', `${folder.path}/logs`],
  ];
  say('');
  for (const [what, where] of rows) say(`  ${what?.padEnd(14)} ${where}`);
  say('');
}

/** The last line of `--once`: what is in the mirror beside what the simulator says is there. */
async function report(api: ApiClient, services: Services, connectionId: string, backfill: Backfill): Promise<void> {
  const { status, organisation } = await api.get<{ status: string; organisation: { id: string } }>(
    `/connections/${connectionId}`,
  );
  const truth = (await (
    await fetch(`${services.simulatorUrl}/_sim/organisations/${organisation.id}/truth`)
  ).json()) as {
    streams: Record<string, { count: number }>;
  };
  const streams = Object.entries(backfill.streams).map(([name, { records, calls }]) => [
    name,
    { records, expected: truth.streams[name]?.count ?? null, calls },
  ]);
  const { minute, day, concurrent } = backfill.rateLimited;
  say(
    JSON.stringify({
      connectionId,
      status,
      streams: Object.fromEntries(streams),
      calls: backfill.calls,
      bytes: backfill.bytes,
      rateLimited: { minute, day, concurrent },
      sleeps: backfill.sleeps,
      seconds: (Date.parse(backfill.endedAt as string) - Date.parse(backfill.startedAt)) / 1000,
      peakRssMb: peakRssMb(services.worker.pid),
    }),
  );
}

function explain(error: unknown): void {
  const sentence = error instanceof StartError || error instanceof ConfigError;
  process.stderr.write(`${sentence ? error.message : ((error as Error).stack ?? String(error))}\n`);
}

async function end(unlock: () => Promise<void>, code: number): Promise<void> {
  await stopAll();
  await unlock();
  process.exit(code);
}

await main();
