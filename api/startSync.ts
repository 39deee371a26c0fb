/** Starts a connection's sync and notes the run, so that it shows before its first step. */
import type { Connection } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';
import type { SyncStart } from './syncControl.js';

/** @returns the run in hand when there is one. */
export async function startSync(
  deps: Pick<ApiDeps, 'syncs' | 'runs'>,
  { id: connectionId, companyId }: Connection,
  { mode, streams }: Pick<SyncStart, 'mode' | 'streams'>,
): Promise<Awaited<ReturnType<ApiDeps['syncs']['start']>>> {
  const { alreadyRunning, ...run } = await deps.syncs.start({ connectionId, companyId, mode, streams });
  await deps.runs.start({ ...run, kind: 'sync', connectionId });
  return { ...run, alreadyRunning };
}
