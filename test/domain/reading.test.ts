import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterPage,
  afterRefusedOrder,
  beginFull,
  beginNext,
  nextCalls,
  type PageCall,
  type PageOutcome,
} from '../../domain/reading.js';
import { type Stream, type StreamName, streams } from '../../domain/streams.js';
import { ListModel, type Mirror, readWhileEdited, seeded } from '../support/readingModel.js';

/** One stream for each way in which a list changes under a reader. */
const waysOfReading: [string, StreamName, string | null][] = [
  ['pages in the order of ids, filtered by date', 'invoices', '2026-03-01'],
  ['pages in the order of ids, unfiltered', 'contacts', null],
  ["pages in Xero's order, filtered by date", 'manualJournals', '2026-03-01'],
  ["pages in Xero's order, all history", 'purchaseOrders', null],
  ['pages of a hundred without a count', 'quotes', '2026-03-01'],
  ['pages of a hundred without stamps to ask by', 'linkedTransactions', null],
  ['ascending numbers', 'journals', '2026-03-01'],
];

interface Scene {
  stream: Stream;
  syncFrom: string | null;
  seed: number;
  rows: number;
  sameSecond: number;
  edits: number;
  highVolume?: number;
  /** Xero refused to sort. */
  unsorted?: boolean;
}

/** Reads once under edits and once in peace; afterwards the mirror must be what Xero has. */
function expectComplete({ stream, syncFrom, seed, edits, ...scene }: Scene): void {
  const random = seeded(seed);
  const model = new ListModel(stream, random, scene.rows, scene.sameSecond);
  model.highVolume = scene.highVolume ?? model.highVolume;
  const mirror: Mirror = new Map();
  const begin = beginFull(stream, syncFrom);
  const start = scene.unsorted ? afterRefusedOrder(begin) : begin;
  const { state } = readWhileEdited(model, start, syncFrom, mirror, random, edits);
  const inScope = (date: string): boolean => syncFrom === null || date >= syncFrom;
  const wanted = [...model.rows.values()].filter((row) => inScope(row.date));
  const readBy = Date.parse(state.cursor ?? '');
  const late = wanted.filter((row) => row.stamp < readBy && mirror.get(row.id)?.stamp !== row.stamp);
  expect(
    late.map((row) => row.id),
    'unchanged since the moment from which the next reading asks',
  ).toEqual([]);
  model.tick(60_000);
  readWhileEdited(model, beginNext(stream, state, syncFrom), syncFrom, mirror, random, 0);
  const missing = wanted.filter((row) => mirror.get(row.id)?.stamp !== row.stamp);
  expect(
    missing.map((row) => row.id),
    'after the next reading',
  ).toEqual([]);
}

/** Pages enough for edges, rows few enough to be quick: a page of a thousand is cut to a hundred. */
function small(stream: Stream): Stream {
  return { ...stream, pageSize: 100 };
}

