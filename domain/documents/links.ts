/** Where people see a document in Xero, in the organisation they are logged in to. */
import type { DocumentKind } from './kinds.js';

const site = 'https://go.xero.com';

/** Xero's deep links, by what stands before the record's id; null: Xero has no page of its own for it. */
const pages: Readonly<Record<DocumentKind, string | null>> = {
  contact: '/Contacts/View/',
  item: null,
  invoice: '/AccountsReceivable/View.aspx?InvoiceID=',
  creditNote: '/AccountsReceivable/ViewCreditNote.aspx?creditNoteID=',
  payment: null,
  bill: '/AccountsPayable/View.aspx?InvoiceID=',
  billPayment: null,
  purchaseOrder: '/Accounts/Payable/PurchaseOrders/View/',
  staffExpense: '/AccountsPayable/View.aspx?InvoiceID=',
};

export function xeroUrl(kind: DocumentKind, xeroId: string | null): string | null {
  const page = pages[kind];
  return xeroId === null || page === null ? null : `${site}${page}${xeroId}`;
}
