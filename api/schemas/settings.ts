import { z } from 'zod';
import { accountClasses } from '../../domain/ports.js';
import { settingsSchema } from '../../domain/settings.js';
import { instant } from './common.js';

const fault = z.object({ field: z.string(), message: z.string() });

export const settingsAnswer = settingsSchema
  .extend({
    faults: z
      .array(fault)
      .nullable()
      .describe(
        "What does not fit the organisation's books as they were last read, by field. Null while they were not read; empty for an import.",
      ),
  })
  .meta({
    id: 'Settings',
    description:
      'The settings of a connection. So far `optionalStreams` says what is read; what is about documents, payments, the night and callbacks is checked and kept.',
  });

const code = z.string();
const name = z.string().describe('As in Xero.');

export const mappingOptionsSchema = z
  .object({
    asOf: instant.describe('When the oldest of these lists was last read from Xero.'),
    baseCurrency: z.string(),
    accounts: z.array(
      z.object({
        code,
        name,
        type: z.string(),
        class: z.enum(accountClasses).nullable(),
        taxType: z.string().nullable().describe("The account's own tax."),
        takesLines: z.boolean().describe('Can it be chosen for sales, purchases, rounding and expense types?'),
      }),
    ),
    paymentAccounts: z
      .array(z.object({ code, name, type: z.string(), currency: z.string().nullable() }))
      .describe(
        'Bank accounts, and those that take payments. One without a code in Xero is not listed: give it one there.',
      ),
    taxRates: z.array(
      z.object({
        taxType: z.string(),
        name,
        rate: z.string().nullable().describe('Percent.'),
        appliesTo: z.array(z.enum(accountClasses)).describe('Classes of accounts.'),
      }),
    ),
    trackingCategories: z.array(
      z.object({ id: z.string(), name, options: z.array(z.object({ id: z.string(), name })) }),
    ),
    currencies: z.array(z.object({ code, name })),
  })
  .meta({ id: 'MappingOptions', description: 'What settings can name, active things only.' });
