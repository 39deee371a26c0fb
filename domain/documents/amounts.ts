/** Amounts as Xero computes them (rules.md, "Amounts"): decimal from end to end, rounded half away from zero. */
import { Decimal as Any } from 'decimal.js';

/** Wide enough for every product of what content.ts lets in, so that only what is to be rounded is. */
export const Decimal = Any.clone({ precision: 60, rounding: Any.ROUND_HALF_UP, toExpNeg: -40, toExpPos: 40 });
export type Decimal = InstanceType<typeof Decimal>;

export type LineAmountTypes = 'exclusive' | 'inclusive' | 'noTax';

export interface AmountLine {
  quantity: string;
  unitAmount: string;
  /** Percent. */
  discountRate?: string | undefined;
  /** Percent; the effective rate of one that has components. */
  taxRate: string;
}

export interface Amounts {
  /** By line: its amount as Xero shows it (tax in it where amounts are inclusive), and its tax. */
  lines: readonly { amount: Decimal; tax: Decimal }[];
  totalTax: Decimal;
  /** Tax included. */
  total: Decimal;
}

/** What Xero will compute of these lines: tax is rounded on each, then summed. */
export function xeroAmounts(lines: readonly AmountLine[], types: LineAmountTypes): Amounts {
  const computed = lines.map((line) => {
    const amount = lineAmount(line);
    return { amount, tax: taxOn(amount, line.taxRate, types) };
  });
  const totalTax = sum(computed.map(({ tax }) => tax));
  const amounts = sum(computed.map(({ amount }) => amount));
  return { lines: computed, totalTax, total: types === 'exclusive' ? amounts.plus(totalTax) : amounts };
}

/** round(quantity × unitAmount × (1 − discount), 2). */
export function lineAmount({ quantity, unitAmount, discountRate = '0' }: Omit<AmountLine, 'taxRate'>): Decimal {
  const kept = new Decimal(100).minus(discountRate);
  return cents(new Decimal(quantity).times(unitAmount).times(kept).dividedBy(100));
}

function taxOn(amount: Decimal, rate: string, types: LineAmountTypes): Decimal {
  if (types === 'noTax') return new Decimal(0);
  const whole = types === 'inclusive' ? new Decimal(100).plus(rate) : new Decimal(100);
  return cents(amount.times(rate).dividedBy(whole));
}

/** The largest difference that becomes a line of its own. */
export const mostRounding = '0.05';

/** What the platform's total is above Xero's: `none`, something for the rounding account, or more than that. */
export function difference(
  total: string,
  computed: Decimal,
): { kind: 'none' | 'rounding' | 'beyond'; amount: Decimal } {
  const amount = new Decimal(total).minus(computed);
  if (amount.isZero()) return { kind: 'none', amount };
  return { kind: amount.abs().lessThanOrEqualTo(mostRounding) ? 'rounding' : 'beyond', amount };
}

/** Two decimals, half away from zero. */
export const cents = (amount: Decimal): Decimal => amount.toDecimalPlaces(2);

export const sum = (amounts: readonly (Decimal | string | number)[]): Decimal =>
  amounts.reduce<Decimal>((total, amount) => total.plus(amount), new Decimal(0));

/** A number of a record, which Xero sends as a number and some clients as text; nought where there is none. */
export function decimalIn(value: unknown): Decimal {
  if (typeof value !== 'number' && typeof value !== 'string') return new Decimal(0);
  try {
    return new Decimal(value);
  } catch {
    return new Decimal(0);
  }
}

/** Are they the same number? */
export const sameAmount = (one: unknown, other: unknown): boolean => decimalIn(one).equals(decimalIn(other));
