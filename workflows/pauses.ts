import { CancellationScope, condition, defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
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
  setHandler(pause, () => {
    paused = true;
    for (const scope of inHand) scope.cancel();
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
        if (!paused || !isCancellation(error)) throw error;
      } finally {
        inHand.delete(scope);
      }
    }
  };
}
