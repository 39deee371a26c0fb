/** `npm run bench -- push`: from our answer to the document standing in Xero, and the calls of a bulk. */
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Usage } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';
import { type Figure, percentile } from '../figures.js';
import { sideBySide } from '../fleet/sideBySide.js';
import { noLimit, type Stack, type StackWish } from '../stack/stack.js';
import { type BareCall, bareCaller } from './bare.js';
import { type Customer, connectBothWays, invoiceOf, save, standing } from './customers.js';

/** As in life but for the limits. */
export const pushStack: StackWish = { speed: 1, appMinute: noLimit, temporalInMemory: true };

/** One at a time: so many saves, one a second, each beside a bare call. */
const lone = 60;
/** Many: so many connections, saves a second, and seconds. */
const many = { connections: 200, perSecond: 50, seconds: 30 };
const bulk = { documents: 10_000, perCall: 500 };
const connectedAtATime = 8;

export async function* benchPush(stack: Stack): AsyncGenerator<Figure> {
  await stack.startWorker();
  yield told('load of the machine at the start', loadavg()[0]?.toFixed(1) ?? '');
  const customers = await sideBySide(Array.from({ length: many.connections }), connectedAtATime, () =>
    connectBothWays(stack),
  );
  const [first] = customers as [Customer];
  yield* oneASecond(stack, first);
  yield* fiftyASecond(stack, customers);
  yield* inBulk(stack, first);
  yield told('load of the machine at the end', loadavg()[0]?.toFixed(1) ?? '');
}

async function* oneASecond(stack: Stack, customer: Customer): AsyncGenerator<Figure> {
  const bareCall = await bareCaller(stack, customer.organisation);
  await bareCall('warm', customer.contactId);
  const [bare, answered] = [[] as number[], new Map<string, number>()];
  for (let index = 0; index < lone; index++) {
    answered.set(`lone-${index}`, await save(stack, customer, `lone-${index}`, 10_000 + index));
    await delay(500);
    bare.push(await bareCall(`bare-${index}`, customer.contactId));
    await delay(500);
  }
  const ours = latencies(answered, await standing(stack, customer));
  const above = percentile(ours, 50) - percentile(bare, 50);
  const value = `${shown(ours)}; bare ${shown(bare)}; ${above.toFixed(0)} ms above it`;
  yield { what: 'a save a second', value, aim: 'p50 <= 60 ms above the bare call', met: above <= 60 };
}

async function* fiftyASecond(stack: Stack, customers: readonly Customer[]): AsyncGenerator<Figure> {
  const count = many.perSecond * many.seconds;
  const answered = new Map<Customer, Map<string, number>>(customers.map((customer) => [customer, new Map()]));
  await steadily(count, async (index) => {
    const customer = customers[index % customers.length] as Customer;
    answered.get(customer)?.set(`many-${index}`, await save(stack, customer, `many-${index}`, 20_000 + index));
  });
  const ours: number[] = [];
  for (const [customer, times] of answered) ours.push(...latencies(times, await standing(stack, customer)));
  const callers = await sideBySide(customers, connectedAtATime, ({ organisation }) => bareCaller(stack, organisation));
  const bare: number[] = [];
  await steadily(count / 3, async (index) => {
    const place = index % customers.length;
    bare.push(await (callers[place] as BareCall)(`bare-many-${index}`, (customers[place] as Customer).contactId));
  });
  const [middle, slow] = [percentile(ours, 50), percentile(ours, 99)];
  yield {
    what: `${many.perSecond} saves a second, ${many.connections} connections`,
    value: `${shown(ours)}; bare ${shown(bare)}`,
    aim: 'p50 <= 150 ms, p99 <= 500 ms',
    met: middle <= 150 && slow <= 500,
  };
}

/** Starts `work` so often, evenly over time, whether the one before has ended or not. */
async function steadily(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    await delay(Math.max(0, began + (index * 1000) / many.perSecond - performance.now()));
    all.push(work(index));
  }
  await Promise.all(all);
}

async function* inBulk(stack: Stack, customer: Customer): AsyncGenerator<Figure> {
  const usage = () =>
    control<Usage>(stack.simulatorUrl, 'GET', `/organisations/${customer.organisation}/truth`).then(
      ({ calls }) => calls,
    );
  const before = await usage();
  const began = performance.now();
  for (let from = 0; from < bulk.documents; from += bulk.perCall) {
    const documents = Array.from({ length: bulk.perCall }, (_, index) => {
      const externalId = `bulk-${from + index}`;
      return { kind: 'invoice', externalId, ...invoiceOf(externalId, 100_000 + from + index) };
    });
    await stack.api.post(`/companies/${customer.company}/documents`, { documents });
  }
  await standing(stack, customer);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const calls = (await usage()).total - before.total;
  const value = `${calls} calls, ${seconds} s`;
  yield { what: `a bulk of ${bulk.documents}`, value, aim: 'about 200 calls', met: calls <= 210 };
}

const latencies = (answered: Map<string, number>, stood: Map<string, number>): number[] =>
  [...answered].map(([number, at]) => (stood.get(number) ?? Number.NaN) - at);

const shown = (values: readonly number[]): string =>
  `p50 ${percentile(values, 50).toFixed(0)} ms, p99 ${percentile(values, 99).toFixed(0)} ms`;

const told = (what: string, value: string): Figure => ({ what, value, aim: null, met: true });
