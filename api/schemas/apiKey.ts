import { z } from 'zod';
import { companyId, instant, line } from './common.js';

const role = z
  .enum(['viewer', 'standard', 'adviser', 'admin'])
  .describe(
    '`viewer` reads; `standard` and `adviser` also save documents, sync, push, import and resolve; `admin` also connects, configures, deletes and makes keys.',
  );

export const apiKeyParams = z.object({ id: z.uuid().describe('Id of the key.') });

export const apiKeyBody = z.object({
  name: line(200).describe('What people call it; stands in the audit.'),
  role,
  company: companyId.optional().describe('The one company that it sees; all of them where it is left out.'),
});

export const apiKeySchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    role,
    company: z.string().nullable().describe('Null: it sees all.'),
    createdAt: instant,
    lastUsedAt: instant.nullable().describe('To the minute.'),
    revokedAt: instant.nullable(),
  })
  .meta({ id: 'ApiKey', description: 'A key to this API, without its secret.' });

export const madeApiKeySchema = apiKeySchema
  .extend({ secret: z.string().describe('Shown this once: only a hash of it is stored.') })
  .meta({ id: 'MadeApiKey', description: 'A new key with its secret.' });
