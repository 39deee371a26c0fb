/** API keys: only a hash of the secret is stored, so a copy of the database opens nothing. */
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { ApiKey, ApiKeys, Role } from '../domain/ports.js';

interface ApiKeyRow {
  id: string;
  name: string;
  role: Role;
  company_id: string | null;
}

export function createApiKeys(pool: Pool): ApiKeys {
  return {
    async create(key, secret) {
      await pool.query('INSERT INTO api_key (id, name, role, company_id, secret_hash) VALUES ($1, $2, $3, $4, $5)', [
        key.id,
        key.name,
        key.role,
        key.companyId,
        hashOf(secret),
      ]);
    },

    async find(secret) {
      const { rows } = await pool.query<ApiKeyRow>(
        'SELECT id, name, role, company_id FROM api_key WHERE secret_hash = $1 AND revoked_at IS NULL',
        [hashOf(secret)],
      );
      return rows[0] === undefined ? null : keyOfRow(rows[0]);
    },

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
