/**
 * How a stream is read without missing a row: a state machine over pages, pure, kept in the cursor row.
 *
 * Offset pages are not safe by themselves: a record that is edited jumps to the end of Xero's default order, and one
 * that leaves a filtered set leaves a gap; either way a later record moves one place forward, over a page's edge,
 * unseen (xero-api.md §2). A full reading is therefore a chain of passes:
 *
 * - `sweep`: pages in the immutable order of the record's id, several in flight. Edits move nothing here. A record that
 *   is added moves later ones one place back; that is harmless when pages are answered in order, and shows as a page
 *   whose itemCount is higher than its right neighbour's when they were not: then the neighbour is read again.
 * - `catchUp`: everything stamped since the reading began. It follows where there is a sign that somebody was at work (a
 *   fresh stamp, a count that moved) or the sweep took long; otherwise the next sync, which starts from the same moment,
 *   is the catch-up, and the call is saved.
 * - `audit`: only when a record left the filtered set meanwhile, the one change that may hide another record from the
 *   sweep without a trace: one call asks how many there are and compares with the mirror.
 * - `resweep`: only when that differs, or when Xero would not sort: Xero's default order from the last page to the
 *   first. In that order records only ever leave the middle and join the end, so a record can only move to a page that
 *   is still to be read. One page at a time, safe under any edit; what joined the end is the next catch-up's.
 *
 * A list is read whole, in one call. A sync is a `catchUp` alone. Passes that go by stamp read from the last page to the
 * first for the same reason, so a burst of thousands of records in one second needs no case of its own.
 */
import { pageSize, type Stream } from './streams.js';

export type Pass = 'list' | 'sweep' | 'catchUp' | 'audit' | 'resweep';

export interface ReadingState {
  /** Null when the reading is complete. */
  pass: Pass | null;
  /** Is the deciding date asked for? False where all history is wanted. */
  filtered: boolean;
  /** Where this pass began, by Xero's clock, with the overlap taken off; null until its first answer. */
  startedAt: string | null;
  /** `catchUp`: the instant asked for. */
  since: string | null;
  /** `sweep`: the itemCount that each page was answered with; null is still to be read. Empty before the first. */
  counts: (number | null)[];
  /** `sweep`: pages that are read again because an edge had no proof. */
  again: number[];
  /** Passes from the last page to the first: the page that is next; null before the first answer. */
  next: number | null;
  /** Is there a sign that records changed while the sweep ran? */
  touched: boolean;
  /** Might a record have left the set while the sweep ran? */
  leavers: boolean;
  /** Has a filtered sweep of several pages not yet been cleared of leavers, by a catch-up without any or by an audit? */
  doubted: boolean;
  /** How many Xero said the whole reading has; null until it said. */
  expected: number | null;
  /** Where the next reading starts. Moves forward only. */
  cursor: string | null;
}

export interface PageCall {
  pass: Pass;
  page: number;
  pageSize: number;
  orderById: boolean;
  filtered: boolean;
  since: string | null;
}

export interface PageOutcome {
  /** From the answer; null where Xero gave none. */
  itemCount: number | null;
  rows: number;
  outOfScope: number;
  ascendingByStamp: boolean;
  /** The latest stamp of a record on the page, an instant; null where records have none. */
  newestStamp: string | null;
  /** Xero's clock at a moment that is surely before the answer was computed, the overlap taken off. */
  asOf: string;
}

const fresh: ReadingState = {
  pass: null,
  filtered: false,
  startedAt: null,
  since: null,
  counts: [],
  again: [],
  next: null,
  touched: false,
  leavers: false,
  doubted: false,
  expected: null,
  cursor: null,
};

/** A sweep that took longer is followed by a catch-up in any case, milliseconds. */
const longSweepMs = 300_000;

/** A full reading of a stream; `syncFromDate` null reads all history. */
export function beginFull(stream: Stream, syncFromDate: string | null): ReadingState {
  const filtered = stream.decidingDate !== null && syncFromDate !== null;
  return { ...fresh, filtered, pass: stream.way === 'wholeList' ? 'list' : 'sweep' };
}

/** The calls that may be made now, given the pages that are in flight already; empty when all that is left is to wait. */
export function nextCalls(state: ReadingState, inFlight: readonly number[], most: number): PageCall[] {
  if (state.pass === null) return [];
  const pages = state.pass === 'sweep' ? sweepPages(state) : [state.next ?? 1];
  const atOnce = state.pass === 'sweep' && state.counts.length > 0 ? most : 1;
  return pages
    .filter((page) => !inFlight.includes(page))
    .slice(0, Math.max(0, atOnce - inFlight.length))
    .map((page) => callFor(state, state.pass as Pass, page));
}

function sweepPages(state: ReadingState): number[] {
  if (state.counts.length === 0) return [1];
  return state.counts.flatMap((count, index) => (count === null ? [index + 1] : []));
}

function callFor(state: ReadingState, pass: Pass, page: number): PageCall {
  return {
    pass,
    page,
    pageSize: pass === 'audit' ? 1 : pageSize,
    orderById: pass === 'sweep',
    // A catch-up asks for everything: a record that left the set is just what it must see.
    filtered: state.filtered && pass !== 'catchUp',
    since: state.since,
  };
}

/**
 * The state after a page was stored. `mirrored` counts the records in scope that the mirror holds; it is asked for
 * only after an audit's answer.
 */
