/** Locations: the sites of a company, by the platform's own ids. */
import type { Pool } from 'pg';
import type { Location, Locations } from '../domain/ports.js';
import { keyOf, listed, text } from './cursors.js';

interface LocationRow {
  id: string;
  name: string;
  synced: boolean;
  connection_id: string | null;
}

export function createLocations(pool: Pool): Locations {
  return {
    async put(companyId, { id, name, synced }) {
      const { rows } = await pool.query<LocationRow & { created: boolean }>(
        `INSERT INTO location (company_id, id, name, synced) VALUES ($1, $2, $3, $4)
         ON CONFLICT (company_id, id) DO UPDATE SET name = excluded.name, synced = excluded.synced
         RETURNING id, name, synced, connection_id, xmax = 0 AS created`,
        [companyId, id, name, synced],
      );
      const row = rows[0] as LocationRow & { created: boolean };
      return { location: locationOf(row), created: row.created };
    },

    async get(companyId, id) {
      const { rows } = await pool.query<LocationRow>(
        'SELECT id, name, synced, connection_id FROM location WHERE company_id = $1 AND id = $2',
        [companyId, id],
      );
      return rows[0] === undefined ? null : locationOf(rows[0]);
    },

    async list(companyId, page) {
      const after = keyOf(page.cursor, [text]);
      const { rows } = await pool.query<LocationRow>(
        `SELECT id, name, synced, connection_id FROM location
          WHERE company_id = $1 AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3`,
        [companyId, after?.[0] ?? null, page.limit + 1],
      );
      return listed(rows, page, locationOf, (row) => [row.id]);
    },

    async remove(companyId, id) {
      const removed = await pool.query(
        'DELETE FROM location WHERE company_id = $1 AND id = $2 AND connection_id IS NULL',
        [companyId, id],
      );
      if (removed.rowCount === 1) return 'removed';
      return (await this.get(companyId, id)) === null ? 'unknown' : 'connected';
    },

    async unknown(companyId, ids) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT DISTINCT id FROM unnest($2::text[]) AS each (id)
          WHERE NOT EXISTS (SELECT FROM location WHERE company_id = $1 AND location.id = each.id)`,
        [companyId, ids],
      );
      return rows.map(({ id }) => id);
    },

    async awaited(companyId) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT location.id FROM location JOIN company ON company.id = location.company_id
           LEFT JOIN connection c ON c.id = location.connection_id
          WHERE location.company_id = $1 AND company.sync_by = 'locations' AND location.synced
            AND c.organisation_id IS NULL
          ORDER BY location.id`,
        [companyId],
      );
      return rows.map(({ id }) => id);
    },
  };
}

function locationOf(row: LocationRow): Location {
  return { id: row.id, name: row.name, synced: row.synced, connectionId: row.connection_id };
}
