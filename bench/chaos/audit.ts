/** Both sides at the end: every record of every stream by id and hash, the counts that the API tells, and the calls. */
import type pg from 'pg';
import { type StreamName, streamNames, streams } from '../../domain/streams.js';
import type { ApiClient } from '../../embedded/apiClient.js';
import type { BackfillView, Usage } from '../../test/support/books.js';
import { compareWithTruth } from '../../test/support/truth.js';
import { control } from '../../test/xero/support.js';
import type { Customer } from './customer.js';

export interface Audit {
  records: number;
  /** Records that Xero has and the mirror lacks, or the reverse, or that differ. */
  mismatches: number;
  duplicates: number;
  calls: number;
  /** The fewest calls that read as much. */
  least: number;
  /** What is wrong, a sentence each. */
  complaints: string[];
}

export async function audit(
  pool: pg.Pool,
  api: ApiClient,
  simulatorUrl: string,
  { organisation, connection }: Customer,
): Promise<Audit> {
  const usage = await control<Usage>(simulatorUrl, 'GET', `/organisations/${organisation}/truth`);
  const backfill = await api.get<BackfillView>(`/connections/${connection}/backfill`);
  const found: Audit = {
    records: 0,
    mismatches: 0,
    duplicates: await duplicatesOf(pool, organisation),
    calls: usage.calls.total,
    least: 0,
    complaints:
      backfill.outcome === 'completed' ? [] : [`${organisation}: the first full read ended as ${backfill.outcome}`],
  };
  for (const stream of streamNames) {
    const { equal, missing, surplus, different } = await compareWithTruth(pool, simulatorUrl, organisation, stream);
    const wrong = missing.length + surplus.length + different.length;
    const told = backfill.streams[stream];
    found.records += equal;
    found.mismatches += wrong;
    found.least += leastCalls(stream, usage.streams[stream]?.count ?? 0);
    if (wrong > 0) {
      const parts = `${missing.length} missing, ${surplus.length} surplus, ${different.length} different`;
      found.complaints.push(`${organisation} ${stream}: ${parts}`);
    }
    if (told.status !== 'complete' || told.records !== equal) {
      found.complaints.push(`${organisation} ${stream}: the API tells ${told.records} records, ${told.status}`);
    }
  }
  if (found.duplicates > 0) found.complaints.push(`${organisation}: ${found.duplicates} rows are there twice`);
  return found;
}

async function duplicatesOf(pool: pg.Pool, organisation: string): Promise<number> {
  const { rows } = await pool.query<{ twice: number }>(
    `SELECT (count(*) - count(DISTINCT (stream, xero_id)))::int AS twice FROM record WHERE organisation_id = $1`,
    [organisation],
  );
  return rows[0]?.twice ?? 0;
}

function leastCalls(stream: StreamName, count: number): number {
  const { way, pageSize } = streams[stream];
  return way === 'wholeList' ? 1 : Math.max(1, Math.ceil(count / pageSize));
}
