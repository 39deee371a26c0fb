/**
 * What is looked at before a document goes: one table for the immediate push and for the preview. Each row says what becomes
 * of a document that it finds fault with; message and remedy are those of its code.
 */
import { type DocumentCode, documentCodes } from '../codes.js';
import type { DocumentError } from '../ports/documents.js';
import type { PushFacts, QueuedDocument } from './facts.js';
import * as faults from './faults.js';
import { type DocumentKind, documentKindNames } from './kinds.js';
import { isLink } from './standing.js';
import type { DocumentState } from './states.js';

/** `error` blocks; `warning` does not block others: the document goes all the same, or by the rules it is not sent. */
export type CheckLevel = 'error' | 'warning';

export interface Check {
  code: DocumentCode;
  level: CheckLevel;
  /** What becomes of a document that it finds fault with; null: it goes. */
  state: DocumentState | null;
  /** Is it looked at for what is to be in Xero, for what the platform deleted, or for what is only to be linked? */
  of: readonly ('save' | 'void' | 'link')[];
  kinds: readonly DocumentKind[];
  /** What is at fault, as a sentence. */
  sentence: string;
  /** Fields and, where there is more to say than the code's message, what. */
  faults(document: QueuedDocument, facts: PushFacts): readonly faults.Fault[];
}

/** What a check found. */
export interface Finding {
  level: CheckLevel;
  state: DocumentState | null;
  error: DocumentError;
}

const priced = ['invoice', 'bill', 'staffExpense', 'creditNote', 'purchaseOrder'] as const;
const payments = ['payment', 'billPayment'] as const;
const dated = [...priced, ...payments] as const;
const sold = ['invoice', 'bill', 'staffExpense', 'creditNote'] as const;

const save = ['save'] as const;
const skips = { level: 'warning', state: 'skipped', of: save } as const;
const refuses = { level: 'error', state: 'failed', of: save } as const;
const holds = { level: 'error', state: 'held', of: save } as const;
const waits = { level: 'error', state: 'waiting', of: save } as const;
const tells = { level: 'warning', state: null, of: save } as const;
const both = ['save', 'void'] as const;
const all = ['save', 'void', 'link'] as const;

