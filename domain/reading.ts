/**
 * How a stream is read without missing a row: a state machine over pages, pure, kept in the cursor row.
 *
 * Offset pages are not safe by themselves: a record that is edited jumps to the end of Xero's default order, and one
 * that leaves a filtered set leaves a gap; either way a later record moves one place forward, over a page's edge,
 * unseen (xero-api.md §2). A full reading is therefore a chain of passes:
 *
 * - `sweep`: the pages once, several in flight, with proof.
 *   In the order of the record's id, edits move nothing. A record that is added moves later ones one place back; that is
 *   harmless when pages are answered in order, and shows as a page whose itemCount is higher than its right
 *   neighbour's when they were not: then the neighbour is read again.
 *   In Xero's own order the last page is read last, so whatever was edited meanwhile stands there with a fresh stamp;
 *   without one (and with the count it began with) nothing moved; with one, the pages are swept back.
 * - `sweepBack`: Xero's order from the last page to the first. There records only ever leave the middle and join the
 *   end, so a record can only move to a page that is still to be read. One page at a time, safe under any edit.
 * - `catchUp`: everything stamped since the reading began, last page first for the same reason. It follows where there is
 *   a sign that somebody was at work (a fresh stamp, a count that moved), the sweep took long, or a record may have left
 *   its filtered set; otherwise the next sync, which starts from the same moment, is the catch-up, and the call is saved.
 * - `audit`: only when a record left the filtered set meanwhile, the one change that may hide another record from a
 *   sweep by id without a trace: one call asks how many there are and compares with the mirror, and a second catch-up
 *   shows that nobody was at work in between; if either fails, the pages are swept back.
 *
 * A list is read whole, in one call; what has ascending numbers is read by them, and never changes. An organisation too
 * large for one unfiltered list is read in slices of dates. A sync is a `catchUp` alone.
 */
import { type DateRange, everything, splitRange } from './dateRange.js';
import type { Stream } from './streams.js';

/** How a reading begins that follows a complete one: with what changed since, or with everything once more. */
export type SyncMode = 'incremental' | 'full';

export type Pass = 'list' | 'numbered' | 'sweep' | 'sweepBack' | 'catchUp' | 'audit';

export interface ReadingState {
  /** Null when the reading is complete. */
  pass: Pass | null;
  /** The dates that are asked for, one slice after the other; one for most. */
  slices: DateRange[];
  slice: number;
  /** The pass that a slice begins with. */
  first: 'sweep' | 'sweepBack';
  /** Where this reading, or its catch-up, began, by Xero's clock, with the overlap taken off; null until an answer. */
  startedAt: string | null;
  /** The instant asked for, if any. */
  since: string | null;
  /** `sweep`: the itemCount that each page was answered with; null is still to be read. Empty before the first. */
  counts: (number | null)[];
  /** `sweep`: pages that are read again because an edge had no proof. */
  again: number[];
  /** `sweep`: the page that came last and the ids at its edges, by which one that is no other page is known. */
  edges: (Edges & { page: number }) | null;
  /** Passes from the last page to the first: the page that is next; null before the first answer. */
  next: number | null;
  /** `numbered`: the last number that was read. */
  offset: number;
  /** Is there a sign that records changed meanwhile? */
  touched: boolean;
  /** Might a record have left the set meanwhile? */
  leavers: boolean;
  /** `audit`: the latest stamp that the catch-up before it saw; a second one must see none after it. */
  quietSince: string | null;
  /** The latest stamp that a catch-up saw. */
  newest: string | null;
  /** Has a filtered sweep of several pages not yet been cleared of leavers, by a catch-up without any or by an audit? */
  doubted: boolean;
  /** What the slices before this one held. */
  counted: number;
  /** How many Xero said the whole reading has; null until it said. */
  expected: number | null;
  /** Where the next reading starts. Moves forward only. */
  cursor: string | null;
}

export interface Edges {
  first: string;
  last: string;
}

export interface PageCall {
  pass: Pass;
  page: number;
  pageSize: number;
  /** By the record's id; otherwise in Xero's own order. */
  orderById: boolean;
  range: DateRange;
  since: string | null;
  offset: number;
}

