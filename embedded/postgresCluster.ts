import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresHome } from './postgresHome.js';
import { StartError } from './startError.js';

/** The superuser of our own cluster, and the database in it. */
export const CLUSTER_USER = 'nightledger';
export const DATABASE = 'nightledger';

/** No PG… variable of the terminal reaches the server; LC_ALL, as macOS's Postgres refuses to start without a locale. */
export const SERVER_ENV = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/**
 * Makes the data folder if there is none yet: password for every connection, UTF-8, the built-in C.UTF-8 locale, which
 * sorts alike on every system. Made beside and renamed, so that an interrupted first start leaves no half a database.
 * @throws StartError with initdb's own words
 */
export async function initialiseCluster(initdb: string, home: PostgresHome, fast: boolean): Promise<void> {
  if (existsSync(home.data)) return;
  const building = `${home.data}.new`;
  const passwordFile = join(home.base, 'initdb-password');
  await rm(building, { recursive: true, force: true });
  await writeFile(passwordFile, home.password, { mode: 0o600 });
  try {
    if (home.user) await chown(passwordFile, home.user.uid, home.user.gid);
    const result = spawnSync(initdb, initdbArgs(building, passwordFile, fast), {
      ...home.user,
      cwd: '/',
      env: SERVER_ENV,
      encoding: 'utf8',
    });
    if (result.status !== 0) throw initdbFailed(result);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(building, home.data);
}

function initdbArgs(data: string, passwordFile: string, fast: boolean): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${CLUSTER_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(fast ? ['--no-sync'] : []),
  ];
}

function initdbFailed({ error, stderr }: SpawnSyncReturns<string>): StartError {
  const reason = (error?.message ?? stderr).trim().split('\n').join(' ');
  return new StartError(`The database could not be made (${reason}): remove the cause, or set DATABASE_URL.`);
}
