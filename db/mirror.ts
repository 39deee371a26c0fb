import type pg from 'pg';
import type { Mirror } from '../domain/ports.js';
import { inTransaction } from './pool.js';
import { countInScope, listRecords, listSetAside, missingParents, oneRecord } from './records.js';
import { storeRecords } from './storeRecords.js';
import { advance, createStreamCursors, lockState, tallyRecords } from './streamCursors.js';

/** The mirror of Xero's records and the cursors of their reading, in Postgres. */
export function createMirror(pool: pg.Pool): Mirror {
  return {
    ...createStreamCursors(pool),

    async now() {
      const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
      return (rows[0] as { now: Date }).now.toISOString();
    },

    storePage: (lease, page, next, leaseMs) =>
      inTransaction(pool, async (client) => {
        const stored = await storeRecords(client, lease.stream, page, false);
        const state = next(await lockState(client, lease), stored);
        await advance(client, lease, state, page.runId, stored, leaseMs);
        return state;
      }),

    async storeReferences(stream, page) {
      await inTransaction(pool, async (client) => {
        // A company that is being deleted has no organisation any more: a late writer finds the door closed.
        const { rows } = await client.query('SELECT FROM organisation WHERE id = $1 FOR KEY SHARE', [
          page.organisationId,
        ]);
        if (rows.length > 0) await storeRecords(client, stream, { ...page, complete: false }, true);
      });
    },

    async storeFetched(connectionId, stream, page) {
      await inTransaction(pool, async (client) => {
        // The cursors of a company that is being deleted go first: a late writer finds the door closed.
        const { rows } = await client.query(
          'SELECT FROM stream_cursor WHERE connection_id = $1 AND stream = $2 FOR KEY SHARE',
          [connectionId, stream],
        );
        if (rows.length === 0) return;
        const { created, changed, unchanged } = await storeRecords(client, stream, { ...page, complete: false }, false);
        const tally = [connectionId, page.runId, stream, created, changed, unchanged];
        await client.query(tallyRecords('$1, $2, $3, $4, $5, $6'), tally);
      });
    },

    missingParents: (organisationId, link, after, most) => missingParents(pool, organisationId, link, after, most),
    countInScope: (organisationId, stream) => countInScope(pool, organisationId, stream),
    records: (organisationId, stream, page) => listRecords(pool, organisationId, stream, page),
    record: (organisationId, stream, xeroId) => oneRecord(pool, organisationId, stream, xeroId),
    setAside: (organisationId, stream, page) => listSetAside(pool, organisationId, stream, page),
  };
}
