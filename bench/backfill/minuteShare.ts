/** How much of Xero's minutes a first full read uses, and how often it is refused. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Usage } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

export interface MinuteShare {
  /** Calls ÷ (limit × full windows), of the windows between the first and the last, which are begun and left midway. */
  share: number;
  windows: number;
  /** Answers with 429, of any limit. */
  refusals: number;
}

const limit = 60;
/** A hundred a call, so that six minutes of calls are few records: it is the budget that is measured here. */
const quotes = 36_000;
const sampleMs = 20;

interface Windows {
  tenantId: string;
  windows: { minute: { used: number; resetsAt: string } };
}

/** Calls are counted by the simulator's own windows, looked at many times in each. */
export async function measureMinuteShare(stack: Stack): Promise<MinuteShare> {
  const organisation = await newOrganisation(stack, {
    counts: { quotes },
    limits: { minute: limit },
  });
  const used = new Map<string, number>();
  let over = false;
  const watch = async (): Promise<void> => {
    while (!over) {
      const all = await control<Windows[]>(stack.simulatorUrl, 'GET', '/organisations');
      const minute = all.find(({ tenantId }) => tenantId === organisation)?.windows.minute;
      if (minute) used.set(minute.resetsAt, Math.max(used.get(minute.resetsAt) ?? 0, minute.used));
      await delay(sampleMs);
    }
  };
  const read = backfill(stack, organisation, ['quotes']).finally(() => {
    over = true;
  });
  await Promise.all([watch(), read]);
  const full = [...used.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).slice(1, -1);
  const calls = full.reduce((sum, [, count]) => sum + count, 0);
  const { refusals } = await control<Usage>(stack.simulatorUrl, 'GET', `/organisations/${organisation}/truth`);
  return {
    share: calls / (limit * full.length),
    windows: full.length,
    refusals: Object.values(refusals).reduce((sum, count) => sum + count, 0),
  };
}
