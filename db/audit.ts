/** Audit: who changed what. Ids, patterns and codes; no bodies. */
import type { Pool } from 'pg';
import type { Audit, AuditRow } from '../domain/ports.js';
import { instant, keyOf, listed, uuid } from './cursors.js';

interface Row {
  id: string;
  at: Date;
  at_key: string;
  key_id: string;
  key_name: string;
  actor: string | null;
  method: string;
  route: string;
  path_ids: Record<string, string>;
  company_id: string | null;
  connection_id: string | null;
  request_id: string;
  status: number | null;
  code: string | null;
}

export function createAudit(pool: Pool): Audit {
  return {
    async begin(call) {
      await pool.query(
        `INSERT INTO audit (id, key_id, key_name, actor, method, route, path_ids, company_id, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          call.id,
          call.keyId,
          call.keyName,
          call.actor,
          call.method,
          call.route,
          JSON.stringify(call.pathIds),
          call.companyId,
          call.requestId,
        ],
      );
    },

    async end(id, { status, code, companyId, connectionId }) {
      await pool.query(
        `UPDATE audit SET status = $2, code = $3, company_id = coalesce($4, company_id), connection_id = $5
         WHERE id = $1`,
        [id, status, code, companyId, connectionId],
      );
    },

    async list(page) {
      const before = keyOf(page.cursor, [instant, uuid]);
      const { rows } = await pool.query<Row>(
        `SELECT id, at, at::text AS at_key, key_id, key_name, actor, method, route, path_ids, company_id, connection_id,
                request_id, status, code
         FROM audit
         WHERE ($1::timestamptz IS NULL OR (at, id) < ($1, $2::uuid))
           AND ($3::text IS NULL OR company_id = $3)
           AND ($4::uuid IS NULL OR connection_id = $4)
           AND ($5::text IS NULL OR actor = $5)
         ORDER BY at DESC, id DESC LIMIT $6`,
        [
          before?.[0] ?? null,
          before?.[1] ?? null,
          page.company ?? null,
          page.connection ?? null,
          page.actor ?? null,
          page.limit + 1,
        ],
      );
      return listed(rows, page, auditRowOf, (row) => [row.at_key, row.id]);
    },
  };
}

function auditRowOf(row: Row): AuditRow {
  return {
    id: row.id,
    at: row.at.toISOString(),
    keyId: row.key_id,
    keyName: row.key_name,
    actor: row.actor,
    method: row.method,
    route: row.route,
    pathIds: row.path_ids,
    companyId: row.company_id,
    connectionId: row.connection_id,
    requestId: row.request_id,
    status: row.status,
    code: row.code,
  };
}
