import { z } from 'zod';
import { streamNames } from '../../domain/streams.js';
import { startedSchema } from './run.js';

export const syncBody = z
  .strictObject({
    mode: z
      .enum(['incremental', 'full'])
      .optional()
      .describe('`incremental`: what changed since the last reading; `full`: everything from the Sync From Date.'),
    streams: z.array(z.enum(streamNames)).min(1).optional().describe('Absent: all that the connection reads.'),
  })
  .nullish();

export const syncStartedSchema = startedSchema
  .extend({ alreadyRunning: z.boolean().describe('A sync was in hand, and this call joined it.') })
  .meta({ id: 'SyncStarted', description: 'A sync in hand.' });
