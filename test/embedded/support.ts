import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { erasePostgres } from '../../embedded/postgres.js';

/** A state folder that others may pass: as root, Postgres runs as another user, and mkdtemp makes private folders. */
export async function makeStateDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightledger-embedded-'));
  await chmod(folder, 0o755);
  return folder;
}

export async function removeStateDir(folder: string): Promise<void> {
  await erasePostgres(folder);
  await rm(folder, { recursive: true, force: true });
}

/** Runs a file of `fixtures/` as a process of its own until it says a line of JSON; it stays alive after that. */
export async function runStarter<T>(file: string, ...args: string[]): Promise<{ child: ChildProcess; said: T }> {
  const path = fileURLToPath(new URL(`./fixtures/${file}`, import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: [...stdio] });
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  return { child, said: JSON.parse(line) as T };
}

/** kill -9, and gone when this is fulfilled. */
export async function killHard(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
