import type pg from 'pg';

/** Every row of every table as text; bytes both as hex and as the text that they would be. */
export async function dumpOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ tablename: string }>(
    `SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const tables = [];
  for (const { tablename } of rows) tables.push(await tableOf(pool, tablename));
  return tables.join('\n');
}

async function tableOf(pool: pg.Pool, name: string): Promise<string> {
  const { rows } = await pool.query<Record<string, unknown>>(`SELECT * FROM "${name}"`);
  return [name, ...rows.map((row) => Object.values(row).map(textOf).join('\t'))].join('\n');
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.toString('hex')} ${value.toString('utf8')}`;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
