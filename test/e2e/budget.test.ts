/** The budget among many processes, each with a pool of its own, against the simulator's limits. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCallBudget } from '../../db/budget.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { scopesFor } from '../../xero/scopes.js';
import type { Usage } from '../support/books.js';
import type { BudgetWork } from '../support/budgetWorker.js';
import { startChild } from '../support/childProcess.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { eventually } from '../support/waiting.js';
import { control, giveConsent, oauthAt } from '../xero/support.js';

const minuteMs = 5000;
const processes = 4;

let database: FreshDatabase;
let simulator: Simulator;

beforeEach(async () => {
  database = await freshDatabase();
  simulator = await startSimulator({ port: 0, demo: false, minuteMs });
});
afterEach(async () => {
  await simulator.close();
  await database.drop();
});

/** Eight organisations in Xero, and a token for them all. */
async function eightOrganisations(minute: number): Promise<{ organisations: string[]; accessToken: string }> {
  const limits = { minute, day: 1_000_000 };
  const make = (_: unknown, n: number) =>
    control<{ tenantId: string }>(simulator.url, 'POST', '/organisations', {
      name: `${n}`,
      counts: { contacts: 3 },
      limits,
    });
  const organisations = (await Promise.all(Array.from({ length: 8 }, make))).map(({ tenantId }) => tenantId);
  const oauth = oauthAt(simulator.url);
  const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
  const consentUrl = await oauth.consentUrl({ ...secret, scopes: scopesFor('import') });
  const { tokens } = await oauth.exchange(await giveConsent(consentUrl, organisations), secret);
  return { organisations, accessToken: tokens.accessToken };
}

/** Four processes that read them without a pause, each as fast as the budget lets it, while `watch` looks on. */
async function whileFourRead(
  limits: { minute: number; appMinute: number },
  watch: (organisations: readonly string[]) => Promise<void>,
): Promise<void> {
  await control(simulator.url, 'PATCH', '/settings', { limits: { appMinute: limits.appMinute } });
  const { organisations, accessToken } = await eightOrganisations(limits.minute);
  const work: BudgetWork = {
    ...{ databaseUrl: database.url, xeroUrl: simulator.url, accessToken, organisations },
    ...{ lanes: 16, minuteMs, limits },
  };
  const workers = Array.from({ length: processes }, () =>
    startChild('test/support/budgetWorker.ts', [JSON.stringify(work)], process.env),
  );
  try {
    await watch(organisations);
    expect(workers.map((worker) => [worker.running(), worker.output()])).toEqual(workers.map(() => [true, '']));
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

const usagesOf = (organisations: readonly string[]): Promise<Usage[]> =>
  Promise.all(organisations.map((id) => control<Usage>(simulator.url, 'GET', `/organisations/${id}/truth`)));
const callsIn = (usages: readonly Usage[]) => usages.reduce((sum, { calls }) => sum + calls.total, 0);
const refusalsIn = (usages: readonly Usage[], limit: keyof Usage['refusals']) =>
  usages.map(({ refusals }) => refusals[limit]);
const none = Array.from({ length: 8 }, () => 0);

async function moreCalls(organisations: readonly string[], than: readonly Usage[], count: number): Promise<Usage[]> {
  return await eventually(
    'more calls are made',
    () => usagesOf(organisations),
    (now) => callsIn(now) - callsIn(than) >= count,
  );
}

test('four processes are refused once by an organisation, to learn its minute, and not again once its end is known', async () => {
  const limits = { minute: 30, appMinute: 10_000 };
  await whileFourRead(limits, async (organisations) => {
    const budget = createCallBudget(database.pool, { minuteMs, limits });
    await eventually(
      'the ends of all minutes are known',
      () => Promise.all(organisations.map((each) => budget.look(each))),
      (views) => views.every(({ minute }) => minute.resetsAt !== null),
    );
    const known = await usagesOf(organisations);
    for (const refused of refusalsIn(known, 'minute')) expect(refused).toBeLessThanOrEqual(1);
    // Four whole minutes of all of them.
    const later = await moreCalls(organisations, known, 4 * 8 * 30);
    expect(later.map(({ refusals }) => refusals)).toEqual(known.map(({ refusals }) => refusals));
    for (const { mostInFlight } of later) expect(mostInFlight).toBeLessThanOrEqual(5);
  });
});

test('four processes share the app’s minute out fairly, and are not refused for it', async () => {
  await whileFourRead({ minute: 60, appMinute: 300 }, async (organisations) => {
    const begun = await moreCalls(organisations, [], 300);
    const later = await moreCalls(organisations, begun, 1200);
    expect(refusalsIn(later, 'minute')).toEqual(none);
    expect(refusalsIn(later, 'appminute').reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1);
    const got = later.map(({ calls }, index) => calls.total - (begun[index] as Usage).calls.total);
    expect(Math.min(...got)).toBeGreaterThan(Math.max(...got) / 2);
  });
});
