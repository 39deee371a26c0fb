import { cancellationSignal, heartbeat, log } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { Counts, HousekeepingTask } from '../domain/housekeeping.js';
import type { Consents, Grants } from '../domain/ports.js';
import { again, isOurs, kindOf } from './failures.js';

export interface HousekeepingPorts {
  grants: Grants;
  consents: Consents;
  /** Refreshes what is not good any more, one at a time in all processes. */
  tokens: { accessToken(grantId: string): Promise<string> };
}

const dayMs = 86_400_000;
/** Xero ends a refresh token that is not used for 60 days: that leaves 40 for an outage of theirs or of ours. */
const idleMs = 20 * dayMs;
const retryMs = 10_000;

const tasks: Record<HousekeepingTask, (ports: HousekeepingPorts) => Promise<Counts>> = {
  refreshIdleGrants,
  showDeadGrants: async ({ grants }) => ({ connections: await grants.showDead() }),
  forgetConsents: async ({ consents }) => ({ forgotten: await consents.forgetEnded(dayMs) }),
  // A day: a consent that is being given has its grant before its connection.
  forgetGrants: async ({ grants }) => ({ forgotten: await grants.forgetUnused(dayMs) }),
};

/** The tasks of housekeeping. Each may be repeated: it looks anew for what is to be done. */
export function createHousekeepingActivities(ports: HousekeepingPorts) {
  return {
    /** @throws ApplicationFailure `fault`: Postgres's words stay here. */
    async housekeep(task: HousekeepingTask): Promise<Counts> {
      try {
        return await tasks[task](ports);
      } catch (error) {
        throw isOurs(error) ? error : again('fault', retryMs, kindOf(error));
      }
    },
  };
}

/** One after the other, each a try of its own. An access token never lives for 20 days: asking for it refreshes. */
async function refreshIdleGrants({ grants, tokens }: HousekeepingPorts): Promise<Counts> {
  const counts = { refreshed: 0, failed: 0 };
  for (const grantId of await grants.idle(idleMs)) {
    if (cancellationSignal().aborted) throw new CancelledFailure('housekeeping was cancelled');
    heartbeat();
    try {
      await tokens.accessToken(grantId);
      counts.refreshed++;
    } catch (error) {
      log.warn('an idle grant could not be refreshed', { grantId, reason: kindOf(error) });
      counts.failed++;
    }
  }
  return counts;
}