describe('reading a stream', () => {
  it.each(waysOfReading)('by %s misses nothing, whatever is added or edited meanwhile', (_way, name, syncFrom) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.constantFrom(3, 90, 200, 201, 450),
        fc.constantFrom(1, 7, 300),
        fc.constantFrom(0, 1, 5, 60),
        (seed, rows, sameSecond, edits) =>
          expectComplete({ stream: small(streams[name]), syncFrom, seed, rows, sameSecond, edits }),
      ),
      { numRuns: 300 },
    );
  });

  it('misses nothing where Xero refuses one list for all and it is read in slices of dates', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(0, 5, 60), (seed, edits) => {
        for (const name of ['invoices', 'contacts', 'manualJournals'] as const) {
          const stream = small(streams[name]);
          expectComplete({ stream, syncFrom: null, seed, rows: 450, sameSecond: 7, edits, highVolume: 150 });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('misses nothing where Xero will not sort by id', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(0, 5, 60), (seed, edits) =>
        expectComplete({
          stream: small(streams.invoices),
          syncFrom: '2026-03-01',
          seed,
          rows: 450,
          sameSecond: 7,
          edits,
          unsorted: true,
        }),
      ),
      { numRuns: 100 },
    );
  });

  it('asks once for each started page when nobody edits, whatever the way', () => {
    for (const name of ['contacts', 'invoices', 'manualJournals', 'purchaseOrders', 'journals', 'accounts'] as const) {
      const stream = streams[name];
      for (const rows of [0, 1, 999, 1000, 1001, 5000]) {
        const model = new ListModel(stream, seeded(7), rows, 40);
        const { calls } = readWhileEdited(model, beginFull(stream, null), null, new Map(), seeded(8), 0);
        const pages = stream.way === 'wholeList' ? 1 : Math.max(1, Math.ceil(rows / stream.pageSize));
        const endSeen = stream.way === 'numbered' && rows > 0 && rows % stream.pageSize === 0 ? 1 : 0;
        expect(calls, `${name}, ${rows} rows`).toBe(pages + endSeen);
      }
    }
  });

  it('keeps five pages in flight where order and count prove the edges', () => {
    const model = new ListModel(streams.invoices, seeded(7), 12_000, 40);
    const { mostInFlight } = readWhileEdited(model, beginFull(streams.invoices, null), null, new Map(), seeded(8), 0);
    expect(mostInFlight).toBe(5);
  });

  const outcome = (more: Partial<PageOutcome>): PageOutcome => ({
    itemCount: null,
    rows: 0,
    outOfScope: 0,
    ascendingByStamp: false,
    newestStamp: null,
    edges: null,
    lastNumber: null,
    asOf: '2026-11-01T00:00:00.000Z',
    ...more,
  });

  it("reads in Xero's own order, last page first, when the answer was not sorted as asked", () => {
    const start = beginFull(streams.contacts, null);
    const [call] = nextCalls(streams.contacts, start, [], 5) as [PageCall];
    const unsorted = outcome({ itemCount: 2500, rows: 1000, ascendingByStamp: true });
    const state = afterPage(streams.contacts, start, call, unsorted, 0);
    expect(state.pass).toBe('sweepBack');
    expect(nextCalls(streams.contacts, state, [], 5)).toHaveLength(1);
  });

  it('asks, after reading again from the start, for what left the set before that: the wait between may be a day', () => {
    const stream = streams.invoices;
    let [state, asked] = [beginFull(stream, '2026-03-01'), null as PageCall | null];
    const answer = (expectedPass: string, more: Partial<PageOutcome>) => {
      [asked] = nextCalls(stream, state, [], 5) as [PageCall];
      expect(asked.pass).toBe(expectedPass);
      state = afterPage(stream, state, asked, outcome(more), 1490);
    };
    const [began, caughtUp, aDayLater] = ['2026-05-01T10:00:00Z', '2026-05-01T10:05:00Z', '2026-05-02T10:00:00Z'];
    answer('sweep', { itemCount: 1500, rows: 1000, asOf: began });
    answer('sweep', { itemCount: 1500, rows: 500, asOf: began, newestStamp: began });
    answer('catchUp', { itemCount: 2, rows: 2, outOfScope: 1, asOf: caughtUp });
    answer('audit', { itemCount: 1498, rows: 1, asOf: aDayLater });
    for (const rows of [1000, 498, 1000]) answer('sweepBack', { itemCount: 1498, rows, asOf: aDayLater });
    answer('catchUp', { asOf: aDayLater });
    expect(asked?.since).toBe(caughtUp);
  });

  it('ends when an endpoint ignores paging and answers everything at once', () => {
    const start = beginFull(streams.contacts, null);
    const [call] = nextCalls(streams.contacts, start, [], 5) as [PageCall];
    expect(afterPage(streams.contacts, start, call, outcome({ rows: 2500 }), 0).pass).toBeNull();
  });

  it('ends when an endpoint ignores paging and answers the same full page again and again', () => {
    const stream = streams.quotes;
    let state = beginFull(stream, null);
    let calls = 0;
    while (state.pass !== null && calls < 10) {
      const [call] = nextCalls(stream, state, [], 5) as [PageCall];
      state = afterPage(stream, state, call, outcome({ rows: 100, edges: { first: 'a', last: 'z' } }), 0);
      calls++;
    }
    expect(calls).toBe(2);
  });
});
