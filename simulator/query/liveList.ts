import { element } from '../core/lookup.js';

/** A total order of rows; `forget` is told when a row's values may have changed. */
export interface RowOrder {
  compare(a: number, b: number): number;
  forget(index: number): void;
}

/** The rows that a filter accepts, in an order, kept up to date while rows change. */
export class LiveList {
  private items: Uint32Array;
  private size = 0;

  constructor(
    rows: Iterable<number>,
    capacity: number,
    private readonly accepts: (index: number) => boolean,
    private readonly order: RowOrder,
  ) {
    this.items = new Uint32Array(capacity);
    for (const index of rows) if (accepts(index)) this.items[this.size++] = index;
    this.items.subarray(0, this.size).sort((a, b) => order.compare(a, b));
  }

  get length(): number {
    return this.size;
  }

  slice(from: number, until: number): Uint32Array {
    return this.items.subarray(0, this.size).slice(from, until);
  }

  /** Takes a row out; must be called before its values change. */
  remove(index: number): void {
    const place = this.placeOf(index);
    if (place < this.size && this.items[place] === index) {
      this.items.copyWithin(place, place + 1, this.size);
      this.size--;
    }
    this.order.forget(index);
  }

  /** Puts a row in where its values now say, if the filter accepts it. */
  insert(index: number): void {
    if (!this.accepts(index)) return;
    this.makeRoom();
    const place = this.placeOf(index);
    this.items.copyWithin(place + 1, place, this.size);
    this.items[place] = index;
    this.size++;
  }

  /** The first place whose row does not come before `index`. */
  private placeOf(index: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.order.compare(element(this.items, middle), index) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private makeRoom(): void {
    if (this.size < this.items.length) return;
    const grown = new Uint32Array(Math.max(16, this.items.length * 2));
    grown.set(this.items);
    this.items = grown;
  }
}
