/** Records a second with limits off, against the floor of the same run. */
import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';
import { readFloor, tokenFor } from './floor.js';

export interface Throughput {
  /** Records a second, a round each. */
  floor: number[];
  ours: number[];
}

/** Both read the same organisation, each new one in turn first. */
export async function measureThroughput(
  stack: Stack,
  { rounds, records }: { rounds: number; records: number },
): Promise<Throughput> {
  const rates: Throughput = { floor: [], ours: [] };
  for (let round = 0; round < rounds; round++) {
    const organisation = await newOrganisation(stack, { records });
    const token = await tokenFor(stack, organisation);
    // The simulator makes its columns and sorts them at the first read: neither shall pay for that.
    await readFloor(stack, organisation, token);
    const floor = async () => {
      rates.floor.push(rateOf(await readFloor(stack, organisation, token)));
    };
    const ours = async () => {
      rates.ours.push(rateOf(await backfill(stack, organisation)));
    };
    for (const measure of round % 2 === 0 ? [floor, ours] : [ours, floor]) await measure();
  }
  return rates;
}

const rateOf = ({ records, ms }: { records: number; ms: number }): number => (records / ms) * 1000;
