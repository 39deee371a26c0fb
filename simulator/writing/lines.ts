import { newGuid } from '../core/guid.js';
import { Decimal, money, type Row, UnitAmount, type Value } from '../core/values.js';
import type { Books } from './books.js';
import { decimalOf, listOf, textOf } from './fields.js';
import { lineTracking } from './tracking.js';
import type { Given } from './writer.js';

export const AMOUNT_TYPES = ['Exclusive', 'Inclusive', 'NoTax'] as const;
export type LineAmountTypes = (typeof AMOUNT_TYPES)[number];

/** What the lines of a document have in common. */
export interface LineTerms {
  /** Bills, supplier credits and orders; they take the purchase side of items. */
  purchase: boolean;
  /** How many decimals of unit prices are kept: 2 or 4. */
  unitDecimals: number;
  /** Whether every line must be complete, as in a document that is approved or submitted for it. */
  complete: boolean;
  /** The lines as they were: a LineItemID of theirs is kept, any other line is new. */
  previous: readonly Row[];
}

/** The part of a document that its lines make; it can be spread into the row. */
export interface DocumentLines extends Row {
  LineAmountTypes: LineAmountTypes;
  LineItems: Row[];
  SubTotal: Decimal;
  TotalTax: Decimal;
  Total: Decimal;
}

/**
 * The lines of a document with its totals, from `LineItems` and `LineAmountTypes` as given. Amounts and taxes are rounded
 * to two decimals on each line, half away from zero, and then summed (xero-api.md §4). Without `LineItems`
 * the lines stay as they were. What is wrong goes to `complaints`.
 */
export function documentLines(books: Books, given: Given, terms: LineTerms, complaints: string[]): DocumentLines {
  const LineAmountTypes = amountTypesOf(given, complaints);
  const LineItems = listOf(given, 'LineItems')?.map((line) =>
    lineRow(books, line, LineAmountTypes, terms, complaints),
  ) ?? [...terms.previous];
  if (terms.complete) checkComplete(LineItems, complaints);
  return { LineAmountTypes, LineItems, ...totals(LineItems, LineAmountTypes) };
}

function checkComplete(lines: readonly Row[], complaints: string[]): void {
  if (lines.length === 0) complaints.push('One or more line items must be specified');
  if (lines.some(({ AccountCode }) => AccountCode === undefined))
    complaints.push('Account code or ID must be specified');
}

/** The totals of lines as rows hold them: sums of rounded lines. */
export function totals(
  lines: readonly Row[],
  types: LineAmountTypes,
): { SubTotal: Decimal; TotalTax: Decimal; Total: Decimal } {
  const amounts = sum(lines, 'LineAmount');
  const tax = sum(lines, 'TaxAmount');
  const subTotal = types === 'Inclusive' ? amounts - tax : amounts;
  return { SubTotal: money(subTotal), TotalTax: money(tax), Total: money(subTotal + tax) };
}

const sum = (lines: readonly Row[], field: string): number =>
  lines.reduce((total, line) => total + (line[field] as Decimal).units, 0);

function amountTypesOf(given: Given, complaints: string[]): LineAmountTypes {
  const text = textOf(given, 'LineAmountTypes', complaints) ?? 'Exclusive';
  const known = AMOUNT_TYPES.find((type) => type.toLowerCase() === text.toLowerCase());
  if (!known) complaints.push(`'${text}' is not a valid value for LineAmountTypes`);
  return known ?? 'Exclusive';
}

function lineRow(books: Books, given: Given, types: LineAmountTypes, terms: LineTerms, complaints: string[]): Row {
  const item = itemOf(books, given, complaints);
  const details = (item?.[terms.purchase ? 'PurchaseDetails' : 'SalesDetails'] ?? {}) as Row;
  const account = accountOf(books, given, details, complaints);
  const taxType = taxTypeOf(books, given, details, account, types, complaints);
  const amounts = amountsOf(given, details, terms, complaints);
  const description =
    textOf(given, 'Description', complaints, 4_000) ??
    (item?.[terms.purchase ? 'PurchaseDescription' : 'Description'] as Value);
  return {
    ItemCode: item?.Code,
    Description: description,
    UnitAmount: amounts.unit,
    TaxType: taxType,
    TaxAmount: taxOf(books, given, amounts.line, taxType, types, complaints),
    LineAmount: amounts.line,
    AccountCode: account?.Code ?? (given.AccountCode as Value),
    Item: item && { ItemID: item.ItemID, Name: item.Name, Code: item.Code },
    Tracking: lineTracking(books, given, complaints),
    Quantity: amounts.quantity,
    DiscountRate: amounts.discount,
    LineItemID: lineId(given, terms.previous),
    AccountID: account?.AccountID,
    ValidationErrors: [],
  };
}

function lineId(given: Given, previous: readonly Row[]): string {
  const asked = String(given.LineItemID ?? '').toLowerCase();
  const kept = previous.find(({ LineItemID }) => String(LineItemID).toLowerCase() === asked);
  return kept ? String(kept.LineItemID) : newGuid();
}

function itemOf(books: Books, given: Given, complaints: string[]): Row | undefined {
  const code = textOf(given, 'ItemCode', complaints, 30);
  if (!code) return undefined;
  const found = books.by('items', 'Code', code)[0]?.row;
  if (!found) complaints.push(`Item code '${code}' is not valid`);
  return found;
}

function accountOf(books: Books, given: Given, details: Row, complaints: string[]): Row | undefined {
  const code = textOf(given, 'AccountCode', complaints) || given.AccountID || details.AccountCode;
  return code ? postableAccount(books, code, complaints) : undefined;
}