export interface PageOutcome {
  /** From the answer; null where Xero gave none. */
  itemCount: number | null;
  rows: number;
  outOfScope: number;
  ascendingByStamp: boolean;
  /** The latest stamp of a record on the page, an instant; null where records have none. */
  newestStamp: string | null;
  /** The ids of the first and the last record; null on an empty page. */
  edges: Edges | null;
  /** `numbered` streams: the highest number on the page. */
  lastNumber: number | null;
  /** Xero's clock at a moment that is surely before the answer was computed, the overlap taken off. */
  asOf: string;
}

const fresh: ReadingState = {
  pass: null,
  slices: [everything],
  slice: 0,
  first: 'sweep',
  startedAt: null,
  since: null,
  counts: [],
  again: [],
  edges: null,
  next: null,
  offset: 0,
  touched: false,
  leavers: false,
  quietSince: null,
  newest: null,
  doubted: false,
  counted: 0,
  expected: null,
  cursor: null,
};

/** A sweep that took longer is followed by a catch-up in any case, milliseconds. */
const longSweepMs = 300_000;

/** Counts as a filter where Xero refuses an unfiltered list and the stream has no date: before any record of Xero's. */
const beforeXero = '2000-01-01T00:00:00.000Z';

/** A full reading of a stream; `syncFromDate` null reads all history. */
export function beginFull(stream: Stream, syncFromDate: string | null): ReadingState {
  const range = { from: stream.dateFilter === null ? null : syncFromDate, before: null };
  const pass = stream.way === 'wholeList' ? 'list' : stream.way === 'numbered' ? 'numbered' : 'sweep';
  return { ...fresh, slices: [range], pass };
}

/**
 * The reading that follows a complete one: what changed since it began, or the whole where Xero does not tell. A `numbered`
 * stream goes on behind its last number; pages without a count are swept, for there is no last page to begin with.
 */
export function beginNext(stream: Stream, last: ReadingState, syncFromDate: string | null): ReadingState {
  const { cursor, doubted, slices, offset } = last;
  const full = { ...beginFull(stream, syncFromDate), cursor };
  if (stream.way === 'numbered') return { ...full, offset };
  if (!stream.modifiedSince || cursor === null) return full;
  if (stream.way === 'plainPages') return { ...full, since: cursor };
  return { ...full, pass: 'catchUp', since: cursor, doubted, slices };
}

/** A complete reading of everything once more; the cursor stays where it was until it is done. */
export function beginAnew(stream: Stream, last: ReadingState, syncFromDate: string | null): ReadingState {
  return { ...beginFull(stream, syncFromDate), cursor: last.cursor };
}

/** The calls that may be made now, given the pages that are in flight already; empty when all that is left is to wait. */
export function nextCalls(stream: Stream, state: ReadingState, inFlight: readonly number[], most: number): PageCall[] {
  const { pass } = state;
  if (pass === null) return [];
  const pages = pass === 'sweep' ? sweepPages(stream, state, inFlight) : [state.next ?? 1];
  const atOnce = pass === 'sweep' && state.counts.length > 0 ? most : 1;
  return pages
    .filter((page) => !inFlight.includes(page))
    .slice(0, Math.max(0, atOnce - inFlight.length))
    .map((page) => callFor(stream, state, pass, page));
}

function sweepPages(stream: Stream, { counts }: ReadingState, inFlight: readonly number[]): number[] {
  if (counts.length === 0) return [1];
  const open = counts.flatMap((count, index) => (count === null ? [index + 1] : []));
  if (stream.way === 'orderedPages') return open;
  const others = open.filter((page) => page < counts.length);
  return others.length === 0 && inFlight.length === 0 ? open : others;
}

function callFor(stream: Stream, state: ReadingState, pass: Pass, page: number): PageCall {
  return {
    pass,
    page,
    pageSize: pass === 'audit' ? 1 : stream.pageSize,
    orderById: pass === 'sweep' && stream.way === 'orderedPages',
    // A catch-up asks for everything: a record that left the set is just what it must see.
    range: pass === 'catchUp' ? everything : rangeOf(state),
    since: state.since,
    offset: state.offset,
  };
}

/**
 * The state after a page was stored. `mirrored` counts the records in scope that the mirror holds; it is asked for
 * only after an audit's answer.
 */
