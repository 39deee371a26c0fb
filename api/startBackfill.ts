/** Starts a connection's first full read and notes the run, so that it shows before its first step. */
import type { AskedBy, Connection } from '../domain/ports.js';
import { nobody } from './askedBy.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';

/**
 * @param asked by which request, and whether it takes the place of one in hand, which a new consent made obsolete.
 * @returns `alreadyDone` when it was completed before; the run in hand when there is one.
 */
export async function startBackfill(
  deps: Pick<ApiDeps, 'backfills' | 'runs'>,
  connection: Connection,
  { askedBy = nobody, inPlaceOf }: { askedBy?: AskedBy; inPlaceOf?: 'anyInHand' } = {},
): Promise<WorkflowRun | 'alreadyDone'> {
  const { id: connectionId, companyId, syncFromDate } = connection;
  const started = await deps.backfills.start({ connectionId, companyId, syncFromDate, askedBy }, inPlaceOf);
  if (started === 'alreadyDone') return started;
  const { askedBy: askedFirst, ...run } = started;
  await deps.runs.start({ ...run, kind: 'backfill', connectionId }, askedFirst);
  return run;
}
