/** Pages into the mirror: split and stored by Postgres, so that no digit of Xero's passes through a parser. */
import type pg from 'pg';
import { jsonElements } from '../domain/jsonElements.js';
import type { PageToStore, StoredPage } from '../domain/ports.js';
import { XeroFault } from '../domain/problems.js';
import { type StreamName, streams } from '../domain/streams.js';
import { followDocuments, type Owner, tellFoundContacts } from './documentsInXero.js';
import type { Tell } from './feed.js';

/** `data_exception` and `untranslatable_character`: what jsonb says of a text it cannot hold. */
export const refusedByJsonb = /^22/;

/**
 * One statement a page: the text is split, placed against the Sync From Date and stored where it is newer.
 * - The one rule of the scope (rules.md, "Which date decides"): on the Sync From Date counts, a record without a date is
 *   always in. What lies before is stored only if the mirror has it already: once ours, it stays ours.
 * - At equal stamps the read that started later wins; an equal body changes nothing.
 * - Rows are written in the order of their ids, so two pages that share a record cannot wait for each other in a ring.
 * - A body is read once and carried once; what is asked of the whole page is asked of its columns.
 * - `connected`: whose feed tells of each record, which during the first full read it does of contacts alone. The lock waits
 *   for a move to `active` in hand, and lets such a move wait for this page: what it did not see was in the mirror before.
 */
const storeStatement = (elements: string): string => `
  WITH element AS MATERIALIZED (
    SELECT body, place, body ->> $4 AS xero_id, xero_instant(body ->> 'UpdatedDateUTC') AS updated_at,
           CASE WHEN $5::text IS NOT NULL THEN xero_date(body, $5) END AS date,
           xero_decimal(body ->> $9) AS number
      FROM (${elements}) AS each (body, place)
  ),
  placed AS MATERIALIZED (
    SELECT DISTINCT ON (xero_id) xero_id, place, updated_at, number, coalesce(date < $6::date, false) AS outside
      FROM element WHERE xero_id IS NOT NULL ORDER BY xero_id, place DESC
  ),
  stored AS (
    INSERT INTO record (organisation_id, stream, xero_id, body, updated_at, read_at, date, outside_window)
    SELECT $1, $2, xero_id, body, updated_at, $7, date, outside
      FROM (SELECT DISTINCT ON (xero_id) *, coalesce(date < $6::date, false) AS outside
              FROM element WHERE xero_id IS NOT NULL ORDER BY xero_id, place DESC) AS last
     WHERE NOT outside OR $10::boolean OR EXISTS (
       SELECT FROM record known WHERE known.organisation_id = $1 AND known.stream = $2 AND known.xero_id = last.xero_id)
     ORDER BY xero_id
    ON CONFLICT (organisation_id, stream, xero_id) DO UPDATE
       SET body = excluded.body, updated_at = excluded.updated_at, read_at = excluded.read_at, date = excluded.date,
           outside_window = excluded.outside_window, deleted_at = NULL, revision = record.revision + 1
     WHERE (coalesce(record.updated_at, '-infinity'), record.read_at)
             <= (coalesce(excluded.updated_at, '-infinity'), excluded.read_at)
       AND (record.body IS DISTINCT FROM excluded.body OR record.deleted_at IS NOT NULL
            OR record.outside_window <> excluded.outside_window)
    RETURNING xero_id, revision = 1 AS created
  ),
  connected AS MATERIALIZED (
    SELECT id, company_id, backfilled_at IS NOT NULL AS follows FROM connection WHERE organisation_id = $1 FOR KEY SHARE
  ),
  stamps AS (SELECT updated_at, lag(updated_at) OVER (ORDER BY place) AS before FROM placed)
  SELECT (SELECT count(*) FROM element)::int AS seen,
         (SELECT count(*) FROM element WHERE xero_id IS NULL)::int AS unreadable,
         (SELECT count(*) FROM placed WHERE outside)::int AS out_of_scope,
         (SELECT count(*) FROM stored WHERE created)::int AS created,
         (SELECT count(*) FROM stored WHERE NOT created)::int AS changed,
         coalesce((SELECT bool_and(updated_at >= before) AND min(updated_at) < max(updated_at) FROM stamps), false) AS ascending,
         (SELECT max(updated_at) FROM placed) AS newest,
         (SELECT xero_id FROM placed ORDER BY place LIMIT 1) AS first_id,
         (SELECT xero_id FROM placed ORDER BY place DESC LIMIT 1) AS last_id,
         (SELECT max(number) FROM placed) AS last_number,
         (SELECT array_agg(xero_id) FROM placed WHERE $8::boolean) AS ids,
         connected.id AS connection_id, connected.company_id, coalesce(connected.follows, false) AS follows,
         (SELECT array_agg(xero_id ORDER BY xero_id) FROM stored WHERE created AND (follows OR $2 = 'contacts')) AS created_ids,
         (SELECT array_agg(xero_id ORDER BY xero_id) FROM stored WHERE NOT created AND follows) AS changed_ids
    FROM (SELECT) AS page LEFT JOIN connected ON true`;

