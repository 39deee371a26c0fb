import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFeed } from '../../db/feed.js';
import { createFeedBell, type FeedBellTimes } from '../../db/feedBell.js';
import type { FeedBell } from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { company, tellOf } from '../support/feed.js';

const never = () => new AbortController().signal;
const past = AbortSignal.abort();
const hourMs = 3_600_000;

let database: FreshDatabase;
let bell: FeedBell;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(async () => {
  await bell.close();
  await database.drop();
});

/** By default nothing but what Postgres says rings it. */
function bellWith(times: Partial<FeedBellTimes> = {}, url = database.url): FeedBell {
  bell = createFeedBell(createFeed(database.pool), url, { retryMs: 10, lookMs: hourMs, ...times });
  return bell;
}

/** Those who listen are rung once when the connection stands. */
async function listening(companies: (string | undefined)[]) {
  const listeners = companies.map((each) => bell.listen(each));
  for (const listener of listeners) expect(await listener.rung(never())).toBe(true);
  return listeners;
}

test('an append rings for its company and for who listens to all, and for no other company', async () => {
  const [mine, other] = [await company(database.pool), await company(database.pool)];
  bellWith();
  const [me, another, all] = await listening([mine, other, undefined]);
  await tellOf(database.pool, mine, 'a', 'b');
  expect(await me?.rung(never())).toBe(true);
  expect(await all?.rung(never())).toBe(true);
  expect(await another?.rung(past)).toBe(false);
  expect(await me?.rung(past)).toBe(false);
});

test('a transaction that is rolled back rings for nobody', async () => {
  const about = await company(database.pool);
  bellWith();
  const [listener] = await listening([about]);
  await database.pool.query('BEGIN; ROLLBACK');
  await expect(tellOf(database.pool, 'no such company', 'a')).rejects.toThrow();
  expect(await listener?.rung(past)).toBe(false);
});

test('when its connection is killed it listens anew, and rings for what it may have missed', async () => {
  const about = await company(database.pool);
  bellWith();
  const [listener] = await listening([about]);
  const { rowCount } = await database.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'nightledger feed'`,
  );
  expect(rowCount).toBe(1);
  await tellOf(database.pool, about, 'a');
  expect(await listener?.rung(never())).toBe(true);
  await tellOf(database.pool, about, 'b');
  expect(await listener?.rung(never())).toBe(true);
});

test('where nothing can be listened to, a look at the counter now and then finds what was appended', async () => {
  const about = await company(database.pool);
  bellWith({ lookMs: 10 }, 'postgres://nobody@127.0.0.1:1/none');
  const listener = bell.listen(about);
  expect(await listener.rung(never())).toBe(true);
  await tellOf(database.pool, about, 'a');
  expect(await listener.rung(never())).toBe(true);
});

test('two hundred who wait share one connection', async () => {
  bellWith();
  await listening(Array.from({ length: 200 }, () => undefined));
  const { rowCount } = await database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nightledger feed'`,
  );
  expect(rowCount).toBe(1);
});

test('closing it ends every wait, those that begin later too, and the connection', async () => {
  bellWith();
  const [listener] = await listening([undefined]);
  const waiting = listener?.rung(never());
  await bell.close();
  expect(await waiting).toBe(false);
  expect(await bell.listen().rung(never())).toBe(false);
});
