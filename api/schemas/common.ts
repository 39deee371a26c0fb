/** Shapes that many answers share. */
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { isCalendarDate } from '../../domain/calendar.js';
import { line } from '../../domain/text.js';
import { problemContent } from './problem.js';

export { line };

export const calendarDate = z
  .string()
  .refine(isCalendarDate, 'must be a day that exists, as YYYY-MM-DD')
  .meta({ format: 'date', examples: ['2025-04-01'] });

/** In answers; what the database gives is not validated again. */
export const instant = z.string().meta({ format: 'date-time', examples: ['2026-10-01T08:30:00.000Z'] });

export const companyId = line(200).describe("The platform's own id of its customer.");

export const locationId = line(200).describe("The platform's own id of a site of the company.");

export const connectionParams = z.object({ id: z.uuid().describe('Id of the connection.') });

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Rows of one answer.'),
  cursor: z.string().min(1).max(1000).optional().describe('`nextCursor` of the answer before.'),
});

export const listOf = <Row extends z.ZodType>(row: Row) =>
  z.object({ data: z.array(row), nextCursor: z.string().nullable().describe('Null at the end of the list.') });

/** `30s`: whole seconds, at most so many; absent: none. */
export const secondsToWait = (longest: number) =>
  z
    .string()
    .regex(/^\d{1,2}s$/, 'must be whole seconds, such as 30s')
    .transform((wait) => Number(wait.slice(0, -1)))
    .pipe(z.number().max(longest, `must be at most ${longest}s`))
    .default(0);

/** The body of a 204. */
export const nothing = z.null();

/** What any call under /v1 may answer besides what it promises. */
const always = [401, 403, 422, 429, 500, 503] as const;

/** The answers of a route: a schema for each status, problems among them. Only the promised ones are typed for the handler. */
export function answers<const Promised extends Readonly<Record<number, z.ZodType>>>(
  promised: Promised,
  ...refusals: number[]
): Promised {
  const problems = [...always, ...refusals].map((status) => [status, problemContent(status)]);
  const promises = Object.entries(promised).map(([status, schema]) => [
    status,
    { description: STATUS_CODES[status] ?? 'Answer', content: { 'application/json': { schema } } },
  ]);
  return Object.fromEntries([...problems, ...promises]);
}
