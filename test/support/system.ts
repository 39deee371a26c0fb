/** The whole: real Postgres, Temporal, API and workers, with the simulator over HTTP in Xero's place. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type pg from 'pg';
import { createActivities } from '../../activities/index.js';
import { defaultPatience, type Patience } from '../../activities/patience.js';
import { buildApi } from '../../api/app.js';
import { createConnectionSchedules } from '../../api/connectionSchedules.js';
import { createMetrics } from '../../api/metrics.js';
import {
  createBackfillControl,
  createDeletionControl,
  createOutboxControl,
  createPaymentRunControl,
  createReviewControl,
  createSyncControl,
  createWebhookControl,
} from '../../api/temporal.js';
import { type Config, readConfig } from '../../config/config.js';
import { createFeedBell } from '../../db/feedBell.js';
import { createPool } from '../../db/pool.js';
import type { Direction } from '../../domain/connection.js';
import { readingTaskQueue } from '../../domain/names.js';
import type { StreamName } from '../../domain/streams.js';
import { type ApiClient, ApiProblem, createApiClient } from '../../embedded/apiClient.js';
import { freePort } from '../../embedded/ports.js';
import { DEMO_CLIENT, type SimulatorOptions, startSimulator } from '../../simulator/index.js';
import { ensureAdminKey } from '../../workers/adminKeys.js';
import { compose } from '../../workers/composition.js';
import { createConnectionWork } from '../../workers/connectionWork.js';
import { createPushWorker } from '../../workers/pushWorker.js';
import { createXeroReader } from '../../xero/reader.js';
import { missingScopes, scopesFor } from '../../xero/scopes.js';
import { createTokenKeeper } from '../../xero/tokens.js';
import { createXeroWriter } from '../../xero/writer.js';
import { control } from '../xero/support.js';
import { Books, consentTo } from './books.js';
import { type Child, startChild } from './childProcess.js';
import { type FreshDatabase, freshDatabase } from './database.js';
import { freshNamespace } from './temporalNamespace.js';
import { eventually } from './waiting.js';
import { workflowBundle } from './workflowBundle.js';

export interface System {
  database: FreshDatabase;
  client: Client;
  api: ApiClient;
  /** Lines of the API's log. */
  apiLog: string[];
  xeroUrl: string;
  /** The simulator's control API, `/_sim` left out. */
  xero<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** A new organisation in the simulator; answers its tenant id. */
  organisation(wish: Record<string, unknown>): Promise<string>;
  /** A new company, connected over the whole OAuth round trip, which starts its first full read. */
  connect(organisation: string, wish?: ConnectionWish): Promise<Books>;
  /** From now on Xero tells of what changes. */
  listen(): Promise<void>;
  /** Tells of this as Xero would; answers the status. */
  tell(events: readonly object[]): Promise<number>;
  /** A worker as it is in production: a process of its own. */
  startWorker(): Child;
  /** The same in this process, with another patience and deadline of a call than production's. */
  startWorkerHere(given: { patience?: Partial<Patience>; deadlineMs?: number }): Promise<() => Promise<void>>;
  /** A worker of the outboxes in this process, likewise. */
  startSenderHere(given: { patience?: Partial<Patience>; deadlineMs?: number }): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export interface ConnectionWish {
  /** One of its own unless it is given. */
  company?: string;
  locations?: readonly string[];
  /** Only reading, unless it is said. */
  direction?: Direction;
  /** All history unless a date is given. */
  syncFromDate?: string | 'toBeChosen';
  optionalStreams?: readonly StreamName[];
}

/** In place of a process id and the machine's name, which would stand in recorded histories. */
const identity = 'tests@localhost';

const webhookKey = 'the webhooks key of the tests';

type Env = Record<string, string | undefined>;

