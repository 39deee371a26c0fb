/** Previews: what was chosen to be looked at, what was found, and digests of what it was looked at with. */
import type pg from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import type { QueuedDocument } from '../domain/documents/facts.js';
import type { Preview, Previews, RowToPlan, SharedFingerprint } from '../domain/ports.js';
import type { PreviewGroup, PreviewState, RowOutcome } from '../domain/preview.js';
import { inTransaction } from './pool.js';
import { groupSums, groupsOfKinds, listRows, previewRowOf } from './previewRows.js';

interface PreviewHead {
  id: string;
  connection_id: string;
  company_id: string;
  state: PreviewState;
  code: ConnectionCode | null;
  actor: string | null;
  made_at: Date;
  ready_at: Date | null;
  rows: number | null;
  planned: number;
}

/** Of a connection `c`: what waits to go, and what a person keeps out. What is being sent is in hand already. */
const pendingDocuments = `
  document d JOIN connection c ON c.company_id = d.company_id
   AND (c.sync_by = 'company' OR d.location_id IN (SELECT id FROM location WHERE connection_id = c.id))
   AND d.state IN ('queued', 'waiting', 'held', 'failed', 'excluded')`;

/** Runs are noted by the id of their workflow. */
const noRun = (kind: 'preview' | 'export') =>
  `NOT EXISTS (SELECT FROM run WHERE run.connection_id = each.connection_id AND run.workflow_id = '${kind}:' || each.id)`;

export const unstarted = (kind: 'preview' | 'export', open: string, since: string): string => `
  SELECT each.id, each.connection_id AS "connectionId", c.company_id AS "companyId"
    FROM ${kind} each JOIN connection c ON c.id = each.connection_id
   WHERE ${open} AND each.${since} < clock_timestamp() - $1 * interval '1 millisecond' AND ${noRun(kind)} ORDER BY each.id`;

export function createPreviews(pool: pg.Pool): Previews {
  return {
    async create({ id, connectionId, actor }) {
      await pool.query('INSERT INTO preview (id, connection_id, actor) VALUES ($1, $2, $3)', [id, connectionId, actor]);
    },

    async get(id) {
      const { rows } = await pool.query<PreviewHead>(
        `SELECT p.id, p.connection_id, c.company_id, p.state, p.code, p.actor, p.made_at, p.ready_at, p.rows, p.planned
           FROM preview p JOIN connection c ON c.id = p.connection_id WHERE p.id = $1`,
        [id],
      );
      return rows[0] === undefined ? null : { ...previewOf(rows[0]), groups: await groupSums(pool, id) };
    },

    rows: (id, page) => listRows(pool, id, page, previewRowOf),

    choose: (id) => inTransaction(pool, (client) => choose(client, id)),

    async addPayments(id, rows) {
      await pool.query(
        `WITH added AS (
           INSERT INTO preview_row (preview_id, place, group_name, xero_payment_id, outcome, body, warnings)
           SELECT $1, coalesce((SELECT max(place) FROM preview_row WHERE preview_id = $1), 0) + row_number() OVER (),
                  'importPayments', "xeroPaymentId", outcome, body, warnings
             FROM jsonb_to_recordset($2) AS each ("xeroPaymentId" text, outcome text, body jsonb, warnings jsonb)
           RETURNING place)
         UPDATE preview SET rows = rows + (SELECT count(*) FROM added), planned = planned + (SELECT count(*) FROM added)
          WHERE id = $1`,
        [id, JSON.stringify(rows)],
      );
    },

    async paymentsGone(id) {
      const { rows } = await pool.query<{ gone: number }>(
        `SELECT count(*)::int AS gone FROM preview_row r JOIN preview p ON p.id = r.preview_id
          WHERE r.preview_id = $1 AND r.xero_payment_id IS NOT NULL AND r.outcome = 'send' AND NOT EXISTS (
            SELECT FROM payment_import i WHERE i.connection_id = p.connection_id
               AND i.xero_payment_id = r.xero_payment_id AND i.state = 'matched')`,
        [id],
      );
      return rows[0]?.gone ?? 0;
    },

    async toPlan(id, after, most) {
      const { rows } = await pool.query<PlanRow>(toPlanStatement, [id, after, most]);
      return rows.map(rowToPlanOf);
    },

    async savePlanned(id, rows) {
      await pool.query(
        `WITH planned AS (
           UPDATE preview_row r
              SET outcome = each.outcome, body = each.body, errors = each.errors, warnings = each.warnings,
                  seen_documents = each.seen ->> 'documents', seen_records = each.seen ->> 'records'
             FROM jsonb_to_recordset($2) AS each (place int, outcome text, body jsonb, errors jsonb, warnings jsonb, seen jsonb)
            WHERE r.preview_id = $1 AND r.place = each.place
           RETURNING r.place)
         UPDATE preview SET planned = planned + (SELECT count(*) FROM planned) WHERE id = $1`,
        [id, JSON.stringify(rows)],
      );
    },

    async ready(id, shared) {
      await pool.query(
        `UPDATE preview SET state = 'ready', shared = $2, ready_at = clock_timestamp() WHERE id = $1 AND state = 'working'`,
        [id, JSON.stringify(shared)],
      );
    },

    async fail(id, code) {
      await pool.query(`UPDATE preview SET state = 'failed', code = $2 WHERE id = $1 AND state = 'working'`, [
        id,
        code,
      ]);
    },

    async shared(id) {
      const { rows } = await pool.query<{ shared: SharedFingerprint | null }>(
        'SELECT shared FROM preview WHERE id = $1',
        [id],
      );
      return rows[0]?.shared ?? null;
    },

    async errors(id) {
      const { rows } = await pool.query<{ errors: number }>(
        `SELECT count(*)::int AS errors FROM preview_row r LEFT JOIN document d ON d.id = r.document_id
          WHERE r.preview_id = $1 AND r.outcome = 'error' AND NOT coalesce(d.excluded, false)`,
        [id],
      );
      return rows[0]?.errors ?? 0;
    },

    async unstarted(madeMsAgo) {
      const { rows } = await pool.query(unstarted('preview', `each.state = 'working'`, 'made_at'), [madeMsAgo]);
      return rows;
    },

    async forget(madeMsAgo) {
      const { rowCount } = await pool.query(
        `DELETE FROM preview WHERE made_at < clock_timestamp() - $1 * interval '1 millisecond'
            AND NOT EXISTS (SELECT FROM export WHERE preview_id = preview.id AND ended_at IS NULL)`,
        [madeMsAgo],
      );
      return rowCount ?? 0;
    },
  };
}