export function afterPage(
  stream: Stream,
  state: ReadingState,
  call: PageCall,
  page: PageOutcome,
  mirrored: number,
): ReadingState {
  if (state.pass !== call.pass) return state;
  const started = { ...state, startedAt: state.startedAt ?? page.asOf };
  return passes[call.pass](stream, started, call, page, mirrored);
}

/**
 * Xero refused to sort by id, or did not do it, or the audit found a difference: read in its own order. The start stays
 * what it was: what left the set since then is on no page, and only the catch-up that follows will see it.
 */
export function afterRefusedOrder(state: ReadingState): ReadingState {
  const anew = { since: null, doubted: false, quietSince: null, newest: null, counted: 0 };
  return beginSlice({ ...state, ...anew, first: 'sweepBack' }, 0);
}

/**
 * Xero refused a list because the organisation is large (xero-api.md §2, ErrorNumber 51): read it in slices of dates.
 * @param today a calendar date.
 * @returns null when it cannot be asked for any more narrowly.
 */
export function afterRefusedVolume(stream: Stream, state: ReadingState, today: string): ReadingState | null {
  if (stream.dateFilter === null) return state.since === null ? { ...state, since: beforeXero } : null;
  const halves = splitRange(rangeOf(state), today);
  if (halves === null) return null;
  const slices = state.slices.toSpliced(state.slice, 1, ...halves);
  return beginSlice({ ...state, slices }, state.slice);
}

type Advance = (
  stream: Stream,
  state: ReadingState,
  call: PageCall,
  page: PageOutcome,
  mirrored: number,
) => ReadingState;

const passes: Record<Pass, Advance> = {
  list: (_stream, state, _call, page) => complete({ ...state, expected: page.rows - page.outOfScope }),
  numbered: afterNumberedPage,
  sweep: afterSweepPage,
  sweepBack: afterSweepBackPage,
  catchUp: afterCatchUpPage,
  audit: (_stream, state, _call, page, mirrored) =>
    page.itemCount === mirrored ? beginCatchUp(state, state.cursor) : afterRefusedOrder(state),
};

function afterNumberedPage(_stream: Stream, state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const gotOn = page.lastNumber !== null && page.lastNumber > state.offset;
  const read = { ...state, offset: gotOn ? (page.lastNumber as number) : state.offset };
  return gotOn && page.rows >= call.pageSize ? read : complete(read);
}

function afterSweepPage(stream: Stream, state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const ignoresPaging = page.rows > call.pageSize || isSamePage(state.edges, call, page);
  if (ignoresPaging) return endOfSlice(stream, { ...state, counts: cutBefore(state, call) }, page);
  const count = itemCountOf(call, page);
  if (call.orderById && state.counts.length === 0 && count > call.pageSize && page.ascendingByStamp) {
    return afterRefusedOrder(state);
  }
  const counts = [...state.counts];
  counts[call.page - 1] = count;
  for (let index = 0; index < pagesFor(count, call); index++) counts[index] ??= null;
  const answered = {
    ...state,
    counts,
    edges: page.edges && { ...page.edges, page: call.page },
    touched: state.touched || isTouched(stream, state, page, count),
    expected: state.counted + Math.max(count, (state.expected ?? 0) - state.counted),
  };
  const proven = call.orderById ? proveEdges(answered, call.page) : answered;
  return proven.counts.includes(null) ? proven : endOfSweep(stream, proven, page);
}

function isSamePage(before: ReadingState['edges'], call: PageCall, { rows, edges }: PageOutcome): boolean {
  if (before === null || edges === null || rows < call.pageSize || before.page === call.page) return false;
  return edges.first === before.first && edges.last === before.last;
}

/** What a page that repeats the one before it, or holds everything, leaves of the sweep: the pages before it. */
function cutBefore(state: ReadingState, call: PageCall): (number | null)[] {
  return state.counts.slice(0, Math.max(0, call.page - 1));
}

function isTouched(stream: Stream, state: ReadingState, page: PageOutcome, count: number): boolean {
  const freshStamp = page.newestStamp !== null && state.startedAt !== null && page.newestStamp >= state.startedAt;
  const counted = state.counts.find((each) => each !== null) ?? count;
  return freshStamp || (stream.way !== 'plainPages' && counted !== count);
}

