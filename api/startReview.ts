/** Starts a preview or an export and notes the run, so that it shows before its first step. */
import { nobody } from './askedBy.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';
import type { ReviewStart } from './reviewControl.js';

type StartDeps = Pick<ApiDeps, 'reviews' | 'runs'>;
type Wanted = Omit<ReviewStart, 'askedBy'> & Partial<Pick<ReviewStart, 'askedBy'>>;

/** @returns the run in hand when there is one. */
export function startPreview(deps: StartDeps, wanted: Wanted): Promise<WorkflowRun> {
  return start(deps, 'preview', deps.reviews.startPreview({ askedBy: nobody, ...wanted }), wanted.connectionId);
}

/** @returns the run in hand when there is one. */
export function startExport(deps: StartDeps, wanted: Wanted): Promise<WorkflowRun> {
  return start(deps, 'export', deps.reviews.startExport({ askedBy: nobody, ...wanted }), wanted.connectionId);
}

async function start(
  { runs }: StartDeps,
  kind: 'preview' | 'export',
  starting: ReturnType<ApiDeps['reviews']['startPreview']>,
  connectionId: string,
): Promise<WorkflowRun> {
  const { askedBy, ...run } = await starting;
  await runs.start({ ...run, kind, connectionId }, askedBy);
  return run;
}
