import { z } from 'zod';
import { companyId, line, locationId } from './common.js';

export const locationsParams = z.object({ company: companyId });
export const locationParams = locationsParams.extend({ location: locationId });
export const locationBody = z.object({
  name: line(500).describe('What people call it.'),
  synced: z
    .boolean()
    .default(true)
    .describe('False: it has no books in Xero, and the first full reads of the others do not wait for it.'),
});
export const locationSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    synced: z.boolean(),
    connectionId: z.string().nullable().describe('The connection that covers it.'),
  })
  .meta({ id: 'Location', description: 'A site of a company.' });