/**
 * By id, every page must have been answered with at least the itemCount of the page before it, or a record added in
 * between may have pushed another one over the edge unseen. A page that was read again after its neighbour and still
 * counts fewer shows the opposite: a record left the set. Edges prove nothing then, and the audit will count instead.
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

function endOfSweep(stream: Stream, state: ReadingState, page: PageOutcome): ReadingState {
  const pages = state.counts.length;
  const moved = state.touched && stream.way !== 'orderedPages' && pages > 1;
  if (moved) return { ...state, pass: 'sweepBack', next: pages };
  const mayLeave = isFiltered(state) && stream.way === 'orderedPages' && (pages > 1 || state.slices.length > 1);
  return endOfSlice(stream, { ...state, doubted: state.doubted || mayLeave }, page);
}

function afterSweepBackPage(stream: Stream, state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const count = itemCountOf(call, page);
  const expected = state.counted + Math.max(count, (state.expected ?? 0) - state.counted);
  const moved = { ...state, expected, touched: true, next: pageBefore(state, call, page) };
  return moved.next === null ? endOfSlice(stream, moved, page) : moved;
}

/** On to the next slice, to the catch-up that is owed, or to the end. */
function endOfSlice(stream: Stream, state: ReadingState, page: PageOutcome): ReadingState {
  if (state.slice + 1 < state.slices.length) {
    return beginSlice({ ...state, counted: state.expected ?? 0 }, state.slice + 1);
  }
  const owed = state.touched || state.leavers || state.doubted || longSince(state.startedAt, page.asOf);
  const possible = stream.modifiedSince && stream.way !== 'plainPages';
  if (!owed || !possible) return complete(state);
  return beginCatchUp(state, state.startedAt);
}

function beginCatchUp(state: ReadingState, since: string | null): ReadingState {
  return { ...state, pass: 'catchUp', since, startedAt: null, next: null };
}

function beginSlice(state: ReadingState, slice: number): ReadingState {
  return { ...state, slice, pass: state.first, counts: [], again: [], edges: null, next: null };
}

function longSince(startedAt: string | null, asOf: string): boolean {
  return Date.parse(asOf) - Date.parse(startedAt ?? asOf) > longSweepMs;
}

function afterCatchUpPage(_stream: Stream, state: ReadingState, call: PageCall, page: PageOutcome): ReadingState {
  const sliced = state.slices.length > 1;
  const leavers = state.leavers || (isFiltered(state) && (page.outOfScope > 0 || (sliced && page.rows > 0)));
  const newest = later(state.newest, page.newestStamp);
  const moved = { ...state, leavers, newest, next: pageBefore(state, call, page) };
  if (moved.next !== null) return moved;
  const quiet = state.quietSince !== null && newest !== null && newest <= state.quietSince;
  if (!(leavers && moved.doubted) || quiet) return complete({ ...moved, doubted: false });
  if (sliced || state.quietSince !== null) return afterRefusedOrder(moved);
  return { ...moved, pass: 'audit', since: null, quietSince: newest, cursor: later(moved.cursor, moved.startedAt) };
}

/**
 * From the last page to the first. The first call tells how many there are; where they do not fit one page, the
 * first page is read again at the end, because records may have moved onto it meanwhile.
 */
function pageBefore(state: ReadingState, call: PageCall, page: PageOutcome): number | null {
  if (state.next !== null) return call.page > 1 ? call.page - 1 : null;
  const last = pagesFor(itemCountOf(call, page), call);
  return last > 1 && page.rows <= call.pageSize ? last : null;
}

function complete(state: ReadingState): ReadingState {
  const cursor = state.pass === 'audit' ? state.cursor : later(state.cursor, state.startedAt);
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

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

function rangeOf(state: ReadingState): DateRange {
  return state.slices[state.slice] ?? everything;
}

function isFiltered(state: ReadingState): boolean {
  return state.slices.some(({ from, before }) => from !== null || before !== null);
}

/** Without a `pagination` block a full page means that there may be one more. */
function itemCountOf(call: PageCall, page: PageOutcome): number {
  const before = (call.page - 1) * call.pageSize;
  return page.itemCount ?? before + page.rows + (page.rows === call.pageSize ? 1 : 0);
}

function pagesFor(count: number, call: PageCall): number {
  return Math.max(1, Math.ceil(count / call.pageSize));
}
