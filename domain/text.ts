import { z } from 'zod';

/** Text that Postgres can hold, on one line: no control character, no half of a character. */
export const line = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), 'must not hold control characters');
