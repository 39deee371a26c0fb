/** Cursors of lists: the sort key of the last row, opaque to those who hand it back. */
import { InvalidCursor, type Listed, type ListPage } from '../domain/ports.js';

/** What a part of a key may be: Postgres would refuse another, and a stranger's cursor is no fault of ours. */
export type KeyPart = (part: string) => boolean;
export const uuid: KeyPart = (part) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(part);
export const instant: KeyPart = (part) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:?\d\d)?$/.test(part);
export const text: KeyPart = (part) => !part.includes('\u0000');

/**
 * The key in a cursor, or null for the first page.
 * @param parts one for each column that the list is sorted by.
 * @throws InvalidCursor
 */
export function keyOf(cursor: string | undefined, parts: readonly KeyPart[]): string[] | null {
  if (cursor === undefined) return null;
  const key = parsed(cursor);
  if (!Array.isArray(key) || key.length !== parts.length) throw new InvalidCursor();
  if (!parts.every((fits, index) => typeof key[index] === 'string' && fits(key[index]))) throw new InvalidCursor();
  return key;
}

/** A page of `rows`, which were asked for one beyond the limit to know whether there are more. */
export function listed<Row, T>(
  rows: readonly Row[],
  page: ListPage,
  shape: (row: Row) => T,
  key: (row: Row) => string[],
): Listed<T> {
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    data: shown.map(shape),
    nextCursor: last === undefined ? null : Buffer.from(JSON.stringify(key(last))).toString('base64url'),
  };
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
