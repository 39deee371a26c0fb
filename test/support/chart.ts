import type { Mirror } from '../../domain/ports.js';
import { beginFull } from '../../domain/reading.js';
import { streams } from '../../domain/streams.js';
import type { Bench } from '../simulator/support.js';

const leaseMs = 60_000;

/** The streams that settings are checked against. */
export const chartStreams = ['organisation', 'accounts', 'taxRates', 'trackingCategories', 'currencies'] as const;
export type ChartAnswers = Readonly<Record<(typeof chartStreams)[number], string>>;

/** What the simulator answers for them. */
export async function chartAnswers(bench: Bench): Promise<ChartAnswers> {
  const answers = chartStreams.map(async (name) => {
    const answer = await bench.get(streams[name].endpoint, streams[name].query);
    return [name, await answer.text()] as const;
  });
  return Object.fromEntries(await Promise.all(answers)) as ChartAnswers;
}

/** Mirrors answers, each stream read to its end, as a first full read does. */
export async function mirrorChart(
  mirror: Mirror,
  connection: { id: string; organisation: string },
  answers: Partial<ChartAnswers>,
): Promise<void> {
  for (const name of chartStreams) {
    const text = answers[name];
    if (text === undefined) continue;
    const held = await mirror.acquire(connection.id, name, 'a test', leaseMs);
    if (!held) throw new Error('the stream is held');
    await mirror.begin(held.lease, beginFull(streams[name], null));
    const readAt = await mirror.now();
    const page = {
      organisationId: connection.organisation,
      runId: 'a test',
      text,
      readAt,
      syncFromDate: null,
      complete: true,
      seen: false,
    };
    await mirror.storePage(held.lease, page, (state) => state, leaseMs);
    await mirror.finish(held.lease, 'complete', null);
  }
}
