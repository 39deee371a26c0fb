import type { Pool } from 'pg';
import type { Figures, FiguresSource } from '../domain/ports.js';

/** Counts by indexes and over small tables, in one statement. */
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
                   FROM (SELECT kind, count(*) AS n FROM run WHERE ended_at IS NULL GROUP BY kind) r) AS runs`,
      );
      const [row] = rows;
      if (row === undefined) throw new Error('a statement of counts always answers a row');
      return row;
    },
  };
}
