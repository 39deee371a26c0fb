import { randomUUID } from 'node:crypto';
import { createApiKeys } from '../db/apiKeys.js';
import { createPool } from '../db/pool.js';

/** Makes an admin key with this secret, unless it is there. The database's tables must be. */
export async function ensureAdminKey(databaseUrl: string, name: string, secret: string): Promise<void> {
  const pool = createPool(databaseUrl, 1);
  try {
    const keys = createApiKeys(pool);
    if (await keys.find(secret)) return;
    await keys.create({ id: randomUUID(), name, role: 'admin', companyId: null }, secret);
  } finally {
    await pool.end();
  }
}
