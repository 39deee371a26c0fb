/** Whether all writing to Xero is paused: one row, which every claim of an outbox looks at. */
import type { Pool } from 'pg';
import type { Writes } from '../domain/ports.js';

export function createWrites(pool: Pool): Writes {
  return {
    async paused() {
      const { rows } = await pool.query<{ paused_at: Date | null; actor: string | null }>(
        'SELECT paused_at, actor FROM writes',
      );
      const { paused_at: at = null, actor = null } = rows[0] ?? {};
      return at === null ? null : { at: at.toISOString(), actor };
    },

    async pause(actor) {
      await pool.query('UPDATE writes SET paused_at = clock_timestamp(), actor = $1 WHERE paused_at IS NULL', [actor]);
    },

    async resume() {
      await pool.query('UPDATE writes SET paused_at = NULL, actor = NULL');
    },
  };
}
