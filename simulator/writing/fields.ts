import { calendarDate, DAY_MS, dateString, dayOf, parseDay } from '../core/calendar.js';
import { Decimal, type Row } from '../core/values.js';
import type { Given } from './writer.js';

/** The text of a field, trimmed; undefined when it is absent or null, and a complaint when it is too long. */
export function textOf(given: Given, field: string, complaints: string[], longest = Number.POSITIVE_INFINITY) {
  const value = given[field];
  if (value === undefined || value === null) return undefined;
  const text = String(value).trim();
  if (text.length > longest) complaints.push(`${spaced(field)} must not exceed ${longest} characters.`);
  return text;
}

/** The texts of the fields in `longest`, which says how many characters each may have; absent ones are left out. */
export function textsOf(given: Given, longest: Readonly<Record<string, number>>, complaints: string[]): Row {
  const found = Object.entries(longest).map(([field, most]) => [field, textOf(given, field, complaints, most)]);
  return Object.fromEntries(found.filter(([, text]) => text !== undefined)) as Row;
}

/** The number of a field, rounded half away from zero to `scale` digits; a complaint when it is none. */
export function decimalOf(given: Given, field: string, scale: number, complaints: string[]): Decimal | undefined {
  const value = given[field];
  if (value === undefined || value === null || value === '') return undefined;
  if ((typeof value === 'number' || typeof value === 'string') && Number.isFinite(Number(value))) {
    return Decimal.parse(value, scale);
  }
  complaints.push(`${spaced(field)} is not a valid number.`);
  return undefined;
}

/** The number of the day a field names: `YYYY-MM-DD`, with or without a time, or `/Date(ms)/`. */
export function dayIn(given: Given, field: string, complaints: string[]): number | undefined {
  const value = given[field];
  if (value === undefined || value === null || value === '') return undefined;
  const stamp = /^\/Date\((-?\d+)/.exec(String(value));
  const day = stamp ? dayOf(Number(stamp[1])) : parseDay(String(value));
  if (day === undefined) complaints.push(`${spaced(field)} is not a valid date.`);
  return day;
}

/** A calendar date with its `…String`, as rows hold them; nothing where there is no day. */
export function dated(field: string, day: number | undefined): Row {
  return day === undefined ? {} : { [`${field}String`]: dateString(day), [field]: calendarDate(day) };
}

/** The day of a date that a row holds. */
export const dayOfDate = (value: unknown): number | undefined =>
  value !== null && typeof value === 'object' && 'ms' in value ? Math.floor(Number(value.ms) / DAY_MS) : undefined;

/** The hundredths of an amount that a row holds; nothing is nought. */
export const centsOf = (value: unknown): number => (value instanceof Decimal ? value.rescale(2).units : 0);

/** The objects of a list field; undefined when there is no list. */
export function listOf(given: Given, field: string): Given[] | undefined {
  const value = given[field];
  if (!Array.isArray(value)) return undefined;
  return value.filter((one): one is Given => one !== null && typeof one === 'object' && !Array.isArray(one));
}

/** The object of a field; undefined when there is none. */
export function objectOf(given: Given, field: string): Given | undefined {
  const value = given[field];
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Given) : undefined;
}

const spaced = (field: string): string => field.replace(/([a-z])([A-Z])/g, '$1 $2');
