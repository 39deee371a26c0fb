/** A payment that was made in Xero as a row of a preview. */
import { paymentCodes } from '../codes.js';
import type { PaymentImport, PaymentRow } from '../ports.js';

/** What fits and waits for nobody but the export, or for the next run where nothing is reviewed. */
const fits: ReadonlySet<string> = new Set(['awaiting_export', 'next_run']);

export function paymentRow({ xeroPaymentId, code, amount, currency, date, invoice }: PaymentImport): PaymentRow {
  const comes = code !== null && fits.has(code);
  return {
    xeroPaymentId,
    outcome: comes ? 'send' : 'skipped',
    body: {
      ...{ action: comes ? 'import' : null, number: null, date, dueDate: null, currency, total: amount, contact: null },
      ...{ pays: invoice, lines: [] },
    },
    warnings: comes || code === null ? [] : [{ code, field: null, message: paymentCodes[code].message }],
  };
}
