import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../api/metrics.js';
import { createCallBudget } from '../../db/budget.js';
import { createFigures } from '../../db/figures.js';
import { createPool } from '../../db/pool.js';
import type { AnsweredLimits } from '../../domain/ports.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function pageOf(metrics: Metrics): Promise<string> {
  const app = metrics.app();
  const answer = await app.inject('/metrics');
  await app.close();
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toContain('text/plain');
  return answer.body;
}

/** A call that Xero answered with so many calls left of the day. */
async function answered(
  connectionId: string,
  organisation: string,
  dayRemaining: number,
  refused: AnsweredLimits['refused'],
): Promise<void> {
  const budget = createCallBudget(api.database.pool);
  const take = await budget.take(organisation, 'people');
  if (!take.granted) throw new Error(`refused by ${take.limit}`);
  const limits = { minuteRemaining: 50, dayRemaining, appMinuteRemaining: 9000, refused };
  await budget.settle(take.ticket, limits, { connectionId, runId: 'run', stream: 'contacts', bytes: 1 });
}

test('the page counts calls by pattern, connections by status, grants and runs, and names no customer', async () => {
  const company = `customer-${randomUUID()}`;
  const { id, state } = await api.connect(company);
  const demo = organisation('Demo Company (NZ)');
  await api.callback({ state, code: api.xero.grant([demo]) });
  await api.connect('another');
  await api.deps.connections.setSleeping(id, '2099-01-01T00:00:00Z');
  const [whole, used] = [randomUUID(), randomUUID()];
  await answered(id, whole, 4000, null);
  await answered(id, whole, 3999, { limit: 'minute', retryAfterSeconds: 1 });
  await answered(id, used, 0, null);
  await api.call('GET', `/v1/connections/${id}`);
  await api.call('GET', `/v1/connections/${randomUUID()}`);
  await api.call('GET', `/${company}`);
  const page = await pageOf(api.deps.metrics as Metrics);
  for (const line of [
    'nightledger_http_request_seconds_count{method="GET",route="/v1/connections/:id",status="2xx"} 1',
    'nightledger_http_request_seconds_count{method="GET",route="/v1/connections/:id",status="4xx"} 1',
    'nightledger_http_request_seconds_count{method="GET",route="none",status="4xx"} 1',
    'nightledger_http_request_seconds_count{method="POST",route="/v1/connections",status="2xx"} 2',
    'nightledger_postgres_up 1',
    'nightledger_connections{status="syncingContacts"} 1',
    'nightledger_connections{status="pending"} 1',
    'nightledger_connections{status="authFailed"} 0',
    'nightledger_connections_asleep 1',
    'nightledger_grants{state="alive"} 1',
    'nightledger_grants{state="dead"} 0',
    'nightledger_runs_in_hand{kind="backfill"} 1',
    'nightledger_xero_calls_answered 3',
    'nightledger_xero_calls_refused{limit="minute"} 1',
    'nightledger_xero_calls_refused{limit="day"} 0',
    'nightledger_xero_calls_refused{limit="concurrent"} 0',
    'nightledger_xero_calls_refused{limit="appminute"} 0',
    'nightledger_days_ended 1',
  ]) {
    expect(page.split('\n')).toContain(line);
  }
  expect(page).toContain('process_cpu_seconds_total');
  expect(page).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/i);
  for (const told of [company, 'another', 'customer-', demo.name]) expect(page).not.toContain(told);
});

test('with Postgres away the page is there, says so, and shows no figure of it', async () => {
  const pool = createPool('postgres://nobody@127.0.0.1:1/none');
  const page = await pageOf(createMetrics(createFigures(pool)));
  expect(page.split('\n')).toContain('nightledger_postgres_up 0');
  expect(page).toContain('process_cpu_seconds_total');
  expect(page).not.toMatch(
    /^nightledger_(connections|connections_asleep|grants|runs_in_hand|xero_calls_\w+|days_ended)[ {]/m,
  );
  await pool.end();
});

test('the API itself has no such page', async () => {
  expect((await api.call('GET', '/metrics')).statusCode).toBe(404);
});
