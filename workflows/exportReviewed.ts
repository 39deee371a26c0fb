import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReviewActivities } from '../activities/index.js';
import { workflowIds } from '../domain/names.js';
import { type PreviewGroup, previewGroupNames, previewGroups } from '../domain/preview.js';
import { readOptions } from './activities.js';
import {
  type ExportInput,
  type ExportResult,
  type PaymentImportInput,
  paymentImportWorkflowName,
  searchAttributeKeys,
} from './contract.js';
import { createPauses } from './pauses.js';
import { outcomeOf, ReadingRun } from './readingRun.js';
import { readBooks } from './review.js';

const step = (summary: string) =>
  proxyActivities<ReviewActivities>({
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });
const { comparePreview } = proxyActivities<ReviewActivities>({
  ...readOptions,
  summary: 'hold the preview against it',
});
const { awaitSent } = proxyActivities<ReviewActivities>({ ...readOptions, summary: 'wait until it is sent' });
const { beginExport } = step('begin to send');
const { pauseExport } = step('show that it is paused');
const { resumeExport } = step('show that it goes on');
const { takePayments } = step('take payments to bring in');
const { settlePayments } = step('note what became of them');
const { takeBack } = step('take back what is not being sent');
const { endExport } = step('note the end');
const queue = (group: PreviewGroup) => step(`hand over: ${previewGroups[group].title}`).queueRows;

/** Turns of half a minute: what is being sent when an export is cancelled is known to be sent or not after six minutes. */
const turnsAfterCancel = 24;
const inHandAgain = '2 seconds';

/**
 * Sends exactly what a preview showed, group by group, through the outbox, once it was held against the books as they are
 * now. Pauses and cancels take effect between batches. Fails with a connection code as the failure's type.
 */
export async function exportReviewed(input: ExportInput): Promise<ExportResult> {
  const run = new ReadingRun('export', input.connectionId, input.checked ? 'exporting' : 'readingChanges');
  const unlessPaused = createPauses(
    async () => {
      await pauseExport(input.exportId);
      run.show('paused');
    },
    async () => {
      await resumeExport(input.exportId);
      run.show(run.ordinary);
    },
  );
  return await run.through(async () => {
    try {
      const refused = input.checked ? null : await unlessPaused(() => check(run, input));
      if (refused === null) await send(run, input, unlessPaused);
      await endExport(input.exportId, refused === null ? { state: 'completed' } : { state: 'failed', ...refused });
      await run.end('completed');
      return refused === null
        ? { outcome: 'completed', changed: [] }
        : { outcome: refused.code, changed: refused.changed };
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) await CancellationScope.nonCancellable(() => breakOff(input, error));
      throw error;
    }
  });
}

async function check(run: ReadingRun, input: ExportInput) {
  await readBooks(run);
  const { code, changed } = await comparePreview(input);
  return code === null ? null : { code, changed };
}

type UnlessPaused = ReturnType<typeof createPauses>;

async function send(run: ReadingRun, input: ExportInput, unlessPaused: UnlessPaused): Promise<void> {
  await beginExport(input.exportId);
  run.ordinary = 'exporting';
  run.show('exporting');
  for (const group of previewGroupNames) {
    run.progress.more = [`Being sent: **${previewGroups[group].title}**`];
    run.show();
    if (group === 'importPayments') await bringIn(input, unlessPaused);
    else await sendGroup(group, input, unlessPaused);
  }
}

/** A batch is handed over when the one before has gone: what a document stands on is in Xero then, and a cancel is soon done. */
async function sendGroup(group: PreviewGroup, input: ExportInput, unlessPaused: UnlessPaused): Promise<void> {
  while ((await unlessPaused(() => queue(group)(input, group))) > 0) {
    while ((await awaitSent(input.exportId)) > 0);
    if (!workflowInfo().continueAsNewSuggested) continue;
    await condition(allHandlersFinished);
    await continueAsNew<typeof exportReviewed>({ ...input, checked: true });
  }
}

/** By the run that imports payments at all times: each at most once, ever. What it leaves is told and stops no other group. */
async function bringIn(input: ExportInput, unlessPaused: UnlessPaused): Promise<void> {
  for (;;) {
    const reviewed = await unlessPaused(() => takePayments(input.exportId));
    if (reviewed.length === 0) return;
    await importThem(input.connectionId, reviewed);
    await settlePayments(input.exportId);
  }
}

async function importThem(connectionId: string, reviewed: string[]): Promise<void> {
  const wish: PaymentImportInput = { connectionId, priority: 'people', reviewed, failuresInARow: 0 };
  for (;;) {
    try {
      await executeChild(paymentImportWorkflowName, {
        workflowId: workflowIds.paymentImport(connectionId),
        args: [wish],
        typedSearchAttributes: [{ key: searchAttributeKeys.connection, value: connectionId }],
        staticSummary: 'Payment import · reviewed',
      });
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return;
      await sleep(inHandAgain, { summary: 'another import of payments is in hand' });
    }
  }
}

async function breakOff(input: ExportInput, error: unknown): Promise<void> {
  const cancelled = isCancellation(error);
  await takeBack(input.exportId, cancelled ? 'cancelled' : 'failed');
  for (let turn = 0; turn < turnsAfterCancel && (await awaitSent(input.exportId)) > 0; turn++);
  await endExport(
    input.exportId,
    cancelled ? { state: 'cancelled' } : { state: 'failed', code: outcomeOf(error), changed: [] },
  );
}
