import type { AskedBy } from '../domain/ports.js';
import type { StartedRun, WorkflowRun } from './backfillControl.js';

/** How previews and exports are started and steered. Each may be asked again without harm. */
export interface ReviewControl {
  startPreview(preview: ReviewStart): Promise<StartedRun>;
  startExport(wanted: ReviewStart): Promise<StartedRun>;
  /** These answer null when it is not in hand. */
  pauseExport(exportId: string): Promise<WorkflowRun | null>;
  resumeExport(exportId: string): Promise<WorkflowRun | null>;
  cancelExport(exportId: string): Promise<WorkflowRun | null>;
  cancelPreview(previewId: string): Promise<WorkflowRun | null>;
}

export interface ReviewStart {
  /** Of the preview, or of the export. */
  id: string;
  connectionId: string;
  companyId: string;
  askedBy: AskedBy;
}
