import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where downloaded programs are kept: NIGHTLEDGER_CACHE, else `nightledger` in the XDG cache folder. */
export function cacheDir(): string {
  const { NIGHTLEDGER_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(NIGHTLEDGER_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'nightledger'));
}

/** Where root keeps what other users of the system must reach. */
export function systemDir(): string {
  return process.platform === 'darwin' ? '/var/db/nightledger' : '/var/lib/nightledger';
}

/** Where the data of a state folder lie that the Postgres user cannot reach: one folder for each such state folder. */
export function systemDataDir(stateDir: string): string {
  const hash = createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 16);
  return join(systemDir(), hash);
}

/** Makes a folder that every user may pass, whatever umask this process has. */
export async function makeOpenFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}
