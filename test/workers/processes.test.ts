/** The processes as they run in production: how they end, and what their metrics pages show. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort, isListening } from '../../embedded/ports.js';
import { ensureAdminKey } from '../../workers/adminKeys.js';
import { type Child, startChild } from '../support/childProcess.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { eventually } from '../support/waiting.js';

let database: FreshDatabase;
const secret = `nl_${randomBytes(32).toString('base64url')}`;
const children: Child[] = [];
beforeAll(async () => {
  database = await freshDatabase();
  await ensureAdminKey(database.url, 'tests', secret);
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.killHard()));
});
afterAll(() => database.drop());

interface Started {
  child: Child;
  port: number;
  metricsUrl: string;
  call(method: string, path: string, body?: object): Promise<Response>;
}

async function start(script: 'api' | 'worker', host = '127.0.0.1'): Promise<Started> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const child = startChild(`workers/${script}.ts`, [], {
    ...process.env,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: process.env.TEST_TEMPORAL_ADDRESS,
    XERO_CLIENT_ID: 'id',
    XERO_CLIENT_SECRET: 'secret',
    NIGHTLEDGER_HOST: host,
    NIGHTLEDGER_PORT: String(port),
    NIGHTLEDGER_METRICS_PORT: String(metricsPort),
    NIGHTLEDGER_WORKER_METRICS_PORT: String(metricsPort),
    NIGHTLEDGER_TOKEN_KEYS: `test:${randomBytes(32).toString('base64')}`,
  });
  children.push(child);
  const metricsUrl = `http://${host}:${metricsPort}/metrics`;
  const url = script === 'api' ? `http://${host}:${port}/health/live` : metricsUrl;
  await eventually(
    `the ${script} answers`,
    async () => ({
      ok: await fetch(url).then(
        (answer) => answer.ok,
        () => false,
      ),
      output: child.output(),
    }),
    ({ ok }) => ok || !child.running(),
  );
  const call: Started['call'] = (method, path, body) =>
    fetch(`http://${host}:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  return { child, port, metricsUrl, call };
}

/** A company's row, locked: a PUT of it waits. */
async function lockCompany(id: string) {
  const client = await database.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM company WHERE id = $1 FOR UPDATE', [id]);
  return {
    awaited: () =>
      eventually(
        'the call waits for the row',
        async () =>
          (
            await database.pool.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            )
          ).rowCount,
        (waiting) => waiting === 1,
      ),
    async free() {
      await client.query('COMMIT');
      client.release();
    },
  };
}

test('told to stop, the API answers the request in flight, ends idle connections, takes no new one, and ends well', async () => {
  const { child, port, call } = await start('api');
  expect((await call('PUT', '/v1/companies/held', { name: 'Before' })).status).toBe(201);
  const lock = await lockCompany('held');
  const inFlight = call('PUT', '/v1/companies/held', { name: 'After' });
  await lock.awaited();
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  const idle = connect(port, '127.0.0.1');
  idle.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [answer] = await once(idle, 'data');
  expect(String(answer)).toContain('200 OK');
  const idleEnded = once(idle, 'close');

  child.signal('SIGTERM');
  await idleEnded;
  await eventually(
    'no new connection is taken',
    () => isListening(port),
    (listening) => !listening,
  );
  expect(child.running()).toBe(true);
  await lock.free();
  const answered = await inFlight;
  expect(answered.headers.get('connection')).toBe('close');
  expect([answered.status, await answered.json()]).toMatchObject([200, { name: 'After' }]);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  const { rows } = await database.pool.query(
    `SELECT status FROM audit WHERE path_ids ->> 'company' = 'held' ORDER BY at`,
  );
  expect(rows).toEqual([{ status: 201 }, { status: 200 }]);
});

test('a request that is never answered does not hold the process beyond its time, and its row of audit says so', async () => {
  const { child, call } = await start('api');
  const id = randomUUID();
  await call('PUT', `/v1/companies/${id}`, { name: 'Before' });
  const lock = await lockCompany(id);
  const inFlight = call('PUT', `/v1/companies/${id}`, { name: 'After' }).catch(() => 'cut off');
  await lock.awaited();
  child.signal('SIGTERM');
  expect(await child.exited).toEqual({ code: 1, signal: null });
  expect(await inFlight).toBe('cut off');
  await lock.free();
  const { rows } = await database.pool.query(`SELECT status FROM audit WHERE path_ids ->> 'company' = $1 ORDER BY at`, [
    id,
  ]);
  expect(rows).toEqual([{ status: 201 }, { status: null }]);
});

test('the API and a worker each have a metrics page on a port of its own, and neither names a customer', async () => {
  const [api, worker] = await Promise.all([start('api', 'localhost'), start('worker', 'localhost')]);
  await api.call('PUT', '/v1/companies/named-company', { name: 'Named' });
  await api.call('GET', `/v1/connections/${randomUUID()}`);
  const apiPage = await (await fetch(api.metricsUrl)).text();
  expect(apiPage).toContain('route="/v1/companies/:company"');
  const workerPage = await eventually(
    'the worker has figures',
    async () => (await fetch(worker.metricsUrl)).text(),
    (page) => page.includes('temporal_worker_task_slots_available'),
  );
  for (const page of [apiPage, workerPage]) {
    expect(page).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/i);
    expect(page).not.toContain('named-company');
  }
  await Promise.all([api.child.stop(), worker.child.stop()]);
});
