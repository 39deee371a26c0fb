import { RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  defineSignal,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { pauseSignal, resumeSignal } from './contract.js';

const pause = defineSignal(pauseSignal);
const resume = defineSignal(resumeSignal);

/**
 * Lets a person hold a run and let it go on. Work that is in hand when the pause comes is stopped, keeps what it has
 * committed, and is done again from its cursor after the resume.
 */
export function createPauses(onPause: () => Promise<void>, onResume: () => Promise<void>) {
  let paused = false;
  let shown = false;
  const inHand = new Set<CancellationScope>();
  const held = new WeakSet<CancellationScope>();
  setHandler(pause, () => {
    paused = true;
    for (const scope of inHand) {
      held.add(scope);
      scope.cancel();
    }
  });
  setHandler(resume, () => {
    paused = false;
  });

  async function gate(): Promise<void> {
    if (!paused) return;
    if (!shown) {
      shown = true;
      await onPause();
    }
    await condition(() => !paused);
    if (shown) {
      shown = false;
      await onResume();
    }
  }

  return async function unlessPaused<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await gate();
      const scope = new CancellationScope();
      inHand.add(scope);
      try {
        return await scope.run(work);
      } catch (error) {
        if (!wasStopped(error)) throw error;
        // A pause alone: the resume may have come before the work has stopped. Otherwise the whole run is to end.
        const runEnds = CancellationScope.current().consideredCancelled;
        if (runEnds || !held.has(scope)) throw isCancellation(error) ? error : new CancelledFailure('stopped');
      } finally {
        inHand.delete(scope);
      }
    }
  };
}

/** An activity that is to stop while an attempt of it fails, or between two attempts, ends with that attempt's failure. */
function wasStopped(error: unknown): boolean {
  if (isCancellation(error)) return true;
  return error instanceof ActivityFailure && error.retryState === RetryState.CANCEL_REQUESTED;
}
