import { Decimal, type Value, XeroDate } from '../core/values.js';
import type { Stream } from '../data/stream.js';
import { QueryParseError } from './errors.js';
import type { RowOrder } from './liveList.js';

interface Term {
  path: string;
  descending: boolean;
}

/** `Name`, `Date DESC`, `Type ASC, Date DESC`: the terms of an `order` parameter. */
export function parseOrder(text: string): Term[] {
  return text.split(',').map((part) => {
    const match = /^\s*([A-Za-z]\w*(?:\.\w+)*)(?:\s+(ASC|DESC|ascending|descending))?\s*$/i.exec(part);
    if (!match?.[1]) throw new QueryParseError(`Syntax error in order clause '${text}'`);
    return { path: match[1], descending: /^desc/i.test(match[2] ?? '') };
  });
}

/**
 * The order of a list: the asked one, ties by id; without one `UpdatedDateUTC ASC, ID ASC` (xero-api.md §2).
 */
export function orderOf(stream: Stream, text: string | undefined): RowOrder {
  const terms = text ? parseOrder(text) : [{ path: 'UpdatedDateUTC', descending: false }];
  for (const { path } of terms) {
    if (path !== 'UpdatedDateUTC' && !stream.knowsField(path))
      throw QueryParseError.unknownField(path, stream.endpoint);
  }
  const comparers = terms.map((term) => comparerOf(stream, term));
  const compare = (a: number, b: number): number => {
    for (const comparer of comparers) {
      const difference = comparer.compare(a, b);
      if (difference !== 0) return difference;
    }
    return stream.rank(a) - stream.rank(b);
  };
  const forget = (index: number): void => {
    for (const comparer of comparers) comparer.forget(index);
  };
  return { compare, forget };
}

function comparerOf(stream: Stream, { path, descending }: Term): RowOrder {
  const sign = descending ? -1 : 1;
  if (path === 'UpdatedDateUTC') {
    return { compare: (a, b) => sign * (stream.stamp(a) - stream.stamp(b)), forget: () => undefined };
  }
  if (path === stream.endpoint.idField) {
    return { compare: (a, b) => sign * (stream.rank(a) - stream.rank(b)), forget: () => undefined };
  }
  const keys: (string | number | undefined)[] = [];
  const key = (index: number): string | number => {
    keys[index] ??= sortKey(stream.field(index, path));
    return keys[index] as string | number;
  };
  return { compare: (a, b) => sign * compareKeys(key(a), key(b)), forget: (index) => delete keys[index] };
}

function sortKey(value: Value): string | number {
  if (value instanceof Decimal) return value.toNumber();
  if (value instanceof XeroDate) return value.ms;
  if (typeof value === 'number') return value;
  return value === null || value === undefined ? '' : String(value).toLowerCase();
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a !== typeof b) return typeof a === 'string' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
