/** Companies with events, for tests of the feed. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { telling } from '../../db/feed.js';
import type { NewEvent } from '../../domain/feed.js';

export async function company(pool: pg.Pool, id: string = randomUUID()): Promise<string> {
  await pool.query(`INSERT INTO company (id, name) VALUES ($1, 'Company') ON CONFLICT DO NOTHING`, [id]);
  return id;
}

export const changed = (companyId: string, xeroId: string): NewEvent => ({
  type: 'record.changed',
  companyId,
  connectionId: '00000000-0000-4000-8000-000000000000',
  xeroId,
  data: { stream: 'invoices' },
});

/** One committed transaction that tells of these records. */
export async function tellOf(pool: pg.Pool, companyId: string, ...xeroIds: string[]): Promise<void> {
  await telling(pool, async (_client, tell) => {
    for (const xeroId of xeroIds) tell(changed(companyId, xeroId));
  });
}
