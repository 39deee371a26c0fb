import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, selfIdentity } from './processIdentity.js';
import { StartError } from './startError.js';

/**
 * Takes a state folder for this process alone; made if it is not there. A lock whose holder has died counts for nothing.
 *
 * @returns a function that gives it back
 * @throws StartError if another running process has it, or it cannot be written
 */
export async function lockStateDir(stateDir: string): Promise<() => Promise<void>> {
  const path = join(stateDir, 'lock.json');
  const mine = `${path}.${randomUUID()}`;
  await writeOwn(mine, stateDir);
  try {
    await takeLock(mine, path, stateDir);
  } finally {
    await rm(mine, { force: true });
  }
  return () => rm(path, { force: true });
}

async function writeOwn(mine: string, stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true });
    await writeFile(mine, JSON.stringify(selfIdentity()));
  } catch (error) {
    const reason = (error as Error).message;
    throw new StartError(`The state folder ${stateDir} cannot be written (${reason}): open it, or choose another.`);
  }
}

/** A hard link appears whole or not at all, and never over an existing file: two starters cannot both succeed. */
async function takeLock(mine: string, path: string, stateDir: string): Promise<void> {
  while (!(await tryLink(mine, path))) {
    const holder = readHolder(path);
    if (holder && isRunning(holder)) {
      throw new StartError(
        `Nightledger already runs on ${stateDir} (process ${holder.pid}): use that one, stop it, or choose another state folder.`,
      );
    }
    await setAsideDeadLock(path, `${mine}.dead`);
  }
}

/** Moved away and looked at again: between reading and removing, another starter may have put its own lock there. */
async function setAsideDeadLock(path: string, aside: string): Promise<void> {
  if (!(await moved(path, aside))) return;
  const holder = readHolder(aside);
  if (holder && isRunning(holder)) await tryLink(aside, path);
  await rm(aside, { force: true });
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  return link(from, to).then(() => true, unless('EEXIST'));
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(() => true, unless('ENOENT'));
}

function unless(code: string): (error: NodeJS.ErrnoException) => false {
  return (error) => {
    if (error.code === code) return false;
    throw error;
  };
}
