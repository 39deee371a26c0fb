import type { ApiDeps } from './deps.js';

/** Ends every run that a connection has in hand, and its schedule once it is disconnected. May be repeated. */
export async function endWork(
  { backfills, syncs, schedules }: Pick<ApiDeps, 'backfills' | 'syncs' | 'schedules'>,
  connectionId: string,
): Promise<void> {
  await Promise.all([backfills.cancel(connectionId), syncs.cancel(connectionId), schedules.keep(connectionId)]);
}
