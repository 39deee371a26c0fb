import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { streamNames, streams } from '../../domain/streams.js';
import { ApiProblem } from '../../embedded/apiClient.js';
import { DEMO_CLIENT } from '../../simulator/index.js';
import type { Books } from '../support/books.js';
import type { Child } from '../support/childProcess.js';
import { decodedHistory } from '../support/decodedHistory.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';

/** All but the journals, which only the largest tiers have. */
const names = streamNames.filter((name) => name !== 'journals');
const optionalStreams = names.filter((name) => streams[name].optional);

let system: System;
let books: Books;
let worker: Child;
beforeAll(async () => {
  system = await startSystem();
  worker = system.startWorker();
  const organisation = await system.organisation({ records: 3000, counts: { contacts: 1500, invoices: 3200 } });
  books = await system.connect(organisation, { optionalStreams });
  await books.ended();
});
afterAll(() => system?.stop());

test('after the consent the first full read runs by itself, and the connection is active', async () => {
  expect(await books.backfill()).toMatchObject({ outcome: 'completed', status: 'active', sleeps: [] });
  expect(await books.connection()).toMatchObject({ status: 'active', lastError: null, sleepingUntil: null });
});

test.each(names)('every record of %s is as in Xero, by id and hash', async (stream) => {
  const count = (await books.usage()).streams[stream]?.count ?? 0;
  expect(count).toBeGreaterThan(0);
  expect(await books.compare(stream)).toEqual(allEqual(count));
  const backfill = await books.backfill();
  expect(backfill.streams[stream]).toMatchObject({ status: 'complete', records: count, expected: count });
});

test('it costs one call for each started thousand, and one for each list', async () => {
  const { calls, refusals } = await books.usage();
  const least = Object.fromEntries(names.map((name) => [streams[name].endpoint, 1]));
  expect(calls.byEndpoint).toEqual({ ...least, Contacts: 2, Invoices: 4 });
  expect(refusals).toEqual({ minute: 0, day: 0, concurrent: 0, appminute: 0 });
});

test('the run and the budget say what the simulator counted', async () => {
  const { calls } = await books.usage();
  const backfill = await books.backfill();
  const run = await system.api.get(`/connections/${books.id}/runs/${backfill.runId}`);
  expect(run).toMatchObject({ kind: 'backfill', outcome: 'completed', calls: calls.total, bytes: backfill.bytes });
  const budget = await system.api.get(`/connections/${books.id}/budget`);
  expect(budget).toMatchObject({ day: { limit: 5000, remaining: 5000 - calls.total }, inFlight: 0 });
});

test('the mirror is read over the API, page by page', async () => {
  const ids = new Set<string>();
  let path = `/connections/${books.id}/records/contacts?limit=200`;
  for (;;) {
    const { data, nextCursor } = await system.api.get<{ data: { xeroId: string }[]; nextCursor: string | null }>(path);
    for (const { xeroId } of data) ids.add(xeroId);
    if (nextCursor === null) break;
    path = `/connections/${books.id}/records/contacts?limit=200&cursor=${encodeURIComponent(nextCursor)}`;
  }
  expect(ids.size).toBe(1500);
});

test('a second start is refused: it is done once ever', async () => {
  const refusal = await books.start().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ApiProblem);
  expect(refusal).toMatchObject({ status: 409, code: 'already_backfilled' });
});

describe('nothing of a customer and no secret stands', () => {
  const places = {
    "in Temporal's history": () => decodedHistory(books.run),
    "in the worker's log": async () => worker.output(),
    "in the API's log": async () => system.apiLog.join(''),
  };

  test.each(Object.entries(places))('%s', async (_place, read) => {
    const text = await read();
    // What is looked for would be found: ids stand there.
    expect(text).toContain(books.id);
    const forbidden = [...(await wordsOfCustomers()), ...(await secretsOfXero())];
    expect(forbidden.length).toBeGreaterThan(1500);
    expect(forbidden.filter((word) => text.includes(word))).toEqual([]);
  });

  async function wordsOfCustomers(): Promise<string[]> {
    const { rows } = await system.database.pool.query<{ words: string[] }>(
      `SELECT array_remove(ARRAY[body ->> 'Name', body ->> 'EmailAddress', body ->> 'AccountNumber'], '') AS words
         FROM record WHERE organisation_id = $1 AND stream IN ('contacts', 'organisation')`,
      [books.organisation],
    );
    return rows.flatMap(({ words }) => words).filter((word) => word !== null);
  }

  async function secretsOfXero(): Promise<string[]> {
    const issued = await system.xero<Record<string, Record<string, unknown>[]>>('GET', '/tokens');
    const secrets = Object.values(issued)
      .flat()
      .flatMap(({ code, token }) => [code, token])
      .filter((secret) => typeof secret === 'string');
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    return [...secrets, DEMO_CLIENT.secret];
  }
});
