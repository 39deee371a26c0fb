import { Client } from '@temporalio/client';
import { buildApi } from '../api/app.js';
import { createConnectionSchedules } from '../api/connectionSchedules.js';
import { createMetrics } from '../api/metrics.js';
import {
  createBackfillControl,
  createDeletionControl,
  createOutboxControl,
  createPaymentRunControl,
  createReviewControl,
  createSyncControl,
  createWebhookControl,
} from '../api/temporal.js';
import { readConfig } from '../config/config.js';
import { createFeedBell } from '../db/feedBell.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { missingScopes, scopesFor } from '../xero/scopes.js';
import { compose, databaseUrl } from './composition.js';
import { onStop, run } from './run.js';
import { clientConnection, temporalConfig } from './temporal.js';

const poolSize = 20;
const readyWithinMs = 2000;
/** A refresh of quiet books takes a few seconds; whoever starts an export is told at once when its preview is stale. */
const checkedWithinMs = 15_000;
/** For the requests in flight; then the process ends without their answers. */
const stopWithinMs = 10_000;

/**
 * The API's process: brings the database up to date, then listens until it is told to stop. Then it takes no new
 * connection, ends the idle ones, answers what it has in hand, and ends.
 */
await run(async () => {
  const config = readConfig(process.env);
  const url = databaseUrl(config);
  await migrate(url);
  const pool = createPool(url, poolSize);
  const connection = clientConnection();
  const { namespace } = temporalConfig();
  const client = new Client({ connection, namespace });
  const parts = compose(config, pool);
  const metrics = createMetrics(parts.figures);
  const app = await buildApi({
    ...parts,
    metrics,
    feedBell: createFeedBell(parts.feed, url),
    backfills: createBackfillControl(client),
    syncs: createSyncControl(client),
    reviews: createReviewControl(client),
    checkedWithinMs,
    deletions: createDeletionControl(client),
    outboxes: createOutboxControl(client),
    paymentRuns: createPaymentRunControl(client),
    schedules: createConnectionSchedules(client, parts),
    webhooks: createWebhookControl(client),
    webhookKeys: config.xero.webhookKeys,
    scopesFor,
    missingScopes,
    readiness: async () => ({
      postgres: await answers(pool.query('SELECT 1')),
      temporal: await answers(
        connection.withDeadline(Date.now() + readyWithinMs, () => connection.workflowService.getSystemInfo({})),
      ),
    }),
    returnUrlOrigins: config.http.returnUrlOrigins,
    temporalUi: { url: config.temporalUiUrl, namespace },
    requestsPerMinute: config.http.requestsPerMinute,
    log: { level: config.logLevel },
  });
  const { host, port, metricsPort } = config.http;
  const metricsApp = metrics.app();
  if (metricsPort !== null) await metricsApp.listen({ host, port: metricsPort });
  await app.listen({ host, port });
  onStop(async () => {
    setTimeout(() => process.exit(1), stopWithinMs).unref();
    await app.close();
    await metricsApp.close();
    await connection.close();
    await pool.end();
  });
});

function answers(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
