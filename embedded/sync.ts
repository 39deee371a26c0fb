import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './apiClient.js';
import { StartError } from './startError.js';

interface Run {
  outcome: string;
  url: string;
  calls: number;
  streams: Record<string, { created: number; changed: number; unchanged: number }>;
}

/** What people may have done in Xero since the last reading. */
const edits = [
  { stream: 'contacts', op: 'add' },
  { stream: 'contacts', op: 'edit', nth: 3 },
  { stream: 'invoices', op: 'add' },
  { stream: 'invoices', op: 'edit', nth: 1 },
  { stream: 'invoices', op: 'edit', nth: 2 },
];

const pollMs = 300;

/**
 * Edits a few records in the simulator and has them read, as "sync now" in a platform would.
 * @returns a line that says what changed.
 * @throws StartError when the sync ends without being complete.
 */
export async function showSync(api: ApiClient, simulatorUrl: string, connectionId: string): Promise<string> {
  const path = `/connections/${connectionId}`;
  const { organisation } = await api.get<{ organisation: { id: string } }>(path);
  const edited = await fetch(`${simulatorUrl}/_sim/organisations/${organisation.id}/edits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(edits),
  });
  if (!edited.ok) throw new StartError(`The simulator did not take the edits (status ${edited.status}).`);
  const { runId, url } = await api.post<{ runId: string; url: string }>(`${path}/sync`, {});
  for (;;) {
    const run = await api.get<Run>(`${path}/runs/${runId}`);
    if (run.outcome === 'completed') return `Sync now: ${changesOf(run)}, in ${run.calls} calls. ${url}`;
    if (run.outcome !== 'running') throw new StartError(`The sync ended as ${run.outcome}: look at ${url}`);
    await delay(pollMs);
  }
}

function changesOf({ streams }: Run): string {
  const touched = Object.entries(streams).filter(([, { created, changed }]) => created + changed > 0);
  if (touched.length === 0) return 'nothing has changed';
  return touched.map(([name, { created, changed }]) => `${name} ${created} new, ${changed} changed`).join('; ');
}
