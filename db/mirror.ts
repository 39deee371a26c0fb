import type pg from 'pg';
import type { Mirror } from '../domain/ports.js';
import { telling } from './feed.js';
import {
  countInScope,
  listRecords,
  listSetAside,
  markDeleted,
  missingParents,
  notSeenSince,
  oneRecord,
} from './records.js';
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
      telling(pool, async (client, tell) => {
        const stored = await storeRecords(client, tell, lease.stream, page, false);
        const state = next(await lockState(client, lease), stored);
        await advance(client, lease, state, page.runId, stored, leaseMs);
        return state;
      }),

    async storeReferences(stream, page) {
      await telling(pool, async (client, tell) => {
        // A company that is being deleted has no organisation any more: a late writer finds the door closed.
        const { rows } = await client.query('SELECT FROM organisation WHERE id = $1 FOR KEY SHARE', [
          page.organisationId,
        ]);
        if (rows.length > 0) await storeRecords(client, tell, stream, { ...page, complete: false, seen: false }, true);
      });
    },

    async storeFetched(connectionId, stream, page) {
      const storing = telling(pool, async (client, tell) => {
        const whole = { ...page, complete: false, seen: false };
        const { created, changed, unchanged } = await storeRecords(client, tell, stream, whole, false);
        // After the records, as a page of a reading does, or the two could wait for each other. The cursors of a company that
        // is being deleted go first: a late writer finds none.
        const { rows } = await client.query(
          'SELECT FROM stream_cursor WHERE connection_id = $1 AND stream = $2 FOR KEY SHARE',
          [connectionId, stream],
        );
        if (rows.length === 0) throw new StreamGone();
        const tally = [connectionId, page.runId, stream, created, changed, unchanged];
        await client.query(tallyRecords('$1, $2, $3, $4, $5, $6'), tally);
      });
      await storing.catch((error: unknown) => {
        if (!(error instanceof StreamGone)) throw error;
      });
    },

    missingParents: (organisationId, link, after, most) => missingParents(pool, organisationId, link, after, most),
    notSeenSince: (...question) => notSeenSince(pool, ...question),
    markDeleted: (...given) => telling(pool, (client, tell) => markDeleted(client, tell, ...given)),
    countInScope: (organisationId, stream) => countInScope(pool, organisationId, stream),
    records: (organisationId, stream, page) => listRecords(pool, organisationId, stream, page),
    record: (organisationId, stream, xeroId) => oneRecord(pool, organisationId, stream, xeroId),
    setAside: (organisationId, stream, page) => listSetAside(pool, organisationId, stream, page),
  };
}

/** Takes back what was stored of a stream that was deleted meanwhile. */
class StreamGone extends Error {}
