import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { searchAttributeTypes } from '../workers/searchAttributes.js';
import { type StartOptions, windowsAt } from './options.js';
import { freePort, requirePort } from './ports.js';
import { startPostgres } from './postgres.js';
import { type OwnedProcess, spawnOwned } from './processes.js';
import { StartError } from './startError.js';
import { demoRecordsOf, type StateFolder, tokenKeyOf } from './state.js';
import { startTemporal } from './temporal.js';

export interface Ports {
  api: number;
  temporal: number;
  temporalUi: number;
  simulator: number;
  /** Zero, for this one and the next: any that is free. */
  metrics: number;
  workerMetrics: number;
}

export interface Services {
  /** With `/v1`. */
  apiUrl: string;
  docsUrl: string;
  /** The API's metrics page, then the worker's. */
  metricsUrls: [string, string];
  /** Null where Temporal is not ours. */
  temporalUiUrl: string | null;
  /** Null where Xero is not the simulator. */
  simulatorUrl: string | null;
  worker: OwnedProcess;
  databaseUrl: string;
}

type Env = Record<string, string | undefined>;
type Say = (line: string) => void;

const readyLimitMs = 60_000;
const pollMs = 100;

/** What the simulator signs its webhooks with. */
const webhookKey = 'nightledger-demo-webhooks';

/** @throws StartError naming the variable that is not a port. */
export function portsOf(env: Env): Ports {
  const port = (variable: string, usual: number): number => {
    const value = env[variable];
    if (value === undefined || value === '') return usual;
    if (!/^\d{1,5}$/.test(value)) throw new StartError(`${variable} is "${value}": set a port from 1 to 65535.`);
    return Number(value);
  };
  return {
    api: port('NIGHTLEDGER_PORT', 8080),
    temporal: port('NIGHTLEDGER_TEMPORAL_PORT', 7233),
    temporalUi: port('NIGHTLEDGER_TEMPORAL_UI_PORT', 8233),
    simulator: port('NIGHTLEDGER_SIMULATOR_PORT', 4400),
    metrics: port('NIGHTLEDGER_METRICS_PORT', 0),
    workerMetrics: port('NIGHTLEDGER_WORKER_METRICS_PORT', 0),
  };
}

/**
 * Starts what is not configured to be elsewhere, then a worker and the API, each a process of its own on loopback.
 * What runs when it throws is ended by `stopAll`.
 * @throws StartError
 */
export async function startServices(
  options: StartOptions,
  folder: StateFolder,
  given: Env,
  say: Say,
): Promise<Services> {
  const ports = portsOf(given);
  await requirePorts(ports, given);
  const metrics = ports.metrics || (await freePort());
  const workerMetrics = ports.workerMetrics || (await freePort());
  const env: Env = {
    ...given,
    NIGHTLEDGER_PORT: String(ports.api),
    NIGHTLEDGER_METRICS_PORT: String(metrics),
    NIGHTLEDGER_WORKER_METRICS_PORT: String(workerMetrics),
    NIGHTLEDGER_TOKEN_KEYS: given.NIGHTLEDGER_TOKEN_KEYS || (await tokenKeyOf(folder)),
    NIGHTLEDGER_LOG_LEVEL: given.NIGHTLEDGER_LOG_LEVEL || 'info',
    NIGHTLEDGER_CALLBACKS_ON_LOOPBACK: given.NIGHTLEDGER_CALLBACKS_ON_LOOPBACK || 'true',
  };
  const temporalUiUrl = given.TEMPORAL_ADDRESS ? null : `http://127.0.0.1:${ports.temporalUi}`;
  const [simulatorUrl] = await Promise.all([
    given.XERO_CLIENT_ID ? null : startXero(options, folder, ports, env),
    given.DATABASE_URL ? null : startDatabase(folder, env, say),
    given.TEMPORAL_ADDRESS ? null : startWorkflows(folder, ports, env, say),
  ]);
  if (temporalUiUrl) env.NIGHTLEDGER_TEMPORAL_UI_URL = temporalUiUrl;
  const worker = await startProcess('worker', 'workers/worker.ts', [], folder, env, [workerMetrics]);
  const api = await startProcess('api', 'workers/api.ts', [], folder, env, [ports.api, metrics]);
  const base = `http://localhost:${ports.api}`;
  await answering(`${base}/health/ready`, api, worker);
  if (simulatorUrl) await sendWebhooks(simulatorUrl, `${base}/v1/webhooks/xero`);
  return {
    apiUrl: `${base}/v1`,
    docsUrl: `${base}/docs`,
    metricsUrls: [`http://localhost:${metrics}/metrics`, `http://localhost:${workerMetrics}/metrics`],
    temporalUiUrl,
    simulatorUrl,
    worker,
    databaseUrl: env.DATABASE_URL as string,
  };
}

