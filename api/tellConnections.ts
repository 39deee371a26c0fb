import type { ApiDeps } from './deps.js';

/** Wakes every first full read of a company that may be waiting for what has changed now. */
export async function tellConnections(
  { connections, backfills }: Pick<ApiDeps, 'connections' | 'backfills'>,
  companyId: string,
): Promise<void> {
  const ids = await connections.ofCompany(companyId);
  await Promise.all(ids.map((id) => backfills.connectionChanged(id)));
}
