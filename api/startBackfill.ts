/** Starts a connection's first full read and notes the run, so that it shows before its first step. */
import type { Connection } from '../domain/ports.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';

/** @returns `alreadyDone` when it was completed before; the run in hand when there is one. */
export async function startBackfill(
  deps: Pick<ApiDeps, 'backfills' | 'runs'>,
  connection: Connection,
  inPlaceOf?: 'anyInHand',
): Promise<WorkflowRun | 'alreadyDone'> {
  const { id: connectionId, companyId, syncFromDate } = connection;
  const run = await deps.backfills.start({ connectionId, companyId, syncFromDate }, inPlaceOf);
  if (run !== 'alreadyDone') await deps.runs.start({ ...run, kind: 'backfill', connectionId: connection.id });
  return run;
}
