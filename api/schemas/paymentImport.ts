import { z } from 'zod';
import { paymentCodes } from '../../domain/codes.js';
import { shownPaymentStates } from '../../domain/payments/imports.js';
import { calendarDate, connectionParams, instant, line, listOf, pageQuery } from './common.js';
import { startedSchema } from './run.js';

const money = z.string().describe('A decimal, in the currency of the invoice.');

export const paymentImportSchema = z
  .object({
    xeroPaymentId: z.string(),
    xeroInvoiceId: z.string().nullable().describe("Xero's id of the invoice that it was entered on."),
    state: z.enum(shownPaymentStates),
    code: z
      .string()
      .meta({ enum: Object.keys(paymentCodes) })
      .nullable()
      .describe('Why it is not imported.'),
    message: z.string().nullable(),
    remedy: z.string().nullable(),
    amount: money,
    currency: z.string().nullable(),
    date: calendarDate.nullable(),
    invoice: z.string().nullable().describe('External id of the invoice that it pays, or would pay.'),
    candidates: z
      .array(
        z.object({
          invoice: z.string().describe('External id.'),
          open: money,
          because: z.enum(['fits', 'amountDiffers', 'currencyDiffers', 'openInXero']),
        }),
      )
      .describe('The nearest invoices, each with what speaks for or against it.'),
    foundAt: instant,
    claimedAt: instant.nullable().describe('It is attempted once, from here on.'),
    settledAt: instant.nullable(),
    resolution: z
      .object({ outcome: z.enum(['applied', 'ignored']), note: z.string(), actor: z.string(), at: instant })
      .nullable()
      .describe('What a person decided.'),
    deletedInXeroAt: instant.nullable().describe('When it was seen that it was deleted in Xero after its import.'),
  })
  .meta({ id: 'PaymentImport', description: 'A payment that was made in Xero and that the platform does not know.' });

export const paymentImportsQuery = pageQuery.extend({ state: z.enum(shownPaymentStates).optional() });

export const paymentImportsAnswer = listOf(paymentImportSchema).extend({
  unreconciled: z
    .object({
      count: z.int(),
      oldestAt: instant.nullable().describe('Null where there is none.'),
      overdue: z.int().describe('How many are older than a day.'),
    })
    .describe('Payments that nobody has decided about, over all states.'),
});

export const paymentImportStarted = startedSchema
  .extend({ alreadyRunning: z.boolean().describe('An import was in hand, and this call joined it.') })
  .meta({ id: 'PaymentImportStarted', description: 'A payment import in hand.' });

export const paymentImportParams = connectionParams.extend({ xeroPaymentId: z.guid().toLowerCase() });

export const resolveBody = z.strictObject({
  outcome: z
    .enum(['applied', 'ignored'])
    .describe('`applied`: it is in the books of the platform, and is entered in ours; `ignored`: it is not to be.'),
  invoice: line(200).optional().describe('External id; needed to apply a payment that no invoice is known of.'),
  note: line(1000),
});

export const callbackSecretAnswer = z.object({
  secret: z.string().describe('Shown this once. HMAC-SHA256 with it signs the timestamp, a dot and the body.'),
});
