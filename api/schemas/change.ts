import { z } from 'zod';
import { eventTypeNames, eventTypes, keptDays } from '../../domain/feed.js';
import { companyId, instant, secondsToWait } from './common.js';

const longestWaitSeconds = 60;

export const changesQuery = z.object({
  after: z
    .string()
    .regex(/^(latest|\d{1,18})$/, 'must be `latest`, a nextCursor or the id of an event')
    .optional()
    .describe(
      `What comes after this: \`nextCursor\` of the answer before, or the id of an event. Absent: from the oldest event that is kept (${keptDays} days). \`latest\`: no events, only the newest position, at once.`,
    ),
  wait: secondsToWait(longestWaitSeconds).describe(
    'How long to wait for an event when there is none yet, `0s` to `60s`.',
  ),
  limit: z.coerce.number().int().min(1).max(1000).default(200).describe('Events of one answer.'),
  company: companyId.optional(),
});

const types = Object.entries(eventTypes).map(
  ([type, { sentence, data }]) => `- \`${type}\`: ${sentence} Data: ${data}.`,
);

const eventSchema = z
  .object({
    id: z.string().describe('Its position in the feed: later events have higher ones.'),
    type: z.enum(eventTypeNames).describe(types.join('\n')),
    at: instant,
    company: z.string(),
    connection: z.string().nullable(),
    kind: z.string().nullable().describe("Of the platform's document that it is about."),
    externalId: z.string().nullable().describe("The platform's id of that document."),
    xeroId: z.string().nullable().describe("Of Xero's record that it is about."),
    data: z.record(z.string(), z.unknown()).describe('As its type says.'),
  })
  .meta({ id: 'Event', description: 'Something that happened.' });

export const changesAnswer = z
  .object({
    data: z.array(eventSchema),
    nextCursor: z.string().describe('Where to go on; always given. Keep it once the events are dealt with.'),
  })
  .meta({ id: 'Changes', description: 'Events in the order in which they were committed.' });
