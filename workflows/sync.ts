import { ApplicationFailure, allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { lookedUp } from './activities.js';
import type { SyncInput, SyncResult } from './contract.js';
import { ReadingRun } from './readingRun.js';
import { refresh } from './refresh.js';

const { facts } = lookedUp('look the connection up');

/**
 * Brings the mirror up to date: every stream from its cursor, or, in the mode `full`, from the Sync From Date once more.
 * One at a time for a connection, by its id. Fails with a connection code as the failure's type.
 */
export async function sync(input: SyncInput): Promise<SyncResult> {
  const run = new ReadingRun('sync', input.connectionId, 'readingChanges');
  return await run.through(async () => {
    const { companyId, syncFromDate } = await facts(input.connectionId);
    run.progress.company = companyId;
    run.progress.syncFromDate = syncFromDate;
    run.show();
    const { mode, streams } = input;
    const { failed, counts } = await run.watched(() => refresh(run, { mode, streams }, () => continueWhenLong(input)));
    const outcome = failed.length > 0 ? 'could_not_sync' : 'completed';
    if (failed.length > 0) throw ApplicationFailure.nonRetryable(`Not read to the end: ${failed.join(', ')}.`, outcome);
    await run.end(outcome);
    return { outcome, counts };
  });
}

async function continueWhenLong(input: SyncInput): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  await condition(allHandlersFinished);
  await continueAsNew<typeof sync>(input);
}
