/** Starts a connection's sync and notes the run, so that it shows before its first step. */
import type { Connection } from '../domain/ports.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';
import type { SyncStart } from './syncControl.js';

/**
 * @param wish also whether it takes the place of one in hand, which a new consent made obsolete.
 * @returns the run in hand when there is one.
 */
export async function startSync(
  deps: Pick<ApiDeps, 'syncs' | 'runs'>,
  { id: connectionId, companyId }: Connection,
  { inPlaceOf, ...wish }: Pick<SyncStart, 'mode' | 'streams' | 'askedBy'> & { inPlaceOf?: 'anyInHand' },
): Promise<WorkflowRun & { alreadyRunning: boolean }> {
  const { alreadyRunning, askedBy, ...run } = await deps.syncs.start({ connectionId, companyId, ...wish }, inPlaceOf);
  await deps.runs.start({ ...run, kind: 'sync', connectionId }, askedBy);
  return { ...run, alreadyRunning };
}
