/** Everything that a first full read needs, on ports and in a folder of its own. */
import { randomBytes } from 'node:crypto';
import { migrate } from '../../db/migrate.js';
import { type ApiClient, createApiClient } from '../../embedded/apiClient.js';
import { freePort } from '../../embedded/ports.js';
import { stopAll } from '../../embedded/processes.js';
import { makeStateDir, removeStateDir } from '../../test/embedded/support.js';
import { eventually } from '../../test/support/waiting.js';
import { control } from '../../test/xero/support.js';
import { ensureAdminKey } from '../../workers/adminKeys.js';
import { type Folder, type Part, ProcessPart, postgresPart, temporalPart } from './parts.js';

/** The kinds of what may be killed, each with those that run of it. */
export type Victims = Readonly<Record<'worker' | 'API' | 'Postgres' | 'Temporal', readonly Part[]>>;

export interface Stack {
  api: ApiClient;
  victims: Victims;
  databaseUrl: string;
  simulatorUrl: string;
  /** How often processes of ours ended that nobody had killed. */
  ownEnds: Record<string, number>;
  /** The state folder, with the logs. */
  folder: string;
  /** Ends everything. @param keep leaves the folder. */
  stop(keep: boolean): Promise<void>;
}

/** An hour in five minutes: minutes of Xero's limits last five seconds, so that a read lasts some twenty. */
const speed = 12;
const minuteMs = 60_000 / speed;
const dayMs = 86_400_000 / speed;
/** Shorter still: whoever waits for a second look waits that long. Longer than any answer is late here. */
const idempotencyMs = 8000;
/** What one answer takes, so that calls are under way when something is killed. */
const latencyMs = 80;

/** Starts all of it. What runs when it throws is ended by `stopAll`. */
export async function startStack(): Promise<Stack> {
  const path = await makeStateDir();
  const folder = { path, pids: `${path}/pids` };
  const [api, temporal, postgres, simulator] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ownEnds: Record<string, number> = {};
  const simulatorUrl = await startSimulator(folder, simulator);
  const databasePart = postgresPart(folder, postgres);
  const workflowsPart = temporalPart(folder, temporal);
  await Promise.all([databasePart.start(), workflowsPart.start()]);
  const databaseUrl = databasePart.running.url;
  await migrate(databaseUrl);
  const key = `nl_${randomBytes(32).toString('base64url')}`;
  await ensureAdminKey(databaseUrl, 'chaos', key);
  const ours = (name: string, script: string): Part =>
    new ProcessPart({
      name,
      script,
      env,
      folder,
      onOwnEnd: () => {
        ownEnds[name] = (ownEnds[name] ?? 0) + 1;
      },
    });
  const env = {
    ...serviceEnv(simulatorUrl),
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporal}`,
    NIGHTLEDGER_PORT: String(api),
  };
  const victims: Victims = {
    worker: ['worker-1', 'worker-2'].map((name) => ours(name, 'workers/worker.ts')),
    API: [ours('api', 'workers/api.ts')],
    Postgres: [databasePart],
    Temporal: [workflowsPart],
  };
  for (const part of [...victims.worker, ...victims.API]) await part.start();
  await eventually(
    'the API answers',
    () => isReady(`http://localhost:${api}/health/ready`),
    (ready) => ready,
  );
  return {
    api: createApiClient(`http://localhost:${api}/v1`, key),
    victims,
    databaseUrl,
    simulatorUrl,
    ownEnds,
    folder: path,
    async stop(keep) {
      await stopAll();
      if (!keep) await removeStateDir(path);
    },
  };
}

async function startSimulator(folder: Folder, port: number): Promise<string> {
  const url = `http://localhost:${port}`;
  const args = ['--port', String(port), '--speed', String(speed), '--records', '100'];
  const onOwnEnd = (): never => {
    throw new Error('the simulator has ended');
  };
  await new ProcessPart({
    name: 'simulator',
    script: 'simulator/main.ts',
    args,
    env: process.env,
    folder,
    onOwnEnd,
  }).start();
  await eventually(
    'the simulator answers',
    () => isReady(`${url}/_sim/health`),
    (ready) => ready,
  );
  await control(url, 'PATCH', '/settings', { latencyMs });
  return url;
}

const isReady = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** Nothing of this terminal's own settings reaches the processes, but where downloaded programs are kept. */
function serviceEnv(simulatorUrl: string): NodeJS.ProcessEnv {
  const { NIGHTLEDGER_CACHE } = process.env;
  const neutral = Object.entries(process.env).filter(([name]) => !/^(NIGHTLEDGER|XERO|TEMPORAL|DATABASE)_/.test(name));
  return {
    ...Object.fromEntries(neutral),
    ...(NIGHTLEDGER_CACHE && { NIGHTLEDGER_CACHE }),
    NIGHTLEDGER_TOKEN_KEYS: `chaos:${randomBytes(32).toString('base64')}`,
    NIGHTLEDGER_LOG_LEVEL: 'info',
    NIGHTLEDGER_CALLBACKS_ON_LOOPBACK: 'true',
    NIGHTLEDGER_REQUESTS_PER_MINUTE: '100000',
    XERO_CLIENT_ID: 'nightledger-demo',
    XERO_CLIENT_SECRET: 'nightledger-demo-secret',
    XERO_ISSUER_URL: simulatorUrl,
    XERO_AUTHORIZE_URL: `${simulatorUrl}/identity/connect/authorize`,
    XERO_TOKEN_URL: `${simulatorUrl}/connect/token`,
    XERO_API_URL: simulatorUrl,
    XERO_MINUTE_WINDOW_MS: String(minuteMs),
    XERO_DAY_WINDOW_MS: String(dayMs),
    XERO_IDEMPOTENCY_WINDOW_MS: String(idempotencyMs),
  };
}
