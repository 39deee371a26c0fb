import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Books } from '../support/books.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';

/** Xero's clock runs this much faster, so that edits are older than the seconds by which the next reading overlaps. */
const haste = 40;
const syncFromDate = new Date(Date.now() - 4 * 365 * 86_400_000).toISOString().slice(0, 10);

let system: System;
let hurrying = true;
let hurry: Promise<void>;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  await system.startWorkerHere({});
  hurry = makeHaste();
});
afterAll(async () => {
  hurrying = false;
  await hurry;
  await system?.stop();
});

/** One change after the other, so that the clock never goes back. */
async function makeHaste(): Promise<void> {
  const began = Date.now();
  while (hurrying) {
    await system.xero('PUT', '/clock', { offsetMs: (haste - 1) * (Date.now() - began) });
    await delay(20);
  }
}

/** Two people at work next to the edges of the pages while they are read: one just before an answer, one just after. */
async function peopleAtWork(organisation: string, stream: string, seed: string, edits: object): Promise<void> {
  for (const when of ['before', 'after']) {
    const wish = { stream, edits, at: 'edge', when, seed: `${seed} ${when}`, times: 6 };
    await system.xero('POST', `/organisations/${organisation}/whileReading`, wish);
  }
}

/** Pages are answered in another order than they are asked for. */
async function answersOutOfOrder(tenantId: string): Promise<void> {
  const slow = [600, 100, 400, 200].map((ms, index) => ({
    match: { tenantId, path: `[?&]page=${index + 2}&` },
    kind: 'delay',
    ms,
  }));
  await system.xero('POST', '/faults', slow);
}

/** From when on the next sync reads. */
async function cursorOf(books: Books, stream: string): Promise<string> {
  const { rows } = await system.database.pool.query<{ cursor: string }>(
    `SELECT state ->> 'cursor' AS cursor FROM stream_cursor WHERE connection_id = $1 AND stream = $2`,
    [books.id, stream],
  );
  return rows[0]?.cursor ?? '';
}

/** How many mirrored records were edited while they were read, and early enough for this reading to have them. */
async function editedMeanwhile(books: Books, stream: string, began: number, cursor: string): Promise<number> {
  const { rows } = await system.database.pool.query<{ count: number }>(
    `SELECT count(*)::int FROM record
      WHERE organisation_id = $1 AND stream = $2 AND updated_at > $3 AND updated_at < $4`,
    [books.organisation, stream, new Date(began), cursor],
  );
  return rows[0]?.count ?? 0;
}

const xeroNow = async () => Date.parse((await fetch(`${system.xeroUrl}/_sim/health`)).headers.get('date') as string);

const contactEdits = { edit: 2, add: 2, archive: 1, merge: 1 };

describe.each([
  { mostly: 'adding', invoiceEdits: { edit: 1, add: 2, moveDateOut: 1, moveDateIn: 1 } },
  { mostly: 'taking out of the Sync From Date', invoiceEdits: { edit: 1, add: 1, moveDateOut: 3 } },
])('people at work next to the page edges while they are read, mostly $mostly,', ({ mostly, invoiceEdits }) => {
  let books: Books;
  let began: number;
  beforeAll(async () => {
    const organisation = await system.organisation({ counts: { contacts: 2600, invoices: 4500 } });
    await peopleAtWork(organisation, 'contacts', mostly, contactEdits);
    await peopleAtWork(organisation, 'invoices', mostly, invoiceEdits);
    await answersOutOfOrder(organisation);
    began = await xeroNow();
    books = await system.connect(organisation, { syncFromDate });
    await books.ended();
  });

  test.each(['contacts', 'invoices'] as const)('hide no record of %s from the reader', async (stream) => {
    expect(await books.backfill()).toMatchObject({ outcome: 'completed' });
    const cursor = await cursorOf(books, stream);
    expect(await editedMeanwhile(books, stream, began, cursor)).toBeGreaterThan(5);
    const { equal, ...wrong } = await books.compare(stream, { from: syncFromDate, before: cursor });
    expect(wrong).toEqual({ missing: [], surplus: [], different: [] });
    expect(equal).toBeGreaterThan(2500);
  });
});
