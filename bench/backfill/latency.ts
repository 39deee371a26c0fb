/** Wall time of a first full read where each answer takes its time. */
import { control } from '../../test/xero/support.js';
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';
import { readFloor, tokenFor } from './floor.js';

const counts = { invoices: 20_000, payments: 10_000, contacts: 200 };
const answerMs = 100;

export interface WallTimes {
  /** Milliseconds of each round, limits off. */
  ours: number[];
  /** Of fetching, parsing and copying the same: what this machine cannot be below. */
  floor: number[];
}

export async function measureWallTime(stack: Stack, rounds: number): Promise<WallTimes> {
  const times: WallTimes = { ours: [], floor: [] };
  await control(stack.simulatorUrl, 'PATCH', '/settings', { latencyMs: answerMs });
  try {
    for (let round = 0; round < rounds; round++) {
      const organisation = await newOrganisation(stack, { counts });
      const token = await tokenFor(stack, organisation);
      times.ours.push((await backfill(stack, organisation)).ms);
      times.floor.push((await readFloor(stack, organisation, token)).ms);
    }
  } finally {
    await control(stack.simulatorUrl, 'PATCH', '/settings', { latencyMs: 0 });
  }
  return times;
}