export const checks: readonly Check[] = [
  // By the rules it is not sent: nothing else about it matters then.
  {
    ...skips,
    ...{ code: 'import_only', of: all, kinds: documentKindNames, faults: faults.importOnly },
    sentence: 'The connection only imports.',
  },
  {
    ...skips,
    ...{ code: 'payments_out_off', of: both, kinds: payments, faults: faults.paymentsOff },
    sentence: 'Payments out are off, and the payment did not come from Xero.',
  },
  {
    ...skips,
    ...{ code: 'purchase_orders_off', of: both, kinds: ['purchaseOrder'], faults: faults.ordersOff },
    sentence: 'Purchase orders are off; their bills are then too.',
  },
  {
    ...skips,
    ...{ code: 'before_sync_from_date', kinds: dated, faults: faults.beforeSyncFromDate },
    sentence: 'The deciding date lies before the Sync From Date, and it was never sent.',
  },
  {
    ...skips,
    ...{ code: 'zero_total', kinds: sold, faults: faults.zeroTotal },
    sentence: 'The total is zero, and it is no invoice that is marked paid.',
  },
  {
    ...skips,
    ...{ code: 'negative_total', kinds: priced, faults: faults.negativeTotal },
    sentence: 'The total is negative; a negative line in a positive total is none.',
  },
  {
    ...skips,
    ...{ code: 'negative_balance', kinds: ['invoice', 'bill', 'staffExpense'], faults: faults.negativeBalance },
    sentence: 'It was paid and credited beyond its total.',
  },

  // It is not in Xero any more.
  {
    ...{ code: 'deleted_in_xero', level: 'error', state: 'voidedInXero', of: save, kinds: dated },
    faults: faults.endedAs('VOIDED'),
    sentence: 'What was sent was voided in Xero, and nobody asked for it anew.',
  },
  {
    ...{ code: 'deleted_in_xero', level: 'error', state: 'deletedInXero', of: save, kinds: documentKindNames },
    faults: faults.endedAs('DELETED'),
    sentence: 'What was sent was deleted in Xero, and nobody asked for it anew.',
  },
  {
    ...refuses,
    ...{ code: 'xero_id_unknown', of: ['save', 'link'], kinds: documentKindNames, faults: faults.unknownXeroId },
    sentence: 'The xeroId names nothing in Xero that this could be, or what another document is.',
  },

  // Contacts and items.
  {
    ...refuses,
    ...{ code: 'validation', kinds: ['contact', 'item'], faults: faults.tooLong },
    sentence: 'A name or unique id is longer than Xero takes.',
  },
  {
    ...refuses,
    ...{ code: 'contact_id_taken', kinds: ['contact'], faults: faults.contactFault('contact_id_taken') },
    sentence: 'A contact has this unique id under another name.',
  },
  {
    ...refuses,
    ...{ code: 'contact_name_taken', kinds: ['contact'], faults: faults.contactFault('contact_name_taken') },
    sentence: 'Another contact, in Xero or to be sent before, has the name.',
  },
  {
    ...refuses,
    ...{ code: 'contact_archived', kinds: ['contact', ...priced], faults: faults.archivedContact },
    sentence: 'The contact is archived; a merged one is not.',
  },
  {
    ...refuses,
    ...{ code: 'item_code_too_long', kinds: ['item'], faults: faults.itemCodeTooLong },
    sentence: 'The code has more than 30 characters.',
  },

  // What it stands on.
  {
    ...waits,
    ...{ code: 'parent_not_sent', kinds: dated, faults: faults.parentFault('parent_not_sent') },
    sentence: 'What it stands on is not saved, or not in Xero yet.',
  },
  {
    ...waits,
    ...{ code: 'parent_failed', kinds: dated, faults: faults.parentFault('parent_failed') },
    sentence: 'What it stands on was refused, is held or is kept out.',
  },
  {
    ...refuses,
    code: 'parent_before_sync_from_date',
    kinds: payments,
    faults: faults.parentFault('parent_before_sync_from_date'),
    sentence: 'What it pays lies before the Sync From Date and is not in Xero by us.',
  },
  {
    ...refuses,
    ...{ code: 'parent_not_authorised', kinds: payments, faults: faults.parentNotAuthorised },
    sentence: 'What it pays is not authorised in Xero.',
  },

  // Accounts, tax, tracking, currency, totals.
  {
    ...refuses,
    ...{ code: 'account_missing', kinds: ['item', ...dated], faults: faults.accountFault('account_missing') },
    sentence: 'An account is not set, or Xero does not have it.',
  },
  {
    ...refuses,
    ...{ code: 'account_archived', kinds: ['item', ...dated], faults: faults.accountFault('account_archived') },
    sentence: 'An account is archived.',
  },
  {
    ...refuses,
    ...{ code: 'account_type_wrong', kinds: ['item', ...dated], faults: faults.accountFault('account_type_wrong') },
    sentence: 'An account cannot stand on a line, or takes no payments.',
  },
  {
    ...refuses,
    ...{ code: 'tax_type_unusable', kinds: priced, faults: faults.taxType },
    sentence: 'A tax type is unknown, not active, or does not go with its account.',
  },
  {
    ...refuses,
    ...{ code: 'tracking_unknown', kinds: priced, faults: faults.tracking },
    sentence: 'A tracking option, or its category, is unknown or not active.',
  },
  {
    ...refuses,
    ...{ code: 'currency_not_subscribed', kinds: priced, faults: faults.currency },
    sentence: 'The organisation does not use the currency.',
  },
  {
    ...refuses,
    ...{ code: 'payment_currency_wrong', kinds: payments, faults: faults.paymentCurrency },
    sentence: "The account's currency is neither the invoice's nor the organisation's own.",
  },
  {
    ...refuses,
    ...{ code: 'totals_disagree', kinds: priced, faults: faults.totalsDisagree },
    sentence: 'The total differs from what Xero will compute by more than rounding can explain.',
  },
  {
    ...tells,
    ...{ code: 'rounding_line', kinds: priced, faults: faults.roundingLine },
    sentence: 'A line on the rounding account makes up a difference of up to 0.05.',
  },

  // Locks, what stands in Xero already, and what is paid.
  {
    ...refuses,
    ...{ code: 'period_locked', of: both, kinds: dated, faults: faults.periodLocked },
    sentence: 'A date of the document, payment, allocation or voiding lies on or before a lock date; drafts pass.',
  },
  {
    ...refuses,
    ...{ code: 'number_taken', kinds: ['item', ...priced], faults: faults.numberTaken },
    sentence: 'The number is taken in Xero, by a voided document too, or by another document here.',
  },
  {
    ...holds,
    ...{ code: 'duplicate_suspected', kinds: dated, faults: faults.duplicate },
    sentence:
      'Xero has, not by us, the number, or the same contact, date and total, or an equal payment within 3 days.',
  },
  {
    ...holds,
    ...{ code: 'order_billed', kinds: ['purchaseOrder'], faults: faults.orderBilled },
    sentence: 'The order is BILLED in Xero, and not by us.',
  },
  {
    ...refuses,
    ...{ code: 'order_billed', of: ['void'], kinds: ['purchaseOrder'], faults: faults.billedOrderDeleted },
    sentence: 'The order that is to be deleted is BILLED in Xero.',
  },
  {
    ...holds,
    ...{ code: 'conflict', kinds: documentKindNames, faults: faults.conflict },
    sentence: 'It was edited in Xero since it was sent, and here too.',
  },
  {
    ...refuses,
    ...{ code: 'has_payments', of: both, kinds: sold, faults: faults.hasPayments },
    sentence: 'It is to be edited or voided while something is paid or credited on it.',
  },
  {
    ...refuses,
    ...{ code: 'payment_exceeds_due', kinds: payments, faults: faults.exceedsDue },
    sentence: 'The payment is above what is due.',
  },
  {
    ...refuses,
    ...{ code: 'allocation_exceeds', kinds: ['creditNote'], faults: faults.allocationExceeds },
    sentence: "The allocations are above the note's total, or one is above what is due on its invoice.",
  },
  {
    ...refuses,
    ...{ code: 'allocation_mismatch', kinds: ['creditNote'], faults: faults.allocationMismatch },
    sentence: 'An allocation goes to an invoice of another contact or currency.',
  },

  // It goes, and people should know.
  {
    ...tells,
    ...{ code: 'matched_by_name', kinds: ['contact'], faults: faults.matchedByName },
    sentence: 'A contact of this name without a unique id becomes this one.',
  },
  {
    ...tells,
    ...{ code: 'contact_group_missing', kinds: ['contact'], faults: faults.groupMissing },
    sentence: 'The contact group of the settings is not there.',
  },
  {
    ...tells,
    ...{ code: 'allocation_not_sent', kinds: ['creditNote'], faults: faults.allocationNotSent },
    sentence:
      'An allocation is not sent: its invoice lies before the Sync From Date, or one of both is not authorised.',
  },
];

/**
 * All that is to be said about a document, in the order of the table. Where a rule keeps it from being sent, that alone.
 */
export function findings(document: QueuedDocument, facts: PushFacts): Finding[] {
  const wish = document.deleted ? 'void' : isLink(document) ? 'link' : 'save';
  const found: Finding[] = [];
  for (const { kinds, of, code, level, state, faults: look } of checks) {
    if (!of.includes(wish) || !kinds.includes(document.kind)) continue;
    found.push(...look(document, facts).map((fault) => ({ level, state, error: errorOf(code, fault) })));
    if (found[0]?.state === 'skipped') break;
  }
  return found;
}

function errorOf(code: DocumentCode, { field, detail }: faults.Fault): DocumentError {
  const { message } = documentCodes[code];
  return { code, field, message: detail === undefined ? message : `${message} ${detail}` };
}
