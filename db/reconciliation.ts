/**
 * Holding a month of Xero's against the mirror. A page's text is split, read and compared by Postgres, so that no amount
 * passes through a float; nothing is written.
 */
import type pg from 'pg';
import { jsonElements } from '../domain/jsonElements.js';
import type { ComparedRecord, ReconciledSet, ReconciledSide, Reconciliation } from '../domain/ports.js';
import { XeroFault } from '../domain/problems.js';
import { uncountedStatuses } from '../domain/reconciliation.js';
import { streams } from '../domain/streams.js';
import { refusedByJsonb } from './storeRecords.js';

/** A payment is counted in the currency of what it pays (rules.md, "Payment import"), which it names inside that. */
const currencyOf = (body: string): string => `
  coalesce(${[
    '{CurrencyCode}',
    '{Invoice,CurrencyCode}',
    '{CreditNote,CurrencyCode}',
    '{Prepayment,CurrencyCode}',
    '{Overpayment,CurrencyCode}',
  ]
    .map((path) => `${body} #>> '${path}'`)
    .join(', ')})`;

const isCounted = (body: string): string =>
  `coalesce(${body} ->> 'Status', '') NOT IN (${uncountedStatuses.map((status) => `'${status}'`).join(', ')})`;

/** `body` is null where jsonb refuses `source`; then the mirror keeps the text, if it has the record. */
const compareStatement = (elements: string): string => `
  WITH element AS MATERIALIZED (${elements})
  SELECT element.id,
         CASE WHEN element.body IS NULL AND EXISTS (
                     SELECT FROM set_aside WHERE organisation_id = $1 AND stream = $2
                        AND body_hash = sha256(convert_to(element.source, 'UTF8'))) THEN 'equal'
              WHEN record.xero_id IS NULL THEN 'missingHere'
              WHEN record.body = element.body THEN 'equal'
              ELSE 'different' END AS standing,
         element.body IS NOT NULL AND ${isCounted('element.body')} AS counted,
         xero_decimal(element.body ->> $5)::text AS amount,
         ${currencyOf('element.body')} AS currency
    FROM element
    LEFT JOIN record ON record.organisation_id = $1 AND record.stream = $2 AND record.xero_id = element.id
         AND record.deleted_at IS NULL
   WHERE element.id IS NOT NULL`;

const comparePage = compareStatement(`
  SELECT body ->> $4 AS id, body, NULL::text AS source FROM jsonb_array_elements($3::jsonb -> $6) AS each (body)`);

const compareElements = compareStatement(`
  SELECT coalesce(try_jsonb(source) ->> $4, id) AS id, try_jsonb(source) AS body, source
    FROM unnest($3::text[], $6::text[]) AS each (source, id)`);

/** What the mirror has in the set: $1 organisation, $2 stream, $3 from, $4 before, $5 Xero's `Type` or null. */
const mirrored = `
  SELECT xero_id, body FROM record
   WHERE organisation_id = $1 AND stream = $2 AND date >= $3 AND date < $4 AND deleted_at IS NULL
     AND ($5::text IS NULL OR body ->> 'Type' = $5)`;

const sidesStatement = `
  WITH mirrored AS (
    SELECT xero_id, ${isCounted('body')} AS counted, xero_decimal(body ->> $6) AS amount, ${currencyOf('body')} AS currency
      FROM (${mirrored}) AS record
  ),
  side (name, currency, amount) AS (
    SELECT 'here', currency, amount FROM mirrored WHERE counted
    UNION ALL
    SELECT 'xero', currency, amount::numeric FROM unnest($7::text[], $8::text[]) AS each (amount, currency)
  )
  SELECT name, currency, count(*)::int AS count, coalesce(sum(amount), 0)::text AS total, NULL::text[] AS missing
    FROM side GROUP BY name, currency
  UNION ALL
  SELECT 'missing', NULL, 0, NULL, (SELECT coalesce(array_agg(xero_id ORDER BY xero_id), '{}') FROM mirrored
                                     WHERE NOT EXISTS (SELECT FROM unnest($9::text[]) AS seen (id) WHERE id = xero_id))
   ORDER BY name, currency`;

interface SideRow {
  name: 'here' | 'xero' | 'missing';
  currency: string | null;
  count: number;
  total: string;
  missing: string[] | null;
}

export function createReconciliation(pool: pg.Pool): Reconciliation {
  return {
    async comparePage(set, text) {
      const { collection } = streams[set.stream];
      try {
        return (await pool.query<ComparedRecord>(comparePage, [...pageValues(set, text), collection])).rows;
      } catch (error) {
        if (!refusedByJsonb.test((error as { code?: string }).code ?? '')) throw error;
        const { sources, ids } = elementsOf(set, text);
        return (await pool.query<ComparedRecord>(compareElements, [...pageValues(set, sources), ids])).rows;
      }
    },

    async sides(set, records) {
      const counted = records.filter((record) => record.counted);
      const { rows } = await pool.query<SideRow>(sidesStatement, [
        ...[set.organisationId, set.stream, set.range.from, set.range.before, set.type, set.amount],
        ...[counted.map(({ amount }) => amount), counted.map(({ currency }) => currency), records.map(({ id }) => id)],
      ]);
      const missing = rows.find(({ name }) => name === 'missing')?.missing ?? [];
      return { here: sideOf(rows, 'here'), xero: sideOf(rows, 'xero'), missingInXero: missing };
    },
  };
}

function pageValues({ organisationId, stream, amount }: ReconciledSet, elements: unknown): unknown[] {
  return [organisationId, stream, elements, streams[stream].idField, amount];
}

/** The ids are read here, for jsonb will not. @throws XeroFault `badAnswer` when the page is no JSON, or was cut short. */
function elementsOf({ stream }: ReconciledSet, text: string): { sources: string[]; ids: (string | null)[] } {
  const { collection, idField } = streams[stream];
  try {
    const sources = jsonElements(text, collection);
    return { sources, ids: sources.map((source) => JSON.parse(source)[idField] ?? null) };
  } catch {
    throw new XeroFault('badAnswer', 200);
  }
}

function sideOf(rows: readonly SideRow[], side: 'here' | 'xero'): ReconciledSide {
  const own = rows.filter(({ name }) => name === side);
  return {
    count: own.reduce((sum, { count }) => sum + count, 0),
    totals: own.map(({ currency, total }) => ({ currency, total })),
  };
}
