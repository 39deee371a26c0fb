import { cancellationSignal, heartbeat, log } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { keptDays } from '../domain/feed.js';
import type { Counts, HousekeepingTask } from '../domain/housekeeping.js';
import type {
  ConnectionSchedules,
  Connections,
  ConnectionWork,
  Consents,
  Exports,
  Feed,
  Grants,
  OutboxBells,
  Previews,
  WebhookEvents,
  XeroLinks,
} from '../domain/ports.js';
import { keptForMs } from '../domain/webhooks.js';
import { again, isOurs, kindOf } from './failures.js';

export interface HousekeepingPorts {
  grants: Grants;
  consents: Consents;
  connections: Pick<Connections, 'withoutBackfill' | 'linksToEnd' | 'linkEnded'>;
  links: XeroLinks;
  webhookEvents: Pick<WebhookEvents, 'waiting' | 'forget'>;
  outboxBells: Pick<OutboxBells, 'pendingLongerThan'>;
  previews: Pick<Previews, 'unstarted' | 'forget'>;
  exports: Pick<Exports, 'unstarted'>;
  work: Pick<ConnectionWork, 'startBackfill' | 'ringForWebhooks' | 'ringOutbox' | 'startReview'>;
  schedules: Pick<ConnectionSchedules, 'repair'>;
  feed: Pick<Feed, 'forget'>;
  /** Refreshes what is not good any more, one at a time in all processes. */
  tokens: { accessToken(grantId: string): Promise<string> };
}

const dayMs = 86_400_000;
/** Xero ends a refresh token that is not used for 60 days: that leaves 40 for an outage of theirs or of ours. */
const idleMs = 20 * dayMs;
/** A run in hand has fetched an event by then, unless it waits for Xero; then it hears of this and waits on. */
const unfetchedMs = 60_000;
/** A bell is heard within a second; what a run in hand cannot send yet it hears of and waits on. */
const unsentMs = 30_000;
const previewsKeptDays = 90;
const retryMs = 10_000;

const tasks: Record<HousekeepingTask, (ports: HousekeepingPorts) => Promise<Counts>> = {
  startBackfills,
  repairSchedules: ({ schedules }) => schedules.repair(),
  ringForWebhooks,
  ringOutboxes,
  startReviews,
  refreshIdleGrants,
  showDeadGrants: async ({ grants }) => ({ connections: await grants.showDead() }),
  endLinks,
  forgetConsents: async ({ consents }) => ({ forgotten: await consents.forgetEnded(dayMs) }),
  // A day: a consent that is being given has its grant before its connection.
  forgetGrants: async ({ grants }) => ({ forgotten: await grants.forgetUnused(dayMs) }),
  forgetChanges,
  forgetPreviews: async ({ previews }) => ({ forgotten: await previews.forget(previewsKeptDays * dayMs) }),
  forgetWebhookEvents: async ({ webhookEvents }) => ({ forgotten: await webhookEvents.forget(keptForMs) }),
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

/** A consent bound them, and the process died before it had started what follows. */
async function startBackfills({ connections, work }: HousekeepingPorts): Promise<Counts> {
  const owed = await connections.withoutBackfill();
  return await eachByItself('started', owed, (connection) => work.startBackfill(connection));
}

/** Temporal was away when the bell was to be rung, the process died before, or the run that had heard it failed. */
async function ringForWebhooks({ webhookEvents, work }: HousekeepingPorts): Promise<Counts> {
  const waiting = await webhookEvents.waiting(unfetchedMs);
  const bells = waiting.map((bell) => ({ id: bell.connectionId, bell }));
  return await eachByItself('rung', bells, ({ bell }) => work.ringForWebhooks(bell));
}

/** The process that noted them died before it had started their run, or Temporal was away. */
async function startReviews({ previews, exports, work }: HousekeepingPorts): Promise<Counts> {
  const owed = [
    ...(await previews.unstarted(unfetchedMs)).map((wanted) => ({ ...wanted, kind: 'preview' as const })),
    ...(await exports.unstarted(unfetchedMs)).map((wanted) => ({ ...wanted, kind: 'export' as const })),
  ];
  return await eachByItself('started', owed, ({ kind, ...wanted }) => work.startReview(kind, wanted));
}

/** The same for documents: a save answers whether or not its bell could be rung. */
async function ringOutboxes({ outboxBells, work }: HousekeepingPorts): Promise<Counts> {
  const pending = await outboxBells.pendingLongerThan(unsentMs);
  const bells = pending.map((bell) => ({ id: bell.connectionId, bell }));
  return await eachByItself('rung', bells, ({ bell }) => work.ringOutbox(bell));
}

/** Xero could not be told when they were disconnected. */
async function endLinks({ connections, links }: HousekeepingPorts): Promise<Counts> {
  const left = await connections.linksToEnd(null);
  return await eachByItself('ended', left, async (link) => {
    await links.end(link);
    await connections.linkEnded(link);
  });
}

/** Batch after batch: a writer never waits for more than one of them. */
async function forgetChanges({ feed }: HousekeepingPorts): Promise<Counts> {
  for (let forgotten = 0; ; ) {
    heartbeat();
    const removed = await feed.forget(keptDays * dayMs);
    if (removed === 0) return { forgotten };
    forgotten += removed;
  }
}

/** An access token never lives for 20 days: asking for it refreshes. */
async function refreshIdleGrants({ grants, tokens }: HousekeepingPorts): Promise<Counts> {
  const idle = await grants.idle(idleMs);
  return await eachByItself(
    'refreshed',
    idle.map((grantId) => ({ grantId })),
    ({ grantId }) => tokens.accessToken(grantId),
  );
}

/** One after the other, each a try of its own: one that fails stops no other. @param things with ids of ours only. */
async function eachByItself<T extends { id: string } | { grantId: string }>(
  done: string,
  things: readonly T[],
  act: (thing: T) => Promise<unknown>,
): Promise<Counts> {
  const counts = { [done]: 0, failed: 0 };
  for (const thing of things) {
    if (cancellationSignal().aborted) throw new CancelledFailure('housekeeping was cancelled');
    heartbeat();
    try {
      await act(thing);
      counts[done] = (counts[done] ?? 0) + 1;
    } catch (error) {
      const id = 'id' in thing ? thing.id : thing.grantId;
      log.warn(`housekeeping: one could not be ${done}`, { id, reason: kindOf(error) });
      counts.failed = (counts.failed ?? 0) + 1;
    }
  }
  return counts;
}
