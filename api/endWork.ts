import type { ApiDeps } from './deps.js';

/** Ends every run that a connection has in hand. May be repeated. */
export async function endWork(
  { backfills, syncs }: Pick<ApiDeps, 'backfills' | 'syncs'>,
  connectionId: string,
): Promise<void> {
  await Promise.all([backfills.cancel(connectionId), syncs.cancel(connectionId)]);
}
