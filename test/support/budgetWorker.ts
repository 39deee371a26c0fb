/**
 * A process that reads one page after the other of many organisations, as a worker does: side by side, and with the budget
 * alone to hold it. Ends at SIGTERM. Its argument is JSON: BudgetWork.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createCallBudget } from '../../db/budget.js';
import { createPool } from '../../db/pool.js';
import { MustWait } from '../../domain/problems.js';
import { createXeroReader } from '../../xero/reader.js';
import { contextOf } from '../xero/support.js';

export interface BudgetWork {
  databaseUrl: string;
  xeroUrl: string;
  accessToken: string;
  organisations: string[];
  /** Readings side by side, shared out over the organisations. */
  lanes: number;
  minuteMs: number;
  /** Calls of a minute, as the simulator has them. */
  limits: { minute: number; appMinute: number };
}

const work = JSON.parse(process.argv[2] ?? '') as BudgetWork;
const pool = createPool(work.databaseUrl, 8);
const budget = createCallBudget(pool, { minuteMs: work.minuteMs, limits: work.limits });
const reader = createXeroReader({
  budget,
  tokens: { accessToken: async () => work.accessToken },
  apiUrl: work.xeroUrl,
});
let stopped = false;
process.on('SIGTERM', () => {
  stopped = true;
});

async function read(organisation: string): Promise<void> {
  const context = contextOf(organisation);
  while (!stopped) {
    await reader.readPage(context, 'contacts', { page: 1, pageSize: 1 }).catch(async (error: unknown) => {
      // A refusal is the test's to count, at the simulator.
      if (!(error instanceof MustWait)) throw error;
      await delay(Math.min(error.waitMs, 200));
    });
  }
}

const lanes = Array.from({ length: work.lanes }, (_, lane) => work.organisations[lane % work.organisations.length]);
await Promise.all(lanes.map((organisation) => read(organisation as string)));
await pool.end();
