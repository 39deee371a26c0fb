/** Wall time of a first full read where each answer takes its time. */
import { control } from '../../test/xero/support.js';
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

const counts = { invoices: 20_000, payments: 10_000, contacts: 200 };
const answerMs = 100;

/** Milliseconds of each round, limits off. */
export async function measureWallTime(stack: Stack, rounds: number): Promise<number[]> {
  const times: number[] = [];
  await control(stack.simulatorUrl, 'PATCH', '/settings', { latencyMs: answerMs });
  try {
    for (let round = 0; round < rounds; round++) {
      times.push((await backfill(stack, await newOrganisation(stack, { counts }))).ms);
    }
  } finally {
    await control(stack.simulatorUrl, 'PATCH', '/settings', { latencyMs: 0 });
  }
  return times;
}