/** The account of a code or id; a complaint when lines cannot be posted to it. */
export function postableAccount(books: Books, code: unknown, complaints: string[]): Row | undefined {
  const account = books.account(code);
  const usable =
    account?.Status === 'ACTIVE' && account.Type !== 'BANK' && !CONTROL_ACCOUNTS.has(String(account.SystemAccount));
  if (!usable) complaints.push(`Account code '${code}' is not a valid code for this document.`);
  return account;
}

/** The accounts that only documents themselves post to. */
const CONTROL_ACCOUNTS = new Set(['DEBTORS', 'CREDITORS']);

/** Which kind of account a tax rate says it can be used with. */
const APPLIES_TO: Record<string, string> = {
  ASSET: 'CanApplyToAssets',
  EQUITY: 'CanApplyToEquity',
  EXPENSE: 'CanApplyToExpenses',
  LIABILITY: 'CanApplyToLiabilities',
  REVENUE: 'CanApplyToRevenue',
};

function taxTypeOf(
  books: Books,
  given: Given,
  details: Row,
  account: Row | undefined,
  types: LineAmountTypes,
  complaints: string[],
): string | undefined {
  if (types === 'NoTax') return 'NONE';
  const type = textOf(given, 'TaxType', complaints) || details.TaxType || account?.TaxType;
  if (!type) return undefined;
  const rate = books.taxRate(type);
  if (rate?.Status !== 'ACTIVE') {
    complaints.push(`The TaxType code '${type}' does not exist or has been archived.`);
    return undefined;
  }
  if (account && rate[APPLIES_TO[String(account.Class)] ?? ''] === false) {
    complaints.push(`The TaxType code '${type}' cannot be used with account code '${account.Code}'`);
  }
  return String(rate.TaxType);
}

interface Amounts {
  unit: UnitAmount;
  quantity: Decimal;
  discount: Decimal | undefined;
  line: Decimal;
}

const QUANTITY_DECIMALS = 4;
const DISCOUNT_DECIMALS = 2;

/** Quantity × price less the discount, on the line; where only the line's amount is given, the price follows from it. */
function amountsOf(given: Given, details: Row, { unitDecimals }: LineTerms, complaints: string[]): Amounts {
  const quantity = decimalOf(given, 'Quantity', QUANTITY_DECIMALS, complaints);
  const stated = decimalOf(given, 'LineAmount', 2, complaints);
  const price = decimalOf(given, 'UnitAmount', unitDecimals, complaints) ?? (details.UnitPrice as Decimal | undefined);
  const discount = decimalOf(given, 'DiscountRate', DISCOUNT_DECIMALS, complaints);
  const count = quantity ?? new Decimal(price === undefined && stated === undefined ? 0 : 10_000, QUANTITY_DECIMALS);
  const unit = unitAmount(price ?? priceOf(stated, count, unitDecimals));
  const expected = lineAmount(count, unit, discount);
  const line = price === undefined ? (stated ?? expected) : expected;
  if (stated !== undefined && stated.units !== line.units) {
    complaints.push(`The line total ${stated} does not match the expected line total ${line}`);
  }
  return { unit, quantity: count, discount: discount?.units ? discount : undefined, line };
}

const unitAmount = (price: Decimal): UnitAmount => new UnitAmount(price.rescale(4).units);

function priceOf(line: Decimal | undefined, quantity: Decimal, unitDecimals: number): Decimal {
  if (line === undefined || quantity.units === 0) return new Decimal(0, unitDecimals);
  const units = divided(
    BigInt(line.units) * BigInt(10 ** (QUANTITY_DECIMALS + unitDecimals - 2)),
    BigInt(quantity.units),
  );
  return new Decimal(Number(units), unitDecimals);
}

function lineAmount(quantity: Decimal, unit: Decimal, discount: Decimal | undefined): Decimal {
  const kept = 10_000n - BigInt(discount?.units ?? 0);
  const exact = BigInt(quantity.units) * BigInt(unit.units) * kept;
  return money(Number(divided(exact, 10n ** 10n)));
}

/** The tax of a line, unless the call states it: Xero takes a stated amount as it is. */
function taxOf(
  books: Books,
  given: Given,
  line: Decimal,
  taxType: string | undefined,
  types: LineAmountTypes,
  complaints: string[],
): Decimal {
  if (types === 'NoTax') return money(0);
  const stated = decimalOf(given, 'TaxAmount', 2, complaints);
  return (
    stated ?? taxOn(line, (books.taxRate(taxType)?.EffectiveRate as Decimal | undefined) ?? new Decimal(0, 4), types)
  );
}

/** The tax on an amount at `percent`, which for a rate of components is the effective one. */
export function taxOn(amount: Decimal, percent: Decimal, types: LineAmountTypes): Decimal {
  const rate = BigInt(percent.rescale(4).units);
  const whole = 1_000_000n;
  if (types === 'NoTax') return money(0);
  return money(Number(divided(BigInt(amount.units) * rate, types === 'Inclusive' ? whole + rate : whole)));
}

/** Rounded half away from zero, whatever the signs. */
function divided(numerator: bigint, divisor: bigint): bigint {
  const negative = numerator < 0n !== divisor < 0n;
  const [n, d] = [numerator < 0n ? -numerator : numerator, divisor < 0n ? -divisor : divisor];
  const size = (2n * n + d) / (2n * d);
  return negative ? -size : size;
}
