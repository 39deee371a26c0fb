import type { Settings } from '../settings.js';
import { tooManyCalls } from './errors.js';

/** A fixed window: it starts at a phase of its own and repeats (xero-api.md §1). */
export class FixedWindow {
  private number = Number.NaN;
  private used = 0;

  constructor(
    readonly lengthMs: number,
    private readonly phaseMs: number,
  ) {}

  take(now: number): void {
    this.turn(now);
    this.used++;
  }

  usedAt(now: number): number {
    this.turn(now);
    return this.used;
  }

  resetsAt(now: number): number {
    return (this.numberAt(now) + 1) * this.lengthMs + this.phaseMs;
  }

  /** `Retry-After`: whole seconds, at least one. */
  secondsLeft(now: number): number {
    return Math.max(1, Math.ceil((this.resetsAt(now) - now) / 1000));
  }

  private numberAt(now: number): number {
    return Math.floor((now - this.phaseMs) / this.lengthMs);
  }

  private turn(now: number): void {
    const number = this.numberAt(now);
    if (number === this.number) return;
    this.number = number;
    this.used = 0;
  }
}

export interface OrganisationLimits {
  minute: number;
  day: number;
  concurrent: number;
}

export type LimitKind = 'minute' | 'day' | 'concurrent' | 'appminute';

/** The windows of one organisation, and how many of its calls are in flight. */
export interface Meter {
  limits: OrganisationLimits;
  minute: FixedWindow;
  day: FixedWindow;
  inFlight: number;
  /** Rapid sync: until when minute and day do not count. */
  unlimitedUntil: number;
}

/** Decides whether a call may go on, and what every answer says about the limits. */
export class Limiter {
  constructor(
    private readonly app: FixedWindow,
    private readonly settings: Settings,
  ) {}

  /** Which limit refuses a call at `now`, if any. */
  refusal(meter: Meter, now: number): LimitKind | undefined {
    const rapid = this.settings.values.switches.rapidSync && now < meter.unlimitedUntil;
    if (this.app.usedAt(now) >= this.settings.values.limits.appMinute) return 'appminute';
    if (!rapid && meter.day.usedAt(now) >= meter.limits.day) return 'day';
    if (!rapid && meter.minute.usedAt(now) >= meter.limits.minute) return 'minute';
    return meter.inFlight >= meter.limits.concurrent ? 'concurrent' : undefined;
  }

  take(meter: Meter, now: number): void {
    meter.minute.take(now);
    meter.day.take(now);
    this.app.take(now);
  }

  /** The three headers of every answered call. */
  headers(meter: Meter, now: number): Record<string, string> {
    const left = (limit: number, window: FixedWindow) => String(Math.max(0, limit - window.usedAt(now)));
    return {
      'X-DayLimit-Remaining': left(meter.limits.day, meter.day),
      'X-MinLimit-Remaining': left(meter.limits.minute, meter.minute),
      'X-AppMinLimit-Remaining': left(this.settings.values.limits.appMinute, this.app),
    };
  }

  /** The 429 as recorded: no body, no content type. */
  refuse(kind: LimitKind, meter: Meter, now: number): Error {
    const windows: Partial<Record<LimitKind, FixedWindow>> = { minute: meter.minute, day: meter.day };
    if (this.settings.values.switches.appMinuteRetryAfter) windows.appminute = this.app;
    return tooManyCalls(kind, windows[kind]?.secondsLeft(now));
  }
}
