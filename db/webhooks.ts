/** What Xero's webhooks told of: stored once, claimed by the run that fetches, forgotten some time after. */
import type pg from 'pg';
import { connectionStatuses, isLiving } from '../domain/connection.js';
import type { RecordToFetch, StoredEvents, WebhookBell, WebhookEvent, WebhookEvents } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { inTransaction } from './pool.js';

const livingStatuses = connectionStatuses.filter(isLiving);

/** A bell that nobody heard for so long was rung while Temporal was away, or by a process that died before it rang. */
const unheardMs = 300_000;

/**
 * One statement a delivery. The organisations' rows are locked before anything is stored, in the order of their ids, so two
 * deliveries cannot wait for each other in a ring. The lock also says whether the bell was off: a claim turns it off under
 * the same lock before it looks, so an event is either seen by that claim or turns the bell on again.
 */
const storeStatement = `
  WITH event AS (
    SELECT DISTINCT organisation_id, stream, resource_id, type, at
      FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[])
        AS each (organisation_id, stream, resource_id, type, at)
  ),
  place AS MATERIALIZED (
    SELECT o.id AS organisation_id, o.webhook_rung_at, c.id AS connection_id, c.company_id
      FROM organisation o JOIN connection c ON c.organisation_id = o.id
     WHERE o.id IN (SELECT organisation_id FROM event) AND c.status = ANY ($6)
     ORDER BY o.id FOR NO KEY UPDATE OF o
  ),
  ours AS (
    SELECT event.*, at < clock_timestamp() - $7 * interval '1 millisecond' AS stale
      FROM event JOIN place USING (organisation_id)
  ),
  stored AS (
    INSERT INTO webhook_event (organisation_id, stream, resource_id, type, at)
    SELECT organisation_id, stream, resource_id, type, at FROM ours WHERE NOT stale
     ORDER BY organisation_id, resource_id, stream, type, at
    ON CONFLICT (organisation_id, resource_id, stream, type, at) DO NOTHING
    RETURNING organisation_id
  ),
  rung AS (
    UPDATE organisation SET webhook_rung_at = clock_timestamp() FROM place
     WHERE organisation.id = place.organisation_id AND organisation.id IN (SELECT organisation_id FROM stored)
       AND (place.webhook_rung_at IS NULL OR place.webhook_rung_at < clock_timestamp() - $8 * interval '1 millisecond')
    RETURNING place.organisation_id AS "organisationId", place.connection_id AS "connectionId", place.company_id AS "companyId"
  )
  SELECT (SELECT count(*) FROM stored)::int AS stored,
         (SELECT count(*) FROM ours WHERE stale)::int AS stale,
         (SELECT count(*) FROM ours)::int AS ours,
         (SELECT count(*) FROM event)::int AS different,
         (SELECT coalesce(json_agg(rung), '[]') FROM rung) AS bells`;

interface StoreRow {
  stored: number;
  stale: number;
  ours: number;
  different: number;
  bells: WebhookBell[];
}

/**
 * Settles what needs no call.
 * - A stream that was never read to its end is left to its first reading: a change before that began is seen by it, and a
 *   later one by the sync after it, which starts at the instant when the first reading began.
 * - The mirror's record is as new as the event, both by Xero's clock. Where Xero cut the event to whole seconds, a stamp
 *   within that second may be older than the change, and it is asked for.
 */
const settleKnown = `
  UPDATE webhook_event SET done_at = clock_timestamp(), fate = judged.fate
    FROM (SELECT event.id,
                 CASE WHEN cursor.completed_at IS NULL THEN 'leftToFirstRead'
                      WHEN record.updated_at >= event.at
                           + CASE WHEN event.at = date_trunc('second', event.at) THEN interval '1 second' ELSE '0' END
                      THEN 'known' END AS fate
            FROM webhook_event event
            LEFT JOIN stream_cursor cursor ON cursor.connection_id = $2 AND cursor.stream = event.stream
            LEFT JOIN record ON record.organisation_id = $1 AND record.stream = event.stream
                            AND record.xero_id = event.resource_id::text AND record.deleted_at IS NULL
           WHERE event.organisation_id = $1 AND event.done_at IS NULL) AS judged
   WHERE webhook_event.id = judged.id AND judged.fate IS NOT NULL`;

