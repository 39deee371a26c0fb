import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './apiClient.js';
import { createProgress } from './progressBar.js';
import { StartError } from './startError.js';

/** What GET /v1/connections/{id}/backfill answers, as far as it is used here. */
export interface Backfill {
  outcome: string | null;
  url: string;
  startedAt: string;
  endedAt: string | null;
  sleepingUntil: string | null;
  calls: number;
  bytes: number;
  rateLimited: { minute: number; day: number; concurrent: number };
  sleeps: { reason: string; seconds: number }[];
  streams: Record<string, { status: string; records: number; expected: number | null; calls: number }>;
}

/** What GET /v1/connections/{id}/budget answers, as far as it is used here. */
interface Budget {
  minute: { remaining: number | null };
  day: { remaining: number | null };
}

const pollMs = 300;

/**
 * Shows the first full read until it has ended. One that an earlier start left unfinished, or could not begin, goes on.
 * @throws StartError when it ends without being complete.
 */
export async function followBackfill(api: ApiClient, connectionId: string): Promise<Backfill> {
  const path = `/connections/${connectionId}/backfill`;
  const before = await api.get<Backfill>(path);
  if (before.outcome === 'completed') return before;
  await api.post(path, {});
  const progress = createProgress(process.stdout);
  for (;;) {
    const [backfill, budget] = await Promise.all([
      api.get<Backfill>(path),
      api.get<Budget>(`/connections/${connectionId}/budget`),
    ]);
    progress.show({ backfill, callsLeft: { day: budget.day.remaining, minute: budget.minute.remaining } });
    if (backfill.endedAt !== null) {
      progress.end();
      if (backfill.outcome === 'completed') return backfill;
      throw new StartError(`The first full read ended as ${backfill.outcome}: look at ${backfill.url}`);
    }
    await delay(pollMs);
  }
}
