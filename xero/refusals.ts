/** Xero's words of refusal, as they were seen (xero-api.md §3), and what each means here. */
import type { DocumentCode } from '../domain/codes.js';

/** The first that fits decides. Words that no row knows are `validation`: they are Xero's own and stay with the document. */
const known: readonly (readonly [RegExp, DocumentCode])[] = [
  [/cannot be before the (period|end of year|year end) lock date|lock date, currently set/i, 'period_locked'],
  [/(invoice|credit note|order) (#|number) must be unique/i, 'number_taken'],
  [/price list item with code .* already exists/i, 'number_taken'],
  [/contact name .* is already assigned to another contact/i, 'contact_name_taken'],
  [/contact number .* (is )?already (assigned|in use)/i, 'contact_id_taken'],
  [/matched an archived contact|archived contacts cannot/i, 'contact_archived'],
  [/payment amount exceeds the amount outstanding/i, 'payment_exceeds_due'],
  [/(payments|allocations) can only be made against authorised/i, 'parent_not_authorised'],
  [/has a payment or credit note allocated to it/i, 'has_payments'],
  [/allocat\w* .*(exceeds|greater than)|exceeds .*(remaining credit|credit available)/i, 'allocation_exceeds'],
  [/tax ?type code .* cannot be used with account|tax type .* (does not exist|is not valid)/i, 'tax_type_unusable'],
  [/not subscribed to currency/i, 'currency_not_subscribed'],
  [/account code .* (has been archived|is archived)/i, 'account_archived'],
  [/account code .* (is not a valid code|could not be found|does not exist)/i, 'account_missing'],
];

/** The code of a refusal in Xero's words. */
export function codeOfRefusal(words: readonly string[]): DocumentCode {
  return known.find(([pattern]) => words.some((word) => pattern.test(word)))?.[1] ?? 'validation';
}
