import { z } from 'zod';
import { isMonth, type ReconciledKindName, reconciledKinds } from '../../domain/reconciliation.js';
import { calendarDate, instant } from './common.js';

const kind = z.enum(Object.keys(reconciledKinds) as [ReconciledKindName, ...ReconciledKindName[]]);
const month = z
  .string()
  .refine(isMonth, 'must be a month that exists, as YYYY-MM')
  .meta({ examples: ['2026-10'] });

export const reconciliationQuery = z.object({
  kind: kind.describe('`bill` is a purchase invoice, `supplierCredit` a credit note from a supplier.'),
  month: month.describe('By the date that stands on the document; of payments the date paid.'),
});

const side = z.object({
  count: z
    .number()
    .int()
    .describe('Without what is DELETED or VOIDED, as in reports of Xero, and what is set aside as text (see records).'),
  totals: z
    .array(
      z.object({
        currency: z.string().nullable().describe('Of payments: of what they pay. Null where Xero names none.'),
        total: z.string().describe('A decimal: the sum of `Total`, tax included; of payments, of `Amount`.'),
      }),
    )
    .describe('Of what is counted, by currency.'),
});

const ids = z.array(z.string()).describe("Xero's ids.");

export const reconciliationSchema = z
  .object({
    kind,
    month,
    from: calendarDate.describe('The first day that is compared: what lies before the Sync From Date is left out.'),
    asOf: instant.describe("Xero's clock when its answer began."),
    here: side,
    xero: side,
    differing: z
      .object({
        missingHere: ids.describe("Xero has it, the mirror has not (or knows it as deleted): Xero's ids."),
        missingInXero: ids.describe(
          "The mirror has it in this month, Xero does not: it is gone, or its date was moved. Xero's ids.",
        ),
        different: ids.describe("Both have it, and any field of it differs, its date too: Xero's ids."),
      })
      .describe('Whole records are compared, every field and digit, and those that are DELETED or VOIDED too.'),
    more: z.boolean().describe('More differ than are named: of all three lists together, 1,000 are.'),
  })
  .meta({ id: 'Reconciliation', description: 'A month of one kind in the mirror, held against Xero as it is now.' });
