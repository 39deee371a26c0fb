/**
 * The second look: what Xero's stamps hide (due dates of part-paid documents, balances, account codes of lines, deletions:
 * xero-api.md §2) is found by reading everything once more, slowly.
 */
import type { WindowView } from './ports.js';
import { type Stream, type StreamName, streamNames, streams } from './streams.js';

/** Weeks apart, so that it is done out of calls that nobody needs. */
export const secondLookEveryMs = 28 * 86_400_000;

/** Streams that say how many records they have: one call a week compares it with the mirror. */
export function isCounted({ way }: Stream): boolean {
  return way === 'orderedPages' || way === 'stampedPages';
}

/** Streams that are read once more: a list is read whole every night, and what has a number never changes. */
export function isLookedAtAgain({ way, modifiedSince }: Stream): boolean {
  return modifiedSince && way !== 'wholeList' && way !== 'numbered';
}

/** In the order in which they are looked at. */
export function secondLookStreams(chosen: readonly StreamName[]): StreamName[] {
  return streamNames.filter(
    (name) => isLookedAtAgain(streams[name]) && (!streams[name].optional || chosen.includes(name)),
  );
}

/** Is half of the day's calls left? Below that, the day is somebody else's. Unknown counts as left: the first call will tell. */
export function hasCallsToSpare({ limit, remaining }: WindowView): boolean {
  return remaining === null || remaining * 2 >= limit;
}