export function afterPage(state: ReadingState, call: PageCall, page: PageOutcome, mirrored: number): ReadingState {
  if (state.pass !== call.pass) return state;
  const started = { ...state, startedAt: state.startedAt ?? page.asOf };
  return passes[call.pass](started, call, page, mirrored);
}

/** Xero refused to sort by id: read in its own order. */
export function afterRefusedOrder(state: ReadingState): ReadingState {
  return { ...state, pass: 'resweep', startedAt: null, next: null, doubted: false, counts: [], again: [] };
}

type Advance = (state: ReadingState, call: PageCall, page: PageOutcome, mirrored: number) => ReadingState;

const passes: Record<Pass, Advance> = {
  list: (state, _call, page) => ({ ...state, pass: null, cursor: state.startedAt, expected: page.rows }),
  sweep: afterSweepPage,
  catchUp: afterCatchUpPage,
  audit: (state, _call, page, mirrored) =>
    page.itemCount === mirrored ? complete({ ...state, doubted: false }) : afterRefusedOrder(state),
  resweep: afterResweepPage,
};

function afterSweepPage(state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const count = itemCountOf(call, page);
  if (page.rows > call.pageSize) return beginCatchUp({ ...state, expected: page.rows });
  if (call.page === 1 && state.counts.length === 0 && count > pageSize && page.ascendingByStamp) {
    return afterRefusedOrder(state);
  }
  const counts = [...state.counts];
  counts[call.page - 1] = count;
  for (let index = 0; index < pagesFor(count); index++) counts[index] ??= null;
  const expected = Math.max(count, state.expected ?? 0);
  const touched = state.touched || isTouched(state, page, count);
  const proven = proveEdges({ ...state, counts, expected, touched }, call.page);
  if (proven.counts.includes(null)) return proven;
  const swept = { ...proven, doubted: proven.filtered && proven.counts.length > 1 };
  const wantsCatchUp = swept.touched || swept.leavers || longSince(swept.startedAt, page.asOf);
  return wantsCatchUp ? beginCatchUp(swept) : complete(swept);
}

function isTouched(state: ReadingState, page: PageOutcome, count: number): boolean {
  const fresh = page.newestStamp !== null && state.startedAt !== null && page.newestStamp >= state.startedAt;
  return fresh || (state.expected !== null && state.expected !== count);
}

function longSince(startedAt: string | null, asOf: string): boolean {
  return Date.parse(asOf) - Date.parse(startedAt ?? asOf) > longSweepMs;
}

/**
 * Every page must have been answered with at least the itemCount of the page before it, or a record added in between
 * may have pushed another one over the edge unseen. A page that was read again after its neighbour and still counts
 * fewer shows the opposite: a record left the set. Edges prove nothing then, and the audit will count instead.
 */
function proveEdges(state: ReadingState, answered: number): ReadingState {
  const counts = [...state.counts];
  const count = (index: number): number | null => counts[index] ?? null;
  const shrank = state.again.includes(answered) && (count(answered - 1) ?? 0) < (count(answered - 2) ?? 0);
  const leavers = state.leavers || shrank;
  const again = state.again.filter((page) => page !== answered);
  for (let index = 1; index < counts.length && !leavers; index++) {
    const [left, right] = [count(index - 1), count(index)];
    if (left === null || right === null || left <= right) continue;
    counts[index] = null;
    again.push(index + 1);
  }
  return { ...state, counts, again, leavers };
}

function beginCatchUp(state: ReadingState): ReadingState {
  return { ...state, pass: 'catchUp', since: state.startedAt, startedAt: null, next: null };
}

function afterCatchUpPage(state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const leavers = state.leavers || (state.filtered && page.outOfScope > 0);
  const moved = { ...state, leavers, next: pageBefore(state, call, page) };
  if (moved.next !== null) return moved;
  if (!(leavers && moved.doubted)) return complete({ ...moved, doubted: false });
  return { ...moved, pass: 'audit', since: null, cursor: moved.startedAt };
}

function afterResweepPage(state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const expected = Math.max(page.itemCount ?? page.rows, state.expected ?? 0);
  const moved = { ...state, expected, since: null, next: pageBefore(state, call, page) };
  return moved.next === null ? beginCatchUp(moved) : moved;
}

/**
 * From the last page to the first. The first call tells how many there are; where they do not fit one page, the
 * first page is read again at the end, because records may have moved onto it meanwhile.
 */
function pageBefore(state: ReadingState, call: PageCall, page: PageOutcome): number | null {
  if (state.next !== null) return call.page > 1 ? call.page - 1 : null;
  const last = pagesFor(itemCountOf(call, page));
  return last > 1 && page.rows <= call.pageSize ? last : null;
}

function complete(state: ReadingState): ReadingState {
  const reached = state.pass === 'audit' ? state.cursor : state.startedAt;
  const cursor = [state.cursor, reached].reduce((a, b) => (a !== null && (b === null || a > b) ? a : b), null);
  return {
    ...state,
    pass: null,
    cursor,
    since: null,
    next: null,
    counts: [],
    again: [],
    touched: false,
    leavers: false,
  };
}

/** Without a `pagination` block a full page means that there may be one more. */
function itemCountOf(call: PageCall, page: PageOutcome): number {
  const before = (call.page - 1) * call.pageSize;
  return page.itemCount ?? before + page.rows + (page.rows === call.pageSize ? 1 : 0);
}

function pagesFor(count: number): number {
  return Math.max(1, Math.ceil(count / pageSize));
}
