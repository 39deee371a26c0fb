import type { Client } from '@temporalio/client';
import { endWork } from '../api/endWork.js';
import { startBackfill } from '../api/startBackfill.js';
import { createBackfillControl, createSyncControl } from '../api/temporal.js';
import type { ConnectionWork, Nightlies, Runs } from '../domain/ports.js';

/** What a worker's activities ask of Temporal, done as the API does it. */
export function createConnectionWork(
  client: Client,
  runs: Pick<Runs, 'start' | 'list' | 'get' | 'latest'>,
  nightlies: Nightlies,
): ConnectionWork {
  const controls = { backfills: createBackfillControl(client), syncs: createSyncControl(client), runs, nightlies };
  return {
    async startBackfill(connection) {
      await startBackfill(controls, connection);
    },
    stop: (connectionId) => endWork(controls, connectionId),
  };
}
