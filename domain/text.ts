import { z } from 'zod';

/** Can Postgres hold it, and does it stand on one line? No control character, no half of a character. */
export function isOneLine(value: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(value);
}

/** Can Postgres hold it? No NUL, no half of a character. */
export function isStorable(value: string): boolean {
  return !value.includes('\u0000') && !/\p{Cs}/u.test(value);
}

/** Text that Postgres can hold, on one line. */
export const line = (longest: number) =>
  z.string().min(1).max(longest).refine(isOneLine, 'must not hold control characters');
