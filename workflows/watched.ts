import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

/** Does the work and, until it has ended, looks at it again and again. */
export async function watched<T>(everyMs: number, look: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const watch = new CancellationScope();
  const watching = watch
    .run(() => lookForEver(everyMs, look))
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  try {
    return await work();
  } finally {
    watch.cancel();
    await watching;
  }
}

async function lookForEver(everyMs: number, look: () => Promise<void>): Promise<never> {
  for (;;) {
    await sleep(everyMs, { summary: 'watch: does the run get on?' });
    await look();
  }
}
