import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { erasePostgres } from './postgres.js';
import { StartError } from './startError.js';
import { eraseTemporal } from './temporal.js';

/** The one folder that keeps everything of an embedded installation. */
export interface StateFolder {
  path: string;
  pids: string;
  temporalFile: string;
  simulator: string;
}

export function stateFolder(path: string): StateFolder {
  const root = resolve(path);
  return {
    path: root,
    pids: join(root, 'pids'),
    temporalFile: join(root, 'temporal.db'),
    simulator: join(root, 'simulator'),
  };
}

/** Removes all that an earlier start kept, logs and the lock excepted. Nothing of it may run. */
export async function eraseState(folder: StateFolder): Promise<void> {
  await erasePostgres(folder.path);
  await eraseTemporal(folder.temporalFile);
  await rm(folder.simulator, { recursive: true, force: true });
  for (const secret of Object.values(files)) await rm(join(folder.path, secret), { force: true });
}

const files = { tokenKey: 'token.key', adminKey: 'admin.key', demo: 'demo.json' } as const;

/** The key that seals Xero's tokens in the database, `id:base64`; made at the first start. */
export function tokenKeyOf(folder: StateFolder): Promise<string> {
  return kept(join(folder.path, files.tokenKey), () => `embedded:${randomBytes(32).toString('base64')}`);
}

/** The secret of the admin key; made at the first start. */
export function adminKeyOf(folder: StateFolder): Promise<string> {
  return kept(join(folder.path, files.adminKey), () => `nl_${randomBytes(32).toString('base64url')}`);
}

/**
 * The size of the demo organisation: what the first start was told, for good, because the data follow from it.
 * @throws StartError when a later start asks for another size.
 */
export async function demoRecordsOf(folder: StateFolder, asked: number | undefined): Promise<number> {
  const path = join(folder.path, files.demo);
  const { records } = JSON.parse(await kept(path, () => JSON.stringify({ records: asked ?? 20_000 }))) as {
    records: number;
  };
  if (asked !== undefined && asked !== records) {
    throw new StartError(
      `The demo organisation has ${records} records already: leave out --records, or begin anew with --fresh --records ${asked}.`,
    );
  }
  return records;
}

async function kept(path: string, make: () => string): Promise<string> {
  if (!existsSync(path)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, make(), { mode: 0o600 });
  }
  return readFile(path, 'utf8');
}
