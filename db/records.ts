/** Reading the mirror: what the API lists, and what the reading of other streams needs to know of it. */
import type pg from 'pg';
import type { ParentLink } from '../domain/parents.js';
import type { Listed, ListPage, MirroredRecord, RecordFilter, SetAsideRecord } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { followDocuments } from './documentsInXero.js';
import type { Tell } from './feed.js';

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

export async function listRecords(
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

export async function listSetAside(
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

export async function oneRecord(
  pool: pg.Pool,
  organisationId: string,
  stream: StreamName,
  xeroId: string,
): Promise<MirroredRecord | null> {
  const { rows } = await pool.query<RecordRow>(
    `SELECT ${recordColumns} FROM record WHERE organisation_id = $1 AND stream = $2 AND xero_id = $3`,
    [organisationId, stream, xeroId],
  );
  return rows[0] ? toRecord(rows[0]) : null;
}

export async function missingParents(
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

export async function countInScope(db: pg.Pool, organisationId: string, stream: StreamName): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM record
      WHERE organisation_id = $1 AND stream = $2 AND NOT outside_window AND deleted_at IS NULL`,
    [organisationId, stream],
  );
  return Number(rows[0]?.count);
}

export async function notSeenSince(
  pool: pg.Pool,
  organisationId: string,
  stream: StreamName,
  since: string,
  after: string,
  most: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ xero_id: string }>(
    `SELECT xero_id FROM record
      WHERE organisation_id = $1 AND stream = $2 AND xero_id > $4 AND read_at < $3
        AND deleted_at IS NULL AND NOT outside_window
      ORDER BY xero_id LIMIT $5`,
    [organisationId, stream, since, after, most],
  );
  return rows.map(({ xero_id }) => xero_id);
}

export async function markDeleted(
  client: pg.PoolClient,
  tell: Tell,
  organisationId: string,
  stream: StreamName,
  ids: readonly string[],
  readAt: string,
): Promise<number> {
  const { rows } = await client.query<{ xero_id: string; connection_id: string; company_id: string }>(
    `UPDATE record SET deleted_at = clock_timestamp()
       FROM connection c
      WHERE c.organisation_id = $1 AND record.organisation_id = $1 AND stream = $2 AND xero_id = ANY ($3)
        AND read_at < $4 AND deleted_at IS NULL
     RETURNING xero_id, c.id AS connection_id, c.company_id`,
    [organisationId, stream, ids, readAt],
  );
  for (const { xero_id: xeroId, connection_id: connectionId, company_id: companyId } of rows) {
    tell({ type: 'record.deleted', companyId, connectionId, xeroId, data: { stream } });
  }
  const [first] = rows;
  if (first !== undefined) {
    const owner = { organisationId, connectionId: first.connection_id, companyId: first.company_id };
    await followDocuments(
      client,
      tell,
      stream,
      owner,
      rows.map(({ xero_id }) => xero_id),
    );
  }
  return rows.length;
}
