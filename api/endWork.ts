import type { ApiDeps } from './deps.js';

type WorkDeps = Pick<ApiDeps, 'backfills' | 'syncs' | 'webhooks' | 'outboxes' | 'paymentRuns' | 'schedules'> & {
  connections: Pick<ApiDeps['connections'], 'get'>;
};

/** Ends every run that a connection has in hand, and its schedules once it is disconnected. May be repeated. */
export async function endWork(
  { backfills, syncs, webhooks, outboxes, paymentRuns, schedules, connections }: WorkDeps,
  connectionId: string,
): Promise<void> {
  const organisationId = (await connections.get(connectionId))?.organisation?.id;
  await Promise.all([
    backfills.cancel(connectionId),
    syncs.cancel(connectionId),
    outboxes.cancel(connectionId),
    paymentRuns.cancel(connectionId),
    organisationId && webhooks.cancel(organisationId),
    schedules.keep(connectionId),
  ]);
}
