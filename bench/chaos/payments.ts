/** `npm run chaos -- payments`: whatever is killed, no payment is attempted twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPool } from '../../db/pool.js';
import {
  callBack,
  type OpenInvoice,
  ownInvoices,
  payInXero,
  type Receiver,
  startReceiver,
  type World,
} from '../../test/support/payments.js';
import { seeded } from '../../test/support/readingModel.js';
import { control } from '../../test/xero/support.js';
import { type Customer, connect, followToEnd, persistently, Stuck } from './customer.js';
import { killOneByOne } from './killing.js';
import type { ChaosOptions } from './options.js';
import type { Stack } from './stack.js';

type Say = (line: string) => void;

/** Of the sales invoices of an organisation, about a third is open. */
const invoicesPerPayment = 6;
/** What a kill takes with what comes before it: each callback takes as long as lets the import last for all kills. */
const msPerKill = 3500;
const pollMs = 300;
const stuckAfterMs = 240_000;

/** @returns whether nothing was wrong. */
export async function ragePayments(stack: Stack, options: ChaosOptions, say: Say): Promise<boolean> {
  const began = performance.now();
  const pool = createPool(stack.databaseUrl);
  const receiver = await startReceiver();
  try {
    const world: World = { api: stack.api, database: { pool }, xeroUrl: stack.simulatorUrl };
    const { customer, paid } = await prepare(world, options, receiver);
    say(`${paid.length} payments were made in Xero; the first kill follows.`);
    receiver.delayMs = Math.round((options.kills * msPerKill) / paid.length);
    const killed = await whileKilling(
      stack,
      options,
      say,
      () => receiver.attempts.size,
      (over) => importUntil(world, customer, over),
    );
    return await summarise(world, customer, receiver, paid, killed, performance.now() - began, say);
  } finally {
    receiver.close();
    await pool.end();
  }
}

async function prepare(
  world: World,
  { seed, payments }: ChaosOptions,
  receiver: Receiver,
): Promise<{ customer: Customer; paid: OpenInvoice[] }> {
  const counts = { contacts: 200, invoices: payments * invoicesPerPayment, payments: 0, creditNotes: 0 };
  const wish = { name: `Payments ${seed}`, seed, counts };
  const { tenantId } = await control<{ tenantId: string }>(world.xeroUrl, 'POST', '/organisations', wish);
  const customer = await connect(world.api, `company-${seed}`, tenantId);
  await followToEnd(world.api, customer, () => undefined);
  await world.api.patch(`/connections/${customer.connection}/settings`, { paymentsIn: true });
  const books = { id: customer.connection, organisation: customer.organisation };
  await callBack(world, books, receiver);
  const paid = await ownInvoices(world, books, customer.company, payments);
  if (paid.length < payments) throw new Error(`only ${paid.length} invoices are open`);
  await payInXero(world, books, paid);
  return { customer, paid };
}

/** Does the work while one victim after the other is killed. @returns how many were, by kind. */
async function whileKilling(
  stack: Stack,
  { kills, seed }: ChaosOptions,
  say: Say,
  progress: () => number,
  work: (over: () => boolean) => Promise<void>,
): Promise<Record<string, number>> {
  const began = performance.now();
  const tally: Record<string, number> = {};
  const ended = new AbortController();
  let over = false;
  const killing = async (): Promise<void> => {
    for await (const { number, kind, name, awayMs } of killOneByOne(stack.victims, kills, seeded(seed), ended.signal)) {
      tally[kind] = (tally[kind] ?? 0) + 1;
      const at = ((performance.now() - began) / 1000).toFixed(1);
      say(
        `${String(number).padStart(4)}  ${at.padStart(6)} s  ${name.padEnd(9)} away for ${awayMs} ms; ${progress()} sent`,
      );
    }
    over = true;
  };
  const both = [killing(), work(() => over)];
  try {
    await Promise.all(both);
  } finally {
    ended.abort();
    await Promise.allSettled(both);
  }
  return tally;
}