export function createWebhookEvents(pool: pg.Pool): WebhookEvents {
  return {
    store: (events, staleAfterMs) => store(pool, events, staleAfterMs),
    claim: (connectionId, most) => inTransaction(pool, (client) => claim(client, connectionId, most)),

    async settle(eventIds, fate) {
      await pool.query(
        `UPDATE webhook_event SET done_at = clock_timestamp(), fate = $2
          WHERE id = ANY ($1::bigint[]) AND done_at IS NULL`,
        [eventIds, fate],
      );
    },

    async waiting(waitedMs) {
      const { rows } = await pool.query<WebhookBell>(
        `SELECT c.organisation_id AS "organisationId", c.id AS "connectionId", c.company_id AS "companyId"
           FROM connection c
          WHERE c.status = ANY ($1) AND EXISTS (
            SELECT FROM webhook_event event
             WHERE event.organisation_id = c.organisation_id AND event.done_at IS NULL
               AND event.received_at < clock_timestamp() - $2 * interval '1 millisecond')
          ORDER BY c.id`,
        [livingStatuses, waitedMs],
      );
      return rows;
    },

    forget: (settledMsAgo) => inTransaction(pool, (client) => forget(client, settledMsAgo)),
  };
}

async function store(pool: pg.Pool, events: readonly WebhookEvent[], staleAfterMs: number): Promise<StoredEvents> {
  const { rows } = await pool.query<StoreRow>(storeStatement, [
    events.map(({ organisationId }) => organisationId),
    events.map(({ stream }) => stream),
    events.map(({ resourceId }) => resourceId),
    events.map(({ type }) => type),
    events.map(({ at }) => at),
    ...[livingStatuses, staleAfterMs, unheardMs],
  ]);
  const { stored, stale, ours, different, bells } = rows[0] as StoreRow;
  const repeated = events.length - different;
  return { stored, stale, bells, foreign: different - ours, replayed: ours - stale - stored + repeated };
}

async function claim(client: pg.PoolClient, connectionId: string, most: number): Promise<RecordToFetch[]> {
  const { rows: places } = await client.query<{ id: string }>(
    `UPDATE organisation SET webhook_rung_at = NULL
      WHERE id = (SELECT organisation_id FROM connection WHERE id = $1) RETURNING id`,
    [connectionId],
  );
  const organisationId = places[0]?.id;
  if (organisationId === undefined) return [];
  await client.query(settleKnown, [organisationId, connectionId]);
  const { rows } = await client.query<{ stream: StreamName; resource_id: string; ids: string[] }>(
    `SELECT stream, resource_id, array_agg(id::text) AS ids FROM webhook_event
      WHERE organisation_id = $1 AND done_at IS NULL
      GROUP BY stream, resource_id ORDER BY stream, resource_id LIMIT $2`,
    [organisationId, most],
  );
  return rows.map(({ stream, resource_id, ids }) => ({ stream, resourceId: resource_id, eventIds: ids }));
}

/** Runs that fetched are many and small, so they go with their events. */
async function forget(client: pg.PoolClient, settledMsAgo: number): Promise<number> {
  const longAgo = `clock_timestamp() - $1 * interval '1 millisecond'`;
  const runs = `SELECT run_id FROM run WHERE kind = 'webhook' AND ended_at < ${longAgo}`;
  for (const table of ['run_sleep', 'call_tally', 'record_tally', 'run']) {
    await client.query(`DELETE FROM ${table} WHERE run_id IN (${runs})`, [settledMsAgo]);
  }
  const { rowCount } = await client.query(`DELETE FROM webhook_event WHERE done_at < ${longAgo}`, [settledMsAgo]);
  return rowCount ?? 0;
}
