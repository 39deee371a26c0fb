/** A bare call: the same invoice by Xero's own SDK, to the same simulator. */
import { XeroClient } from 'xero-node';
import { tokenFor } from '../backfill/floor.js';
import type { Stack } from '../stack/stack.js';
import { today } from './customers.js';

/** Makes one call. @returns milliseconds from its start until the invoice stands, by its stamp: one clock for all here. */
export type BareCall = (invoiceNumber: string, contactID: string) => Promise<number>;

export async function bareCaller(stack: Stack, organisation: string): Promise<BareCall> {
  const xero = new XeroClient();
  xero.accountingApi.basePath = `${stack.simulatorUrl}/api.xro/2.0`;
  xero.setTokenSet({ access_token: await tokenFor(stack, organisation), token_type: 'Bearer' });
  return async (invoiceNumber, contactID) => {
    const invoice = {
      ...{ type: 'ACCREC', status: 'AUTHORISED', invoiceNumber, date: today, dueDate: today, lineAmountTypes: 'NoTax' },
      contact: { contactID },
      lineItems: [{ description: 'Ferns', quantity: 2, unitAmount: 10, accountCode: '200', taxType: 'NONE' }],
    };
    const began = Date.now();
    const { body } = await xero.accountingApi.createInvoices(organisation, { invoices: [invoice] } as never);
    return Number(body.invoices?.[0]?.updatedDateUTC) - began;
  };
}
