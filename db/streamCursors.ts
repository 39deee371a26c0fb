/** Where the reading of each stream stands: one reader at a time by a lease, a late writer refused by its fence. */
import type pg from 'pg';
import {
  LeaseLost,
  type Mirror,
  type ReaderLease,
  type StoredPage,
  type StreamProgress,
  type StreamStatus,
} from '../domain/ports.js';
import type { ReadingState } from '../domain/reading.js';
import { type StreamName, streamNames, streams } from '../domain/streams.js';

/** Named, so that it is planned once a connection: planning over all partitions of the records took longer than the count. */
const finishReading = {
  name: 'cursor-finish',
  text: `UPDATE stream_cursor SET status = $4, last_error = $5, lease_holder = NULL, lease_until = NULL,
           completed_at = CASE WHEN $4 = 'complete' THEN clock_timestamp() ELSE completed_at END,
           records = (SELECT count(*) FROM record
                       WHERE organisation_id = (SELECT organisation_id FROM connection WHERE id = $1)
                         AND stream = $2 AND NOT outside_window AND deleted_at IS NULL)
         WHERE connection_id = $1 AND stream = $2 AND fence = $3`,
};

type StreamCursors = Pick<Mirror, 'acquire' | 'release' | 'begin' | 'saveState' | 'finish' | 'countFault' | 'progress'>;

export function createStreamCursors(pool: pg.Pool): StreamCursors {
  return {
    async acquire(connectionId, stream, holder, leaseMs) {
      await pool.query(
        'INSERT INTO stream_cursor (connection_id, stream) VALUES ($1, $2) ON CONFLICT (connection_id, stream) DO NOTHING',
        [connectionId, stream],
      );
      const { rows } = await pool.query<HeldRow>(
        `UPDATE stream_cursor SET lease_holder = $3, fence = fence + 1,
                lease_until = clock_timestamp() + $4 * interval '1 millisecond'
          WHERE connection_id = $1 AND stream = $2
            AND (lease_holder IS NULL OR lease_holder = $3 OR lease_until < clock_timestamp())
         RETURNING fence, state, status, reading_began_at`,
        [connectionId, stream, holder, leaseMs],
      );
      const row = rows[0];
      if (!row) return null;
      return {
        lease: { connectionId, stream, fence: Number(row.fence) },
        state: row.state,
        status: row.status,
        beganAt: row.reading_began_at?.toISOString() ?? null,
      };
    },

    async release(lease) {
      await pool.query(
        `UPDATE stream_cursor SET lease_holder = NULL, lease_until = NULL
          WHERE connection_id = $1 AND stream = $2 AND fence = $3`,
        [lease.connectionId, lease.stream, lease.fence],
      );
    },

    async begin(lease, state) {
      const { rows } = await pool.query<{ reading_began_at: Date }>(
        `UPDATE stream_cursor SET state = $4, status = 'reading', last_error = NULL, faults_in_a_row = 0,
                reading_began_at = clock_timestamp()
          WHERE connection_id = $1 AND stream = $2 AND fence = $3 RETURNING reading_began_at`,
        [lease.connectionId, lease.stream, lease.fence, state],
      );
      if (!rows[0]) throw new LeaseLost(lease);
      return rows[0].reading_began_at.toISOString();
    },

    async saveState(lease, state) {
      await updateHeld(pool, lease, "state = $4, status = 'reading'", [state]);
    },

    async finish(lease, status, code) {
      const values = [lease.connectionId, lease.stream, lease.fence, status, code];
      const { rowCount } = await pool.query({ ...finishReading, values });
      if (rowCount === 0) throw new LeaseLost(lease);
    },

    async countFault(lease) {
      const { rows } = await pool.query<{ faults_in_a_row: number }>(
        `UPDATE stream_cursor SET faults_in_a_row = faults_in_a_row + 1
          WHERE connection_id = $1 AND stream = $2 AND fence = $3 RETURNING faults_in_a_row`,
        [lease.connectionId, lease.stream, lease.fence],
      );
      if (!rows[0]) throw new LeaseLost(lease);
      return rows[0].faults_in_a_row;
    },

    async progress(connectionId) {
      const { rows } = await pool.query<ProgressRow>(
        `SELECT stream, status, records, (state ->> 'expected')::bigint AS expected, set_aside, last_error, completed_at
           FROM stream_cursor WHERE connection_id = $1`,
        [connectionId],
      );
      const known = new Map(rows.map((row) => [row.stream, toProgress(row)]));
      const shown = streamNames.filter((stream) => !streams[stream].optional || known.has(stream));
      return shown.map((stream) => known.get(stream) ?? waiting(stream));
    },
  };
}

