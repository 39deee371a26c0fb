import { ENDPOINTS, endpointOfStream } from '../accounting/endpoints.js';
import { FixedWindow, type LimitKind, type Meter, type OrganisationLimits } from '../accounting/limits.js';
import { parseDay } from '../core/calendar.js';
import { keyFor } from '../core/random.js';
import type { Row, Value } from '../core/values.js';
import type { Settings } from '../settings.js';
import { Journals } from './journals.js';
import type { Counts } from './plan.js';
import { organisationRow } from './settings.js';
import { generatedSources } from './sources.js';
import { Stream, type Written } from './stream.js';
import { type Source, World } from './world.js';

export const TIERS = ['starter', 'core', 'plus', 'advanced', 'enterprise'] as const;
export type Tier = (typeof TIERS)[number];
const ADVANCED_TIERS: readonly Tier[] = ['advanced', 'enterprise'];

const DAY_LIMIT: Record<Tier, number> = {
  starter: 1_000,
  core: 5_000,
  plus: 5_000,
  advanced: 5_000,
  enterprise: 5_000,
};
const MINUTE_LIMIT = 60;
const CONCURRENT_LIMIT = 5;

/** What an organisation is made from; all of its generated rows follow from this. */
export interface OrganisationProfile {
  tenantId: string;
  name: string;
  seed: string;
  asOf: number;
  counts: Counts;
  tier: Tier;
  timezone: string;
  baseCurrency: string;
  limits?: Partial<OrganisationLimits>;
  minutePhaseMs?: number;
  dayPhaseMs?: number;
  periodLockDate?: string | null;
  endOfYearLockDate?: string | null;
  offline?: boolean;
}

/** What can be changed after an organisation was made. */
export type ProfileChange = Partial<
  Pick<
    OrganisationProfile,
    'name' | 'tier' | 'timezone' | 'limits' | 'periodLockDate' | 'endOfYearLockDate' | 'offline'
  >
>;

/** How long the windows are. */
export interface WindowLengths {
  minuteMs: number;
  dayMs: number;
}

/** What was asked of an organisation since it was made. */
export interface Usage {
  calls: number;
  byEndpoint: Record<string, number>;
  bytes: number;
  refusals: Record<LimitKind, number>;
  mostInFlight: number;
}

/** One organisation: its profile, its rows and its meter. */
export class Organisation {
  private readonly made = new Map<string, Stream>();
  private readonly makeSource: Record<string, () => Source>;
  readonly world: World;
  readonly meter: Meter;
  readonly usage: Usage = {
    calls: 0,
    byEndpoint: {},
    bytes: 0,
    refusals: { minute: 0, day: 0, concurrent: 0, appminute: 0 },
    mostInFlight: 0,
  };

  constructor(
    readonly profile: OrganisationProfile,
    windows: WindowLengths,
    private readonly settings: Settings,
  ) {
    this.world = new World(profile);
    const sources = generatedSources(this.world);
    this.makeSource = {
      ...Object.fromEntries(Object.entries(sources).map(([stream, source]) => [stream, () => source])),
      organisation: () => this.ownSource(),
      journals: () => new Journals(this.world, sources),
    };
    for (const { stream, advancedOnly } of ENDPOINTS) if (!advancedOnly) this.stream(stream);
    this.meter = this.makeMeter(windows);
  }

  get tenantId(): string {
    return this.profile.tenantId;
  }

  /** Whether the tier gives the streams that need the Advanced one. */
  get hasJournals(): boolean {
    return ADVANCED_TIERS.includes(this.profile.tier);
  }

  /** The streams that the tier gives. */
  streams(): Stream[] {
    const had = ENDPOINTS.filter(({ advancedOnly }) => !advancedOnly || this.hasJournals);
    return had.map(({ stream }) => this.stream(stream)).filter((stream) => stream !== undefined);
  }

  /** A stream by name. Journals are made when first asked for: they take a while and few can have them. */
  stream(name: string): Stream | undefined {
    const made = this.made.get(name);
    const endpoint = endpointOfStream(name);
    const source = this.makeSource[name];
    if (made || !endpoint || !source) return made;
    const stream = new Stream(endpoint, source(), this.world.ids(name));
    this.made.set(name, stream);
    return stream;
  }

  change(change: ProfileChange): void {
    const limits = { ...this.profile.limits, ...change.limits };
    Object.assign(this.profile, change, { limits });
    this.meter.limits = this.limits();
  }

  write(stream: string, rows: Written[]): void {
    for (const written of rows) this.stream(stream)?.write(written);
  }

  /** A row as it would be sent now. */
  show(stream: Stream, index: number): Row {
    const row = stream.row(index);
    return this.settings.values.switches.contactNamesFollow ? this.withContactName(row) : row;
  }

  private withContactName(row: Row): Row {
    const contact = row.Contact as Row | undefined;
    const contacts = this.stream('contacts');
    const index = contacts?.indexOf(String(contact?.ContactID));
    if (!contact || !contacts || index === undefined) return row;
    return { ...row, Contact: { ...contact, Name: contacts.field(index, 'Name') as Value } };
  }

  private ownSource(): Source {
    const facts = () => ({
      ...this.profile,
      periodLockDay: parseDay(this.profile.periodLockDate ?? ''),
      endOfYearLockDay: parseDay(this.profile.endOfYearLockDate ?? ''),
    });
    return { count: 1, columns: {}, stamp: () => this.profile.asOf, row: () => organisationRow(this.world, facts()) };
  }

  private limits(): OrganisationLimits {
    const usual = { minute: MINUTE_LIMIT, day: DAY_LIMIT[this.profile.tier], concurrent: CONCURRENT_LIMIT };
    return { ...usual, ...withoutGaps(this.profile.limits ?? {}) };
  }

  private makeMeter({ minuteMs, dayMs }: WindowLengths): Meter {
    const phase = (name: string, length: number) => keyFor(this.profile.seed, this.tenantId, name) % length;
    return {
      limits: this.limits(),
      minute: new FixedWindow(minuteMs, this.profile.minutePhaseMs ?? phase('minute', minuteMs)),
      day: new FixedWindow(dayMs, this.profile.dayPhaseMs ?? phase('day', dayMs)),
      inFlight: 0,
      unlimitedUntil: 0,
    };
  }
}

function withoutGaps<T extends object>(partial: T): T {
  return Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined && value !== null)) as T;
}
