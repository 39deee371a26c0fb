import type { ApiDeps } from './deps.js';

type WorkDeps = Pick<ApiDeps, 'backfills' | 'syncs' | 'webhooks'> & {
  connections: Pick<ApiDeps['connections'], 'get'>;
};

/** Ends every run that a connection has in hand. May be repeated. */
export async function endWork(
  { backfills, syncs, webhooks, connections }: WorkDeps,
  connectionId: string,
): Promise<void> {
  const organisationId = (await connections.get(connectionId))?.organisation?.id;
  await Promise.all([
    backfills.cancel(connectionId),
    syncs.cancel(connectionId),
    organisationId && webhooks.cancel(organisationId),
  ]);
}
