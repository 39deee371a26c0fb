/** The bells of the outboxes: one is rung only when its flag turns on, so ten thousand saves ring once (design.md). */
import type pg from 'pg';
import type { OutboxBell, OutboxBells } from '../domain/ports.js';
import { blocker, coveredDocuments } from './documentRows.js';

/** A bell that nobody heard for so long was rung while Temporal was away, or by a process that died before it rang. */
const unheardMs = 30_000;

/**
 * What an urgent document stands on and is not sent yet becomes urgent too, however deep. One that somebody else holds is
 * passed over: it is being saved or sent at this moment, and to wait for it could be to wait in a ring.
 *
 * Then the flag: the row stays locked until the save commits, so a claim, which turns the flag off before it looks, either
 * sees what was saved or is followed by a save that turns the flag on again.
 */
const ringStatement = `
  WITH RECURSIVE parent (kind, external_id) AS (
    SELECT parent_kind, parent_external_id FROM document_parent WHERE document_id = ANY ($2) AND $3::boolean
    UNION
    SELECT further.parent_kind, further.parent_external_id
      FROM parent
      JOIN document d ON d.company_id = $1 AND d.kind = parent.kind AND d.external_id = parent.external_id
                     AND d.state IN ('queued', 'waiting')
      JOIN document_parent further ON further.document_id = d.id
  ),
  hurried AS (
    UPDATE document SET urgent = true
     WHERE id IN (
       SELECT d.id FROM document d JOIN parent ON d.kind = parent.kind AND d.external_id = parent.external_id
        WHERE d.company_id = $1 AND NOT d.urgent AND d.state IN ('queued', 'waiting')
          FOR NO KEY UPDATE OF d SKIP LOCKED)
  ),
  place AS (
    SELECT DISTINCT c.id FROM ${coveredDocuments} WHERE d.id = ANY ($2) AND d.state = 'queued' AND (${blocker}) IS NULL
  )
  INSERT INTO outbox (connection_id, rung_at) SELECT id, clock_timestamp() FROM place ORDER BY id
  ON CONFLICT (connection_id) DO UPDATE SET rung_at = clock_timestamp()
   WHERE outbox.rung_at IS NULL OR outbox.rung_at < clock_timestamp() - ${unheardMs} * interval '1 millisecond'
  RETURNING connection_id`;

/** Turns on the flags of the outboxes that these documents go through. @returns those to ring once this is committed. */
export async function turnOnBells(
  client: pg.PoolClient,
  companyId: string,
  documentIds: readonly string[],
  urgent: boolean,
): Promise<OutboxBell[]> {
  if (documentIds.length === 0) return [];
  const { rows } = await client.query<{ connection_id: string }>(ringStatement, [companyId, documentIds, urgent]);
  return rows.map(({ connection_id: connectionId }) => ({ connectionId, companyId }));
}

/** Asked connection by connection, so that what waits for no connection at all is not looked through. */
const pendingStatement = `
  SELECT c.id AS "connectionId", c.company_id AS "companyId"
    FROM connection c JOIN company ON company.id = c.company_id AND company.deleting_at IS NULL CROSS JOIN writes
   WHERE ($1::uuid IS NULL OR c.id = $1) AND c.status = 'active' AND EXISTS (
     SELECT FROM document d
      WHERE d.company_id = c.company_id AND d.state IN ('queued', 'sending')
        AND d.queued_at <= clock_timestamp() - $2 * interval '1 millisecond'
        AND (c.sync_by = 'company'
             OR d.location_id IN (SELECT location.id FROM location WHERE location.connection_id = c.id))
        AND (${blocker}) IS NULL)
   ORDER BY c.id`;

export function createOutboxBells(pool: pg.Pool): OutboxBells {
  const pending = async (connectionId: string | null, ms: number) =>
    (await pool.query<OutboxBell>(pendingStatement, [connectionId, ms])).rows;
  return {
    ofConnection: async (connectionId) => (await pending(connectionId, 0))[0] ?? null,
    pendingLongerThan: (ms) => pending(null, ms),
  };
}
