/** RFC 9457, with our closed list of codes. */
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { connectionCodes, requestCodes } from '../../domain/codes.js';

const codes = [...Object.keys(requestCodes), ...Object.keys(connectionCodes)] as [string, ...string[]];

export const problemSchema = z
  .object({
    type: z.string().describe('URN of the kind of problem.'),
    title: z.string().describe('What happened.'),
    status: z.number().int(),
    detail: z.string().optional().describe('What is special about this one time.'),
    code: z.enum(codes),
    remedy: z.string().describe('What to do about it.'),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    existing: z.string().optional().describe('Id of what stands in the way.'),
    requestId: z.string().describe('The `x-request-id` of this answer.'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
export type ProblemBody = z.infer<typeof problemSchema>;

export function problemContent(status: number) {
  return {
    description: STATUS_CODES[status] ?? 'Problem',
    content: { 'application/problem+json': { schema: problemSchema } },
  };
}
