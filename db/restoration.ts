/** After a backup was restored: what may have happened in the time that was lost is held, until a person has looked. */
import type { Pool } from 'pg';
import { inTransaction } from './pool.js';

/** What is held, in numbers. */
export interface Held {
  organisations: number;
  /** Payments noted before the backup and not attempted by then; those that runs find later are held too. */
  payments: number;
  /** Attempts of which the backup knows no outcome. */
  claims: number;
  documents: number;
}

/** Further than any feed got since a backup: no position is given out a second time. */
const positionsSkipped = 1_000_000_000;

/**
 * Pauses all writing; holds every payment that Xero has by now and that the backup does not know as settled, and every
 * document that was to be sent; and has those who follow the feed start anew. One transaction; may be repeated.
 */
export function holdWhatWasLost(pool: Pool): Promise<Held> {
  return inTransaction(pool, async (client) => {
    const count = async (statement: string): Promise<number> => (await client.query(statement)).rowCount ?? 0;
    await client.query(
      `UPDATE writes SET paused_at = clock_timestamp(), actor = 'npm run restored' WHERE paused_at IS NULL`,
    );
    const organisations = await count('UPDATE organisation SET payments_held_until = clock_timestamp()');
    const claims = await count(
      `UPDATE payment_import SET state = 'failed', code = 'outcome_unknown', settled_at = clock_timestamp()
        WHERE state = 'claimed'`,
    );
    const payments = await count(
      `UPDATE payment_import SET state = 'failed', code = 'restored', settled_at = clock_timestamp()
        WHERE state IN ('matched', 'unmatched', 'ambiguous')`,
    );
    // What was being sent is looked up in Xero before it is sent again, as after any crash.
    const documents = await count(
      `UPDATE document SET state = 'held', code = 'restored', queued_version = NULL
        WHERE state IN ('queued', 'waiting') AND company_id IN (
          SELECT company_id FROM connection WHERE direction = 'two-way' AND organisation_id IS NOT NULL)`,
    );
    await client.query(
      `UPDATE feed_counter SET newest = newest + ${positionsSkipped}, removed_to = newest + ${positionsSkipped}`,
    );
    return { organisations, payments, claims, documents };
  });
}
