import type { Endpoint } from '../accounting/endpoints.js';
import { isoSeconds } from '../core/calendar.js';
import type { GuidSpace } from '../core/guid.js';
import { type Row, type Value, XeroDate } from '../core/values.js';
import { LiveList } from '../query/liveList.js';
import type { Source } from './world.js';

/** A row as it was written: what the journal on disk keeps. */
export interface Written {
  index: number;
  stamp: number;
  row: Row;
}

const LISTS_KEPT = 24;

/**
 * The rows of one endpoint of one organisation: generated ones, made when asked for, under an overlay of those that were
 * written since. Sorted lists over the rows are kept up to date with every write, so that a page never rescans.
 */
export class Stream {
  private readonly overlay = new Map<number, Row>();
  private readonly lists = new Map<string, LiveList>();
  private readonly byNaturalId: Map<string, number> | undefined;
  private readonly byField = new Map<string, Map<string, number[]>>();
  private stamps: Float64Array;
  private size: number;
  /** Rises with every write: what was computed from the rows is stale when it changes. */
  version = 0;

  constructor(
    readonly endpoint: Endpoint,
    private readonly source: Source,
    private readonly ids: GuidSpace,
  ) {
    this.size = source.count;
    this.stamps = new Float64Array(source.count);
    for (let index = 0; index < source.count; index++) this.stamps[index] = source.stamp(index);
    this.byNaturalId = this.naturalIds();
  }

  get length(): number {
    return this.size;
  }

  stamp(index: number): number {
    return this.stamps[index] ?? 0;
  }

  /** Where the id of a row stands in the order of ids. */
  rank(index: number): number {
    return this.byNaturalId ? index : this.ids.rank(index);
  }

  idOf(index: number): string {
    return this.byNaturalId ? String(this.row(index)[this.endpoint.idField]) : this.ids.guid(index);
  }

  /** The row with this id, if there is one. */
  indexOf(id: string): number | undefined {
    const index = this.byNaturalId ? this.byNaturalId.get(id.toUpperCase()) : this.ids.index(id);
    return index !== undefined && index < this.size ? index : undefined;
  }

  /** The n-th row in the order of ids. */
  nthById(n: number): number | undefined {
    const byId = { compare: (a: number, b: number) => this.rank(a) - this.rank(b), forget: () => undefined };
    const make = () => new LiveList(new Array(this.size).keys(), this.size, () => true, byId);
    return this.list('by id', make).slice(n, n + 1)[0];
  }

  /** The row as it is now; callers must not change it. */
  row(index: number): Row {
    return this.overlay.get(index) ?? this.source.row(index);
  }

  /** A believable row that would be the next one of the stream. */
  draftNext(): Row {
    const { idField, naturalId } = this.endpoint;
    const id = naturalId ? `NEW${this.size + 1}` : this.ids.guid(this.size);
    return { ...this.source.row(this.size), [idField]: id };
  }

  /** The id that a row at `index` has or would have; a stream without ids of its own has none before the row is there. */
  idAt(index: number): string {
    return index < this.size ? this.idOf(index) : this.byNaturalId ? '' : this.ids.guid(index);
  }

  /**
   * The rows that have, or once had, `value` (lower case) in a text field: whoever asks looks again. The index is made
   * when a field is first asked for.
   */
  indicesWith(field: string, value: string): readonly number[] {
    let known = this.byField.get(field);
    if (!known) {
      known = new Map();
      for (let index = 0; index < this.size; index++) note(known, this.field(index, field), index);
      this.byField.set(field, known);
    }
    return known.get(value) ?? [];
  }

  /** One field, by its path, without making the row where that can be avoided. */
  field(index: number, path: string): Value {
    if (path === 'UpdatedDateUTC') return new XeroDate(this.stamp(index));
    if (path === this.endpoint.idField) return this.idOf(index);
    const written = this.overlay.get(index);
    if (written) return valueAt(written, path);
    const column = this.source.columns[path];
    return column ? column(index) : valueAt(this.source.row(index), path);
  }

  /** Writes rows, and moves them to their new places in every kept list. */
  write({ index, stamp, row }: Written): void {
    for (const list of this.lists.values()) list.remove(index);
    this.size = Math.max(this.size, index + 1);
    this.growTo(this.size);
    this.stamps[index] = stamp;
    this.overlay.set(index, this.stamped(row, stamp));
    this.byNaturalId?.set(String(row[this.endpoint.idField]).toUpperCase(), index);
    this.version++;
    for (const [field, known] of this.byField) note(known, valueAt(row, field), index);
    for (const list of this.lists.values()) list.insert(index);
  }

  /** A sorted, filtered list of rows; made once, then kept up to date while it is in use. */
  list(name: string, make: () => LiveList): LiveList {
    const list = this.lists.get(name) ?? make();
    this.lists.delete(name);
    this.lists.set(name, list);
    const [oldest] = this.lists.keys();
    if (this.lists.size > LISTS_KEPT && oldest !== undefined) this.lists.delete(oldest);
    return list;
  }

  /** The fields that rows of this stream are known to have. */
  knowsField(path: string): boolean {
    if (this.source.columns[path] || this.size === 0) return true;
    const [head] = path.split('.');
    for (let index = 0; index < Math.min(this.size, FIELD_SAMPLE); index++) {
      if (head !== undefined && head in this.row(index)) return true;
    }
    return false;
  }

  private stamped(row: Row, stamp: number): Row {
    if ('UpdatedDateUTC' in row) row.UpdatedDateUTC = new XeroDate(stamp);
    if (this.endpoint.stampString) row.UpdatedDateUTCString = isoSeconds(stamp);
    return row;
  }

  private growTo(length: number): void {
    if (length <= this.stamps.length) return;
    const grown = new Float64Array(Math.max(length, this.stamps.length * 2, 16));
    grown.set(this.stamps);
    this.stamps = grown;
  }

  /** Settings such as currencies have no GUID: their ids are looked up. */
  private naturalIds(): Map<string, number> | undefined {
    if (!this.endpoint.naturalId) return undefined;
    const ids = new Map<string, number>();
    for (let index = 0; index < this.size; index++) {
      ids.set(String(this.source.row(index)[this.endpoint.idField]).toUpperCase(), index);
    }
    return ids;
  }
}

const FIELD_SAMPLE = 200;

function note(known: Map<string, number[]>, value: Value, index: number): void {
  const text = String(value ?? '')
    .trim()
    .toLowerCase();
  if (text === '') return;
  const there = known.get(text);
  if (!there) known.set(text, [index]);
  else if (there[there.length - 1] !== index) there.push(index);
}

function valueAt(row: Row, path: string): Value {
  let value: Value = row;
  for (const part of path.split('.')) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = (value as Row)[part];
  }
  return value;
}