/** Runs after runs, until the killing is over and nothing is left to be claimed. @throws Stuck */
async function importUntil({ api }: World, { connection }: Customer, over: () => boolean): Promise<void> {
  const path = `/connections/${connection}`;
  let [seen, since] = ['', performance.now()];
  for (;;) {
    const wasOver = over();
    const { runId } = await persistently(() => api.post<{ runId: string }>(`${path}/payment-imports`, {}));
    for (;;) {
      const run = await persistently(() => api.get<{ endedAt: string | null }>(`${path}/runs/${runId}`));
      const { unreconciled } = await persistently(() =>
        api.get<{ unreconciled: object }>(`${path}/payment-imports?limit=1`),
      );
      const now = JSON.stringify([run, unreconciled]);
      if (now !== seen) [seen, since] = [now, performance.now()];
      if (run.endedAt !== null) break;
      if (performance.now() - since > stuckAfterMs) throw new Stuck(`nothing moves: ${seen}`);
      await delay(pollMs);
    }
    if (wasOver && (await leftToClaim(api, path)) === 0) return;
  }
}

const leftToClaim = async (api: World['api'], path: string): Promise<number> => {
  const left = await persistently(() => api.get<{ data: object[] }>(`${path}/payment-imports?state=unmatched&limit=1`));
  return left.data.length;
};

interface Books {
  state: string;
  code: string | null;
  count: number;
  amount: string;
  documents: number;
  events: number;
}

async function summarise(
  { database }: World,
  { connection }: Customer,
  { attempts, forged }: Receiver,
  paid: readonly OpenInvoice[],
  killed: Record<string, number>,
  ms: number,
  say: Say,
): Promise<boolean> {
  const { rows } = await database.pool.query<Books>(
    `SELECT state, code, count(*)::int AS count, sum(amount)::text AS amount,
            sum((SELECT count(*) FROM document d WHERE d.xero_id = i.xero_payment_id AND d.kind = 'payment'))::int AS documents,
            sum((SELECT count(*) FROM feed_event e WHERE e.xero_id = i.xero_payment_id AND e.type = 'payment.imported'))::int AS events
       FROM payment_import i WHERE connection_id = $1 GROUP BY state, code ORDER BY state`,
    [connection],
  );
  const { rows: claims } = await database.pool.query<{ id: string; state: string }>(
    'SELECT xero_payment_id AS id, state FROM payment_import WHERE connection_id = $1',
    [connection],
  );
  const of = (state: string) => rows.filter((row) => row.state === state).reduce((sum, { count }) => sum + count, 0);
  const twice = [...attempts.values()].filter((times) => times > 1).length;
  const unsent = claims.filter(({ id, state }) => state === 'imported' && !attempts.has(id)).length;
  const complaints = [
    ...(twice > 0 ? [`${twice} payments were sent more than once`] : []),
    ...(unsent > 0 ? [`${unsent} payments are imported and were never sent`] : []),
    ...(forged > 0 ? [`${forged} calls had another signature`] : []),
    ...(claims.length !== paid.length ? [`${claims.length} payments are known of ${paid.length}`] : []),
    ...(of('imported') + of('failed') !== paid.length ? [`states: ${JSON.stringify(rows)}`] : []),
    ...rows.flatMap(({ state, count, documents, events }) => {
      const expected = state === 'imported' ? count : 0;
      return documents === expected && events === expected
        ? []
        : [`${count} are ${state}, with ${documents} payments in the books and ${events} events`];
    }),
    ...rows
      .filter(({ state, code }) => state === 'failed' && code !== 'outcome_unknown')
      .map(({ code, count }) => `${count} failed as ${code}`),
  ];
  for (const complaint of complaints) say(complaint);
  const kinds = Object.entries(killed).map(([kind, count]) => `${kind} ${count}`);
  const kills = Object.values(killed).reduce((sum, count) => sum + count, 0);
  say(
    [
      `${kills} kills (${kinds.join(', ')})`,
      `${paid.length} payments: ${of('imported')} imported, ${of('failed')} failed as outcome_unknown`,
      `${attempts.size} sent, ${twice} sent twice`,
      `${(ms / 1000).toFixed(0)} s`,
    ].join('; '),
  );
  return complaints.length === 0;
}
