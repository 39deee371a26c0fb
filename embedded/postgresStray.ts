import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess } from './leftovers.js';
import { birthTimeOf, commandLineOf } from './processIdentity.js';

/**
 * Clears the way for a Postgres on this data folder, by Postgres's own `postmaster.pid` (its first line is the pid).
 *
 * Ends a server that runs on exactly this folder though no pid file of ours names it: its starter died between the two, or
 * the state folder was deleted under it. If the pid is somebody else's by now, only the file goes: Postgres itself would
 * refuse to start beside a living process of the same user.
 */
export async function endStrayPostgres(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  if (!(pid > 0)) return;
  const birthTime = birthTimeOf(pid);
  if (birthTime !== undefined && commandLineOf(pid).split(' ').includes(data)) {
    await endProcess({ pid, birthTime, name: 'postgres', stopSignal: 'SIGINT' });
  } else {
    await rm(file, { force: true });
  }
}
