import type { ReadChangesInput, ReadChangesResult } from '../activities/changes.js';
import { readChanges } from './activities.js';
import { dailyLimit, type ReadingRun } from './readingRun.js';

type Wanted = Pick<ReadChangesInput, 'mode' | 'streams' | 'priority'>;

/**
 * Reads what changed in Xero until it is read to the end. A stream that another run reads is waited for, and a reading that
 * began after this run did is used. Sleeps when the day's calls are used up.
 * @param afterTurn done after each turn that was not the last
 */
export async function refresh(
  run: ReadingRun,
  wanted: Wanted,
  afterTurn: () => Promise<void> = async () => undefined,
): Promise<ReadChangesResult> {
  const { connectionId, runId } = run.reference;
  for (;;) {
    const turn = await readChanges({ ...wanted, connectionId, runId, notBefore: run.startedAt });
    run.showChanges(turn.counts);
    if (turn.outcome === 'complete') return turn;
    if (turn.until !== null) await run.nap(dailyLimit, new Date(turn.until));
    await afterTurn();
  }
}
