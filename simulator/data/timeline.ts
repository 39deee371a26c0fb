import { DAY_MS } from '../core/calendar.js';
import { draw } from '../core/random.js';

/** Years of history that a generated organisation has. */
const SPAN_DAYS = 5 * 365;
/** One bulk import in so many rows, and the most rows one import touches within one second. */
const IMPORT_EVERY = 20_000;
const IMPORT_LARGEST = 2_500;

/**
 * When the rows of a stream were dated and last changed. Rows are in order of their dates; bulk imports leave runs of
 * thousands of rows within one second of `UpdatedDateUTC`, as they do in real organisations.
 */
export class Timeline {
  private readonly importSize: number;

  constructor(
    private readonly key: number,
    private readonly count: number,
    private readonly lastDay: number,
  ) {
    this.importSize = Math.min(IMPORT_LARGEST, count >>> 2);
  }

  /** The calendar day of row `index`. */
  day(index: number): number {
    const age = SPAN_DAYS * (1 - (index + 1) / Math.max(this.count, 1));
    return this.lastDay - Math.max(0, Math.floor(age));
  }

  /** When row `index` was last changed, given when it would have been without any bulk import. */
  stamp(index: number, natural = (row: number) => this.moment(row, this.day(row))): number {
    const place = index % IMPORT_EVERY;
    if (place >= this.importSize) return natural(index);
    const lastOfImport = index - place + this.importSize - 1;
    const second = Math.floor(natural(lastOfImport) / 1000) * 1000;
    const sameInstant = Math.floor(index / IMPORT_EVERY) % 2 === 0;
    return second + (sameInstant ? 0 : draw(this.key, index) % 1000);
  }

  /** An instant within a day. */
  moment(index: number, day: number): number {
    return day * DAY_MS + (draw(this.key, index) % DAY_MS);
  }
}
