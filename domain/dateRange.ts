/** Ranges of calendar dates, and how one that holds too much is split. */
import { addDays } from './calendar.js';

export interface DateRange {
  /** The first date in it; null without a beginning. */
  from: string | null;
  /** The first date after it; null without an end. */
  before: string | null;
}

export const everything: DateRange = { from: null, before: null };

const dayMs = 86_400_000;
const yearDays = 365;

/**
 * The later part, then the earlier one. An open end is cut a year before what bounds it (`today` for the future), so
 * that an organisation's busy years are reached in few calls.
 * @returns null when the range is a single day.
 */
export function splitRange({ from, before }: DateRange, today: string): [DateRange, DateRange] | null {
  const end = before ?? addDays(today, 1);
  const start = from ?? addDays(end, -2 * yearDays);
  const middle = addDays(start, Math.floor(daysBetween(start, end) / 2));
  if (middle <= start) return null;
  return [
    { from: middle, before },
    { from, before: middle },
  ];
}

function daysBetween(start: string, end: string): number {
  return Math.round((Date.parse(`${end}T00:00:00Z`) - Date.parse(`${start}T00:00:00Z`)) / dayMs);
}
