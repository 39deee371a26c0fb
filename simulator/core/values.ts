/** The values a record is made of, each knowing how Xero writes it (xero-api.md §2, §4). */
export type Value = null | undefined | string | number | boolean | Decimal | XeroDate | Value[] | Row;
export interface Row {
  [field: string]: Value;
}

/** An exact decimal, `units` × 10^-`scale`; written with all its digits, as Xero does (`115.00`). */
export class Decimal {
  constructor(
    readonly units: number,
    readonly scale: number,
  ) {}

  /** Reads a JSON number or a decimal string, rounded half away from zero to `scale` digits. */
  static parse(value: number | string, scale: number): Decimal {
    const [whole = '0', fraction = ''] = expand(String(value)).split('.');
    const digits = fraction.padEnd(scale + 1, '0');
    const sign = whole.startsWith('-') ? -1 : 1;
    const kept = Number(`${whole.replace(/^[-+]/, '') || '0'}${digits.slice(0, scale)}`);
    return new Decimal(sign * (kept + (digits.charCodeAt(scale) >= 53 ? 1 : 0)), scale);
  }

  /** The same number with another count of digits, rounded half away from zero. */
  rescale(scale: number): Decimal {
    if (scale >= this.scale) return new Decimal(this.units * 10 ** (scale - this.scale), scale);
    return new Decimal(divideRounded(this.units, 10 ** (this.scale - scale)), scale);
  }

  toNumber(): number {
    return this.units / 10 ** this.scale;
  }

  toString(): string {
    const size = Math.abs(this.units);
    const one = 10 ** this.scale;
    const whole = Math.floor(size / one);
    const sign = this.units < 0 ? '-' : '';
    // A leading 1 keeps the zeros of the fraction; this runs some twenty times a document.
    const fraction = this.scale === 0 ? '' : `.${String(one + size - whole * one).slice(1)}`;
    return `${sign}${whole}${fraction}`;
  }
}

/** A unit price: kept with four decimals, sent with two unless the call says `unitdp=4`. */
export class UnitAmount extends Decimal {
  constructor(units: number) {
    super(units, 4);
  }
}

/** An amount of money in hundredths. */
export const money = (cents: number): Decimal => new Decimal(cents, 2);

/** An instant as Xero's `/Date(ms+0000)/`; the envelope's stamp goes without the zone. */
export class XeroDate {
  constructor(
    readonly ms: number,
    readonly zoned = true,
  ) {}

  toString(): string {
    return `/Date(${this.ms}${this.zoned ? '+0000' : ''})/`;
  }
}

/** Integer division, rounded half away from zero; exact while the numerator stays below 2^53. */
export function divideRounded(numerator: number, divisor: number): number {
  const sign = numerator < 0 ? -1 : 1;
  const size = Math.abs(numerator);
  const quotient = Math.floor(size / divisor);
  const rest = size - quotient * divisor;
  return sign * (quotient + (rest * 2 >= divisor ? 1 : 0));
}

function expand(text: string): string {
  return /e/i.test(text) ? Number(text).toFixed(10) : text;
}

/** What JSON escapes: quotes, backslashes, control characters and lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** Writes a value as JSON text the way Xero does: decimals keep their zeros, dates are `/Date(…)/`. */
export function writeJson(value: Value, unitDecimals = 4): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return NEEDS_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`;
    case 'number':
    case 'boolean':
      return String(value);
  }
  if (value instanceof UnitAmount) return value.rescale(unitDecimals).toString();
  if (value instanceof Decimal) return value.toString();
  if (value instanceof XeroDate) return `"${value.toString()}"`;
  return Array.isArray(value) ? writeArray(value, unitDecimals) : writeRow(value, unitDecimals);
}

function writeArray(values: Value[], unitDecimals: number): string {
  let text = '[';
  for (let i = 0; i < values.length; i++) text += (i === 0 ? '' : ',') + writeJson(values[i], unitDecimals);
  return `${text}]`;
}

function writeRow(row: Row, unitDecimals: number): string {
  let text = '{';
  for (const field in row) {
    const value = row[field];
    if (value === undefined) continue;
    text += `${text.length === 1 ? '"' : ',"'}${field}":${writeJson(value, unitDecimals)}`;
  }
  return `${text}}`;
}

/** A row as plain JSON that `thaw` turns back, for the journal on disk. */
export function freeze(value: Value): unknown {
  if (value instanceof UnitAmount) return { $unit: value.units };
  if (value instanceof Decimal) return { $decimal: [value.units, value.scale] };
  if (value instanceof XeroDate) return { $date: value.ms };
  if (Array.isArray(value)) return value.map(freeze);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, freeze(inner)]));
  }
  return value;
}

/** The opposite of `freeze`. */
export function thaw(value: unknown): Value {
  if (Array.isArray(value)) return value.map(thaw);
  if (value === null || typeof value !== 'object') return value as Value;
  const plain = value as Record<string, unknown>;
  if ('$unit' in plain) return new UnitAmount(plain.$unit as number);
  if ('$decimal' in plain) return new Decimal(...(plain.$decimal as [number, number]));
  if ('$date' in plain) return new XeroDate(plain.$date as number);
  return Object.fromEntries(Object.entries(plain).map(([field, inner]) => [field, thaw(inner)]));
}
