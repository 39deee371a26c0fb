import type pg from 'pg';
import type { ParentLink } from '../domain/parents.js';
import {
  LeaseLost,
  type Listed,
  type ListPage,
  type Mirror,
  type MirroredRecord,
  type PageToStore,
  type ReaderLease,
  type RecordFilter,
  type SetAsideRecord,
  type StoredPage,
  type StreamProgress,
  type StreamStatus,
} from '../domain/ports.js';
import { XeroFault } from '../domain/problems.js';
import type { ReadingState } from '../domain/reading.js';
import { type StreamName, streamNames, streams } from '../domain/streams.js';
import { jsonElements } from './jsonElements.js';
import { inTransaction } from './pool.js';

/** `data_exception` and `untranslatable_character`: what jsonb says of a text it cannot hold. */
const refusedByJsonb = /^22/;

/**
 * The mirror of Xero's records and the cursors of their reading, in Postgres.
 * A page's text goes to Postgres as it came and is split there: JSON.parse cuts long decimals.
 */
export function createMirror(pool: pg.Pool): Mirror {
  return {
    async acquire(connectionId, stream, holder, leaseMs) {
      await pool.query(
        'INSERT INTO stream_cursor (connection_id, stream) VALUES ($1, $2) ON CONFLICT (connection_id, stream) DO NOTHING',
        [connectionId, stream],
      );
      const { rows } = await pool.query<{ fence: string; state: ReadingState | null; status: StreamStatus }>(
        `UPDATE stream_cursor SET lease_holder = $3, fence = fence + 1,
                lease_until = clock_timestamp() + $4 * interval '1 millisecond'
          WHERE connection_id = $1 AND stream = $2
            AND (lease_holder IS NULL OR lease_holder = $3 OR lease_until < clock_timestamp())
         RETURNING fence, state, status`,
        [connectionId, stream, holder, leaseMs],
      );
      const row = rows[0];
      if (!row) return null;
      return { lease: { connectionId, stream, fence: Number(row.fence) }, state: row.state, status: row.status };
    },

    async release(lease) {
      await pool.query(
        `UPDATE stream_cursor SET lease_holder = NULL, lease_until = NULL
          WHERE connection_id = $1 AND stream = $2 AND fence = $3`,
        [lease.connectionId, lease.stream, lease.fence],
      );
    },

    async now() {
      const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
      return (rows[0] as { now: Date }).now.toISOString();
    },

    storePage: (lease, page, advance, leaseMs) =>
      inTransaction(pool, async (client) => {
        const stored = await storeRecords(client, lease.stream, page, false);
        const state = advance(await lockState(client, lease), stored);
        await client.query(
          `UPDATE stream_cursor SET state = $3, status = 'reading', faults_in_a_row = 0, last_error = NULL,
                  progressed_at = clock_timestamp(),
                  records = records + $4, set_aside = set_aside + $5,
                  lease_until = clock_timestamp() + $6 * interval '1 millisecond'
            WHERE connection_id = $1 AND stream = $2`,
          [lease.connectionId, lease.stream, state, stored.created, stored.setAside, leaseMs],
        );
        return state;
      }),

    missingParents: (organisationId, link, after, most) => missingParents(pool, organisationId, link, after, most),

    async storeReferences(stream, page) {
      await inTransaction(pool, (client) => storeRecords(client, stream, { ...page, complete: false }, true));
    },

    countInScope: (organisationId, stream) => countInScope(pool, organisationId, stream),

    async saveState(lease, state) {
      await updateHeld(pool, lease, "state = $4, status = 'reading'", [state]);
    },

    async finish(lease, status, code) {
      await updateHeld(
        pool,
        lease,
        `status = $4, last_error = $5, completed_at = CASE WHEN $4 = 'complete' THEN clock_timestamp() ELSE completed_at END,
         lease_holder = NULL, lease_until = NULL,
         records = (SELECT count(*) FROM record JOIN connection c ON c.organisation_id = record.organisation_id
                     WHERE c.id = $1 AND record.stream = $2 AND NOT outside_window AND deleted_at IS NULL)`,
        [status, code],
      );
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

    async records(organisationId, stream, page) {
      return listRecords(pool, organisationId, stream, page);
    },

    setAside: (organisationId, stream, page) => listSetAside(pool, organisationId, stream, page),

    async record(organisationId, stream, xeroId) {
      const { rows } = await pool.query<RecordRow>(
        `SELECT ${recordColumns} FROM record WHERE organisation_id = $1 AND stream = $2 AND xero_id = $3`,
        [organisationId, stream, xeroId],
      );
      return rows[0] ? toRecord(rows[0]) : null;
    },
  };
}

async function missingParents(
  pool: pg.Pool,
  organisationId: string,
  { child, path, parent }: ParentLink,
  after: string,
  most: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT DISTINCT named.id #>> '{}' AS id
       FROM record, jsonb_path_query(body, $3::jsonpath) AS named (id)
      WHERE organisation_id = $1 AND stream = $2 AND NOT outside_window AND deleted_at IS NULL AND named.id #>> '{}' > $5
        AND NOT EXISTS (SELECT FROM record known WHERE known.organisation_id = $1 AND known.stream = $4
                           AND known.xero_id = named.id #>> '{}')
      ORDER BY id LIMIT $6`,
    [organisationId, child, path, parent, after, most],
  );
  return rows.map((row) => row.id);
}

async function countInScope(db: pg.Pool | pg.PoolClient, organisationId: string, stream: StreamName): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM record
      WHERE organisation_id = $1 AND stream = $2 AND NOT outside_window AND deleted_at IS NULL`,
    [organisationId, stream],
  );
  return Number(rows[0]?.count);
}

/** The state of a reading, its row locked until the transaction ends. @throws LeaseLost */
async function lockState(client: pg.PoolClient, lease: ReaderLease): Promise<ReadingState> {
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

/**
 * One statement a page: the text is split, placed against the Sync From Date and stored where it is newer.
 * - What lies before the Sync From Date is stored only if the mirror has it already: once ours, it stays ours.
 * - At equal stamps the read that started later wins; an equal body changes nothing.
 * - Rows are written in the order of their ids, so two pages that share a record cannot wait for each other in a ring.
 */
const storeStatement = (elements: string): string => `
  WITH element AS MATERIALIZED (${elements}),
  incoming AS (
    SELECT DISTINCT ON (body ->> $4) body ->> $4 AS xero_id, body, place,
           xero_instant(body ->> 'UpdatedDateUTC') AS updated_at,
           CASE WHEN $5::text IS NOT NULL THEN xero_date(body, $5) END AS date
      FROM element WHERE body ->> $4 IS NOT NULL
     ORDER BY body ->> $4, place DESC
  ),
  placed AS (SELECT *, coalesce(date < $6::date, false) AS outside FROM incoming),
  stored AS (
    INSERT INTO record (organisation_id, stream, xero_id, body, updated_at, read_at, date, outside_window)
    SELECT $1, $2, xero_id, body, updated_at, $7, date, outside FROM placed
     WHERE NOT outside OR $10::boolean OR EXISTS (
       SELECT FROM record known WHERE known.organisation_id = $1 AND known.stream = $2 AND known.xero_id = placed.xero_id)
     ORDER BY xero_id
    ON CONFLICT (organisation_id, stream, xero_id) DO UPDATE
       SET body = excluded.body, updated_at = excluded.updated_at, read_at = excluded.read_at, date = excluded.date,
           outside_window = excluded.outside_window, deleted_at = NULL, revision = record.revision + 1
     WHERE (coalesce(record.updated_at, '-infinity'), record.read_at)
             <= (coalesce(excluded.updated_at, '-infinity'), excluded.read_at)
       AND (record.body IS DISTINCT FROM excluded.body OR record.deleted_at IS NOT NULL
            OR record.outside_window <> excluded.outside_window)
    RETURNING revision = 1 AS created
  ),
  stamps AS (SELECT updated_at, lag(updated_at) OVER (ORDER BY place) AS before FROM placed)
  SELECT (SELECT count(*) FROM element)::int AS seen,
         (SELECT count(*) FROM element WHERE body ->> $4 IS NULL)::int AS unreadable,
         (SELECT count(*) FROM placed WHERE outside)::int AS out_of_scope,
         (SELECT count(*) FROM stored WHERE created)::int AS created,
         (SELECT count(*) FROM stored WHERE NOT created)::int AS changed,
         coalesce((SELECT bool_and(updated_at >= before) AND min(updated_at) < max(updated_at) FROM stamps), false) AS ascending,
         (SELECT max(updated_at) FROM placed) AS newest,
         (SELECT xero_id FROM placed ORDER BY place LIMIT 1) AS first_id,
         (SELECT xero_id FROM placed ORDER BY place DESC LIMIT 1) AS last_id,
         (SELECT max(xero_decimal(body ->> $9)) FROM placed) AS last_number,
         (SELECT array_agg(xero_id) FROM placed WHERE $8::boolean) AS ids`;

const elementsOfJsonb =
  'SELECT value AS body, ordinality AS place FROM jsonb_array_elements($3::jsonb -> $11) WITH ORDINALITY';
const elementsOfTexts =
  'SELECT try_jsonb(value) AS body, ordinality AS place FROM unnest($3::text[]) WITH ORDINALITY AS each (value)';

const storePage = storeStatement(elementsOfJsonb);
const storeElements = storeStatement(elementsOfTexts);

interface StoreRow {
  seen: number;
  unreadable: number;
  out_of_scope: number;
  created: number;
  changed: number;
  ascending: boolean;
  newest: Date | null;
  first_id: string | null;
  last_id: string | null;
  last_number: string | null;
  ids: string[] | null;
}

async function storeRecords(
  client: pg.PoolClient,
  stream: StreamName,
  page: PageToStore,
  reference: boolean,
): Promise<StoredPage> {
  const { idField, decidingDate, collection, numberField } = streams[stream];
  const values = (elements: unknown) => [
    ...[page.organisationId, stream, elements, idField, decidingDate],
    ...[page.syncFromDate, page.readAt, page.complete, numberField, reference],
  ];
  await client.query('SAVEPOINT page');
  let setAside = 0;
  const row = await client
    .query<StoreRow>({ name: 'store-page', text: storePage, values: [...values(page.text), collection] })
    .then(
      ({ rows }) => rows[0] as StoreRow,
      async (error: { code?: string }) => {
        if (!refusedByJsonb.test(error.code ?? '')) throw error;
        await client.query('ROLLBACK TO SAVEPOINT page');
        const elements = elementsOf(page.text, collection);
        setAside = await setRecordsAside(client, stream, page, elements);
        return (await client.query<StoreRow>(storeElements, values(elements))).rows[0] as StoreRow;
      },
    );
  if (page.complete) await deleteAbsent(client, stream, page, row.ids ?? []);
  return {
    seen: row.seen,
    created: row.created,
    changed: row.changed,
    unchanged: row.seen - row.created - row.changed - row.out_of_scope - row.unreadable,
    setAside,
    outOfScope: row.out_of_scope,
    ascendingByStamp: row.ascending,
    newestStamp: row.newest?.toISOString() ?? null,
    edges: row.first_id === null || row.last_id === null ? null : { first: row.first_id, last: row.last_id },
    lastNumber: row.last_number === null ? null : Number(row.last_number),
  };
}

/** @throws XeroFault `badAnswer` when the page is no JSON, or was cut short. */
function elementsOf(text: string, collection: string): string[] {
  try {
    return jsonElements(text, collection);
  } catch {
    throw new XeroFault('badAnswer', 200);
  }
}

/** Keeps what jsonb refuses as text. @returns how many are new. */
async function setRecordsAside(
  client: pg.PoolClient,
  stream: StreamName,
  page: PageToStore,
  elements: string[],
): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO set_aside (organisation_id, stream, body_hash, body, read_at)
     SELECT $1, $2, sha256(convert_to(body, 'UTF8')), body, $4 FROM unnest($3::text[]) AS each (body)
      WHERE try_jsonb(body) IS NULL
     ON CONFLICT DO NOTHING`,
    [page.organisationId, stream, elements, page.readAt],
  );
  return rowCount ?? 0;
}

async function deleteAbsent(
  client: pg.PoolClient,
  stream: StreamName,
  page: PageToStore,
  present: string[],
): Promise<void> {
  await client.query(
    `UPDATE record SET deleted_at = clock_timestamp()
      WHERE organisation_id = $1 AND stream = $2 AND deleted_at IS NULL AND read_at < $3 AND NOT xero_id = ANY ($4)`,
    [page.organisationId, stream, page.readAt, present],
  );
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

interface RecordRow {
  xero_id: string;
  body: string;
  updated_at: Date | null;
  outside_window: boolean;
  deleted_at: Date | null;
}

const recordColumns = 'xero_id, body::text AS body, updated_at, outside_window, deleted_at';

function toRecord(row: RecordRow): MirroredRecord {
  return {
    xeroId: row.xero_id,
    body: row.body,
    updatedAt: row.updated_at?.toISOString() ?? null,
    outsideWindow: row.outside_window,
    deletedAt: row.deleted_at?.toISOString() ?? null,
  };
}

async function listRecords(
  pool: pg.Pool,
  organisationId: string,
  stream: StreamName,
  page: ListPage & RecordFilter,
): Promise<Listed<MirroredRecord>> {
  const { rows } = await pool.query<RecordRow>(
    `SELECT ${recordColumns} FROM record
      WHERE organisation_id = $1 AND stream = $2 AND xero_id > $3
        AND ($4::timestamptz IS NULL OR updated_at > $4)
        AND ($5::text[] IS NULL OR xero_id = ANY ($5))
        AND ($6::text IS NULL OR number = $6)
        AND ($7::text IS NULL OR contact_id = $7)
      ORDER BY xero_id LIMIT $8`,
    [
      organisationId,
      stream,
      page.cursor ?? '',
      page.updatedAfter ?? null,
      page.ids ?? null,
      page.number ?? null,
      page.contact ?? null,
      page.limit + 1,
    ],
  );
  const data = rows.slice(0, page.limit).map(toRecord);
  return { data, nextCursor: rows.length > page.limit ? (data.at(-1)?.xeroId ?? null) : null };
}

async function listSetAside(
  pool: pg.Pool,
  organisationId: string,
  stream: StreamName,
  page: ListPage,
): Promise<Listed<SetAsideRecord>> {
  const { rows } = await pool.query<{ hash: string; body: string; read_at: Date }>(
    `SELECT encode(body_hash, 'hex') AS hash, body, read_at FROM set_aside
      WHERE organisation_id = $1 AND stream = $2 AND encode(body_hash, 'hex') > $3 ORDER BY 1 LIMIT $4`,
    [organisationId, stream, page.cursor ?? '', page.limit + 1],
  );
  const shown = rows.slice(0, page.limit);
  return {
    data: shown.map(({ body, read_at }) => ({ body, readAt: read_at.toISOString() })),
    nextCursor: rows.length > page.limit ? (shown.at(-1)?.hash ?? null) : null,
  };
}
