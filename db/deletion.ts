/** Everything that a company has in the database, table by table, and how it is removed. */
import type pg from 'pg';
import type { Deletion } from '../domain/ports.js';
import type { Tombstones } from './tombstones.js';

const ofCompany = 'company_id = $1';
const ofConnections = 'connection_id IN (SELECT id FROM connection WHERE company_id = $1)';
const ofOrganisations = 'organisation_id IN (SELECT id FROM organisation WHERE company_id = $1)';
const ofDocuments = 'document_id IN (SELECT id FROM document WHERE company_id = $1)';
const ofPreviews = `preview_id IN (SELECT id FROM preview WHERE ${ofConnections})`;
/** A refused call may stand there with no more than the ids of its address. */
const ofCalls = `(company_id = $1 OR path_ids ->> 'company' = $1
  OR path_ids ->> 'id' IN (SELECT id::text FROM connection WHERE company_id = $1))`;
const unusedGrant = 'NOT EXISTS (SELECT FROM connection WHERE grant_id = oauth_grant.id)';

/**
 * In the order in which they are emptied. The cursors go first: a reader that still lives finds its stream gone and stores
 * nothing more. Then what is large, in batches; last what the others refer to (`referred`).
 */
export const companyTables: readonly { table: string; rows: string; key?: string; referred?: true }[] = [
  { table: 'stream_cursor', rows: ofConnections },
  // Partitioned: places of rows repeat from one part to the next.
  { table: 'record', rows: ofOrganisations, key: 'organisation_id, stream, xero_id' },
  { table: 'set_aside', rows: ofOrganisations },
  { table: 'webhook_event', rows: ofOrganisations },
  { table: 'payment_import', rows: ofCompany },
  { table: 'balance_told', rows: ofCompany },
  { table: 'push_attempt', rows: ofDocuments },
  { table: 'push_call', rows: ofConnections },
  { table: 'outbox', rows: ofConnections },
  { table: 'export', rows: ofConnections },
  { table: 'preview_row', rows: ofPreviews },
  { table: 'preview', rows: ofConnections, referred: true },
  { table: 'document_parent', rows: ofCompany },
  { table: 'document_version', rows: ofDocuments },
  { table: 'document', rows: ofCompany, referred: true },
  { table: 'organisation_budget', rows: ofOrganisations },
  { table: 'record_tally', rows: ofConnections },
  { table: 'call_tally', rows: ofConnections },
  { table: 'run_sleep', rows: `run_id IN (SELECT run_id FROM run WHERE ${ofConnections})` },
  { table: 'run', rows: ofConnections, referred: true },
  { table: 'consent', rows: ofConnections },
  { table: 'offered_organisation', rows: ofConnections },
  { table: 'location', rows: ofCompany },
  { table: 'audit', rows: ofCalls },
  { table: 'kept_answer', rows: ofCompany },
  { table: 'api_key', rows: ofCompany },
  { table: 'connection', rows: ofCompany, referred: true },
  // After the connections: whoever tells of one holds its row, so nothing is told any more.
  { table: 'feed_event', rows: ofCompany },
  { table: 'organisation', rows: ofCompany, referred: true },
  { table: 'company', rows: 'id = $1', referred: true },
];

/** Tables in which nothing of a company stands, each with what does. */
export const tablesWithoutCompanies: Readonly<Record<string, string>> = {
  app_budget: 'the calls of the whole app',
  feed_counter: 'positions of the feed',
  migration: 'the migrations that were run',
  oauth_grant: 'grants, which may serve several companies; one that serves none is removed with the last',
  tombstone: 'keyed hashes of what was deleted',
  tombstone_key: 'the key of those hashes, sealed',
  tombstone_payment: 'keyed hashes of payments that are never to be imported again',
  writes: 'whether all writing to Xero is paused',
};

const batch = 5000;

export function createDeletion(pool: pg.Pool, tombstones: Tombstones): Deletion {
  return {
    bury: (companyId) => tombstones.bury(pool, companyId),

    async links(companyId) {
      const { rows } = await pool.query<{ id: string; xero_connection_id: string; grant_id: string }>(
        `SELECT id, xero_connection_id, grant_id FROM connection
          WHERE company_id = $1 AND xero_connection_id IS NOT NULL AND grant_id IS NOT NULL
         UNION ALL
         SELECT c.id, offered.xero_connection_id, c.grant_id
           FROM offered_organisation offered JOIN connection c ON c.id = offered.connection_id
          WHERE c.company_id = $1 AND c.grant_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM connection used WHERE used.xero_connection_id = offered.xero_connection_id)`,
        [companyId],
      );
      return rows.map((row) => ({
        connectionId: row.id,
        xeroConnectionId: row.xero_connection_id,
        grantId: row.grant_id,
      }));
    },

    tables: companyTables.map(({ table }) => table),

    async empty(companyId, table) {
      const at = companyTables.findIndex((each) => each.table === table);
      const known = companyTables[at];
      if (known === undefined) throw new Error(`${table} is not a table of a company's`);
      const grants = table === 'connection' ? await grantsOf(pool, companyId) : [];
      // A late writer came by after its table was emptied: its row would hold up the one that it refers to for good.
      if (known.referred) for (const earlier of companyTables.slice(0, at)) await removeBatch(pool, companyId, earlier);
      const removed = await removeBatch(pool, companyId, known);
      await pool.query(`DELETE FROM oauth_grant WHERE id = ANY ($1) AND ${unusedGrant}`, [grants]);
      return removed;
    },
  };
}

async function removeBatch(
  pool: pg.Pool,
  companyId: string,
  { table, rows, key = 'ctid' }: (typeof companyTables)[number],
): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${rows} LIMIT ${batch})`,
    [companyId],
  );
  return rowCount ?? 0;
}

async function grantsOf(pool: pg.Pool, companyId: string): Promise<string[]> {
  const { rows } = await pool.query<{ grant_id: string }>(
    'SELECT grant_id FROM connection WHERE company_id = $1 AND grant_id IS NOT NULL',
    [companyId],
  );
  return rows.map(({ grant_id }) => grant_id);
}
