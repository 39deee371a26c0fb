import { notFound } from '../accounting/errors.js';
import type { Books, Found } from './books.js';
import { type Given, type How, ValidationFailed } from './writer.js';

/** A kind of document that has a number beside its id. */
export interface NumberedKind {
  stream: string;
  idField: string;
  numberField: string;
  /** What numbers that Xero gives begin with. */
  prefix: string;
  /** What Xero calls it in its messages. */
  label: string;
}

/** The documents of a number, deleted ones too. */
export const withNumber = (books: Books, { stream, numberField }: NumberedKind, number: unknown): Found[] =>
  books.by(stream, numberField, number);

/**
 * The document that a POST names: by id or number in the path, else by the id in the body; undefined when it names none.
 * Throws `notFound()` or ValidationFailed when there is no such document.
 */
export function namedDocument(books: Books, kind: NumberedKind, given: Given, { id }: How): Found | undefined {
  const { stream, idField, label } = kind;
  if (id !== undefined) {
    const named = books.byId(stream, id) ?? withNumber(books, kind, id)[0];
    if (!named) throw notFound();
    return named;
  }
  if (!given[idField]) return undefined;
  const named = books.byId(stream, given[idField]);
  if (!named) throw new ValidationFailed([`An existing ${label} with the specified ${idField} could not be found`]);
  return named;
}

/** The next number that is free, as Xero counts on. */
export function nextNumber(
  books: Books,
  { stream, prefix }: NumberedKind,
  isTaken: (number: string) => boolean,
): string {
  let n = books.fresh(stream).index + 1;
  const number = () => `${prefix}${String(n).padStart(5, '0')}`;
  while (isTaken(number())) n++;
  return number();
}
