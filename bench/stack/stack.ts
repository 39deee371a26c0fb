/** The whole of it on ports and in a folder of its own: what a first full read needs, each part a process. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type pg from 'pg';
import { migrate } from '../../db/migrate.js';
import { createPool } from '../../db/pool.js';
import { type ApiClient, createApiClient } from '../../embedded/apiClient.js';
import { freePort } from '../../embedded/ports.js';
import { startPostgres } from '../../embedded/postgres.js';
import { type OwnedProcess, spawnOwned, stopAll } from '../../embedded/processes.js';
import { startTemporal } from '../../embedded/temporal.js';
import { makeStateDir, removeStateDir } from '../../test/embedded/support.js';
import { eventually } from '../../test/support/waiting.js';
import { control } from '../../test/xero/support.js';
import { ensureAdminKey } from '../../workers/adminKeys.js';
import { searchAttributeTypes } from '../../workers/searchAttributes.js';

/** Never reached. */
export const noLimit = 1_000_000_000;

export interface StackWish {
  /** How much faster than life the windows of Xero's limits pass; simulator and service are told alike. */
  speed: number;
  /** Calls of the whole app in one of Xero's minutes. */
  appMinute: number;
  /** Temporal's dev server keeps everything in memory instead of a file. */
  temporalInMemory: boolean;
}

/** An hour in ten minutes: a minute of Xero's limits lasts ten seconds. */
export const fastWithoutLimits: StackWish = { speed: 6, appMinute: noLimit, temporalInMemory: false };

export interface Stack {
  api: ApiClient;
  pool: pg.Pool;
  temporal: Client;
  simulatorUrl: string;
  /** Process ids of what runs beside the workers. */
  pids: Readonly<Record<'api' | 'simulator' | 'postgres' | 'temporal', number>>;
  /** A worker of its own process, as in production; several may run. */
  startWorker(): Promise<OwnedProcess>;
  /** Ends everything and removes the folder. */
  stop(): Promise<void>;
}

/** Starts all but the workers. What runs when it throws is ended by `stopAll`. */
export async function startStack({ speed, appMinute, temporalInMemory }: StackWish): Promise<Stack> {
  const folder = await makeStateDir();
  const ports = { api: await freePort(), simulator: await freePort() };
  const simulatorUrl = `http://localhost:${ports.simulator}`;
  const [database, workflows] = await Promise.all([
    startPostgres({ stateDir: folder }),
    startTemporal({
      stateDir: folder,
      ...(!temporalInMemory && { dbFile: `${folder}/temporal.db` }),
      searchAttributes: searchAttributeTypes,
    }),
  ]);
  const env = serviceEnv(simulatorUrl, {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: workflows.address,
    NIGHTLEDGER_PORT: String(ports.api),
    NIGHTLEDGER_REQUESTS_PER_MINUTE: '1000000',
    XERO_MINUTE_WINDOW_MS: String(60_000 / speed),
    XERO_DAY_WINDOW_MS: String(86_400_000 / speed),
  });
  const run = (name: string, script: string, args: readonly string[] = []) =>
    startProcess(folder, env, name, script, args);
  const simulator = await run('simulator', 'simulator/main.ts', [
    ...['--port', String(ports.simulator), '--speed', String(speed)],
    ...['--records', '1', '--daily-limit', String(noLimit)],
  ]);
  await answering(`${simulatorUrl}/_sim/health`);
  await control(simulatorUrl, 'PATCH', '/settings', { limits: { appMinute } });
  await migrate(database.url);
  const key = `nl_${randomBytes(32).toString('base64url')}`;
  await ensureAdminKey(database.url, 'bench', key);
  const api = await run('api', 'workers/api.ts');
  await answering(`http://localhost:${ports.api}/health/ready`);
  const connection = await Connection.connect({ address: workflows.address });
  const pool = createPool(database.url);
  let workers = 0;
  return {
    api: createApiClient(`http://localhost:${ports.api}/v1`, key),
    pool,
    temporal: new Client({ connection }),
    simulatorUrl,
    pids: { api: api.pid, simulator: simulator.pid, postgres: database.pid, temporal: workflows.pid },
    startWorker: () => run(`worker-${++workers}`, 'workers/worker.ts'),
    async stop() {
      await connection.close();
      await pool.end();
      await stopAll();
      await removeStateDir(folder);
    },
  };
}

function startProcess(
  folder: string,
  env: NodeJS.ProcessEnv,
  name: string,
  script: string,
  args: readonly string[],
): Promise<OwnedProcess> {
  return spawnOwned({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', script, ...args],
    env,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    pidDir: `${folder}/pids`,
    logFile: `${folder}/logs/${name}.log`,
    stopLimitMs: 15_000,
  });
}

async function answering(url: string): Promise<void> {
  const ask = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually(`${new URL(url).pathname} answers`, ask, (ok) => ok);
}

/** Nothing of this terminal's own settings reaches the processes, but where downloaded programs are kept. */
function serviceEnv(simulatorUrl: string, given: Record<string, string>): NodeJS.ProcessEnv {
  const { NIGHTLEDGER_CACHE } = process.env;
  const neutral = Object.entries(process.env).filter(([name]) => !/^(NIGHTLEDGER|XERO|TEMPORAL|DATABASE)_/.test(name));
  return {
    ...Object.fromEntries(neutral),
    ...(NIGHTLEDGER_CACHE && { NIGHTLEDGER_CACHE }),
    NIGHTLEDGER_TOKEN_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    NIGHTLEDGER_LOG_LEVEL: 'warn',
    XERO_CLIENT_ID: 'nightledger-demo',
    XERO_CLIENT_SECRET: 'nightledger-demo-secret',
    XERO_ISSUER_URL: simulatorUrl,
    XERO_AUTHORIZE_URL: `${simulatorUrl}/identity/connect/authorize`,
    XERO_TOKEN_URL: `${simulatorUrl}/connect/token`,
    XERO_API_URL: simulatorUrl,
    ...given,
  };
}
