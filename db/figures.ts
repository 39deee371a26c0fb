import type { Pool } from 'pg';
import { defaultBudgetOptions } from '../domain/budgetState.js';
import { unreconciledStates } from '../domain/payments/imports.js';
import type { Figures, FiguresSource } from '../domain/ports.js';

/** Counts by indexes and over small tables, and the tally of calls, in one statement. */
export function createFigures(pool: Pool): FiguresSource {
  return {
    async figures() {
      const { rows } = await pool.query<Figures>(
        `SELECT (SELECT coalesce(json_object_agg(status, n), '{}')
                   FROM (SELECT status, count(*) AS n FROM connection GROUP BY status) c) AS connections,
                (SELECT count(*)::int FROM connection WHERE sleeping_until > clock_timestamp()) AS asleep,
                (SELECT json_build_object('alive', count(*) FILTER (WHERE died_at IS NULL),
                                          'dead', count(died_at)) FROM oauth_grant) AS grants,
                (SELECT coalesce(json_object_agg(kind, n), '{}')
                   FROM (SELECT kind, count(*) AS n FROM run WHERE ended_at IS NULL GROUP BY kind) r) AS runs,
                (SELECT json_build_object('answered', coalesce(sum(calls), 0),
                          'refused', json_build_object('minute', coalesce(sum(refused_minute), 0),
                                                       'day', coalesce(sum(refused_day), 0),
                                                       'concurrent', coalesce(sum(refused_concurrent), 0),
                                                       'appminute', coalesce(sum(refused_app_minute), 0)))
                   FROM call_tally) AS calls,
                (SELECT json_build_object(
                          'states', (SELECT coalesce(json_object_agg(state, n), '{}')
                                       FROM (SELECT state, count(*) AS n FROM payment_import GROUP BY state) p),
                          'oldestSeconds', (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(coalesce(stamped_at, found_at))), 0)
                                              FROM payment_import WHERE state = ANY ($2)))) AS payments,
                (SELECT count(*)::int FROM organisation_budget,
                        jsonb_to_record(state -> 'day') AS day(known int, "limit" int, "end" jsonb)
                  WHERE known <= floor($1::float8 * ("limit" - 1))
                    AND (day."end" ->> 'hi')::float8 > extract(epoch FROM clock_timestamp()) * 1000) AS "daysEnded"`,
        [defaultBudgetOptions.peopleDayShare, unreconciledStates],
      );
      const [row] = rows;
      if (row === undefined) throw new Error('a statement of counts always answers a row');
      return row;
    },
  };
}
