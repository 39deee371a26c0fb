import type { ApiClient } from './apiClient.js';
import type { Backfill } from './backfill.js';
import { peakRssMb } from './peakRss.js';
import type { Services } from './services.js';

/**
 * The result of `--once`: what is in the mirror beside what the simulator says is there.
 * Seconds and MB are of the backfill and of the worker; `expected` never comes from our own tables.
 */
export async function reportOf(api: ApiClient, services: Services, connectionId: string, backfill: Backfill) {
  const connection = await api.get<{ status: string; organisation: { id: string } }>(`/connections/${connectionId}`);
  const expected = await countsOf(`${services.simulatorUrl}/_sim/organisations/${connection.organisation.id}/truth`);
  const streams = Object.entries(backfill.streams).map(([name, { records, calls }]) => [
    name,
    { records, expected: expected[name]?.count ?? null, calls },
  ]);
  const { minute, day, concurrent } = backfill.rateLimited;
  return {
    connectionId,
    status: connection.status,
    streams: Object.fromEntries(streams),
    calls: backfill.calls,
    bytes: backfill.bytes,
    rateLimited: { minute, day, concurrent },
    sleeps: backfill.sleeps,
    seconds: (Date.parse(backfill.endedAt ?? '') - Date.parse(backfill.startedAt)) / 1000,
    peakRssMb: peakRssMb(services.worker.pid),
  };
}

async function countsOf(url: string): Promise<Record<string, { count: number }>> {
  const truth = (await (await fetch(url)).json()) as { streams: Record<string, { count: number }> };
  return truth.streams;
}