/** @param windows how long Xero's minute and day last; the simulator and the service are told alike. */
export async function startSystem(windows: Pick<SimulatorOptions, 'minuteMs' | 'dayMs'> = {}): Promise<System> {
  const address = process.env.TEST_TEMPORAL_ADDRESS;
  if (!address) throw new Error('run the tests with `npm test`: its global setup starts the Temporal server they need');
  const database = await freshDatabase();
  const simulator = await startSimulator({ port: 0, demo: false, ...windows });
  const connection = await Connection.connect({ address });
  const namespace = await freshNamespace(connection);
  const client = new Client({ connection, namespace, identity });
  const port = await freePort();
  const env: Env = {
    ...process.env,
    ...xeroEnv(simulator.url, windows),
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    NIGHTLEDGER_PORT: String(port),
    NIGHTLEDGER_TOKEN_KEYS: `test:${randomBytes(32).toString('base64')}`,
    NIGHTLEDGER_LOG_LEVEL: 'trace',
    NIGHTLEDGER_CALLBACKS_ON_LOOPBACK: 'true',
    XERO_WEBHOOK_KEYS: webhookKey,
  };
  const apiLog: string[] = [];
  const stopApi = await startApi(env, client, apiLog);
  const secret = `nl_${randomBytes(32).toString('base64url')}`;
  await ensureAdminKey(database.url, 'tests', secret);
  const apiUrl = `http://localhost:${port}/v1`;
  const api = comingBack(createApiClient(apiUrl, secret));
  const xero: System['xero'] = (method, path, body) => control(simulator.url, method, path, body);
  const webhooks = `${apiUrl}/webhooks/xero`;
  const workers: (() => Promise<void>)[] = [];
  let organisations = 0;
  return {
    database,
    client,
    api,
    apiLog,
    xeroUrl: simulator.url,
    xero,
    organisation: async (wish) =>
      (await xero<{ tenantId: string }>('POST', '/organisations', { ...named(++organisations), ...wish })).tenantId,
    async connect(organisation, { company = randomUUID(), syncFromDate = null, optionalStreams, ...wish } = {}) {
      await api.put(`/companies/${company}`, { name: 'A company' });
      const made = await api.post<{ id: string; consentUrl: string }>('/connections', {
        company,
        direction: 'import',
        ...(syncFromDate !== 'toBeChosen' && { syncFromDate }),
        ...wish,
      });
      if (optionalStreams) await api.patch(`/connections/${made.id}/settings`, { optionalStreams });
      await consentTo(made.consentUrl, organisation);
      return new Books(made.id, organisation, { api, client, pool: database.pool, xeroUrl: simulator.url });
    },
    async listen() {
      const wish = { url: webhooks, key: webhookKey };
      const { status } = await xero<{ status: string }>('PUT', '/webhooks', wish);
      if (status !== 'ok') throw new Error(`the intent to receive ended as ${status}`);
    },
    async tell(events) {
      const body = JSON.stringify({ events, firstEventSequence: 1, lastEventSequence: events.length, entropy: 'X' });
      const headers = { 'x-xero-signature': createHmac('sha256', webhookKey).update(body).digest('base64') };
      return (await fetch(webhooks, { method: 'POST', headers, body })).status;
    },
    startWorker() {
      const child = startChild('workers/worker.ts', [], env);
      workers.push(() => child.stop());
      return child;
    },
    async startWorkerHere(given) {
      const stop = await startWorkerHere(env, client, given);
      workers.push(stop);
      return stop;
    },
    async startSenderHere(given) {
      const stop = await startSenderHere(env, client, given);
      workers.push(stop);
      return stop;
    },
    async stop() {
      await Promise.all(workers.map((stop) => stop()));
      await stopApi();
      await connection.close();
      await simulator.close();
      await noticeLeakedConnections(database);
      await database.drop();
    },
  };
}

/** A name of its own, and books that are the same at every run: drawn ones once had no supplier credit at all. */
const named = (seed: number) => ({ name: randomUUID(), seed });

function xeroEnv(url: string, { minuteMs, dayMs }: Pick<SimulatorOptions, 'minuteMs' | 'dayMs'>): Env {
  return {
    XERO_CLIENT_ID: DEMO_CLIENT.id,
    XERO_CLIENT_SECRET: DEMO_CLIENT.secret,
    XERO_ISSUER_URL: url,
    XERO_AUTHORIZE_URL: `${url}/identity/connect/authorize`,
    XERO_TOKEN_URL: `${url}/connect/token`,
    XERO_API_URL: url,
    ...(minuteMs && { XERO_MINUTE_WINDOW_MS: String(minuteMs) }),
    ...(dayMs && { XERO_DAY_WINDOW_MS: String(dayMs) }),
  };
}

