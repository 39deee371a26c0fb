import { z } from 'zod';
import { companyId, instant, line } from './common.js';

export const companyParams = z.object({ company: companyId });
export const companyBody = z.object({ name: line(500).describe('What people call it.') });
export const companySchema = z
  .object({ id: z.string(), name: z.string(), createdAt: instant })
  .meta({ id: 'Company', description: 'A customer of the platform.' });
