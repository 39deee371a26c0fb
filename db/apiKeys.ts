/** API keys: only a hash of the secret is stored, so a copy of the database opens nothing. */
import { createHash } from 'node:crypto';
import { DatabaseError, type Pool } from 'pg';
import type { ApiKey, ApiKeys, ListedApiKey, Role } from '../domain/ports.js';
import { instant, keyOf, listed, uuid } from './cursors.js';
import { inTransaction } from './pool.js';

interface ApiKeyRow {
  id: string;
  name: string;
  role: Role;
  company_id: string | null;
}

interface ListedRow extends ApiKeyRow {
  created_at: Date;
  created_key: string;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const columns =
  'id, name, role, company_id, created_at, created_at::text AS created_key, last_used_at, revoked_at' as const;

const foreignKeyViolation = '23503';

export function createApiKeys(pool: Pool): ApiKeys {
  return {
    async create(key, secret) {
      try {
        const { rows } = await pool.query<ListedRow>(
          `INSERT INTO api_key (id, name, role, company_id, secret_hash) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
          [key.id, key.name, key.role, key.companyId, hashOf(secret)],
        );
        return rows.map(listedKeyOf)[0] ?? null;
      } catch (error) {
        if (error instanceof DatabaseError && error.code === foreignKeyViolation) return null;
        throw error;
      }
    },

    async find(secret) {
      // The use is noted once a minute, so that a busy key costs no write a call; of many at once one writes, because those
      // that waited for it look at the row again.
      const { rows } = await pool.query<ApiKeyRow>(
        `WITH found AS (
           SELECT id, name, role, company_id FROM api_key WHERE secret_hash = $1 AND revoked_at IS NULL
         ), used AS (
           UPDATE api_key SET last_used_at = clock_timestamp() FROM found
           WHERE api_key.id = found.id
             AND (api_key.last_used_at IS NULL OR api_key.last_used_at < clock_timestamp() - interval '1 minute')
         )
         SELECT id, name, role, company_id FROM found`,
        [hashOf(secret)],
      );
      return rows[0] === undefined ? null : keyOfRow(rows[0]);
    },

    async get(id) {
      const { rows } = await pool.query<ListedRow>(`SELECT ${columns} FROM api_key WHERE id = $1`, [id]);
      return rows.map(listedKeyOf)[0] ?? null;
    },

    async list(page) {
      const after = keyOf(page.cursor, [instant, uuid]);
      const { rows } = await pool.query<ListedRow>(
        `SELECT ${columns} FROM api_key
         WHERE ($1::timestamptz IS NULL OR (created_at, id) > ($1, $2::uuid)) AND ($3::text IS NULL OR company_id = $3)
         ORDER BY created_at, id LIMIT $4`,
        [after?.[0] ?? null, after?.[1] ?? null, page.company ?? null, page.limit + 1],
      );
      return listed(rows, page, listedKeyOf, (row) => [row.created_key, row.id]);
    },

    revoke: (id) =>
      inTransaction(pool, async (client) => {
        // Locked, so that two keys that revoke each other at once do not leave none.
        const { rows } = await client.query<{ id: string }>(
          `SELECT id FROM api_key WHERE role = 'admin' AND company_id IS NULL AND revoked_at IS NULL
           ORDER BY id FOR UPDATE`,
        );
        if (rows.length === 1 && rows[0]?.id === id) return false;
        await client.query('UPDATE api_key SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL', [
          id,
        ]);
        return true;
      }),

    async any() {
      const { rows } = await pool.query<{ some: boolean }>(
        'SELECT EXISTS (SELECT FROM api_key WHERE revoked_at IS NULL) AS some',
      );
      return rows[0]?.some === true;
    },
  };
}

/** A secret holds 32 random bytes, so a plain hash cannot be guessed back and needs no salt. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function keyOfRow(row: ApiKeyRow): ApiKey {
  return { id: row.id, name: row.name, role: row.role, companyId: row.company_id };
}

function listedKeyOf(row: ListedRow): ListedApiKey {
  return {
    ...keyOfRow(row),
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
