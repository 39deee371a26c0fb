import { condition, sleep } from '@temporalio/workflow';

/**
 * One sleep for all streams of a run: whoever finds the day's calls used up sleeps, and who comes later sleeps along.
 * The timer is Temporal's, so no worker is held and a restart changes nothing.
 */
export function createNap(onBegin: (reason: string, until: Date) => Promise<void>, onEnd: () => Promise<void>) {
  let asleep = false;
  return async function napUntil(reason: string, until: Date): Promise<void> {
    if (asleep) return await condition(() => !asleep);
    asleep = true;
    try {
      await onBegin(reason, until);
      await sleep(Math.max(1, until.getTime() - Date.now()), { summary: `${reason}, until ${until.toISOString()}` });
      await onEnd();
    } finally {
      asleep = false;
    }
  };
}
