import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  type LogMetadata,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import { createActivities } from '../activities/index.js';
import { defaultPatience } from '../activities/patience.js';
import { createConnectionSchedules } from '../api/connectionSchedules.js';
import { type Config, readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { readingTaskQueue } from '../domain/names.js';
import { compose, databaseUrl } from './composition.js';
import { createConnectionWork } from './connectionWork.js';
import { createPushWorker } from './pushWorker.js';
import { onStop, run } from './run.js';
import { ensureSchedules } from './schedules.js';
import { addMissingSearchAttributes, searchAttributeTypes } from './searchAttributes.js';
import { temporalConfig, workerConnection } from './temporal.js';

const poolSize = 30;
/** The outboxes have connections of their own: a document that is sent does not wait until pages are stored. */
const pushPoolSize = 15;

/** A worker's process: serves workflows and activities until it is told to stop, and lets what is in hand end first. */
await run(async () => {
  const config = readConfig(process.env);
  const log = await installRuntime(config);
  const url = databaseUrl(config);
  await migrate(url);
  const pool = createPool(url, poolSize);
  const connection = await workerConnection();
  const { namespace } = temporalConfig();
  await addMissingSearchAttributes(connection, namespace, searchAttributeTypes).catch((error: Error) =>
    log.warn({ missing: searchAttributeTypes, reason: error.message }, 'register these search attributes by hand'),
  );
  const parts = compose(config, pool);
  const client = new Client({ connection, namespace });
  const schedules = createConnectionSchedules(client, parts);
  // Those that an earlier worker made go on without this one, and reading does not wait for them.
  await ensureSchedules(client.schedule).catch((error: Error) =>
    log.error({ reason: error.message }, 'the schedules could not be brought up to date: start a worker again later'),
  );
  const patience = { ...defaultPatience, absentAfterMs: config.xero.idempotencyWindowMs };
  const workflowBundle = await workflowCode();
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: readingTaskQueue,
    workflowBundle,
    activities: createActivities({
      ...parts,
      schedules,
      work: createConnectionWork(client, parts, schedules),
      patience,
      elapsed: () => performance.now(),
    }),
    // A run moves again a second after its worker was killed, instead of ten.
    stickyQueueScheduleToStartTimeout: '1 second',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
  });
  const pushPool = createPool(url, pushPoolSize);
  const pushParts = { ...compose(config, pushPool), patience, elapsed: () => performance.now() };
  const pushWorker = await createPushWorker({ connection, namespace, workflowBundle }, pushParts);
  const workers = [worker, pushWorker];
  onStop(() => {
    for (const each of workers) each.shutdown();
  });
  await Promise.all(workers.map((each) => each.run()));
  await connection.close();
  await Promise.all([pool.end(), pushPool.end()]);
});

/** Built ahead for production; from the sources otherwise, once for both workers. */
async function workflowCode(): Promise<NonNullable<WorkerOptions['workflowBundle']>> {
  const codePath = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));
  if (existsSync(codePath)) return { codePath };
  const source = import.meta.url.endsWith('.ts') ? 'index.ts' : 'index.js';
  const workflowsPath = fileURLToPath(new URL(`../workflows/${source}`, import.meta.url));
  return await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
}

/** Temporal's own figures are the worker's metrics page: tasks, activities, slots, failures, by workflow and activity type. */
async function installRuntime({ logLevel, http }: Config): Promise<Logger> {
  const log = pino({ level: logLevel, redact: ['authorization', '*.authorization'] });
  const write =
    (method: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, meta?: LogMetadata): void =>
      log[method](meta ?? {}, message);
  const logger = {
    log: (name: string, message: string, meta?: LogMetadata) => write(name.toLowerCase() as 'info')(message, meta),
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const { workerMetricsPort } = http;
  Runtime.install({
    logger,
    ...(workerMetricsPort !== null && {
      telemetryOptions: { metrics: { prometheus: { bindAddress: await bindAddress(http.host, workerMetricsPort) } } },
    }),
  });
  return log;
}

/** Temporal's core takes an address and no name. */
async function bindAddress(host: string, port: number): Promise<string> {
  const { address, family } = await lookup(host);
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
