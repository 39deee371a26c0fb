/** Answers kept by idempotency key, bodies sealed. The primary key decides which of many requests is carried out. */
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Claimed, KeptAnswers, KeyedRequest } from '../domain/ports.js';
import type { Sealing } from './sealing.js';

interface Row {
  same: boolean;
  status: number | null;
  code: string | null;
  content_type: string | null;
  sealed_body: Buffer | null;
  company_id: string | null;
}

export function createKeptAnswers(pool: Pool, sealing: Sealing): KeptAnswers {
  return {
    async claim(request) {
      await forgetOld(pool);
      if (await take(pool, request)) return { kind: 'claimed' };
      const { rows } = await pool.query<Row>(
        `SELECT request_hash = $3 AS same, status, code, content_type, sealed_body, company_id
         FROM kept_answer WHERE key_id = $1 AND idempotency_key = $2`,
        [request.keyId, request.idempotencyKey, hashOf(request.request)],
      );
      // Released between the two statements: then this one may be carried out after all.
      return rows[0] === undefined ? this.claim(request) : claimedOf(sealing, request, rows[0]);
    },

    async keep(request, { status, code, contentType, body, companyId }) {
      await pool.query(
        `UPDATE kept_answer SET status = $4, code = $5, content_type = $6, sealed_body = $7, company_id = coalesce($8, company_id)
         WHERE key_id = $1 AND idempotency_key = $2 AND claim = $3`,
        [
          request.keyId,
          request.idempotencyKey,
          request.claim,
          status,
          code,
          contentType,
          sealing.seal(body, keptAnswerContext(request.keyId, request.idempotencyKey)),
          companyId,
        ],
      );
    },

    async release({ keyId, idempotencyKey, claim }) {
      await pool.query('DELETE FROM kept_answer WHERE key_id = $1 AND idempotency_key = $2 AND claim = $3', [
        keyId,
        idempotencyKey,
        claim,
      ]);
    },
  };
}

/** True for the one that inserts the row, or takes over one that is too old or whose process is taken for dead. */
async function take(pool: Pool, { keyId, idempotencyKey, claim, request, companyId }: KeyedRequest): Promise<boolean> {
  const { rowCount } = await pool.query(
    `INSERT INTO kept_answer AS kept (key_id, idempotency_key, request_hash, claim, lease_until, company_id)
     VALUES ($1, $2, $3, $4, clock_timestamp() + interval '60 seconds', $5)
     ON CONFLICT (key_id, idempotency_key) DO UPDATE
     SET request_hash = excluded.request_hash, claim = excluded.claim, lease_until = excluded.lease_until,
         created_at = excluded.created_at, company_id = excluded.company_id, status = NULL, code = NULL,
         content_type = NULL, sealed_body = NULL
     WHERE kept.created_at < clock_timestamp() - interval '24 hours'
        OR (kept.status IS NULL AND kept.request_hash = excluded.request_hash AND kept.lease_until < clock_timestamp())`,
    [keyId, idempotencyKey, hashOf(request), claim, companyId],
  );
  return rowCount === 1;
}

/** A few at each new row, which is more than come; those that another process is deleting are left to it. */
async function forgetOld(pool: Pool): Promise<void> {
  await pool.query(
    `DELETE FROM kept_answer WHERE (key_id, idempotency_key) IN (
       SELECT key_id, idempotency_key FROM kept_answer WHERE created_at < clock_timestamp() - interval '24 hours'
       ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED)`,
  );
}

function claimedOf(sealing: Sealing, request: KeyedRequest, row: Row): Claimed {
  if (!row.same) return { kind: 'reused' };
  if (row.status === null || row.content_type === null || row.sealed_body === null) return { kind: 'inHand' };
  return {
    kind: 'kept',
    status: row.status,
    code: row.code,
    contentType: row.content_type,
    body: sealing.open(row.sealed_body, keptAnswerContext(request.keyId, request.idempotencyKey)),
    companyId: row.company_id,
  };
}

function hashOf(request: string): Buffer {
  return createHash('sha256').update(request).digest();
}

/** Binds a sealed body to its row: copied into another one it does not open. */
export function keptAnswerContext(keyId: string, idempotencyKey: string): string {
  return `kept-answer:${keyId}:${idempotencyKey}`;
}
