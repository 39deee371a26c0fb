import { z } from 'zod';
import { instant } from './common.js';

const window = z.object({
  limit: z.number().int(),
  remaining: z.number().int().nullable().describe('Null until an answer of Xero told.'),
  resetsAt: instant.nullable().describe('When the window surely has ended; null while unknown.'),
});

export const budgetSchema = z
  .object({ minute: window, day: window, appMinute: window, inFlight: z.number().int() })
  .meta({ id: 'Budget', description: 'The calls that Xero still allows.' });
