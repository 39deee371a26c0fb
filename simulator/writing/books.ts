import { isoDay, parseDay } from '../core/calendar.js';
import { keyFor } from '../core/random.js';
import type { Decimal, Row } from '../core/values.js';
import { localDay } from '../core/zones.js';
import type { Organisation } from '../data/organisation.js';
import { currencyRate } from '../data/parties.js';
import type { Stream } from '../data/stream.js';
import type { SettingsValues, Switches } from '../settings.js';
import type { Planned, PlannedRow } from './writer.js';

/** A row and where it stands. */
export interface Found {
  index: number;
  row: Row;
}

/**
 * What writers see of an organisation: its rows, as they will be once everything planned so far is written, and what it
 * subscribes to, locks and charges. Of one call: what it holds back reaches the organisation by `settle` only.
 */
export class Books {
  private readonly pending: PlannedRow[] = [];

  constructor(
    private readonly organisation: Organisation,
    private readonly at: number,
    private readonly settings: SettingsValues,
  ) {}

  get switches(): Switches {
    return this.settings.switches;
  }

  get baseCurrency(): string {
    return this.organisation.profile.baseCurrency;
  }

  /** The moment of the call, in milliseconds since the epoch by the simulator's clock. */
  now(): number {
    return this.at;
  }

  /** The number of today's day in the organisation's time zone. */
  today(): number {
    return localDay(this.at, this.organisation.profile.timezone);
  }

  /** The row with this id, compared without case. */
  byId(stream: string, id: unknown): Found | undefined {
    if (typeof id !== 'string') return undefined;
    const wanted = id.toLowerCase();
    const held = this.pending.find((one) => one.stream === stream && this.idOf(one).toLowerCase() === wanted);
    const index = held?.index ?? this.stream(stream).indexOf(id);
    return index === undefined ? undefined : { index, row: this.row(stream, index) };
  }

  /** The rows whose `field` is `value`, trimmed and without case; an empty value finds nothing. */
  by(stream: string, field: string, value: unknown): Found[] {
    const wanted = fold(value);
    if (wanted === '') return [];
    const held = this.pending.filter((one) => one.stream === stream && fold(one.row[field]) === wanted);
    const indices = new Set([...this.stream(stream).indicesWith(field, wanted), ...held.map(({ index }) => index)]);
    return [...indices]
      .sort((a, b) => a - b)
      .map((index) => ({ index, row: this.row(stream, index) }))
      .filter(({ row }) => fold(row[field]) === wanted);
  }

  /** Every row of a short list such as accounts or tax rates. */
  all(stream: string): Row[] {
    return Array.from({ length: this.length(stream) }, (_, index) => this.row(stream, index));
  }

  /** Where the next new row of a stream goes, and the id it has there. */
  fresh(stream: string): { index: number; id: string } {
    const index = this.length(stream);
    return { index, id: this.stream(stream).idAt(index) };
  }

  account(code: unknown): Row | undefined {
    const coded = this.by('accounts', 'Code', code).find(({ row }) => row.Status !== 'DELETED');
    return (coded ?? this.byId('accounts', code))?.row;
  }

  taxRate(type: unknown): Row | undefined {
    return this.by('taxRates', 'TaxType', type)[0]?.row;
  }

  subscribesTo(currency: string): boolean {
    return this.by('currencies', 'Code', currency).length > 0;
  }

  /** Xero's rate of the day: how many units of `currency` one unit of the base currency buys. */
  rateOfDay(currency: string, day: number): Decimal {
    return currencyRate(this.organisation.world, currency, keyFor('rate of the day', currency, day));
  }

  /** Why nothing that stands in the ledger may be dated `day` (a day number), if so: both locks include their date. */
  lockedBy(day: number): string | undefined {
    const { periodLockDate, endOfYearLockDate } = this.organisation.profile;
    const period = this.switches.adviserPassesPeriodLock ? undefined : parseDay(periodLockDate ?? '');
    const year = parseDay(endOfYearLockDate ?? '');
    if (year !== undefined && day <= year) return lockMessage('end of year lock date', year);
    if (period !== undefined && day <= period) return lockMessage('period lock date', period);
    return undefined;
  }

  /** Lets the elements after this one see what it plans. */
  hold({ rows }: Planned): void {
    this.pending.push(...rows);
  }

  /** Hands over what was held, in order, and holds it no more. */
  settle(write: (row: PlannedRow) => void): void {
    for (const row of this.pending.splice(0)) write(row);
  }

  private row(stream: string, index: number): Row {
    const held = this.pending.findLast((one) => one.stream === stream && one.index === index);
    return held?.row ?? this.stream(stream).row(index);
  }

  private length(stream: string): number {
    const held = this.pending.filter((one) => one.stream === stream).map(({ index }) => index + 1);
    return Math.max(this.stream(stream).length, ...held);
  }

  private idOf({ stream, row }: PlannedRow): string {
    return String(row[this.stream(stream).endpoint.idField]);
  }

  private stream(name: string): Stream {
    const stream = this.organisation.stream(name);
    if (!stream) throw new RangeError(`there is no stream ${name}`);
    return stream;
  }
}

const fold = (value: unknown): string =>
  String(value ?? '')
    .trim()
    .toLowerCase();

const lockMessage = (lock: string, day: number): string =>
  `The document date cannot be before the ${lock}, currently set at ${isoDay(day)}`;