/** Tries again when the API is too busy, as its Retry-After asks: it shares this process with the simulator. */
function comingBack(api: ApiClient): ApiClient {
  const calm = async <T>(call: () => Promise<T>): Promise<T> => {
    const busy = (error: unknown) => error instanceof ApiProblem && error.status === 503;
    const answer = await eventually(
      'the API has time',
      () =>
        call().then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        ),
      (one) => !('error' in one && busy(one.error)),
    );
    if ('error' in answer) throw answer.error;
    return answer.value;
  };
  return {
    get: (path) => calm(() => api.get(path)),
    put: (path, body) => calm(() => api.put(path, body)),
    post: (path, body) => calm(() => api.post(path, body)),
    patch: (path, body) => calm(() => api.patch(path, body)),
    delete: (path) => calm(() => api.delete(path)),
  };
}

async function startApi(env: Env, client: Client, log: string[]): Promise<() => Promise<void>> {
  const config = readConfig(env);
  const pool = createPool(config.databaseUrl as string);
  const parts = compose(config, pool);
  const app = await buildApi({
    ...parts,
    metrics: createMetrics(parts.figures),
    feedBell: createFeedBell(parts.feed, config.databaseUrl as string),
    backfills: createBackfillControl(client),
    syncs: createSyncControl(client),
    reviews: createReviewControl(client),
    checkedWithinMs: 30_000,
    deletions: createDeletionControl(client),
    outboxes: createOutboxControl(client),
    paymentRuns: createPaymentRunControl(client),
    schedules: createConnectionSchedules(client, parts),
    webhooks: createWebhookControl(client),
    webhookKeys: config.xero.webhookKeys,
    scopesFor,
    missingScopes,
    readiness: async () => ({ postgres: true, temporal: true }),
    returnUrlOrigins: [],
    temporalUi: { url: config.temporalUiUrl, namespace: client.options.namespace },
    requestsPerMinute: 1_000_000,
    log: { level: config.logLevel, stream: { write: (line) => log.push(line) } },
  });
  await app.listen({ host: config.http.host, port: config.http.port });
  return async () => {
    await app.close();
    await pool.end();
  };
}

interface WorkerWish {
  patience?: Partial<Patience>;
  deadlineMs?: number;
}

async function startWorkerHere(env: Env, client: Client, { patience, deadlineMs }: WorkerWish) {
  const config = readConfig(env);
  const pool = createPool(config.databaseUrl as string);
  const parts = compose(config, pool);
  const schedules = createConnectionSchedules(client, parts);
  const connection = await NativeConnection.connect({ address: env.TEMPORAL_ADDRESS ?? '' });
  const worker = await Worker.create({
    connection,
    namespace: client.options.namespace,
    identity,
    taskQueue: readingTaskQueue,
    workflowBundle: await workflowBundle(),
    activities: createActivities({
      ...parts,
      schedules,
      work: createConnectionWork(client, parts, schedules),
      xero: createXeroReader({ ...calls(config, parts), http: { deadlineMs } }),
      patience: { ...defaultPatience, ...patience },
      elapsed: () => performance.now(),
    }),
  });
  return running(worker, connection, pool);
}

async function startSenderHere(env: Env, client: Client, { patience, deadlineMs }: WorkerWish) {
  const config = readConfig(env);
  const pool = createPool(config.databaseUrl as string);
  const parts = compose(config, pool);
  const connection = await NativeConnection.connect({ address: env.TEMPORAL_ADDRESS ?? '' });
  const place = { connection, namespace: client.options.namespace, identity, workflowBundle: await workflowBundle() };
  const worker = await createPushWorker(place, {
    ...parts,
    xero: createXeroReader({ ...calls(config, parts), http: { deadlineMs } }),
    writer: createXeroWriter({ ...calls(config, parts), http: { deadlineMs } }),
    patience: { ...defaultPatience, ...patience },
    elapsed: () => performance.now(),
  });
  return running(worker, connection, pool);
}

const calls = (config: Config, parts: ReturnType<typeof compose>) => ({
  budget: parts.budget,
  tokens: createTokenKeeper(parts),
  apiUrl: config.xero.apiUrl,
});

/** Answers how it is stopped, which may be asked twice. */
function running(worker: Worker, connection: NativeConnection, pool: pg.Pool): () => Promise<void> {
  const run = worker.run();
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    worker.shutdown();
    await run;
    await connection.close();
    await pool.end();
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}

/** Everything has closed its pool by now; what still holds a connection has leaked it. */
async function noticeLeakedConnections({ pool }: FreshDatabase): Promise<void> {
  const others =
    'SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  await eventually(
    'nobody else is connected to the database',
    async () => {
      const { rows } = await pool.query<{ pid: number; query: string }>(others);
      return rows.length - (pool.totalCount - 1);
    },
    (leaked) => leaked <= 0,
    10_000,
  );
}
