import { Client } from '@temporalio/client';
import { buildApi } from '../api/app.js';
import { createBackfillControl, createDeletionControl, createSyncControl } from '../api/temporal.js';
import { readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { missingScopes, scopesFor } from '../xero/scopes.js';
import { compose, databaseUrl } from './composition.js';
import { onStop, run } from './run.js';
import { clientConnection, temporalConfig } from './temporal.js';

const poolSize = 20;
const readyWithinMs = 2000;

/** The API's process: brings the database up to date, then listens until it is told to stop. */
await run(async () => {
  const config = readConfig(process.env);
  const url = databaseUrl(config);
  await migrate(url);
  const pool = createPool(url, poolSize);
  const connection = clientConnection();
  const { namespace } = temporalConfig();
  const client = new Client({ connection, namespace });
  const app = await buildApi({
    ...compose(config, pool),
    backfills: createBackfillControl(client),
    syncs: createSyncControl(client),
    deletions: createDeletionControl(client),
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
  await app.listen({ host: config.http.host, port: config.http.port });
  onStop(async () => {
    await app.close();
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
