import type { Runs, StreamTally } from '../domain/ports.js';

/** What a run has done to the mirror, by stream. */
export type RunCounts = Record<string, Pick<StreamTally, 'created' | 'changed' | 'unchanged'>>;

export async function runCounts(runs: Pick<Runs, 'get'>, connectionId: string, runId: string): Promise<RunCounts> {
  const tallies = Object.entries((await runs.get(connectionId, runId))?.streams ?? {});
  const counts = tallies.map(([name, { created, changed, unchanged }]) => [name, { created, changed, unchanged }]);
  return Object.fromEntries(counts);
}
