import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ListRequest } from '../accounting/request.js';
import { select } from '../accounting/selection.js';
import { DAY_MS, isoDay, isoSeconds, parseDay } from '../core/calendar.js';
import { Decimal, type Row, type Value, writeJson, XeroDate } from '../core/values.js';
import type { Organisation } from '../data/organisation.js';
import type { Stream } from '../data/stream.js';
import type { Settings } from '../settings.js';

/** How many and, where the stream has amounts, how much. */
export interface StreamTruth {
  count: number;
  sums?: Record<string, string>;
}

export interface RecordTruth {
  id: string;
  hash: string;
  updatedUtc: string;
  date: string | null;
}

/** Which fields are summed where a row has them, by their names in the answer. */
const SUMS = { total: 'Total', amountDue: 'AmountDue', amount: 'Amount', remainingCredit: 'RemainingCredit' };
/** Rows between two breaths, so that the API stays responsive while everything is counted. */
const BREATH = 500;

const EVERYTHING: ListRequest = {
  pageSize: 1000,
  offset: 0,
  includeArchived: true,
  summaryOnly: false,
  unitDecimals: 4,
  parameters: {},
};

/** What a complete reader must end up with. */
export class Truth {
  private readonly known = new Map<Stream, { version: string; truth: StreamTruth }>();

  constructor(private readonly settings: Settings) {}

  async ofStream(stream: Stream, from?: string): Promise<StreamTruth> {
    const version = `${stream.version} ${from ?? ''}`;
    const kept = this.known.get(stream);
    if (kept?.version === version) return kept.truth;
    const truth = await this.count(stream, from);
    this.known.set(stream, { version, truth });
    return truth;
  }

  private async count(stream: Stream, from: string | undefined): Promise<StreamTruth> {
    const fields = summedFields(stream);
    const sums = new Map<string, Decimal>();
    let count = 0;
    for await (const index of this.rows(stream, from)) {
      count++;
      for (const [name, field] of fields) add(sums, name, stream.field(index, field));
    }
    const texts = Object.fromEntries([...sums].map(([name, sum]) => [name, sum.toString()]));
    return fields.length === 0 ? { count } : { count, sums: texts };
  }

  /** Every row with the hash of what a list call with unitdp=4 would send now. */
  async *records(organisation: Organisation, stream: Stream, from?: string): AsyncIterable<RecordTruth> {
    const { decidingDate } = stream.endpoint;
    for await (const index of this.rows(stream, from)) {
      const date = decidingDate === undefined ? undefined : stream.field(index, decidingDate);
      yield {
        id: stream.idOf(index),
        hash: rowHash(organisation.show(stream, index)),
        updatedUtc: isoSeconds(stream.stamp(index)),
        date: date instanceof XeroDate ? isoDay(date.ms / DAY_MS) : null,
      };
    }
  }

  /** The ids of the rows whose `field` (a path) is `value`, trimmed and without case. */
  idsWith(stream: Stream, field: string, value: string): string[] {
    const wanted = value.trim().toLowerCase();
    return stream
      .indicesWith(field, wanted)
      .filter(
        (index) =>
          String(stream.field(index, field) ?? '')
            .trim()
            .toLowerCase() === wanted,
      )
      .map((index) => stream.idOf(index));
  }

  private async *rows(stream: Stream, from: string | undefined): AsyncIterable<number> {
    const list = select(stream, EVERYTHING, this.settings.values.switches);
    const inScope = scopeTest(stream, from);
    let seen = 0;
    for (const index of list.slice(0, list.length)) {
      if (++seen % BREATH === 0) await breathe();
      if (inScope(index)) yield index;
    }
  }
}

/** Rows dated on or after `from`; streams without a deciding date are always whole. */
function scopeTest(stream: Stream, from: string | undefined): (index: number) => boolean {
  const { decidingDate } = stream.endpoint;
  const day = from === undefined ? undefined : parseDay(from);
  if (decidingDate === undefined || day === undefined) return () => true;
  return (index) => {
    const date = stream.field(index, decidingDate);
    return date instanceof XeroDate && date.ms >= day * DAY_MS;
  };
}

function summedFields(stream: Stream): [name: string, field: string][] {
  const sample = stream.length > 0 && stream.endpoint.decidingDate !== undefined ? stream.row(0) : {};
  return Object.entries(SUMS).filter(([, field]) => sample[field] instanceof Decimal);
}

function add(sums: Map<string, Decimal>, name: string, value: Value): void {
  if (!(value instanceof Decimal)) return;
  sums.set(name, new Decimal((sums.get(name)?.units ?? 0) + value.units, value.scale));
}

/** sha256 of the row's JSON as a reader parses it, with its keys sorted at every depth. */
export const rowHash = (row: Row): string => createHash('sha256').update(canonicalJson(row)).digest('hex');

/** What `JSON.stringify` says of the parsed row with sorted keys, without parsing it: rows are hashed by the million. */
function canonicalJson(value: Value): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Decimal) return String(value.toNumber());
  if (value instanceof XeroDate) return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') return writeJson(value);
  let text = '';
  for (const field of sortedFields(value)) {
    const inner = value[field];
    if (inner !== undefined) text += `${text === '' ? '' : ','}"${field}":${canonicalJson(inner)}`;
  }
  return `{${text}}`;
}

const sortedByFields = new Map<string, string[]>();

/** Rows of a kind have the same fields, so each sorting is done once. */
function sortedFields(row: Row): string[] {
  const fields = Object.keys(row);
  const name = fields.join();
  let sorted = sortedByFields.get(name);
  if (!sorted) {
    sorted = fields.sort();
    sortedByFields.set(name, sorted);
  }
  return sorted;
}
