import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AmountLine, difference, type LineAmountTypes, xeroAmounts } from '../../../domain/documents/amounts.js';

const line = (quantity: string, unitAmount: string, taxRate = '0', discountRate?: string): AmountLine => ({
  quantity,
  unitAmount,
  taxRate,
  discountRate,
});
const total = (lines: AmountLine[], types: LineAmountTypes = 'exclusive') => xeroAmounts(lines, types).total.toFixed(2);

/** A decimal with so many places, as its text and as a whole number of its smallest unit. */
const decimal = (most: bigint, places: number) =>
  fc.bigInt({ min: -most, max: most }).map((units) => ({ units, text: textOf(units, places) }));

function textOf(units: bigint, places: number): string {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  return `${units < 0n ? '-' : ''}${whole}${places === 0 ? '' : `.${digits.slice(-places)}`}`;
}

/** Half away from zero, on whole numbers alone. */
function divided(numerator: bigint, divisor: bigint): bigint {
  const size = ((numerator < 0n ? -numerator : numerator) * 2n + divisor) / (2n * divisor);
  return numerator < 0n ? -size : size;
}

describe('amounts', () => {
  it('of a line are quantity × price less the discount, rounded half away from zero', () => {
    expect(total([line('1', '0.005')])).toBe('0.01');
    expect(total([line('1', '-0.005')])).toBe('-0.01');
    expect(total([line('3', '33.3333', '0', '10')])).toBe('90.00');
    expect(total([line('2.5', '1.0050', '0', '100')])).toBe('0.00');
  });

  it('have their tax rounded on each line and then summed', () => {
    expect(total([line('1', '0.10', '15'), line('1', '0.10', '15'), line('1', '0.10', '15')])).toBe('0.36');
    expect(total([line('1', '0.30', '15')])).toBe('0.35');
  });

  it('hold the tax where they are inclusive, and none where there is no tax', () => {
    const inclusive = xeroAmounts([line('1', '115.00', '15')], 'inclusive');
    expect([inclusive.total.toFixed(2), inclusive.totalTax.toFixed(2)]).toEqual(['115.00', '15.00']);
    const noTax = xeroAmounts([line('1', '115.00', '15')], 'noTax');
    expect([noTax.total.toFixed(2), noTax.totalTax.toFixed(2)]).toEqual(['115.00', '0.00']);
  });

  it('use four decimals of a unit price', () => {
    expect(total([line('1000', '0.0049')])).toBe('4.90');
  });

  it('are the same as whole numbers compute them, for any lines', () => {
    const lines = fc.array(
      fc.record({
        quantity: decimal(10n ** 14n - 1n, 4),
        unitAmount: decimal(10n ** 17n - 1n, 4),
        discount: fc.bigInt({ min: 0n, max: 1_000_000n }),
        rate: fc.bigInt({ min: 0n, max: 300_000n }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(lines, fc.constantFrom<LineAmountTypes>('exclusive', 'inclusive', 'noTax'), (drawn, types) => {
        const given = drawn.map(({ quantity, unitAmount, discount, rate }) =>
          line(quantity.text, unitAmount.text, textOf(rate, 4), textOf(discount, 4)),
        );
        const expected = drawn.reduce((sum, { quantity, unitAmount, discount, rate }) => {
          const amount = divided(quantity.units * unitAmount.units * (1_000_000n - discount), 10n ** 12n);
          const tax = types === 'exclusive' ? divided(amount * rate, 1_000_000n) : 0n;
          return sum + amount + tax;
        }, 0n);
        expect(xeroAmounts(given, types).total.toFixed(2)).toBe(textOf(expected, 2));
      }),
    );
  });

  it('differ from the platform’s by rounding up to 0.05, and disagree above it', () => {
    const { total: computed } = xeroAmounts([line('1', '10.00')], 'noTax');
    const kinds = ['10.00', '10.05', '9.95', '10.06', '9.94'].map((given) => difference(given, computed).kind);
    expect(kinds).toEqual(['none', 'rounding', 'rounding', 'beyond', 'beyond']);
    expect(difference('9.97', computed).amount.toFixed(2)).toBe('-0.03');
  });
});
