/** Starts a connection's first full read and notes the run, so that it shows before its first step. */
import type { AskedBy, Connection } from '../domain/ports.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';

const nobody: AskedBy = { requestId: null, actor: null };

/**
 * @param askedBy the request that asks for it; nobody when the connecting does.
 * @returns `alreadyDone` when it was completed before; the run in hand when there is one.
 */
export async function startBackfill(
  deps: Pick<ApiDeps, 'backfills' | 'runs'>,
  connection: Connection,
  askedBy = nobody,
): Promise<WorkflowRun | 'alreadyDone'> {
  const started = await deps.backfills.start({
    connectionId: connection.id,
    companyId: connection.companyId,
    syncFromDate: connection.syncFromDate,
    askedBy,
  });
  if (started === 'alreadyDone') return started;
  const { askedBy: askedFirst, ...run } = started;
  await deps.runs.start({ ...run, kind: 'backfill', connectionId: connection.id }, askedFirst);
  return run;
}
