import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { StreamName } from '../../domain/streams.js';
import { control } from '../xero/support.js';

/** The mirror beside what the simulator says is there; the ids of all that differs. */
export interface Comparison {
  equal: number;
  missing: string[];
  /** In the mirror, and not (or no longer) in scope at Xero. */
  surplus: string[];
  different: string[];
}

export interface Scope {
  /** The Sync From Date; null: all history. */
  from?: string | null;
  /** Leaves out what was changed at this instant or later: the next sync's part. */
  before?: string | null;
}

interface RecordTruth {
  id: string;
  hash: string;
  updatedUtc: string;
  date: string | null;
}

/** Compares record by record, by id and by the hash of every field. */
export async function compareWithTruth(
  pool: pg.Pool,
  xeroUrl: string,
  organisationId: string,
  stream: StreamName,
  { from = null, before = null }: Scope = {},
): Promise<Comparison> {
  const { records } = await control<{ records: RecordTruth[] }>(
    xeroUrl,
    'GET',
    `/organisations/${organisationId}/truth/${stream}`,
  );
  const mirrored = await mirroredHashes(pool, organisationId, stream);
  const comparison: Comparison = { equal: 0, missing: [], surplus: [], different: [] };
  for (const { id, hash, updatedUtc, date } of records) {
    const found = mirrored.get(id);
    mirrored.delete(id);
    if (before !== null && Date.parse(`${updatedUtc}Z`) >= Date.parse(before)) continue;
    const inScope = date === null || from === null || date >= from;
    if (inScope && found === undefined) comparison.missing.push(id);
    else if (!inScope && found !== undefined) comparison.surplus.push(id);
    else if (inScope && found !== hash) comparison.different.push(id);
    else if (inScope) comparison.equal++;
  }
  comparison.surplus.push(...mirrored.keys());
  return comparison;
}

export const allEqual = (equal: number): Comparison => ({ equal, missing: [], surplus: [], different: [] });

async function mirroredHashes(pool: pg.Pool, organisationId: string, stream: string): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; body: string }>(
    `SELECT xero_id AS id, body::text FROM record
      WHERE organisation_id = $1 AND stream = $2 AND NOT outside_window AND deleted_at IS NULL`,
    [organisationId, stream],
  );
  return new Map(rows.map(({ id, body }) => [id, hashOf(body)]));
}

/** As the simulator makes it: sha256 of the JSON with its keys sorted at every depth. */
function hashOf(body: string): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(JSON.parse(body))))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
