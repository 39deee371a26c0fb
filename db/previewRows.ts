/** Rows of previews, as they are read, and the sums of their groups. */
import type { DocumentKind } from '../domain/documents/kinds.js';
import type {
  DocumentError,
  ExportRow,
  GroupSums,
  Listed,
  ListPage,
  PreviewRow,
  RowBody,
  RowFinding,
} from '../domain/ports.js';
import {
  type PreviewGroup,
  previewGroupNames,
  previewGroups,
  type RowOutcome,
  type RowResult,
} from '../domain/preview.js';
import { keyOf, listed } from './cursors.js';
import type { Queryable } from './pool.js';

/** The group that a kind's documents are in, and its place among them, as rows of SQL. */
export const groupsOfKinds = Object.entries(previewGroups)
  .flatMap(([group, { kinds }], index) => kinds.map((kind) => `('${kind}', '${group}', ${index})`))
  .join(', ');

/** Also what a person excluded since it was looked at is not sent. */
const outcomeNow = `CASE WHEN d.excluded THEN 'skipped' ELSE r.outcome END`;

const rowsOf = `preview_row r LEFT JOIN document d ON d.id = r.document_id`;

interface Row {
  place: number;
  group_name: PreviewGroup;
  kind: DocumentKind | null;
  external_id: string | null;
  xero_payment_id: string | null;
  version: number | null;
  outcome: RowOutcome;
  body: RowBody;
  errors: DocumentError[];
  warnings: RowFinding[];
  result: RowResult;
  result_code: ExportRow['code'];
  refusals: DocumentError[];
  xero_id: string | null;
  settled_at: Date | null;
}

/** What was never to be sent is not on its way either. */
const resultNow = `coalesce(r.result, CASE WHEN r.outcome = 'send' THEN 'pending' ELSE 'skipped' END)`;

export interface RowsWanted extends ListPage {
  group?: PreviewGroup;
  outcome?: RowOutcome;
  result?: RowResult;
}

/** Rows that were looked at, in their order. The cursor is a place. */
export async function listRows<T>(
  db: Queryable,
  previewId: string,
  page: RowsWanted,
  shape: (row: Row) => T,
): Promise<Listed<T>> {
  const after = keyOf(page.cursor, [(part) => /^\d{1,9}$/.test(part)]);
  const { rows } = await db.query<Row>(
    `SELECT r.place, r.group_name, d.kind, d.external_id, r.xero_payment_id, r.version, ${outcomeNow} AS outcome, r.body,
            r.errors, r.warnings, ${resultNow} AS result, r.result_code, r.refusals, r.xero_id, r.settled_at
       FROM ${rowsOf}
      WHERE r.preview_id = $1 AND r.outcome IS NOT NULL AND r.place > $2
        AND ($3::text IS NULL OR r.group_name = $3) AND ($4::text IS NULL OR ${outcomeNow} = $4)
        AND ($5::text IS NULL OR ${resultNow} = $5)
      ORDER BY r.place LIMIT $6`,
    [previewId, after?.[0] ?? 0, page.group ?? null, page.outcome ?? null, page.result ?? null, page.limit + 1],
  );
  return listed(rows, page, shape, (row) => [String(row.place)]);
}

export function previewRowOf(row: Row): PreviewRow {
  return {
    group: row.group_name,
    place: row.place,
    kind: row.kind,
    externalId: row.external_id,
    xeroPaymentId: row.xero_payment_id,
    version: row.version,
    outcome: row.outcome,
    body: row.body,
    errors: row.errors,
    warnings: row.warnings,
  };
}

export function exportRowOf(row: Row): ExportRow {
  return {
    ...previewRowOf(row),
    result: row.result,
    code: row.result_code,
    refusals: row.refusals,
    xeroId: row.xero_id,
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}

interface SumsRow extends Omit<GroupSums, 'total'> {
  group_name: PreviewGroup;
  total: GroupSums['total'] | null;
}

export async function groupSums(db: Queryable, previewId: string): Promise<Record<PreviewGroup, GroupSums>> {
  const { rows } = await db.query<SumsRow>(
    `WITH shown AS (
       SELECT r.group_name, ${outcomeNow} AS outcome, r.warnings <> '[]' AND NOT coalesce(d.excluded, false) AS warned,
              r.body ->> 'currency' AS currency, (r.body ->> 'total')::numeric AS total
         FROM ${rowsOf} WHERE r.preview_id = $1 AND r.outcome IS NOT NULL),
     summed AS (
       SELECT group_name, currency, sum(total) AS total FROM shown
        WHERE outcome = 'send' AND currency IS NOT NULL AND total IS NOT NULL GROUP BY group_name, currency)
     SELECT group_name,
            count(*) FILTER (WHERE outcome = 'send')::int AS records,
            count(*) FILTER (WHERE outcome = 'error')::int AS errors,
            count(*) FILTER (WHERE warned)::int AS warnings,
            count(*) FILTER (WHERE outcome = 'skipped')::int AS skipped,
            (SELECT jsonb_object_agg(currency, total::text) FROM summed WHERE summed.group_name = shown.group_name) AS total
       FROM shown GROUP BY group_name`,
    [previewId],
  );
  return byGroup((group) => {
    const {
      group_name: _,
      total = null,
      ...counts
    } = rows.find(({ group_name }) => group_name === group) ?? {
      group_name: group,
      records: 0,
      errors: 0,
      warnings: 0,
      skipped: 0,
    };
    return { ...counts, total: total ?? {} };
  });
}

export function byGroup<T>(of: (group: PreviewGroup) => T): Record<PreviewGroup, T> {
  return Object.fromEntries(previewGroupNames.map((group) => [group, of(group)])) as Record<PreviewGroup, T>;
}
