import type { WorkflowRun } from './backfillControl.js';
import type { TemporalUi } from './deps.js';

/** Where a person sees the run. */
export function runUrl(ui: TemporalUi, run: WorkflowRun): string {
  const [namespace, workflow, execution] = [ui.namespace, run.workflowId, run.runId].map(encodeURIComponent);
  return `${ui.url}/namespaces/${namespace}/workflows/${workflow}/${execution}/history`;
}