const elementsOfJsonb = 'SELECT * FROM jsonb_array_elements($3::jsonb -> $11) WITH ORDINALITY';
const elementsOfTexts = 'SELECT try_jsonb(value), ordinality FROM unnest($3::text[]) WITH ORDINALITY AS each (value)';

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
  connection_id: string | null;
  company_id: string | null;
  /** False during the first full read, in which ids are told of contacts alone. */
  follows: boolean;
  created_ids: string[] | null;
  changed_ids: string[] | null;
}

/**
 * Stores a page in the caller's transaction, and tells of each record that is new, changed or deleted once the first full
 * read is done. @param reference keeps records wherever their dates lie; they are told of like others.
 * @throws XeroFault `badAnswer` when the text is no JSON.
 */
export async function storeRecords(
  client: pg.PoolClient,
  tell: Tell,
  stream: StreamName,
  page: Omit<PageToStore, 'runId'>,
  reference: boolean,
): Promise<StoredPage> {
  const { idField, decidingDate, collection, numberField } = streams[stream];
  const values = (elements: unknown) => [
    ...[page.organisationId, stream, elements, idField, decidingDate],
    ...[page.syncFromDate, page.readAt, page.complete || page.seen, numberField, reference],
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
  if (page.seen) await noteSeen(client, stream, page, row.ids ?? []);
  const deleted = page.complete ? await deleteAbsent(client, stream, page, row.ids ?? []) : [];
  await tellAll(client, tell, stream, page, row, deleted);
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

/** First of the records; then of the documents that they are, and of the contacts that are nobody's yet. */
async function tellAll(
  client: pg.PoolClient,
  tell: Tell,
  stream: StreamName,
  { organisationId, own }: Omit<PageToStore, 'runId'>,
  row: StoreRow,
  deleted: readonly string[],
): Promise<void> {
  const { connection_id: connectionId, company_id: companyId, created_ids: created } = row;
  if (connectionId === null || companyId === null) return;
  const owner = { organisationId, connectionId, companyId };
  if (row.follows) tellRecords(tell, stream, owner, row, deleted);
  if (own) return;
  await followDocuments(client, tell, stream, owner, [...(row.changed_ids ?? []), ...deleted]);
  if (stream === 'contacts') await tellFoundContacts(client, tell, owner, created ?? []);
}

function tellRecords(
  tell: Tell,
  stream: StreamName,
  { companyId, connectionId }: Owner,
  row: StoreRow,
  deleted: readonly string[],
): void {
  const about = (type: RecordEvent, ids: readonly string[] | null) => {
    for (const xeroId of ids ?? []) tell({ type, companyId, connectionId, xeroId, data: { stream } });
  };
  about('record.created', row.created_ids);
  about('record.changed', row.changed_ids);
  about('record.deleted', deleted);
}

type RecordEvent = 'record.created' | 'record.changed' | 'record.deleted';

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
  page: Omit<PageToStore, 'runId'>,
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

/** Only what a reading looks for that searches what is gone: it rewrites every row of the page. */
async function noteSeen(
  client: pg.PoolClient,
  stream: StreamName,
  page: Omit<PageToStore, 'runId'>,
  present: string[],
): Promise<void> {
  await client.query(
    `UPDATE record SET read_at = $3
      WHERE organisation_id = $1 AND stream = $2 AND xero_id = ANY ($4) AND read_at < $3`,
    [page.organisationId, stream, page.readAt, present],
  );
}

/** @returns the ids of what is deleted now. */
async function deleteAbsent(
  client: pg.PoolClient,
  stream: StreamName,
  page: Omit<PageToStore, 'runId'>,
  present: string[],
): Promise<string[]> {
  const { rows } = await client.query<{ xero_id: string }>(
    `UPDATE record SET deleted_at = clock_timestamp()
      WHERE organisation_id = $1 AND stream = $2 AND deleted_at IS NULL AND read_at < $3 AND NOT xero_id = ANY ($4)
     RETURNING xero_id`,
    [page.organisationId, stream, page.readAt, present],
  );
  return rows.map(({ xero_id }) => xero_id).sort();
}