/** The state of a reading, its row locked until the transaction ends. @throws LeaseLost */
export async function lockState(client: pg.PoolClient, lease: ReaderLease): Promise<ReadingState> {
  const { rows } = await client.query<{ state: ReadingState }>(
    'SELECT state FROM stream_cursor WHERE connection_id = $1 AND stream = $2 AND fence = $3 FOR UPDATE',
    [lease.connectionId, lease.stream, lease.fence],
  );
  if (!rows[0]) throw new LeaseLost(lease);
  return rows[0].state;
}

async function updateHeld(pool: pg.Pool, lease: ReaderLease, set: string, values: unknown[]): Promise<void> {
  const { rowCount } = await pool.query(
    `UPDATE stream_cursor SET ${set} WHERE connection_id = $1 AND stream = $2 AND fence = $3`,
    [lease.connectionId, lease.stream, lease.fence, ...values],
  );
  if (rowCount === 0) throw new LeaseLost(lease);
}

/** Keeps the state that a stored page led to, and counts it for the run, in the page's transaction; the caller holds the row. */
export async function advance(
  client: pg.PoolClient,
  lease: ReaderLease,
  state: ReadingState,
  runId: string,
  stored: Pick<StoredPage, 'created' | 'changed' | 'unchanged' | 'setAside'>,
  leaseMs: number,
): Promise<void> {
  await client.query(
    `WITH tally AS (${tallyRecords('$1, $7, $2, $4, $8, $9')})
     UPDATE stream_cursor SET state = $3, status = 'reading', faults_in_a_row = 0, last_error = NULL,
            records = records + $4, set_aside = set_aside + $5, progressed_at = clock_timestamp(),
            lease_until = clock_timestamp() + $6 * interval '1 millisecond'
      WHERE connection_id = $1 AND stream = $2`,
    [
      ...[lease.connectionId, lease.stream, state, stored.created, stored.setAside, leaseMs],
      ...[runId, stored.changed, stored.unchanged],
    ],
  );
}

/** Counts for a run what it did to the mirror. @param values of connection, run, stream, created, changed and unchanged. */
export function tallyRecords(values: string): string {
  return `
       INSERT INTO record_tally AS known (connection_id, run_id, stream, created, changed, unchanged) VALUES (${values})
       ON CONFLICT (connection_id, run_id, stream) DO UPDATE
          SET created = known.created + excluded.created, changed = known.changed + excluded.changed,
              unchanged = known.unchanged + excluded.unchanged`;
}

interface HeldRow {
  fence: string;
  state: ReadingState | null;
  status: StreamStatus;
  reading_began_at: Date | null;
}

interface ProgressRow {
  stream: StreamName;
  status: StreamStatus;
  records: string;
  expected: string | null;
  set_aside: string;
  last_error: string | null;
  completed_at: Date | null;
}

function toProgress(row: ProgressRow): StreamProgress {
  return {
    stream: row.stream,
    status: row.status,
    records: Number(row.records),
    expected: row.expected === null ? null : Number(row.expected),
    setAside: Number(row.set_aside),
    lastError: row.last_error,
    completedAt: row.completed_at?.toISOString() ?? null,
  };
}

function waiting(stream: StreamName): StreamProgress {
  return { stream, status: 'waiting', records: 0, expected: null, setAside: 0, lastError: null, completedAt: null };
}
