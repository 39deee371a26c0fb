import { z } from 'zod';
import { connectionCodes, documentCodes, paymentCodes } from '../../domain/codes.js';
import { documentKindNames } from '../../domain/documents/kinds.js';
import { contactMatches } from '../../domain/ports.js';
import {
  exportStates,
  fingerprintPartNames,
  fingerprintParts,
  previewGroupNames,
  previewStates,
  rowOutcomes,
  rowResults,
} from '../../domain/preview.js';
import { instant, pageQuery } from './common.js';

const decimal = z.string().meta({ examples: ['1180.00'] });
const date = z.string().nullable().meta({ format: 'date' });
const rowCode = z.string().meta({ enum: [...new Set([...Object.keys(documentCodes), ...Object.keys(paymentCodes)])] });

const finding = z
  .object({
    code: rowCode,
    field: z.string().nullable().describe('Dotted path in the document, where a field is to blame.'),
    message: z.string(),
    remedy: z.string(),
  })
  .meta({ id: 'Finding' });

const eachGroup = <Value extends z.ZodType>(value: Value) =>
  z.object(Object.fromEntries(previewGroupNames.map((group) => [group, value])) as Record<string, Value>);

const sums = z
  .object({
    records: z.number().describe('Rows that will be sent.'),
    errors: z.number().describe('Rows with errors: they block the export.'),
    warnings: z.number().describe('Rows with warnings: they block nothing.'),
    skipped: z.number().describe('Rows that stay here, by the rules or because a person excluded them.'),
    total: z.record(z.string(), decimal).describe('Of what will be sent, by currency, tax included.'),
  })
  .meta({ id: 'GroupSums' });

export const groupParams = z.object({
  id: z.uuid().describe('Id of the preview.'),
  group: z.enum(previewGroupNames).describe('Contacts and items are what the documents stand on.'),
});
export const previewParams = groupParams.pick({ id: true });
export const exportParams = z.object({ id: z.uuid().describe('Id of the export.') });

export const previewStartedSchema = z
  .object({ id: z.string(), workflowId: z.string(), runId: z.string(), url: z.string() })
  .meta({ id: 'ReviewStarted', description: 'A preview or an export in hand.' });

export const previewSchema = z
  .object({
    id: z.string(),
    connection: z.string(),
    state: z.enum(previewStates),
    code: z
      .string()
      .nullable()
      .meta({ enum: [...Object.keys(connectionCodes), null] })
      .describe('Why it failed.'),
    actor: z.string().nullable(),
    madeAt: instant,
    readyAt: instant.nullable(),
    progress: z
      .object({
        doing: z.enum(['reading', 'planning', 'done']),
        rows: z.number().nullable().describe('How many rows there are to look at; null while Xero is read.'),
        planned: z.number(),
      })
      .describe('How far it is.'),
    groups: eachGroup(sums),
  })
  .meta({ id: 'Preview', description: 'What an export would do, group by group.' });

const rowLine = z.object({
  description: z.string(),
  quantity: decimal,
  unitAmount: decimal,
  discountRate: decimal.nullable(),
  item: z.string().nullable().describe("The item's code in Xero."),
  account: z.string().nullable(),
  taxType: z.string().nullable(),
  amount: decimal.nullable(),
  tax: decimal.nullable(),
  tracking: z.array(z.string()),
});

const row = z.object({
  group: z.enum(previewGroupNames),
  kind: z.enum(documentKindNames).nullable(),
  externalId: z.string().nullable(),
  xeroPaymentId: z.string().nullable().describe('Of a payment that was made in Xero.'),
  version: z.number().nullable(),
  outcome: z.enum(rowOutcomes),
  action: z.enum(['create', 'update', 'link', 'void', 'import']).nullable(),
  number: z.string().nullable(),
  date,
  dueDate: date,
  currency: z.string().nullable(),
  total: decimal.nullable().describe('As Xero will compute it, tax included.'),
  contact: z
    .object({
      externalId: z.string(),
      name: z.string().nullable(),
      xeroId: z.string().nullable(),
      match: z.enum(contactMatches).describe('How it becomes a contact in Xero.'),
    })
    .nullable(),
  pays: z.string().nullable().describe('The external id of what a payment pays.'),
  lines: z.array(rowLine),
  errors: z.array(finding),
  warnings: z.array(finding),
});

export const previewRowSchema = row.meta({
  id: 'PreviewRow',
  description: 'What would move, as it would stand in Xero.',
});

export const rowsQuery = pageQuery.extend({ outcome: z.enum(rowOutcomes).optional() });

export const exportBody = z.strictObject({
  previewId: z.uuid().describe('A preview of this connection that is ready.'),
});

export const exportSchema = z
  .object({
    id: z.string(),
    preview: z.string(),
    connection: z.string(),
    state: z.enum(exportStates),
    code: z
      .string()
      .nullable()
      .meta({ enum: ['preview_stale', 'preview_has_errors', ...Object.keys(connectionCodes), null] })
      .describe('Why it failed.'),
    changed: z
      .array(z.enum(fingerprintPartNames))
      .describe(`What is different from what was reviewed: ${Object.values(fingerprintParts).join(', ')}.`),
    actor: z.string(),
    startedAt: instant,
    endedAt: instant.nullable(),
    groups: eachGroup(z.partialRecord(z.enum(rowResults), z.number())).describe(
      'How many rows stand where: the progress while it runs, the report when it has ended.',
    ),
  })
  .meta({ id: 'Export', description: 'What was reviewed, being sent.' });

export const exportRowSchema = row
  .extend({
    result: z.enum(rowResults),
    code: rowCode.nullable().describe('Why it was not sent.'),
    refusals: z.array(finding).describe("Xero's own words included."),
    xeroId: z.string().nullable(),
    settledAt: instant.nullable(),
  })
  .meta({ id: 'ExportRow', description: 'A row that was reviewed, and what became of it.' });

export const exportRowsQuery = rowsQuery.extend({
  group: z.enum(previewGroupNames).optional(),
  result: z.enum(rowResults).optional(),
});
