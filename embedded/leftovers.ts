import { type PidRecord, readPidRecords, removePidRecord } from './pidFiles.js';
import { isRunning, type ProcessIdentity, waitUntilGone } from './processIdentity.js';
import { StartError } from './startError.js';

const GRACE_MS = 20_000;
const KILL_MS = 5_000;

/**
 * Ends what an earlier start left running, last started first, and removes its pid files.
 *
 * Only a process whose pid and time of birth both match the file gets a signal: first the one that asks (for Postgres
 * SIGINT, its fast shutdown), after 20 s SIGKILL to its group. A pid that by now belongs to somebody else is left alone.
 *
 * @param only end just the one of this name
 * @returns the names of the processes that still ran, in the order in which they were ended
 * @throws StartError if the one who started them still runs, or if they belong to another user
 */
export async function endLeftovers(pidDir: string, only?: string): Promise<string[]> {
  const records = (await readPidRecords(pidDir)).filter((record) => only === undefined || record.name === only);
  const running = records.filter(isRunning);
  for (const record of running) refuseInUse(record);
  for (const record of running) await endProcess(record);
  for (const record of records) await removePidRecord(pidDir, record);
  return running.map((record) => record.name);
}

/**
 * Asks a process to end, waits, then kills it with its group.
 * @throws StartError if it belongs to another user, or outlives SIGKILL
 */
export async function endProcess(process: ProcessIdentity & Pick<PidRecord, 'name' | 'stopSignal'>): Promise<void> {
  signal(process, process.pid, process.stopSignal);
  if (await waitUntilGone(process, GRACE_MS)) return;
  signal(process, -process.pid, 'SIGKILL');
  if (await waitUntilGone(process, KILL_MS)) return;
  throw new StartError(`Process ${process.pid} (${process.name}) of an earlier start cannot be ended: end it by hand.`);
}

function refuseInUse(record: PidRecord): void {
  if (!isRunning(record.owner)) return;
  throw new StartError(
    `${record.name} (process ${record.pid}) is in use by process ${record.owner.pid}: stop that one first, or choose another state folder.`,
  );
}

/** Every owned process leads a group of its own (processes.ts), so a negative target reaches only what it started. */
function signal(owned: ProcessIdentity & Pick<PidRecord, 'name'>, target: number, name: NodeJS.Signals): void {
  if (!isRunning(owned)) return;
  try {
    process.kill(target, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    throw new StartError(
      `Process ${owned.pid} (${owned.name}) of an earlier start still runs and belongs to another user: stop it as that user, or choose another state folder.`,
    );
  }
}
