/** Calls of a first full read against the least possible. */
import { type Stream, streamNames, streams } from '../../domain/streams.js';
import type { Usage } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

export interface Calls {
  records: number;
  calls: number;
  least: number;
}

/** What the simulator counted, against one call for each started page of a paged stream and one for each list. */
export async function measureCalls(stack: Stack, records: number): Promise<Calls> {
  const organisation = await newOrganisation(stack, { records });
  const read = await backfill(stack, organisation);
  const usage = await control<Usage>(stack.simulatorUrl, 'GET', `/organisations/${organisation}/truth`);
  return { records: read.records, calls: usage.calls.total, least: leastCalls(usage) };
}

/** The least calls that all streams but the optional ones can be read with. */
export function leastCalls(usage: Usage): number {
  const least = ({ name, way, pageSize }: Stream): number =>
    way === 'wholeList' ? 1 : Math.max(1, Math.ceil((usage.streams[name]?.count ?? 0) / pageSize));
  return streamNames
    .map((name) => streams[name])
    .filter(({ optional }) => !optional)
    .reduce((sum, stream) => sum + least(stream), 0);
}
