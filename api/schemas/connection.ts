import { z } from 'zod';
import { connectionCodes } from '../../domain/codes.js';
import { connectionStatuses } from '../../domain/connection.js';
import { runKinds } from '../../domain/ports.js';
import { budgetSchema } from './budget.js';
import { calendarDate, companyId, instant, locationId, pageQuery } from './common.js';

const direction = z
  .enum(['two-way', 'import'])
  .describe('`two-way` also sends documents to Xero; `import` only reads.');
const warnings = z.array(z.string()).describe('What a person should know before going on.');
const consentUrl = z
  .string()
  .meta({ format: 'uri' })
  .describe('Where the customer gives the consent; good for ten minutes.');

/** The codes are listed for the reader of the document; a later one must not break an answer. */
const connectionCode = z.string().meta({ enum: Object.keys(connectionCodes) });

export const connectBody = z.object({
  company: companyId,
  locations: z
    .array(locationId)
    .min(1)
    .max(1000)
    .optional()
    .describe('Absent: the company as a whole. A company syncs one way or the other.'),
  direction,
  syncFromDate: calendarDate
    .nullable()
    .optional()
    .describe('Absent: to be chosen later, contacts are read meanwhile. Null: all history.'),
  returnUrl: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional()
    .describe('Where the customer goes after the consent; its origin must be on the allow-list.'),
});

export const connectAnswer = z.object({
  id: z.uuid(),
  status: z.enum(connectionStatuses),
  consentUrl,
  warnings,
});

export const reconnectBody = connectBody.pick({ returnUrl: true }).nullish();
export const reconnectAnswer = z.object({ consentUrl });

export const syncFromDateBody = z.object({
  syncFromDate: calendarDate.nullable().describe('Null: all history. It is set once.'),
});
export const syncFromDateAnswer = z.object({ syncFromDate: z.string().nullable(), warnings });

export const connectionsQuery = pageQuery.extend({
  company: companyId.optional(),
  status: z.enum(connectionStatuses).optional(),
  lastError: z.enum(Object.keys(connectionCodes) as [string, ...string[]]).optional(),
  attention: z
    .stringbool()
    .optional()
    .describe('True: only those that wait for a person, or whose last work did not end well.'),
});

export const offeredOrganisation = z.object({ tenantId: z.guid(), name: z.string() });
export const offeredOrganisations = z.object({ data: z.array(offeredOrganisation) });
export const chooseOrganisationBody = z.object({ tenantId: z.guid().describe("Xero's id of the organisation.") });

const organisation = z.object({
  id: z.string().describe("Xero's tenant id."),
  name: z.string(),
  baseCurrency: z.string().nullable(),
  timeZone: z.string().nullable().describe('IANA name.'),
  countryCode: z.string().nullable(),
});

const runningWork = z.object({
  kind: z.enum(runKinds),
  workflowId: z.string(),
  runId: z.string(),
  url: z.string().describe('The run in the Temporal UI.'),
  startedAt: instant,
});

export const connectionSchema = z
  .object({
    id: z.uuid(),
    company: z.string(),
    locations: z.array(z.string()).nullable().describe('Those it covers; null: the company as a whole.'),
    direction,
    status: z.enum(connectionStatuses),
    organisation: organisation.nullable(),
    syncFromDateChosen: z.boolean(),
    syncFromDate: z.string().nullable().describe('Null once chosen: all history.'),
    sleepingUntil: instant.nullable(),
    lastSuccessfulSyncAt: instant.nullable(),
    lastError: z.object({ code: connectionCode, message: z.string(), remedy: z.string(), at: instant }).nullable(),
    needsPerson: z
      .array(z.object({ reason: z.string(), count: z.number().int(), remedy: z.string() }))
      .describe('What waits for a person, with how many of it there are.'),
    warnings,
    backfilledAt: instant.nullable().describe('When the first full read was done.'),
    running: z.array(runningWork),
    nextRuns: z.object({
      nightly: instant.nullable().describe('It begins within half an hour from then; null while Xero is not read.'),
    }),
    budget: budgetSchema.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Connection', description: 'The link of one company to one Xero organisation.' });
