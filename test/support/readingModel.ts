import {
  afterPage,
  afterRefusedVolume,
  nextCalls,
  type PageCall,
  type PageOutcome,
  type ReadingState,
} from '../../domain/reading.js';
import type { Stream } from '../../domain/streams.js';

export interface ModelRow {
  id: string;
  number: number;
  stamp: number;
  date: string;
}

/** A sequence of numbers from 0 to 1 that follows from its seed. */
export function seeded(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Taken off the moment a call was sent, as the reading activity does. */
const overlapMs = 10_000;

/** A list of Xero's in memory: its default order is by stamp and id, and every edit takes a new stamp. */
export class ListModel {
  clock = Date.parse('2026-08-01T00:00:00Z');
  readonly rows = new Map<string, ModelRow>();
  /** Unfiltered lists longer than this are refused. */
  highVolume = Number.POSITIVE_INFINITY;

  constructor(
    readonly stream: Stream,
    private readonly random: () => number,
    rows: number,
    sameSecond: number,
  ) {
    for (let n = 0; n < rows; n++) {
      if (n % sameSecond === 0) this.tick(1000);
      this.add();
    }
    this.tick(60_000);
  }

  tick(ms: number): void {
    this.clock += ms;
  }

  add(): void {
    const id = Math.floor(this.random() * 1e15)
      .toString(36)
      .padStart(10, '0');
    const month = 1 + Math.floor(this.random() * 7);
    this.rows.set(id, { id, number: this.rows.size + 1, stamp: this.clock, date: `2026-0${month}-01` });
  }

  edit(date?: string): void {
    const ids = [...this.rows.keys()];
    const row = this.rows.get(ids[Math.floor(this.random() * ids.length)] ?? '');
    if (row) this.rows.set(row.id, { ...row, stamp: this.clock, date: date ?? row.date });
  }

  /** One edit of any kind; a numbered record is never edited. */
  disturb(): void {
    const what = this.random();
    if (what < 0.3 || this.stream.way === 'numbered') this.add();
    else if (what < 0.6) this.edit();
    else this.edit(what < 0.8 ? '2025-01-01' : '2026-07-01');
  }

  /** Null where Xero refuses a list that is too large. */
  answer(call: PageCall): { itemCount: number | null; rows: ModelRow[] } | null {
    const { from, before } = call.range;
    const since = call.since === null ? 0 : Date.parse(call.since);
    const unfiltered = from === null && before === null && call.since === null;
    if (unfiltered && this.rows.size > this.highVolume) return null;
    const all = [...this.rows.values()]
      .filter(
        (row) => row.stamp > since && (from === null || row.date >= from) && (before === null || row.date < before),
      )
      .sort((a, b) => (call.orderById ? 0 : a.stamp - b.stamp) || (a.id < b.id ? -1 : 1));
    return this.cut(all, call);
  }

  private cut(all: ModelRow[], call: PageCall): { itemCount: number | null; rows: ModelRow[] } {
    const { way } = this.stream;
    if (way === 'wholeList') return { itemCount: null, rows: all };
    if (way === 'numbered') {
      const after = all.filter((row) => row.number > call.offset).sort((a, b) => a.number - b.number);
      return { itemCount: null, rows: after.slice(0, call.pageSize) };
    }
    const rows = all.slice((call.page - 1) * call.pageSize, call.page * call.pageSize);
    return { itemCount: way === 'plainPages' ? null : all.length, rows };
  }
}

export type Mirror = Map<string, ModelRow>;

interface InFlight {
  call: PageCall;
  sentAt: number;
  answer?: ReturnType<ListModel['answer']>;
}

/**
 * Reads a list as the activity does: several calls in flight, each answered at a moment of its own, the list edited all
 * the while.
 */
export function readWhileEdited(
  model: ListModel,
  start: ReadingState,
  syncFrom: string | null,
  mirror: Mirror,
  random: () => number,
  edits: number,
): { state: ReadingState; calls: number; mostInFlight: number } {
  const { stream } = model;
  const inScope = (row: ModelRow): boolean => stream.decidingDate === null || syncFrom === null || row.date >= syncFrom;
  const inFlight: InFlight[] = [];
  let state = start;
  let [calls, left, mostInFlight] = [0, edits, 0];
  while (state.pass !== null) {
    const pages = inFlight.map((each) => each.call.page);
    for (const call of nextCalls(stream, state, pages, 5)) {
      inFlight.push({ call, sentAt: model.clock });
      calls++;
    }
    mostInFlight = Math.max(mostInFlight, inFlight.length);
    model.tick(Math.floor(random() * 400));
    if (left-- > 0) model.disturb();
    const one = inFlight[Math.floor(random() * inFlight.length)];
    if (!one) throw new Error('nothing is in flight and the reading is not complete');
    if (one.answer === undefined) {
      one.answer = model.answer(one.call);
      continue;
    }
    inFlight.splice(inFlight.indexOf(one), 1);
    if (one.answer === null) {
      state = afterRefusedVolume(stream, state, '2026-08-01') as ReadingState;
      continue;
    }
    for (const row of one.answer.rows) store(mirror, row, inScope(row));
    const mirrored = [...mirror.values()].filter(inScope).length;
    state = afterPage(stream, state, one.call, outcomeOf(one, one.answer, inScope), mirrored);
  }
  return { state, calls, mostInFlight };
}

function store(mirror: Mirror, row: ModelRow, inScope: boolean): void {
  const known = mirror.get(row.id);
  if (known ? known.stamp <= row.stamp : inScope) mirror.set(row.id, row);
}

function outcomeOf(
  { sentAt, call }: InFlight,
  { itemCount, rows }: NonNullable<ReturnType<ListModel['answer']>>,
  inScope: (row: ModelRow) => boolean,
): PageOutcome {
  const stamps = rows.map((row) => row.stamp);
  return {
    itemCount,
    rows: rows.length,
    outOfScope: rows.filter((row) => !inScope(row)).length,
    ascendingByStamp: !call.orderById && rows.length > 1,
    newestStamp: rows.length === 0 ? null : new Date(Math.max(...stamps)).toISOString(),
    edges: rows[0] ? { first: rows[0].id, last: rows.at(-1)?.id ?? '' } : null,
    lastNumber: rows.length === 0 ? null : Math.max(...rows.map((row) => row.number)),
    asOf: new Date(sentAt - overlapMs).toISOString(),
  };
}
