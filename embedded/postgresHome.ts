import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOpenFolder, systemDataDir, systemDir } from './folders.js';
import { endStrayPostgres } from './postgresStray.js';
import { canWrite, type ServerUser, serverUser } from './postgresUser.js';
import { StartError } from './startError.js';

/** Where one state folder's Postgres lives, and as whom. */
export interface PostgresHome {
  /** Belongs to the server's user; holds `data`. */
  readonly base: string;
  readonly data: string;
  readonly password: string;
  readonly user: ServerUser | undefined;
}

type Log = (line: string) => void;

/**
 * The state folder's place for Postgres, made if it is not there: in the state folder if the server's user can reach it,
 * else (root's home is often closed to others) under the system's state directory, which is said in one line.
 *
 * The password stands in the state folder, readable by its owner only. Data elsewhere without it belong to a state folder
 * that has been deleted: they are deleted as well, or a fresh start would find the old database.
 *
 * @throws StartError if there are data that cannot be used
 */
export async function openPostgresHome(stateDir: string, log: Log): Promise<PostgresHome> {
  await mkdir(stateDir, { recursive: true });
  const { inside, outside, passwordFile } = places(stateDir);
  if (!existsSync(passwordFile)) await forgetDeletedState(inside, outside);
  const settled = existsSync(join(outside, 'data')) ? outside : inside;
  const user = serverUser(join(settled, 'data'));
  const base = settled === outside ? outside : await firstReachable(inside, outside, user);
  if (base === outside) log(`Postgres's user cannot reach ${stateDir}: the database is in ${outside}.`);
  return { base, data: join(base, 'data'), password: await passwordIn(passwordFile), user };
}

/** Removes a state folder's database with its password, wherever it lies, and first ends a Postgres left running on it. */
export async function erasePostgres(stateDir: string): Promise<void> {
  if (!existsSync(stateDir)) return;
  const { inside, outside, passwordFile } = places(stateDir);
  await eraseData(inside);
  await eraseData(outside);
  await rm(passwordFile, { force: true });
}

function places(stateDir: string) {
  return {
    inside: join(stateDir, 'postgres'),
    outside: systemDataDir(stateDir),
    passwordFile: join(stateDir, 'postgres-password'),
  };
}

async function forgetDeletedState(inside: string, outside: string): Promise<void> {
  if (existsSync(join(inside, 'data'))) {
    throw new StartError(`The password of the database in ${inside} is gone: put it back, or delete that folder.`);
  }
  await eraseData(outside);
}

async function eraseData(base: string): Promise<void> {
  await endStrayPostgres(join(base, 'data'));
  await rm(base, { recursive: true, force: true });
}

async function firstReachable(inside: string, outside: string, user: ServerUser | undefined): Promise<string> {
  await mkdir(inside, { recursive: true });
  if (!user) return inside;
  await giveTo(user, inside);
  if (canWrite(user, inside)) return inside;
  if (existsSync(join(inside, 'data'))) {
    throw new StartError(
      `Postgres's user can no longer reach ${inside}: let others pass the folders above it (chmod o+x).`,
    );
  }
  await rmdir(inside);
  await makeOpenFolder(systemDir());
  await mkdir(outside, { recursive: true });
  await giveTo(user, outside);
  return outside;
}

/** Some mounts let nobody give folders away; whether it matters shows when the user tries to write there. */
async function giveTo(user: ServerUser, folder: string): Promise<void> {
  await chown(folder, user.uid, user.gid).catch(() => undefined);
}

async function passwordIn(file: string): Promise<string> {
  try {
    await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(file, 'utf8');
}
