/** `npm run bench -- memory`: does a worker need more memory the more it reads? */
import { peakRssMb } from '../../embedded/peakRss.js';
import type { Figure } from '../figures.js';
import { backfill, newOrganisation, warmUp } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

const small = 50_000;
const large = 500_000;
const aim = 1.2;

export async function* benchMemory(stack: Stack): AsyncGenerator<Figure> {
  const [few, many] = [await peakAfter(stack, small), await peakAfter(stack, large)];
  const ratio = many.mb / few.mb;
  const value = `${ratio.toFixed(2)}: ${many.mb} MB at ${many.records} records, ${few.mb} MB at ${few.records}`;
  yield { what: "worker's peak resident memory", value, aim: `<= ${aim}`, met: ratio <= aim };
}

/** In a worker of its own, that has read before. */
async function peakAfter(stack: Stack, records: number): Promise<{ mb: number; records: number }> {
  const worker = await stack.startWorker();
  await warmUp(stack);
  const read = await backfill(stack, await newOrganisation(stack, { records }));
  const mb = peakRssMb(worker.pid);
  await worker.stop();
  return { mb, records: read.records };
}
