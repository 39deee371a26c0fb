import { z } from 'zod';
import { longestActor } from '../actors.js';
import { companyId, instant, line, pageQuery } from './common.js';

export const auditQuery = pageQuery.extend({
  company: companyId.optional(),
  connection: z.uuid().optional(),
  actor: line(longestActor).optional(),
});

export const auditSchema = z
  .object({
    id: z.uuid(),
    at: instant,
    keyId: z.uuid(),
    keyName: z.string(),
    actor: z.string().nullable().describe("The platform's id of the person."),
    method: z.string(),
    route: z.string().describe('The pattern of the address.'),
    pathIds: z.record(z.string(), z.string()).describe('What stood in the places of the pattern.'),
    company: z.string().nullable(),
    connection: z.string().nullable(),
    requestId: z.string(),
    status: z.number().int().nullable().describe('Null: in hand, or the process ended before it was answered.'),
    code: z.string().nullable().describe('Of the problem that was answered.'),
  })
  .meta({ id: 'AuditRow', description: 'A changing call, and how it ended.' });
