import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { ReviewActivities } from '../activities/index.js';
import { readOptions } from './activities.js';
import type { PreviewInput, PreviewResult } from './contract.js';
import { dailyLimit, outcomeOf, ReadingRun } from './readingRun.js';
import { readBooks } from './review.js';

const { chooseRows } = proxyActivities<ReviewActivities>({ ...readOptions, summary: 'take what is to be looked at' });
const { lookUpNumbers } = proxyActivities<ReviewActivities>({ ...readOptions, summary: 'look numbers up in Xero' });
const { planRows } = proxyActivities<ReviewActivities>({ ...readOptions, summary: 'work out what would move' });
const { failPreview } = proxyActivities<ReviewActivities>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  summary: 'note that it failed',
});

/**
 * Reads Xero as it is now and works out what would move for every document of the connection that waits. Changes nothing in
 * Xero. Fails with a connection code as the failure's type.
 */
export async function preview(input: PreviewInput): Promise<PreviewResult> {
  const run = new ReadingRun('preview', input.connectionId, 'readingChanges');
  return await run.through(async () => {
    try {
      await readBooks(run);
      run.ordinary = 'planning';
      run.show('planning');
      const rows = await chooseRows(input);
      run.progress.more = [`Rows to look at: **${rows}**`];
      run.show();
      await lookUpAll(run, input);
      await planRows({ ...input, runId: run.reference.runId });
      await run.end('completed');
      return { outcome: 'completed', rows };
    } catch (error) {
      await CancellationScope.nonCancellable(() => failPreview(input.previewId, outcomeOf(error)));
      throw error;
    }
  });
}

/** From place to place: what was asked is not asked again after a wait for the budget. */
async function lookUpAll(run: ReadingRun, input: PreviewInput): Promise<void> {
  const { runId } = run.reference;
  for (let after: number | null = 0; after !== null; ) {
    const turn: Awaited<ReturnType<typeof lookUpNumbers>> = await lookUpNumbers({ ...input, runId, after });
    if (turn.until !== null) await run.nap(dailyLimit, new Date(turn.until));
    after = turn.after;
  }
}