function previewOf(row: PreviewHead): Omit<Preview, 'groups'> {
  return {
    id: row.id,
    connectionId: row.connection_id,
    companyId: row.company_id,
    state: row.state,
    code: row.code,
    actor: row.actor,
    madeAt: row.made_at.toISOString(),
    readyAt: row.ready_at?.toISOString() ?? null,
    rows: row.rows,
    planned: row.planned,
  };
}

/** Within a group in the order in which they were saved, as rivals for a number are ranked. */
async function choose(client: pg.PoolClient, id: string): Promise<number> {
  await client.query('DELETE FROM preview_row WHERE preview_id = $1', [id]);
  const { rowCount } = await client.query(
    `INSERT INTO preview_row (preview_id, place, group_name, document_id, version)
     SELECT preview.id, row_number() OVER (ORDER BY groups.index, d.created_at, d.id), groups.name, d.id, d.version
       FROM preview JOIN (${`SELECT d.*, c.id AS connection_id FROM ${pendingDocuments}`}) AS d
         ON d.connection_id = preview.connection_id
       JOIN (VALUES ${groupsOfKinds}) AS groups (kind, name, index) ON groups.kind = d.kind
      WHERE preview.id = $1`,
    [id],
  );
  await client.query('UPDATE preview SET rows = $2, planned = 0 WHERE id = $1', [id, rowCount]);
  return rowCount ?? 0;
}

interface PlanRow {
  place: number;
  group_name: PreviewGroup;
  outcome: RowOutcome | null;
  seen_documents: string | null;
  seen_records: string | null;
  newest: number;
  excluded: boolean;
  document: QueuedDocument;
}

const toPlanStatement = `
  SELECT r.place, r.group_name, r.outcome, r.seen_documents, r.seen_records, d.version AS newest, d.excluded,
         jsonb_build_object(
           'id', d.id, 'companyId', d.company_id, 'kind', d.kind, 'externalId', d.external_id, 'location', d.location_id,
           'version', r.version, 'deleted', v.deleted,
           'content', CASE WHEN d.decided_version = r.version AND d.link_xero_id IS NOT NULL
             THEN v.content || jsonb_build_object(CASE WHEN d.kind IN ('payment', 'billPayment')
                                                       THEN 'xeroPaymentId' ELSE 'xeroId' END, d.link_xero_id)
             ELSE v.content END,
           'decided', d.decided_version IS NOT DISTINCT FROM r.version,
           'again', d.sent_version IS NOT DISTINCT FROM r.version, 'xeroId', d.xero_id,
           'sentVersion', d.sent_version, 'sentContent', s.content, 'fingerprint', d.xero_fingerprint,
           'done', (SELECT coalesce(jsonb_agg(jsonb_build_object('step', a.step, 'version', a.version, 'sent', a.sent,
                             'xeroId', a.xero_id) ORDER BY a.at), '[]')
                      FROM push_attempt a WHERE a.document_id = d.id AND a.outcome = 'sent')) AS document
    FROM preview_row r
    JOIN document d ON d.id = r.document_id
    JOIN document_version v ON v.document_id = d.id AND v.version = r.version
    LEFT JOIN document_version s ON s.document_id = d.id AND s.version = d.sent_version
   WHERE r.preview_id = $1 AND r.place > $2 ORDER BY r.place LIMIT $3`;

function rowToPlanOf(row: PlanRow): RowToPlan {
  const { seen_documents: documents, seen_records: records } = row;
  return {
    place: row.place,
    group: row.group_name,
    outcome: row.outcome,
    document: row.document,
    newest: row.newest,
    excluded: row.excluded,
    seen: documents === null || records === null ? null : { documents, records },
  };
}
