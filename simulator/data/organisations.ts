import type { Limiter, LimitKind, OrganisationLimits } from '../accounting/limits.js';
import { DAY_MS, dayOf } from '../core/calendar.js';
import type { Clock } from '../core/clock.js';
import { GuidSpace } from '../core/guid.js';
import type { Journal } from '../core/journal.js';
import { freeze, type Row, thaw } from '../core/values.js';
import type { Settings } from '../settings.js';
import {
  Organisation,
  type OrganisationProfile,
  type ProfileChange,
  type Tier,
  type WindowLengths,
} from './organisation.js';
import { type Counts, planCounts } from './plan.js';
import type { Written } from './stream.js';

/** What an organisation can be asked to be. */
export interface OrganisationWish {
  name?: string;
  seed?: string | number;
  records?: number;
  counts?: Partial<Counts>;
  tier?: Tier;
  timezone?: string;
  baseCurrency?: string;
  limits?: Partial<OrganisationLimits>;
  minutePhaseMs?: number;
  dayPhaseMs?: number;
  periodLockDate?: string;
  endOfYearLockDate?: string;
}

interface RowsWritten {
  tenantId: string;
  stream: string;
  rows: { index: number; stamp: number; row: unknown }[];
}

interface CallAdmitted {
  tenantId: string;
  endpoint: string;
  at: number;
  inFlight: number;
}

interface BytesSent {
  tenantId: string;
  bytes: number;
}

interface CallRefused {
  tenantId: string;
  kind: LimitKind;
  /** When set, the refused call counts against the windows. */
  countsAt?: number;
}

/** A write of rows, as told to listeners. */
export interface RowsWrite {
  organisation: Organisation;
  stream: string;
  rows: Written[];
  /** The rows as they were, in the same order; undefined where a row is new. */
  before: (Row | undefined)[];
  /** The rows changed only because a payment was made or deleted. */
  byPayment: boolean;
}

export type RowsListener = (write: RowsWrite) => void;

const DEFAULT_RECORDS = 1_000;

/** All organisations, and everything that ever happens to them. */
export class Organisations {
  private readonly byTenant = new Map<string, Organisation>();
  private readonly listeners: RowsListener[] = [];
  private readonly recordMade: (profile: OrganisationProfile) => void;
  private readonly recordChange: (data: { tenantId: string; change: ProfileChange }) => void;
  private readonly recordRows: (data: RowsWritten) => void;
  /** A call counts from the moment it is let in. */
  readonly recordCall: (call: CallAdmitted) => void;
  readonly recordBytes: (sent: BytesSent) => void;
  readonly recordRefusal: (refusal: CallRefused) => void;

  constructor(
    journal: Journal,
    private readonly clock: Clock,
    private readonly limiter: Limiter,
    windows: WindowLengths,
    settings: Settings,
  ) {
    this.recordMade = journal.event<OrganisationProfile>('organisationMade', (profile) => {
      this.byTenant.set(profile.tenantId, new Organisation({ ...profile }, windows, settings));
    });
    this.recordChange = journal.event<{ tenantId: string; change: ProfileChange }>(
      'organisationChanged',
      ({ tenantId, change }) => this.get(tenantId)?.change(change),
    );
    this.recordRows = journal.event<RowsWritten>('rowsWritten', ({ tenantId, stream, rows }) => {
      this.get(tenantId)?.write(
        stream,
        rows.map(({ index, stamp, row }) => ({ index, stamp, row: thaw(row) as Row })),
      );
    });
    this.recordCall = journal.event<CallAdmitted>('callAdmitted', (call) => this.countCall(call));
    this.recordBytes = journal.event<BytesSent>('bytesSent', ({ tenantId, bytes }) => {
      const organisation = this.get(tenantId);
      if (organisation) organisation.usage.bytes += bytes;
    });
    this.recordRefusal = journal.event<CallRefused>('callRefused', (refusal) => this.countRefusal(refusal));
  }

  get(tenantId: string): Organisation | undefined {
    return this.byTenant.get(tenantId);
  }

  all(): Organisation[] {
    return [...this.byTenant.values()];
  }

  make(wish: OrganisationWish): Organisation {
    const { name = `Organisation ${this.byTenant.size + 1}`, baseCurrency = 'NZD', records, counts, ...rest } = wish;
    const seed = String(wish.seed ?? name);
    const tenantId = new GuidSpace(seed, 'organisations').guid(this.byTenant.size);
    this.recordMade({
      tier: 'plus',
      timezone: 'NEWZEALANDSTANDARDTIME',
      ...rest,
      tenantId,
      name,
      baseCurrency,
      seed,
      asOf: dayOf(this.clock.now()) * DAY_MS,
      counts: planCounts(records ?? (counts ? 0 : DEFAULT_RECORDS), baseCurrency, counts),
    });
    return this.get(tenantId) as Organisation;
  }

  change(tenantId: string, change: ProfileChange): void {
    this.recordChange({ tenantId, change });
  }

  /** Tells `listener` of every write from now on. */
  onRows(listener: RowsListener): void {
    this.listeners.push(listener);
  }

  /** The one way in which rows change. */
  writeRows(organisation: Organisation, stream: string, rows: Written[], byPayment = false): void {
    const target = organisation.stream(stream);
    const before = rows.map(({ index }) => (target && index < target.length ? target.row(index) : undefined));
    const frozen = rows.map(({ index, stamp, row }) => ({ index, stamp, row: freeze(row) }));
    this.recordRows({ tenantId: organisation.tenantId, stream, rows: frozen });
    for (const listener of this.listeners) listener({ organisation, stream, rows, before, byPayment });
  }

  private countCall({ tenantId, endpoint, at, inFlight }: CallAdmitted): void {
    const organisation = this.get(tenantId);
    if (!organisation) return;
    const { usage, meter } = organisation;
    usage.calls++;
    usage.byEndpoint[endpoint] = (usage.byEndpoint[endpoint] ?? 0) + 1;
    usage.mostInFlight = Math.max(usage.mostInFlight, inFlight);
    this.limiter.take(meter, at);
  }

  private countRefusal({ tenantId, kind, countsAt }: CallRefused): void {
    const organisation = this.get(tenantId);
    if (!organisation) return;
    organisation.usage.refusals[kind]++;
    if (countsAt !== undefined) this.limiter.take(organisation.meter, countsAt);
  }
}
