import { dayOf } from '../core/calendar.js';
import { GuidSpace } from '../core/guid.js';
import { keyFor } from '../core/random.js';
import type { Row, Value } from '../core/values.js';
import { regimeOf, type TaxRateSpec, type TaxRegime, taxRatesOf } from './chart.js';
import type { Counts } from './plan.js';
import { Timeline } from './timeline.js';

/** What the generated data of an organisation is a pure function of. */
export interface WorldSeed {
  /** Makes ids its own: two organisations may share a seed, but never an id. */
  tenantId: string;
  seed: string;
  /** Midnight UTC: every generated row is older. */
  asOf: number;
  baseCurrency: string;
  counts: Counts;
}

/** Reads one field of row `index` without making the row. */
export type Column = (index: number) => Value;

/** The generated rows of one stream: made on demand, never stored. */
export interface Source {
  readonly count: number;
  /** `UpdatedDateUTC`, in ms. */
  stamp(index: number): number;
  /** The whole row. An index beyond `count` gives a believable new row. */
  row(index: number): Row;
  readonly columns: Readonly<Record<string, Column>>;
}

/** Shared by the sources of one organisation: keys, ids, times and settings. */
export class World {
  readonly counts: Counts;
  readonly baseCurrency: string;
  readonly regime: TaxRegime;
  readonly taxRates: TaxRateSpec[];
  readonly lastDay: number;
  readonly asOf: number;
  private readonly seed: string;
  private readonly tenantId: string;
  private readonly keys = new Map<string, number>();
  private readonly spaces = new Map<string, GuidSpace>();
  private readonly timelines = new Map<string, Timeline>();

  constructor(profile: WorldSeed) {
    this.seed = profile.seed;
    this.tenantId = profile.tenantId;
    this.counts = profile.counts;
    this.baseCurrency = profile.baseCurrency;
    this.regime = regimeOf(profile.baseCurrency);
    this.taxRates = taxRatesOf(this.regime);
    this.asOf = profile.asOf;
    this.lastDay = dayOf(profile.asOf) - 1;
  }

  count(stream: string): number {
    return this.counts[stream] ?? 0;
  }

  /** A key for one purpose of the generator. */
  key(purpose: string): number {
    return remembered(this.keys, purpose, () => keyFor(this.seed, purpose));
  }

  /** The ids of one kind of thing. */
  ids(kind: string): GuidSpace {
    return remembered(this.spaces, kind, () => new GuidSpace(this.tenantId, kind));
  }

  timeline(stream: string): Timeline {
    const make = () => new Timeline(this.key(`${stream} time`), this.count(stream), this.lastDay);
    return remembered(this.timelines, stream, make);
  }
}

function remembered<T>(known: Map<string, T>, name: string, make: () => T): T {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  known.set(name, made);
  return made;
}
