import { z } from 'zod';
import { streamNames } from '../../domain/streams.js';
import { connectionParams, instant, pageQuery } from './common.js';

export const streamParams = connectionParams.extend({ stream: z.enum(streamNames) });
export const recordParams = streamParams.extend({ xeroId: z.string().min(1).max(200) });

const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => !value.includes('\u0000'), 'must not hold a zero byte');

export const recordsQuery = pageQuery.extend({
  updatedAfter: z.iso.datetime({ offset: true }).optional(),
  ids: text(20_000)
    .transform((list) => list.split(',').map((id) => id.trim()))
    .pipe(z.array(z.string().min(1).max(200)).max(200))
    .optional()
    .describe('Ids of Xero with commas between.'),
  number: text(500).optional(),
  contact: text(500).optional().describe("Xero's id of the contact."),
  setAside: z
    .stringbool()
    .optional()
    .describe('True: instead of records, those that could not be stored as records, as the text that came.'),
});

const setAsideSchema = z
  .object({ readAt: instant, text: z.string().describe('As Xero sent it.') })
  .meta({ id: 'SetAside', description: 'A record that Postgres cannot hold as JSON (a zero byte, half a character).' });

export const recordSchema = z
  .object({
    xeroId: z.string(),
    updatedAt: instant.nullable(),
    outsideWindow: z.boolean().describe('Before the Sync From Date, kept because a record in scope refers to it.'),
    deletedAt: instant.nullable().describe('When it was found to be gone from Xero.'),
    record: z.record(z.string(), z.unknown()).describe('As Xero sent it, every field and digit.'),
  })
  .meta({ id: 'Record', description: "A record of Xero's in the mirror." });

/** What a list of records answers: records, or, asked for, what was set aside. */
export const listedRecord = z.union([recordSchema, setAsideSchema]);
