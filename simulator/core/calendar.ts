import { XeroDate } from './values.js';

export const DAY_MS = 86_400_000;

/** The number of the UTC day an instant lies in. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** Parses `YYYY-MM-DD`, with or without a time, to the number of its day. */
export function parseDay(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(text);
  const ms = match ? Date.parse(`${match[0]}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : dayOf(ms);
}

/** `YYYY-MM-DDT00:00:00`, the form of Xero's `DateString` (xero-api.md §2). */
export const dateString = (day: number): string => `${isoDay(day)}T00:00:00`;

const isoDays = new Map<number, string>();

/** `YYYY-MM-DD`; remembered, because every document has several of a few thousand days. */
export function isoDay(day: number): string {
  let text = isoDays.get(day);
  if (text === undefined) {
    text = new Date(day * DAY_MS).toISOString().slice(0, 10);
    isoDays.set(day, text);
  }
  return text;
}

/** A calendar date as Xero sends it: midnight UTC of the local day. */
export const calendarDate = (day: number): XeroDate => new XeroDate(day * DAY_MS);

/** ISO, whole seconds, without a zone: `UpdatedDateUTCString`. */
export function isoSeconds(ms: number): string {
  const day = dayOf(ms);
  const seconds = Math.floor((ms - day * DAY_MS) / 1000);
  const two = (n: number) => (n < 10 ? `0${n}` : String(n));
  return `${isoDay(day)}T${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Seven decimals and no zone: the timestamps of `/connections` (xero-api.md §5). */
export const sevenDecimals = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}0000`;
