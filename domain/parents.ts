import type { StreamName } from './streams.js';

/** Which records refer to which: a payment in scope may pay an invoice that lies before the Sync From Date. */
export interface ParentLink {
  child: StreamName;
  /** Where a child names its parents, as an SQL/JSON path. */
  path: string;
  parent: StreamName;
}

/** Parents of records in scope are fetched by id and kept as reference (rules.md, "Which date decides"). */
export const parentLinks: readonly ParentLink[] = [
  { child: 'payments', path: '$.Invoice.InvoiceID', parent: 'invoices' },
  { child: 'payments', path: '$.CreditNote.CreditNoteID', parent: 'creditNotes' },
  { child: 'payments', path: '$.Prepayment.PrepaymentID', parent: 'prepayments' },
  { child: 'payments', path: '$.Overpayment.OverpaymentID', parent: 'overpayments' },
  { child: 'creditNotes', path: '$.Allocations[*].Invoice.InvoiceID', parent: 'invoices' },
  { child: 'prepayments', path: '$.Allocations[*].Invoice.InvoiceID', parent: 'invoices' },
  { child: 'overpayments', path: '$.Allocations[*].Invoice.InvoiceID', parent: 'invoices' },
];
