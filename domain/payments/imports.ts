/** The life of a payment that was made in Xero: its states, and what is held of it. */
import type { PaymentCode } from '../codes.js';

/** A closed list, each with its sentence. */
export const paymentImportStates = {
  matched: 'It fits one invoice, and is to be claimed.',
  unmatched: 'No invoice fits it; it was not attempted.',
  ambiguous: 'More than one invoice or payment fits; it was not attempted.',
  claimed: 'It is being applied.',
  imported: 'It was applied to the invoice, for good.',
  failed: 'It was attempted, or may have been, and is never attempted again: a person resolves it.',
  resolved: 'A person decided about it, for good.',
} as const;
export type PaymentImportState = keyof typeof paymentImportStates;

/** What people see: a match that waits is `unmatched` with the reason. */
export type ShownPaymentState = Exclude<PaymentImportState, 'matched'>;
export const shownPaymentStates = ['claimed', 'imported', 'unmatched', 'ambiguous', 'failed', 'resolved'] as const;

/** States in which nobody has decided yet, neither the service nor a person. */
export const unreconciledStates = ['matched', 'unmatched', 'ambiguous', 'claimed', 'failed'] as const;

/** Milliseconds after which a payment that is not imported is a warning on its connection. */
export const overdueMs = 86_400_000;

/** Failed attempts in a row after which a run claims nothing more. */
export const mostFailuresInARow = 3;

/** What an attempt ended in. */
export type AttemptOutcome =
  | 'imported'
  | Extract<PaymentCode, 'callback_refused' | 'callback_unreachable' | 'outcome_unknown'>;
