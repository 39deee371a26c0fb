import { ApplicationFailure, allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { ReadChangesResult } from '../activities/changes.js';
import { lookedUp, readChanges } from './activities.js';
import type { SyncInput, SyncResult } from './contract.js';
import { dailyLimit, ReadingRun } from './readingRun.js';

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
    const { failed, counts } = await run.watched(() => readToEnd(run, input));
    const outcome = failed.length > 0 ? 'could_not_sync' : 'completed';
    if (failed.length > 0) throw ApplicationFailure.nonRetryable(`Not read to the end: ${failed.join(', ')}.`, outcome);
    await run.end(outcome);
    return { outcome, counts };
  });
}

async function readToEnd(run: ReadingRun, input: SyncInput): Promise<ReadChangesResult> {
  const { connectionId, runId } = run.reference;
  for (;;) {
    const turn = await readChanges({ ...input, connectionId, runId, notBefore: run.startedAt });
    run.showChanges(turn.counts);
    if (turn.outcome === 'complete') return turn;
    if (turn.until !== null) await run.nap(dailyLimit, new Date(turn.until));
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof sync>(input);
    }
  }
}
