import { Decimal, type Row } from '../core/values.js';
import { usualRate } from './chart.js';
import type { Contacts } from './contacts.js';
import type { World } from './world.js';

/** The contact as it stands inside a document; `inPayment` has fewer fields. */
export function contactSummary(contacts: Contacts, index: number): Row {
  return {
    ContactID: contacts.id(index),
    Name: contacts.name(index),
    Addresses: [],
    Phones: [],
    ContactGroups: [],
    ContactPersons: [],
    HasValidationErrors: false,
  };
}

const RATE_DECIMALS = 10;

/** The rate of a document: 1 in the base currency, else near the usual one, with six decimals that matter. */
export function currencyRate(world: World, currency: string, jitter: number): Decimal {
  if (currency === world.baseCurrency) return new Decimal(10 ** RATE_DECIMALS, RATE_DECIMALS);
  const millionths = Math.round(usualRate(world.baseCurrency, currency) * (980_000 + (jitter % 40_000)));
  return new Decimal(millionths * 10_000, RATE_DECIMALS);
}

/** What Xero shows of an invoice inside another document: without what was paid or credited on it. */
export const unsettled = (): Row => ({
  Payments: [],
  CreditNotes: [],
  Prepayments: [],
  Overpayments: [],
  IsDiscounted: false,
  HasErrors: false,
  InvoicePaymentServices: [],
});
