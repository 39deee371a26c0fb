/** Companies: the platform's customers, by the platform's own id. */
import type { Pool } from 'pg';
import type { Companies, Company } from '../domain/ports.js';
import { keyOf, listed, text } from './cursors.js';

interface CompanyRow {
  id: string;
  name: string;
  created_at: Date;
}

export function createCompanies(pool: Pool): Companies {
  return {
    async put(id, name) {
      const { rows } = await pool.query<CompanyRow & { created: boolean }>(
        `INSERT INTO company (id, name) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE company.deleting_at IS NULL
         RETURNING id, name, created_at, xmax = 0 AS created`,
        [id, name],
      );
      const [row] = rows;
      return row === undefined ? null : { company: companyOf(row), created: row.created };
    },

    async get(id) {
      const { rows } = await pool.query<CompanyRow>(
        'SELECT id, name, created_at FROM company WHERE id = $1 AND deleting_at IS NULL',
        [id],
      );
      return rows[0] === undefined ? null : companyOf(rows[0]);
    },

    async beginDeletion(id) {
      const { rowCount } = await pool.query(
        'UPDATE company SET deleting_at = coalesce(deleting_at, clock_timestamp()) WHERE id = $1',
        [id],
      );
      return rowCount === 1;
    },

    async list(page) {
      const after = keyOf(page.cursor, [text]);
      const { rows } = await pool.query<CompanyRow>(
        `SELECT id, name, created_at FROM company
         WHERE deleting_at IS NULL AND ($1::text IS NULL OR id > $1)
           AND ($2::text IS NULL OR strpos(lower(id), lower($2)) > 0 OR strpos(lower(name), lower($2)) > 0)
         ORDER BY id LIMIT $3`,
        [after?.[0] ?? null, page.search ?? null, page.limit + 1],
      );
      return listed(rows, page, companyOf, (row) => [row.id]);
    },
  };
}

function companyOf(row: CompanyRow): Company {
  return { id: row.id, name: row.name, createdAt: row.created_at.toISOString() };
}
