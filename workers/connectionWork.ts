import type { Client } from '@temporalio/client';
import { endWork } from '../api/endWork.js';
import { startBackfill } from '../api/startBackfill.js';
import { createBackfillControl, createSyncControl, createWebhookControl } from '../api/temporal.js';
import type { Connections, ConnectionWork, Runs } from '../domain/ports.js';

/** What a worker's activities ask of Temporal, done as the API does it. */
export function createConnectionWork(
  client: Client,
  {
    runs,
    connections,
  }: { runs: Pick<Runs, 'start' | 'list' | 'get' | 'latest'>; connections: Pick<Connections, 'get'> },
): ConnectionWork {
  const controls = {
    backfills: createBackfillControl(client),
    syncs: createSyncControl(client),
    webhooks: createWebhookControl(client),
    runs,
    connections,
  };
  return {
    async startBackfill(connection) {
      await startBackfill(controls, connection);
    },
    ringForWebhooks: (bell) => controls.webhooks.ring(bell),
    stop: (connectionId) => endWork(controls, connectionId),
  };
}
