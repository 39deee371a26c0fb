import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../embedded/ports.js';
import { startPostgres } from '../../embedded/postgres.js';
import { stopAll } from '../../embedded/processes.js';
import { birthTimeOf, isRunning, waitUntilGone } from '../../embedded/processIdentity.js';
import { StartError } from '../../embedded/startError.js';
import { killHard, makeStateDir, removeStateDir, runStarter } from './support.js';

const LIMIT_MS = 120_000;
const fast = true;

let stateDir: string;

beforeEach(async () => {
  stateDir = await makeStateDir();
});

afterEach(async () => {
  await stopAll();
  await removeStateDir(stateDir);
}, LIMIT_MS);

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

function identityOf(pid: number) {
  return { pid, birthTime: birthTimeOf(pid) as string };
}

test('stores, and has everything there after a restart', { timeout: LIMIT_MS }, async () => {
  const first = await startPostgres({ stateDir });
  await query(first.url, 'CREATE TABLE note (words text)');
  await query(first.url, "INSERT INTO note VALUES ('kept')");
  await first.stop();
  const second = await startPostgres({ stateDir });
  expect(await query(second.url, 'SELECT words FROM note')).toEqual([{ words: 'kept' }]);
});

test('keeps what is committed safe, unless it was told to be fast', { timeout: LIMIT_MS }, async () => {
  const safe = await startPostgres({ stateDir });
  const settings = `SELECT current_setting('fsync') || current_setting('synchronous_commit') AS value`;
  expect(await query(safe.url, settings)).toEqual([{ value: 'onon' }]);
  await safe.stop();
  const quick = await startPostgres({ stateDir, fast });
  expect(await query(quick.url, settings)).toEqual([{ value: 'offoff' }]);
});

test('wants a password, which only its owner can read, and listens on loopback only', {
  timeout: LIMIT_MS,
}, async () => {
  const { url } = await startPostgres({ stateDir, fast });
  const guess = new URL(url);
  guess.password = 'guess';
  await expect(query(guess.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  expect((await stat(join(stateDir, 'postgres-password'))).mode & 0o777).toBe(0o600);
  expect(await query(url, `SELECT current_setting('listen_addresses') AS on`)).toEqual([{ on: '127.0.0.1' }]);
});

test('runs in a folder that only its owner may enter, also as root', { timeout: LIMIT_MS }, async () => {
  await chmod(stateDir, 0o700);
  const first = await startPostgres({ stateDir, fast });
  await query(first.url, 'CREATE TABLE note AS SELECT 1 AS one');
  await first.stop();
  const second = await startPostgres({ stateDir, fast });
  expect(await query(second.url, 'SELECT one FROM note')).toEqual([{ one: 1 }]);
});

test('two state folders run side by side', { timeout: LIMIT_MS }, async () => {
  const other = await makeStateDir();
  const [one, two] = [await startPostgres({ stateDir, fast }), await startPostgres({ stateDir: other, fast })];
  expect(one.port).not.toBe(two.port);
  await two.stop();
  await removeStateDir(other);
  expect(await query(one.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('after a kill -9 of the starter the next start ends what it left and has its data', {
  timeout: LIMIT_MS,
}, async () => {
  const { child, said } = await runStarter<{ url: string; port: number; pid: number }>('startPostgres.ts', stateDir);
  const leftover = identityOf(said.pid);
  await query(said.url, 'CREATE TABLE note AS SELECT 1 AS one');
  await killHard(child);
  expect(isRunning(leftover)).toBe(true);
  const { url } = await startPostgres({ stateDir, fast, port: said.port });
  expect(isRunning(leftover)).toBe(false);
  expect(await query(url, 'SELECT one FROM note')).toEqual([{ one: 1 }]);
});

test('finds a leftover also when its pid file is lost', { timeout: LIMIT_MS }, async () => {
  const { child, said } = await runStarter<{ pid: number }>('startPostgres.ts', stateDir);
  const leftover = identityOf(said.pid);
  await killHard(child);
  await writeFile(join(stateDir, 'pids', 'postgres.json'), '');
  await startPostgres({ stateDir, fast });
  expect(isRunning(leftover)).toBe(false);
});

test('recovers when the server itself was killed', { timeout: LIMIT_MS }, async () => {
  const first = await startPostgres({ stateDir });
  await query(first.url, 'CREATE TABLE note AS SELECT 1 AS one');
  const server = identityOf(first.pid);
  process.kill(first.pid, 'SIGKILL');
  await waitUntilGone(server, 10_000);
  const { url } = await startPostgres({ stateDir });
  expect(await query(url, 'SELECT one FROM note')).toEqual([{ one: 1 }]);
});

test('a postmaster.pid that names another process by now neither hinders nor harms', {
  timeout: LIMIT_MS,
}, async () => {
  const first = await startPostgres({ stateDir, fast });
  const [row] = await query<{ data: string }>(first.url, `SELECT current_setting('data_directory') AS data`);
  await first.stop();
  const { data } = row as { data: string };
  await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n`);
  const { url } = await startPostgres({ stateDir, fast });
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a first start that was interrupted is begun anew', { timeout: LIMIT_MS }, async () => {
  await mkdir(join(stateDir, 'postgres', 'data.new'), { recursive: true });
  await writeFile(join(stateDir, 'postgres', 'data.new', 'PG_VERSION'), '18');
  const { url } = await startPostgres({ stateDir, fast });
  expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a taken port is one sentence, and nothing is left running', { timeout: LIMIT_MS }, async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  const refusal = startPostgres({ stateDir, fast, port });
  await expect(refusal).rejects.toThrow(StartError);
  await expect(refusal).rejects.toThrow(`Port ${port} (Postgres) is taken`);
  server.close();
});

test('data without their password are not touched', { timeout: LIMIT_MS }, async () => {
  const version = join(stateDir, 'postgres', 'data', 'PG_VERSION');
  await mkdir(join(stateDir, 'postgres', 'data'), { recursive: true });
  await writeFile(version, '18');
  await expect(startPostgres({ stateDir, fast })).rejects.toThrow(StartError);
  expect(await readFile(version, 'utf8')).toBe('18');
});
