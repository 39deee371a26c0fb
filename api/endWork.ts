import type { ApiDeps } from './deps.js';

type WorkDeps = Pick<
  ApiDeps,
  'backfills' | 'syncs' | 'webhooks' | 'outboxes' | 'reviews' | 'paymentRuns' | 'schedules'
> & {
  exports: Pick<ApiDeps['exports'], 'inHand'>;
  connections: Pick<ApiDeps['connections'], 'get'>;
};

/** Ends every run that a connection has in hand, and its schedules once it is disconnected. May be repeated. */
export async function endWork(
  { backfills, syncs, webhooks, outboxes, reviews, paymentRuns, schedules, connections, exports }: WorkDeps,
  connectionId: string,
): Promise<void> {
  const organisationId = (await connections.get(connectionId))?.organisation?.id;
  const reviewed = await exports.inHand(connectionId);
  await Promise.all([
    ...reviewed.previews.map((id) => reviews.cancelPreview(id)),
    ...reviewed.exports.map((id) => reviews.cancelExport(id)),
    backfills.cancel(connectionId),
    syncs.cancel(connectionId),
    outboxes.cancel(connectionId),
    paymentRuns.cancel(connectionId),
    organisationId && webhooks.cancel(organisationId),
    schedules.keep(connectionId),
  ]);
}
