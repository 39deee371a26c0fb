/** What a preview and an export have in common: they begin with the books as they are now, and people wait for them. */
import { ApplicationFailure } from '@temporalio/workflow';
import { lookedUp } from './activities.js';
import type { ReadingRun } from './readingRun.js';
import { refresh } from './refresh.js';

const { facts } = lookedUp('look the connection up');

/** @throws ApplicationFailure `could_not_sync` where a stream could not be read: nothing is planned on half of the books. */
export async function readBooks(run: ReadingRun): Promise<void> {
  const { companyId, syncFromDate } = await facts(run.reference.connectionId);
  run.progress.company = companyId;
  run.progress.syncFromDate = syncFromDate;
  run.show();
  const wanted = { mode: 'incremental', streams: null, priority: 'people' } as const;
  const { failed } = await run.watched(() => refresh(run, wanted));
  if (failed.length === 0) return;
  throw ApplicationFailure.nonRetryable(`Not read to the end: ${failed.join(', ')}.`, 'could_not_sync');
}
