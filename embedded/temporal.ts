import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { addMissingSearchAttributes, type SearchAttributes } from '../workers/searchAttributes.js';
import { endLeftovers } from './leftovers.js';
import { freePort, isListening, requirePort } from './ports.js';
import { type OwnedProcess, spawnOwned } from './processes.js';
import { StartError } from './startError.js';
import { findTemporal } from './temporalBinary.js';
import { NAMESPACE, setRetention } from './temporalNamespace.js';

export interface TemporalOptions {
  /** The folder that keeps pid files and logs; made if it is not there. */
  readonly stateDir: string;
  /** A free port by default. */
  readonly port?: number | undefined;
  /** Without it there is no UI. */
  readonly uiPort?: number | undefined;
  /** The file that keeps everything; without it all is in memory, faster and gone at the end. */
  readonly dbFile?: string | undefined;
  readonly searchAttributes?: SearchAttributes | undefined;
  /** How long ended runs are kept; 30 days with a file, the server's own 24 hours without. */
  readonly retentionDays?: number | undefined;
  /** Values are JSON: `{ 'matching.enableFairness': true }`. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>> | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface RunningTemporal {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const CONNECT_LIMIT_MS = 1_000;
const POLL_MS = 50;
const FILE_RETENTION_DAYS = 30;

/** Fairness is off until asked for. The version check asks a server of Temporal's; nothing of ours leaves the machine. */
const DYNAMIC_CONFIG = { 'matching.enableFairness': true, 'frontend.enableServerVersionCheck': false };

/**
 * A commit is on the disk before it is answered, as without these; but it goes to a log instead of twice into the file:
 * 130 activities a second instead of 75 (measured, two cores, 100 workflows of 10 no-op activities).
 */
const FILE_PRAGMAS = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=full'];

/**
 * Starts a Temporal dev server on 127.0.0.1 and waits until its namespace `default` answers. One that an earlier, killed
 * start left running in this state folder is ended first. Its output is in `logs/temporal.log` of the state folder.
 *
 * @throws StartError if there is no Temporal CLI, a port is taken or the server does not come up
 */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const stateDir = resolve(options.stateDir);
  await endLeftovers(join(stateDir, 'pids'), 'temporal');
  if (options.port !== undefined) await requirePort('Temporal', options.port);
  if (options.uiPort !== undefined) await requirePort('Temporal UI', options.uiPort);
  const port = options.port ?? (await freePort());
  const command = await findTemporal({ log: options.log });
  const server = await launch(command, { ...options, stateDir, port });
  await prepare(server, port, options, logFile(stateDir));
  const uiUrl = options.uiPort === undefined ? undefined : `http://127.0.0.1:${options.uiPort}`;
  return { address: `127.0.0.1:${port}`, uiUrl, pid: server.pid, stop: server.stop };
}

/** Removes everything that a dev server kept in its file. It must not run. */
export async function eraseTemporal(dbFile: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${dbFile}${suffix}`, { force: true });
}

function launch(command: string, options: TemporalOptions & { readonly port: number }): Promise<OwnedProcess> {
  const { stateDir, port, uiPort } = options;
  return spawnOwned({
    name: 'temporal',
    command,
    args: argsOf(options),
    pidDir: join(stateDir, 'pids'),
    ports: uiPort === undefined ? [port] : [port, uiPort],
    logFile: logFile(stateDir),
  });
}

function argsOf({ port, uiPort, dbFile, ...options }: TemporalOptions & { readonly port: number }): string[] {
  const ui = uiPort === undefined ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)];
  const config = { ...DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...ui,
    ...(dbFile === undefined ? [] : ['--db-filename', resolve(dbFile), ...FILE_PRAGMAS]),
    ...pairs('--search-attribute', options.searchAttributes ?? {}, String),
    ...pairs('--dynamic-config-value', config, JSON.stringify),
  ];
}

function pairs<T>(flag: string, values: Readonly<Record<string, T>>, write: (value: T) => string): string[] {
  return Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${write(value)}`]);
}

function retentionOf({ retentionDays, dbFile }: TemporalOptions): number | undefined {
  return retentionDays ?? (dbFile === undefined ? undefined : FILE_RETENTION_DAYS);
}

async function prepare(server: OwnedProcess, port: number, options: TemporalOptions, log: string): Promise<void> {
  const retentionDays = retentionOf(options);
  try {
    const connection = await connectWhenReady(server, port, log);
    if (retentionDays !== undefined) await setRetention(connection, retentionDays);
    await addMissingSearchAttributes(connection, NAMESPACE, options.searchAttributes ?? {});
    await connection.close();
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Looks before it calls: a gRPC connection that was refused once waits a second until it tries again. */
async function connectWhenReady(server: OwnedProcess, port: number, log: string): Promise<Connection> {
  const deadline = Date.now() + READY_LIMIT_MS;
  for (;;) {
    const connection = (await isListening(port)) ? await tryConnect(`127.0.0.1:${port}`) : undefined;
    if (connection) return connection;
    if (!server.running()) throw new StartError(`Temporal ended at its start: see ${log}, or set TEMPORAL_ADDRESS.`);
    if (Date.now() > deadline) throw new StartError(`Temporal does not answer: see ${log}, or set TEMPORAL_ADDRESS.`);
    await delay(POLL_MS);
  }
}

async function tryConnect(address: string): Promise<Connection | undefined> {
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + CONNECT_LIMIT_MS, () =>
      connection.workflowService.describeNamespace({ namespace: NAMESPACE }),
    );
    return connection;
  } catch {
    await connection.close();
    return undefined;
  }
}

function logFile(stateDir: string): string {
  return join(stateDir, 'logs', 'temporal.log');
}