/** All before anything starts, so that a taken port leaves nothing running. */
async function requirePorts(ports: Ports, given: Env): Promise<void> {
  await requirePort('the API', ports.api, 'NIGHTLEDGER_PORT');
  if (!given.TEMPORAL_ADDRESS) {
    await requirePort('Temporal', ports.temporal, 'NIGHTLEDGER_TEMPORAL_PORT');
    await requirePort('the Temporal UI', ports.temporalUi, 'NIGHTLEDGER_TEMPORAL_UI_PORT');
  }
  if (ports.metrics) await requirePort('the metrics of the API', ports.metrics, 'NIGHTLEDGER_METRICS_PORT');
  if (ports.workerMetrics) {
    await requirePort('the metrics of the worker', ports.workerMetrics, 'NIGHTLEDGER_WORKER_METRICS_PORT');
  }
  if (!given.XERO_CLIENT_ID) await requirePort('the Xero simulator', ports.simulator, 'NIGHTLEDGER_SIMULATOR_PORT');
}

async function startDatabase(folder: StateFolder, env: Env, log: Say): Promise<void> {
  env.DATABASE_URL = (await startPostgres({ stateDir: folder.path, log })).url;
}

async function startWorkflows(folder: StateFolder, ports: Ports, env: Env, log: Say): Promise<void> {
  const temporal = await startTemporal({
    stateDir: folder.path,
    port: ports.temporal,
    uiPort: ports.temporalUi,
    dbFile: folder.temporalFile,
    searchAttributes: searchAttributeTypes,
    log,
  });
  env.TEMPORAL_ADDRESS = temporal.address;
}

/** The simulator in Xero's place; both sides are told alike how long the windows last. */
async function startXero(options: StartOptions, folder: StateFolder, ports: Ports, env: Env): Promise<string> {
  const url = `http://localhost:${ports.simulator}`;
  const records = await demoRecordsOf(folder, options.records);
  const args = [
    ...['--port', String(ports.simulator), '--state', folder.simulator, '--speed', String(options.speed)],
    ...['--records', String(records)],
    ...(options.dailyLimit === undefined ? [] : ['--daily-limit', String(options.dailyLimit)]),
  ];
  const simulator = await startProcess('simulator', 'simulator/main.ts', args, folder, env, [ports.simulator]);
  await answering(`${url}/_sim/health`, simulator);
  const { minuteMs, dayMs } = windowsAt(options.speed);
  Object.assign(env, {
    XERO_CLIENT_ID: 'nightledger-demo',
    XERO_CLIENT_SECRET: 'nightledger-demo-secret',
    XERO_ISSUER_URL: url,
    XERO_AUTHORIZE_URL: `${url}/identity/connect/authorize`,
    XERO_TOKEN_URL: `${url}/connect/token`,
    XERO_API_URL: url,
    XERO_MINUTE_WINDOW_MS: String(minuteMs),
    XERO_DAY_WINDOW_MS: String(dayMs),
    XERO_WEBHOOK_KEYS: webhookKey,
  });
  return url;
}

/** What is edited in the simulator is told to the API. @throws StartError */
async function sendWebhooks(simulatorUrl: string, url: string): Promise<void> {
  const answer = await fetch(`${simulatorUrl}/_sim/webhooks`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, key: webhookKey }),
  });
  if (!answer.ok)
    throw new StartError(`The simulator does not take ${url} for its webhooks (status ${answer.status}).`);
}

function startProcess(
  name: string,
  file: string,
  args: readonly string[],
  folder: StateFolder,
  env: Env,
  ports: readonly number[],
): Promise<OwnedProcess> {
  const script = fileURLToPath(new URL(`../${file}`, import.meta.url));
  return spawnOwned({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', script, ...args],
    env: env as NodeJS.ProcessEnv,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    pidDir: folder.pids,
    ports,
    logFile: `${folder.path}/logs/${name}.log`,
    stopLimitMs: 15_000,
  });
}

/** @throws StartError when it does not answer in time, or a process it needs ends first. */
async function answering(url: string, ...needed: OwnedProcess[]): Promise<void> {
  const deadline = Date.now() + readyLimitMs;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    const dead = needed.find((each) => !each.running());
    if (dead)
      throw new StartError(
        `The ${dead.name} ended at its start: the reason is in logs/${dead.name}.log of the state folder.`,
      );
    if (Date.now() > deadline) throw new StartError(`${url} does not answer: look at the logs in the state folder.`);
    await delay(pollMs);
  }
}
