/** Exports: what was reviewed goes to the outbox group by group, and what became of each row is kept with it. */
import type pg from 'pg';
import type { Export, Exports } from '../domain/ports.js';
import type { ExportState, FingerprintPart, PreviewGroup, RowResult } from '../domain/preview.js';
import { turnOnBells } from './outboxBells.js';
import { inTransaction, type Queryable } from './pool.js';
import { byGroup, exportRowOf, listRows } from './previewRows.js';
import { unstarted } from './previews.js';

interface ExportHead {
  id: string;
  preview_id: string;
  connection_id: string;
  company_id: string;
  state: ExportState;
  code: string | null;
  changed: FingerprintPart[];
  actor: string;
  started_at: Date;
  ended_at: Date | null;
}

export function createExports(pool: pg.Pool): Exports {
  return {
    async create({ id, previewId, connectionId, actor }) {
      const { rowCount } = await pool.query(
        `INSERT INTO export (id, preview_id, connection_id, actor) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [id, previewId, connectionId, actor],
      );
      if (rowCount === 1) return { kind: 'created' };
      const { rows } = await pool.query<{ id: string; preview_id: string }>(
        `SELECT id, preview_id FROM export WHERE preview_id = $1 OR (connection_id = $2 AND ended_at IS NULL)
          ORDER BY ended_at IS NULL DESC LIMIT 1`,
        [previewId, connectionId],
      );
      // It ended in between: asked again, it is made.
      if (rows[0] === undefined) return await this.create({ id, previewId, connectionId, actor });
      return { kind: rows[0].preview_id === previewId ? 'exported' : 'inHand', id: rows[0].id };
    },

    async get(id) {
      const { rows } = await pool.query<ExportHead>(
        `SELECT e.id, e.preview_id, e.connection_id, c.company_id, e.state, e.code, e.changed, e.actor, e.started_at, e.ended_at
           FROM export e JOIN connection c ON c.id = e.connection_id WHERE e.id = $1`,
        [id],
      );
      return rows[0] === undefined ? null : { ...exportOf(rows[0]), groups: await results(pool, rows[0].preview_id) };
    },

    async rows(id, page) {
      const { rows } = await pool.query<{ preview_id: string }>('SELECT preview_id FROM export WHERE id = $1', [id]);
      return rows[0] === undefined
        ? { data: [], nextCursor: null }
        : await listRows(pool, rows[0].preview_id, page, exportRowOf);
    },

    async move(id, from, to) {
      const { rowCount } = await pool.query('UPDATE export SET state = $3 WHERE id = $1 AND state = ANY ($2)', [
        id,
        from,
        to,
      ]);
      return rowCount === 1;
    },

    queue: (id, group, most) => inTransaction(pool, (client) => queue(client, id, group, most)),
    settle: (id) => settle(pool, id),
    async takePayments(id, most) {
      const { rows } = await pool.query<{ xero_payment_id: string }>(
        `UPDATE preview_row r SET result = 'queued'
          WHERE (r.preview_id, r.place) IN (
            SELECT next.preview_id, next.place FROM preview_row next JOIN export e ON e.preview_id = next.preview_id
             WHERE e.id = $1 AND e.state = 'running' AND next.xero_payment_id IS NOT NULL AND next.outcome = 'send'
               AND (next.result IS NULL OR next.result = 'queued')
             ORDER BY next.place LIMIT $2)
         RETURNING r.xero_payment_id`,
        [id, most],
      );
      return rows.map(({ xero_payment_id }) => xero_payment_id);
    },

    async settlePayments(id) {
      await pool.query(
        `UPDATE preview_row r
            SET settled_at = clock_timestamp(), result_code = i.code,
                result = CASE WHEN i.state IN ('imported', 'failed') THEN i.state
                              WHEN i.state = 'matched' THEN 'waiting' ELSE 'skipped' END
           FROM export e, payment_import i
          WHERE e.id = $1 AND r.preview_id = e.preview_id AND r.result = 'queued'
            AND i.connection_id = e.connection_id AND i.xero_payment_id = r.xero_payment_id`,
        [id],
      );
    },

    putBack: (id) => inTransaction(pool, (client) => putBack(client, id)),

    end: (id, outcome) =>
      inTransaction(pool, async (client) => {
        await putBack(client, id);
        await client.query(
          `UPDATE export SET state = $2, code = $3, changed = $4, ended_at = clock_timestamp()
            WHERE id = $1 AND ended_at IS NULL`,
          [id, outcome.state, outcome.code ?? null, outcome.changed ?? []],
        );
      }),

    async unstarted(begunMsAgo) {
      const { rows } = await pool.query(unstarted('export', 'each.ended_at IS NULL', 'started_at'), [begunMsAgo]);
      return rows;
    },

    async inHand(connectionId) {
      const { rows } = await pool.query<{ previews: string[]; exports: string[] }>(
        `SELECT ARRAY(SELECT id::text FROM preview WHERE connection_id = $1 AND state = 'working') AS previews,
                ARRAY(SELECT id::text FROM export WHERE connection_id = $1 AND ended_at IS NULL) AS exports`,
        [connectionId],
      );
      return rows[0] as { previews: string[]; exports: string[] };
    },
  };
}

function exportOf(row: ExportHead): Omit<Export, 'groups'> {
  return {
    id: row.id,
    previewId: row.preview_id,
    connectionId: row.connection_id,
    companyId: row.company_id,
    state: row.state,
    code: row.code,
    changed: row.changed,
    actor: row.actor,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

/** Of the rows that were to be sent. */
async function results(db: Queryable, previewId: string): Promise<Export['groups']> {
  const { rows } = await db.query<{ group_name: PreviewGroup; counts: Partial<Record<RowResult, number>> }>(
    `SELECT group_name, jsonb_object_agg(result, number) AS counts
       FROM (SELECT group_name, coalesce(result, 'pending') AS result, count(*) AS number FROM preview_row
              WHERE preview_id = $1 AND outcome = 'send' GROUP BY 1, 2) AS counted
      GROUP BY group_name`,
    [previewId],
  );
  return byGroup((group) => rows.find(({ group_name }) => group_name === group)?.counts ?? {});
}

interface NextRow {
  place: number;
  document_id: string;
  version: number;
}

/** Documents are locked by rank, kind and external id, as every writer of several does it (0017). */
async function queue(client: pg.PoolClient, id: string, group: PreviewGroup, most: number): Promise<number> {
  const { rows: next } = await client.query<NextRow>(
    `SELECT r.place, r.document_id, r.version FROM preview_row r JOIN export e ON e.preview_id = r.preview_id
      WHERE e.id = $1 AND e.state = 'running' AND r.group_name = $2 AND r.outcome = 'send' AND r.result IS NULL
        AND r.document_id IS NOT NULL
      ORDER BY r.place LIMIT $3 FOR UPDATE OF r`,
    [id, group, most],
  );
  if (next.length === 0) return 0;
  await client.query(
    'SELECT FROM document WHERE id = ANY ($1) ORDER BY rank, kind, external_id COLLATE "C" FOR NO KEY UPDATE',
    [next.map(({ document_id }) => document_id)],
  );
  const { rows: taken } = await client.query(
    `WITH queued AS (
       UPDATE document d
          SET state = 'queued', queued_version = each.version, queued_at = clock_timestamp(), export_id = $1,
              code = NULL, errors = '[]'
         FROM unnest($2::uuid[], $3::int[]) AS each (id, version)
        WHERE d.id = each.id AND NOT d.excluded AND d.state IN ('queued', 'waiting', 'held', 'failed')
       RETURNING d.id)
     UPDATE preview_row r
        SET result = CASE WHEN queued.id IS NOT NULL THEN 'queued' WHEN d.excluded THEN 'excluded'
                           WHEN d.version > r.version THEN 'superseded' ELSE 'skipped' END,
            result_code = CASE WHEN queued.id IS NULL THEN d.code END,
            settled_at = CASE WHEN queued.id IS NULL THEN clock_timestamp() END
       FROM export e, document d LEFT JOIN queued ON queued.id = d.id
      WHERE e.id = $1 AND r.preview_id = e.preview_id AND r.document_id = d.id AND d.id = ANY ($2)
     RETURNING r.place`,
    [id, next.map(({ document_id }) => document_id), next.map(({ version }) => version)],
  );
  await turnOnBells(
    client,
    await companyOf(client, id),
    next.map(({ document_id }) => document_id),
    false,
  );
  return taken.length;
}

async function companyOf(client: pg.PoolClient, id: string): Promise<string> {
  const { rows } = await client.query<{ company_id: string }>(
    'SELECT c.company_id FROM export e JOIN connection c ON c.id = e.connection_id WHERE e.id = $1',
    [id],
  );
  return (rows[0] as { company_id: string }).company_id;
}

/** Sent, be it that a newer version was saved meanwhile and waits for the next export. */
const wentOut = `d.state IN ('sent', 'voided') OR d.state = 'queued' AND d.sent_version = r.version`;

/** A newer version was saved meanwhile: it is to go, with the next export. */
const isOwed = `(d.version > settled.version AND d.state IN ('sent', 'failed', 'held', 'skipped', 'waiting'))`;

/**
 * A document has settled when the outbox has it no more. It leaves its export then: what is saved of it later waits for
 * the next one.
 */
async function settle(db: Queryable, id: string): Promise<number> {
  await db.query(
    `WITH settled AS (
       UPDATE preview_row r
          SET settled_at = clock_timestamp(), xero_id = d.xero_id,
              result = CASE WHEN ${wentOut} THEN 'sent'
                            WHEN d.state IN ('failed', 'held', 'waiting', 'excluded') THEN d.state
                            WHEN d.version > r.version THEN 'superseded' ELSE 'skipped' END,
              result_code = CASE WHEN NOT (${wentOut}) THEN d.code END,
              refusals = CASE WHEN ${wentOut} THEN '[]' ELSE d.errors END
         FROM export e, document d
        WHERE e.id = $1 AND r.preview_id = e.preview_id AND r.result = 'queued' AND d.id = r.document_id
          AND (d.export_id IS DISTINCT FROM e.id OR d.state NOT IN ('queued', 'sending'))
       RETURNING r.document_id, r.version)
     UPDATE document d
        SET export_id = NULL, state = CASE WHEN ${isOwed} THEN 'queued' ELSE d.state END,
            queued_version = CASE WHEN ${isOwed} THEN d.version ELSE d.queued_version END,
            queued_at = CASE WHEN ${isOwed} THEN clock_timestamp() ELSE d.queued_at END
       FROM settled
      WHERE d.id = settled.document_id AND d.export_id = $1 AND d.state NOT IN ('queued', 'sending')`,
    [id],
  );
  const { rows } = await db.query<{ left: number }>(
    `SELECT count(*)::int AS left FROM preview_row r JOIN export e ON e.preview_id = r.preview_id
      WHERE e.id = $1 AND r.result = 'queued' AND r.document_id IS NOT NULL`,
    [id],
  );
  return rows[0]?.left ?? 0;
}

/** What is being sent goes on; it leaves the export when its outcome is known. */
async function putBack(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    `SELECT FROM document WHERE export_id = $1 AND state IN ('queued', 'waiting')
      ORDER BY rank, kind, external_id COLLATE "C" FOR NO KEY UPDATE`,
    [id],
  );
  await client.query(
    `WITH back AS (
       UPDATE document SET export_id = NULL, queued_version = version
        WHERE export_id = $1 AND state IN ('queued', 'waiting') RETURNING id)
     UPDATE preview_row r SET result = 'cancelled', settled_at = clock_timestamp()
       FROM export e, back
      WHERE e.id = $1 AND r.preview_id = e.preview_id AND r.document_id = back.id AND r.result = 'queued'`,
    [id],
  );
  await client.query(
    `UPDATE preview_row r SET result = 'cancelled', settled_at = clock_timestamp() FROM export e
      WHERE e.id = $1 AND r.preview_id = e.preview_id AND r.outcome = 'send' AND r.result IS NULL`,
    [id],
  );
}
