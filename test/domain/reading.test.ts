import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterPage, beginFull, nextCalls, type PageCall, type ReadingState } from '../../domain/reading.js';
import { pageSize, streams } from '../../domain/streams.js';

/** A list of Xero's in memory: Xero's default order is by stamp and id; every edit takes a new stamp. */
class ListModel {
  clock = 1_700_000_000_000;
  readonly rows = new Map<string, { id: string; stamp: number; date: string }>();

  constructor(
    private readonly random: () => number,
    rows: number,
    sameSecond: number,
  ) {
    for (let n = 0; n < rows; n++) {
      if (n % sameSecond === 0) this.tick(1000);
      this.add('2026-05-01');
    }
    this.tick(60_000);
  }

  tick(ms: number): void {
    this.clock += ms;
  }

  private key(): string {
    return Math.floor(this.random() * 1e15)
      .toString(36)
      .padStart(10, '0');
  }

  add(date: string): void {
    const id = this.key();
    this.rows.set(id, { id, stamp: this.clock, date });
  }

  edit(date?: string): void {
    const ids = [...this.rows.keys()];
    const row = this.rows.get(ids[Math.floor(this.random() * ids.length)] ?? '');
    if (row) this.rows.set(row.id, { ...row, stamp: this.clock, date: date ?? row.date });
  }

  list(call: PageCall): { id: string; stamp: number; date: string }[] {
    const since = call.since === null ? 0 : Date.parse(call.since);
    return [...this.rows.values()]
      .filter((row) => row.stamp > since && (!call.filtered || row.date >= syncFrom))
      .sort((a, b) => (call.orderById ? 0 : a.stamp - b.stamp) || (a.id < b.id ? -1 : 1));
  }

  answer(call: PageCall) {
    const all = this.list(call);
    return { itemCount: all.length, rows: all.slice((call.page - 1) * call.pageSize, call.page * call.pageSize) };
  }
}

const syncFrom = '2026-01-01';
const overlapMs = 10_000;

/** Reads as the activity does: several calls in flight, each answered at a moment of its own, edits all the while. */
function readWhileEdited(
  model: ListModel,
  start: ReadingState,
  mirror: Map<string, number>,
  random: () => number,
  edits: number,
) {
  let state = start;
  let calls = 0;
  let left = edits;
  const inFlight: { call: PageCall; sentAt: number; answer?: ReturnType<ListModel['answer']> }[] = [];
  const disturb = () => {
    model.tick(Math.floor(random() * 400));
    if (left-- <= 0) return;
    const what = random();
    if (what < 0.4) model.edit();
    else if (what < 0.6) model.add('2026-06-01');
    else if (what < 0.8) model.edit('2025-01-01');
    else model.edit('2026-07-01');
  };
  while (state.pass !== null) {
    for (const call of nextCalls(
      state,
      inFlight.map((each) => each.call.page),
      5,
    )) {
      inFlight.push({ call, sentAt: model.clock });
      calls++;
    }
    disturb();
    const one = inFlight[Math.floor(random() * inFlight.length)];
    if (!one) throw new Error('nothing to wait for');
    if (!one.answer) {
      one.answer = model.answer(one.call);
      continue;
    }
    inFlight.splice(inFlight.indexOf(one), 1);
    for (const row of one.answer.rows) {
      if (row.date >= syncFrom || mirror.has(row.id)) mirror.set(row.id, Math.max(row.stamp, mirror.get(row.id) ?? 0));
    }
    const mirrored = [...mirror.keys()].filter((id) => (model.rows.get(id)?.date ?? '') >= syncFrom).length;
    state = afterPage(
      state,
      one.call,
      {
        itemCount: one.answer.itemCount,
        rows: one.answer.rows.length,
        outOfScope: one.answer.rows.filter((row) => row.date < syncFrom).length,
        ascendingByStamp: false,
        newestStamp: newestOf(one.answer.rows),
        asOf: new Date(one.sentAt - overlapMs).toISOString(),
      },
      mirrored,
    );
  }
  return { state, calls };
}

function seeded(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const nextSync = (state: ReadingState): ReadingState => ({
  ...state,
  pass: 'catchUp',
  since: state.cursor,
  startedAt: null,
});

const newestOf = (rows: { stamp: number }[]): string | null =>
  rows.length === 0 ? null : new Date(Math.max(...rows.map((row) => row.stamp))).toISOString();

describe('reading a stream', () => {
  it('misses no record and no change, whatever is added, edited or moved out of scope meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.constantFrom(3, 900, 2000, 2001, 4500),
        fc.constantFrom(1, 40, 3000),
        fc.constantFrom(0, 5, 60),
        (seed, rows, sameSecond, edits) => {
          const random = seeded(seed);
          const model = new ListModel(random, rows, sameSecond);
          const mirror = new Map<string, number>();
          const full = readWhileEdited(model, beginFull(streams.invoices, syncFrom), mirror, random, edits);
          for (const row of model.rows.values()) {
            if (row.date < syncFrom || row.stamp >= Date.parse(full.state.cursor ?? '')) continue;
            expect(mirror.get(row.id), `record ${row.id}, unchanged since the reading's end`).toBe(row.stamp);
          }
          model.tick(60_000);
          readWhileEdited(model, nextSync(full.state), mirror, random, 0);
          for (const row of model.rows.values()) {
            if (row.date >= syncFrom) expect(mirror.get(row.id), `record ${row.id}`).toBe(row.stamp);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('asks once for each started thousand when nobody edits', () => {
    for (const rows of [0, 1, 999, 1000, 1001, 5000]) {
      const model = new ListModel(seeded(7), rows, 40);
      const read = readWhileEdited(model, beginFull(streams.invoices, null), new Map(), seeded(8), 0);
      expect(read.calls).toBe(Math.max(1, Math.ceil(rows / pageSize)));
    }
  });

  it('reads a list in one call', () => {
    const calls = nextCalls(beginFull(streams.accounts, '2026-01-01'), [], 5);
    expect(calls).toHaveLength(1);
    const outcome = {
      itemCount: null,
      rows: 70,
      outOfScope: 0,
      ascendingByStamp: false,
      newestStamp: null,
      asOf: '2026-11-01T00:00:00.000Z',
    };
    const state = afterPage(beginFull(streams.accounts, null), calls[0] as PageCall, outcome, 0);
    expect(state.pass).toBeNull();
  });

  it("reads in Xero's own order, last page first, when the answer was not sorted as asked", () => {
    const start = beginFull(streams.contacts, null);
    const [call] = nextCalls(start, [], 5) as [PageCall];
    const unsorted = {
      itemCount: 2500,
      rows: 1000,
      outOfScope: 0,
      ascendingByStamp: true,
      newestStamp: null,
      asOf: '2026-11-01T00:00:00.000Z',
    };
    const state = afterPage(start, call, unsorted, 0);
    expect(state.pass).toBe('resweep');
    expect(nextCalls(state, [], 5)).toHaveLength(1);
  });

  it('ends when an endpoint ignores paging and answers everything at once', () => {
    const start = beginFull(streams.contacts, null);
    const [call] = nextCalls(start, [], 5) as [PageCall];
    const whole = {
      itemCount: null,
      rows: 2500,
      outOfScope: 0,
      ascendingByStamp: false,
      newestStamp: null,
      asOf: '2026-11-01T00:00:00.000Z',
    };
    const caughtUp = afterPage(start, call, whole, 0);
    const [next] = nextCalls(caughtUp, [], 5) as [PageCall];
    expect(next.pass).toBe('catchUp');
    expect(afterPage(caughtUp, next, whole, 0).pass).toBeNull();
  });
});
