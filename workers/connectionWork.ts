import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowFailedError, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { endWork } from '../api/endWork.js';
import { startBackfill } from '../api/startBackfill.js';
import { startExport, startPreview } from '../api/startReview.js';
import {
  createBackfillControl,
  createOutboxControl,
  createPaymentRunControl,
  createReviewControl,
  createSyncControl,
  createWebhookControl,
} from '../api/temporal.js';
import { workflowIds } from '../domain/names.js';
import type { ConnectionSchedules, Connections, ConnectionWork, Exports, Runs } from '../domain/ports.js';

/** Longer than what a run has in hand takes to end; one that stands still does not keep a deletion waiting for good. */
const endsWithinMs = 240_000;

/** What a worker's activities ask of Temporal, done as the API does it. */
export function createConnectionWork(
  client: Client,
  {
    runs,
    connections,
    exports,
  }: {
    runs: Pick<Runs, 'start' | 'list' | 'get' | 'latest'>;
    connections: Pick<Connections, 'get'>;
    exports: Pick<Exports, 'inHand'>;
  },
  schedules: ConnectionSchedules,
): ConnectionWork {
  const controls = {
    backfills: createBackfillControl(client),
    syncs: createSyncControl(client),
    webhooks: createWebhookControl(client),
    reviews: createReviewControl(client),
    exports,
    outboxes: createOutboxControl(client),
    paymentRuns: createPaymentRunControl(client),
    runs,
    connections,
    schedules,
  };
  return {
    async startBackfill(connection) {
      await startBackfill(controls, connection);
    },
    ringForWebhooks: (bell) => controls.webhooks.ring(bell),
    ringOutbox: (bell) => controls.outboxes.ring(bell),
    async startReview(kind, wanted) {
      await (kind === 'preview' ? startPreview : startExport)(controls, wanted);
    },
    async stop(connectionId) {
      const reviewed = await exports.inHand(connectionId);
      await endWork(controls, connectionId);
      const organisationId = (await connections.get(connectionId))?.organisation?.id;
      const kinds = [
        workflowIds.backfill,
        workflowIds.sync,
        workflowIds.secondLook,
        workflowIds.outbox,
        workflowIds.paymentImport,
      ];
      const ids = kinds.map((idOf) => idOf(connectionId));
      if (organisationId !== undefined) ids.push(workflowIds.webhookFetch(organisationId));
      ids.push(...reviewed.previews.map(workflowIds.preview), ...reviewed.exports.map(workflowIds.export));
      await Promise.all(ids.map((id) => ended(client.workflow.getHandle(id))));
    },
  };
}

async function ended(handle: WorkflowHandle): Promise<void> {
  const patience = new AbortController();
  const tooLong = delay(endsWithinMs, undefined, { signal: patience.signal }).then(() => handle.terminate());
  try {
    await Promise.race([handle.result(), tooLong]);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError)) throw error;
  } finally {
    patience.abort();
    tooLong.catch(() => undefined);
  }
}
