import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CallBudgetOptions, createCallBudget } from '../../db/budget.js';
import { createPool } from '../../db/pool.js';
import type { AnsweredLimits, CallBudget, CallCount, Priority, Ticket } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
/** One pool a worker, as in life. */
let pools: pg.Pool[];

beforeAll(async () => {
  database = await freshDatabase();
  pools = [1, 2, 3, 4].map(() => createPool(database.url, 4));
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

const nobody: CallCount = { connectionId: randomUUID(), runId: 'run', stream: 'contacts', bytes: 0 };

const left = (minuteRemaining: number | null, dayRemaining: number | null = 4000): AnsweredLimits => ({
  minuteRemaining,
  dayRemaining,
  appMinuteRemaining: null,
  refused: null,
});

async function granted(budget: ReturnType<typeof createCallBudget>, organisationId: string): Promise<Ticket> {
  const take = await budget.take(organisationId, 'background');
  if (!take.granted) throw new Error(`refused by ${take.limit}`);
  return take.ticket;
}

/** A server with one fixed window and a slot count, told of each call at its own time. */
class CountingServer {
  used = 0;
  inFlight = 0;
  mostInFlight = 0;

  constructor(readonly limit: number) {}

  async call(): Promise<AnsweredLimits> {
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    await delay(Math.random() * 4);
    this.used++;
    const remaining = this.limit - this.used;
    await delay(Math.random() * 4);
    this.inFlight--;
    return left(Math.max(0, remaining));
  }
}

describe('the budget in Postgres', () => {
  it('is one for all workers: twelve of them on three pools never exceed five in flight nor the minute', async () => {
    const organisationId = randomUUID();
    const server = new CountingServer(60);
    const worker = async (pool: pg.Pool) => {
      const budget = createCallBudget(pool);
      while (server.used < 59) {
        const take = await budget.take(organisationId, 'background');
        if (take.granted) await budget.settle(take.ticket, await server.call(), nobody);
        else if (take.waitMs > 2000) return;
        else await delay(take.waitMs / 10);
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, n) => worker(pools[n % 3] as pg.Pool)));
    expect(server.mostInFlight).toBeLessThanOrEqual(5);
    expect(server.used).toBeGreaterThanOrEqual(59);
    // One more at most: the lone call that asks when the minute ends.
    expect(server.used).toBeLessThanOrEqual(61);
  });

  it('does not let two organisations wait for each other', async () => {
    const budget = createCallBudget(database.pool);
    const [one, other] = [randomUUID(), randomUUID()];
    await granted(budget, one);
    expect((await budget.take(one, 'people')).granted).toBe(false);
    expect((await budget.take(other, 'people')).granted).toBe(true);
  });

  it('makes an organisation’s row once, however many ask at the same time', async () => {
    const organisationId = randomUUID();
    const takes = await Promise.all(
      Array.from({ length: 9 }, (_, n) => createCallBudget(pools[n % 3] as pg.Pool).take(organisationId, 'background')),
    );
    expect(takes.filter((take) => take.granted)).toHaveLength(1);
  });

  it('goes by Postgres’s clock and the test offset: a used-up day is over when the offset says so', async () => {
    let offset = 0;
    const budget = createCallBudget(database.pool, { testOffset: () => offset });
    const organisationId = randomUUID();
    await budget.settle(await granted(budget, organisationId), left(50, 0), nobody);
    offset = 3_600_000;
    await budget.settle(
      await granted(budget, organisationId),
      { ...left(0, 0), refused: { limit: 'day', retryAfterSeconds: 7200 } },
      nobody,
    );
    const refusal = await budget.take(organisationId, 'people');
    expect(refusal).toMatchObject({ granted: false, limit: 'day' });
    const view = await budget.look(organisationId);
    const endsIn = Date.parse(view.day.resetsAt ?? '') - Date.now() - offset;
    expect(Math.abs(endsIn - 7_201_000)).toBeLessThan(60_000);
    offset += 7_202_000;
    expect((await budget.take(organisationId, 'background')).granted).toBe(true);
  });

  it('takes permissions of dead workers back when their lease ends', async () => {
    let offset = 0;
    const options: CallBudgetOptions = { testOffset: () => offset };
    const budget = createCallBudget(database.pool, options);
    const organisationId = randomUUID();
    await budget.settle(await granted(budget, organisationId), left(50), nobody);
    for (let n = 0; n < 5; n++) await granted(budget, organisationId);
    expect(await budget.take(organisationId, 'people')).toMatchObject({ granted: false, limit: 'concurrent' });
    offset = 90_001;
    expect((await createCallBudget(pools[0] as pg.Pool, options).take(organisationId, 'people')).granted).toBe(true);
    expect((await budget.look(organisationId)).inFlight).toBe(1);
  });

  it('gives all five permissions of a dead worker back', async () => {
    let offset = 0;
    const budget = createCallBudget(database.pool, { testOffset: () => offset });
    const organisationId = randomUUID();
    await budget.settle(await granted(budget, organisationId), left(50), nobody);
    for (let n = 0; n < 5; n++) await granted(budget, organisationId);
    offset = 90_001;
    // The minute has begun anew: as ever, one call goes ahead and tells what is left.
    await budget.settle(await granted(budget, organisationId), left(50), nobody);
    for (let n = 0; n < 5; n++) await granted(budget, organisationId);
    expect((await budget.look(organisationId)).inFlight).toBe(5);
  });

  it('shows what is known of an organisation that never called', async () => {
    expect(await createCallBudget(database.pool).look(randomUUID())).toMatchObject({
      minute: { limit: 60, remaining: null, resetsAt: null },
      day: { remaining: null, resetsAt: null },
      inFlight: 0,
    });
  });
});

/** Grants and settles at once, as many as are granted, on four pools side by side. */
async function callsUntilRefused(
  budgets: readonly CallBudget[],
  organisationId: string,
  priority: Priority,
  answer: () => AnsweredLimits,
): Promise<number> {
  const one = async (budget: CallBudget): Promise<number> => {
    for (let calls = 0; ; ) {
      const take = await budget.take(organisationId, priority);
      if (take.granted) {
        calls++;
        await budget.settle(take.ticket, answer(), nobody);
      } else if (take.waitMs > 200) return calls;
    }
  };
  return (await Promise.all(budgets.map(one))).reduce((sum, calls) => sum + calls, 0);
}

describe('what is kept for people, among four workers', () => {
  let offset = 0;
  let budgets: CallBudget[];
  const rules: CallBudgetOptions = { testOffset: () => offset, limits: { minute: 60, appMinute: 300 } };
  beforeEach(async () => {
    await database.pool.query('UPDATE app_budget SET state = NULL');
    budgets = pools.map((pool) => createCallBudget(pool, rules));
  });

  const allOf = (answered: Partial<AnsweredLimits>): AnsweredLimits => ({
    minuteRemaining: 59,
    dayRemaining: 4000,
    appMinuteRemaining: null,
    refused: null,
    ...answered,
  });

  /** One refusal tells when the window ends; then the next one has begun, and is known. */
  async function inAKnownWindow(organisationId: string, limit: 'minute' | 'day' | 'appminute'): Promise<void> {
    const [budget] = budgets as [CallBudget];
    const refused = { limit, retryAfterSeconds: 3 };
    const none = { minute: { minuteRemaining: 0 }, day: { dayRemaining: 0 }, appminute: { appMinuteRemaining: 0 } };
    await budget.settle(await granted(budget, organisationId), allOf({ ...none[limit], refused }), nobody);
    offset += 5000;
  }

  it('six of the minute’s sixty', async () => {
    const organisationId = randomUUID();
    await inAKnownWindow(organisationId, 'minute');
    let used = 0;
    const answer = () => allOf({ minuteRemaining: 60 - ++used });
    expect(await callsUntilRefused(budgets, organisationId, 'background', answer)).toBe(54);
    expect(await callsUntilRefused(budgets, organisationId, 'people', answer)).toBe(6);
  });

  it('a tenth of the day', async () => {
    const organisationId = randomUUID();
    await inAKnownWindow(organisationId, 'day');
    let used = 0;
    const answer = () => allOf({ dayRemaining: 200 - ++used });
    const background = await callsUntilRefused(budgets, organisationId, 'background', answer);
    // A tenth of the highest remaining that was told: 199.
    expect(background).toBe(200 - 19);
    expect(await callsUntilRefused(budgets, organisationId, 'people', answer)).toBe(19);
  });

  it('a tenth of the app’s minute, though six first reads would use it all', async () => {
    const giants = Array.from({ length: 6 }, () => randomUUID());
    await inAKnownWindow(giants[0] as string, 'appminute');
    let used = 0;
    const answer = () => allOf({ appMinuteRemaining: 300 - ++used });
    const background = await Promise.all(
      giants.map((giant) => callsUntilRefused(budgets, giant, 'background', answer)),
    );
    // 1 % is left alone, because calls under way are not counted one by one.
    const taken = background.reduce((sum, calls) => sum + calls, 0);
    expect(taken).toBeGreaterThan(250);
    expect(taken).toBeLessThanOrEqual(300 - 3 - 30);
    expect(await budgets[0]?.take(randomUUID(), 'background')).toMatchObject({ granted: false, limit: 'appminute' });
    expect(await callsUntilRefused(budgets, randomUUID(), 'people', answer)).toBeGreaterThanOrEqual(30);
  });
});

describe('a small sync beside a giant first read', () => {
  const rules: CallBudgetOptions = { limits: { minute: 1_000_000, appMinute: 300 } };
  beforeEach(() => database.pool.query('UPDATE app_budget SET state = NULL'));

  it('makes its calls while the giant makes no more than a page’s worth for each of them', async () => {
    const [giant, small] = [randomUUID(), randomUUID()];
    let used = 0;
    const answer = (): AnsweredLimits => ({ ...left(null), appMinuteRemaining: 300 - ++used });
    const order: string[] = [];
    let over = false;
    const calls = async (organisationId: string, pool: pg.Pool, most: number) => {
      const budget = createCallBudget(pool, rules);
      for (let made = 0; made < most && !over; ) {
        const take = await budget.take(organisationId, 'background');
        if (!take.granted) {
          await delay(Math.min(take.waitMs, 20));
          continue;
        }
        made++;
        order.push(organisationId);
        await delay(1);
        await budget.settle(take.ticket, answer(), nobody);
      }
    };
    const giants = Array.from({ length: 20 }, (_, n) => calls(giant, pools[n % 3] as pg.Pool, 1_000));
    while (order.length < 10) await delay(1);
    await calls(small, pools[3] as pg.Pool, 15);
    over = true;
    await Promise.all(giants);
    const places = order.flatMap((who, place) => (who === small ? [place] : []));
    expect(places).toHaveLength(15);
    const theGiants = (places.at(-1) as number) - (places[0] as number) + 1 - 15;
    // A page's worth is what Xero allows in flight.
    expect(theGiants).toBeLessThanOrEqual(5 * 14);
  });
});

describe('the tally', () => {
  it('counts answered calls, bytes and refusals by run and stream, and nothing for a connection that is gone', async () => {
    const budget = createCallBudget(database.pool);
    const connectionId = randomUUID();
    await database.pool.query(`INSERT INTO company (id, name, sync_by) VALUES ('c', 'C', 'company')`);
    await database.pool.query(`INSERT INTO connection (id, company_id, direction) VALUES ($1, 'c', 'import')`, [
      connectionId,
    ]);
    const count: CallCount = { connectionId, runId: 'r', stream: 'invoices', bytes: 700 };
    const settleNext = async (answered: AnsweredLimits | null, of = count) =>
      budget.settle(await granted(budget, randomUUID()), answered, of);
    await settleNext(left(50));
    await settleNext(left(49), { ...count, bytes: 300 });
    await settleNext(null, { ...count, bytes: 0 });
    for (const limit of ['minute', 'day', 'concurrent', 'appminute'] as const) {
      await settleNext({ ...left(0), refused: { limit, retryAfterSeconds: 1 } }, { ...count, bytes: 0 });
      // The app's minute is every organisation's: the next one has to wait for it, so it is begun anew.
      await database.pool.query('UPDATE app_budget SET state = NULL');
    }
    await settleNext(left(40), { ...count, runId: null });
    await settleNext(left(40), { ...count, connectionId: randomUUID() });
    const { rows } = await database.pool.query(
      `SELECT run_id, stream, calls::int, bytes::int, refused_minute::int, refused_day::int, refused_concurrent::int,
         refused_app_minute::int FROM call_tally ORDER BY run_id`,
    );
    const none = { refused_minute: 0, refused_day: 0, refused_concurrent: 0, refused_app_minute: 0 };
    expect(rows).toEqual([
      { run_id: '', stream: 'invoices', calls: 1, bytes: 700, ...none },
      {
        run_id: 'r',
        stream: 'invoices',
        calls: 6,
        bytes: 1000,
        refused_minute: 1,
        refused_day: 1,
        refused_concurrent: 1,
        refused_app_minute: 1,
      },
    ]);
  });
});
