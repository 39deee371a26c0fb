import { Decimal, type Row, writeJson } from '../core/values.js';
import type { Books } from './books.js';
import { matchingContact, planContact } from './contacts.js';
import { decimalOf, objectOf, textOf } from './fields.js';
import { type Given, type PlannedRow, ValidationFailed } from './writer.js';

/** The contact of a document: as the document shows it, and what the document changes of it. */
export interface Party {
  Contact: Row;
  rows: PlannedRow[];
}

const FLAGS = { customer: 'IsCustomer', supplier: 'IsSupplier' } as const;

/**
 * The contact that a document names. Fields beyond its id change the contact, a name that no contact has makes one, and
 * the first document of a kind makes it a customer or a supplier, which does not move its stamp (xero-api.md §2, §4).
 */
export function partyOf(
  books: Books,
  given: Given,
  role: keyof typeof FLAGS,
  previous: Row | undefined,
  complaints: string[],
): Party {
  const named = objectOf(given, 'Contact');
  if (!named && previous) return { Contact: previous.Contact as Row, rows: [] };
  if (!named) {
    complaints.push('A Contact must be specified for this type of transaction');
    return { Contact: {}, rows: [] };
  }
  try {
    return partyRows(books, named, role);
  } catch (error) {
    if (!(error instanceof ValidationFailed)) throw error;
    complaints.push(...error.messages);
    return { Contact: {}, rows: [] };
  }
}

function partyRows(books: Books, named: Given, role: keyof typeof FLAGS): Party {
  const there = matchingContact(books, named, true);
  const { index, row } = planContact(books, named, there);
  const changes = there === undefined || writeJson(row) !== writeJson(there.row);
  const flagged = { ...row, [FLAGS[role]]: true };
  const touched = changes || row[FLAGS[role]] !== true;
  const rows = touched ? [{ stream: 'contacts', index, row: flagged, silent: !changes }] : [];
  return { Contact: summary(row), rows };
}

const summary = ({ ContactID, Name }: Row): Row => ({
  ContactID,
  Name,
  Addresses: [],
  Phones: [],
  ContactGroups: [],
  ContactPersons: [],
  HasValidationErrors: false,
});

const RATE_DECIMALS = 10;

/** The currency of a document and its rate: as given, else as it was, else the base currency and Xero's rate of the day. */
export function currencyOf(
  books: Books,
  given: Given,
  day: number,
  previous: Row | undefined,
  complaints: string[],
): { CurrencyCode: string; CurrencyRate: Decimal } {
  const CurrencyCode = (
    textOf(given, 'CurrencyCode', complaints) || String(previous?.CurrencyCode ?? books.baseCurrency)
  ).toUpperCase();
  if (!books.subscribesTo(CurrencyCode)) {
    complaints.push(`Organisation is not subscribed to currency ${CurrencyCode}`);
    return { CurrencyCode, CurrencyRate: new Decimal(10 ** RATE_DECIMALS, RATE_DECIMALS) };
  }
  const stated =
    CurrencyCode === books.baseCurrency ? undefined : decimalOf(given, 'CurrencyRate', RATE_DECIMALS, complaints);
  const kept = previous?.CurrencyCode === CurrencyCode ? (previous.CurrencyRate as Decimal | undefined) : undefined;
  return { CurrencyCode, CurrencyRate: stated ?? kept ?? books.rateOfDay(CurrencyCode, day) };
}

/** The states of a document that stand outside the ledger: locks do not hold them. */
const OUTSIDE_LEDGER = new Set(['DRAFT', 'SUBMITTED', 'DELETED']);

/** Complains when a document of this state may not be dated `day`, a day number. */
export function checkLocks(books: Books, status: string, day: number, complaints: string[]): void {
  const message = OUTSIDE_LEDGER.has(status) ? undefined : books.lockedBy(day);
  if (message) complaints.push(message);
}

/** The link to the document in the app that sent it. */
export function urlOf(given: Given, complaints: string[]): string | undefined {
  const url = textOf(given, 'Url', complaints);
  if (url && (!URL.canParse(url) || /xero/i.test(url))) {
    complaints.push("Url must be a valid absolute URL and must not contain the word 'xero'");
  }
  return url;
}
