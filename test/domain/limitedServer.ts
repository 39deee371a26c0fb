import { settle, take } from '../../domain/budget.js';
import {
  type BudgetOptions,
  type BudgetState,
  defaultBudgetOptions,
  newAppBudget,
  newOrganisationBudget,
} from '../../domain/budgetState.js';
import type { AnsweredLimits, Priority } from '../../domain/ports.js';
import type { LimitName } from '../../domain/problems.js';

/** Numbers from 0 to below 1 that follow from the seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface ServerSettings {
  minute: { limit: number; period: number; phase: number };
  day: { limit: number; period: number; phase: number };
  inFlight: number;
  /** How the rest of a window becomes whole seconds: nobody knows Xero's way. */
  rounding: 'ceil' | 'floor' | 'round';
  /** Does a refused call use one up? Not known either. */
  refusalCosts: boolean;
}

/** Fixed windows, as Xero documents them; it shares nothing with the code under test. */
export class LimitedServer {
  private readonly used = new Map<string, number>();
  inFlight = 0;
  mostInFlight = 0;
  readonly refusals: { limit: LimitName; at: number }[] = [];

  constructor(readonly settings: ServerSettings) {}

  /** The call is counted: the answer's headers. */
  count(at: number): AnsweredLimits {
    const { minute, day } = this.settings;
    if (this.inFlight > this.settings.inFlight) return this.refuse('concurrent', at, null);
    if (this.usedIn('day', at) >= day.limit) return this.refuse('day', at, this.rest('day', at));
    if (this.usedIn('minute', at) >= minute.limit) return this.refuse('minute', at, this.rest('minute', at));
    this.use('minute', at);
    this.use('day', at);
    return this.headers(at, null);
  }

  usedIn(window: 'minute' | 'day', at: number): number {
    return this.used.get(this.key(window, at)) ?? 0;
  }

  /** Calls used in each whole window of [from, to]. */
  wholeWindows(window: 'minute' | 'day', from: number, to: number): number[] {
    const { period, phase } = this.settings[window];
    const windows: number[] = [];
    for (let start = phase + Math.ceil((from - phase) / period) * period; start + period <= to; start += period) {
      windows.push(this.usedIn(window, start));
    }
    return windows;
  }

  private refuse(limit: LimitName, at: number, retryAfterSeconds: number | null): AnsweredLimits {
    this.refusals.push({ limit, at });
    if (this.settings.refusalCosts && limit === 'minute') this.use('day', at);
    return this.headers(at, { limit, retryAfterSeconds });
  }

  private headers(at: number, refused: AnsweredLimits['refused']): AnsweredLimits {
    const { minute, day } = this.settings;
    return {
      minuteRemaining: Math.max(0, minute.limit - this.usedIn('minute', at)),
      dayRemaining: Math.max(0, day.limit - this.usedIn('day', at)),
      appMinuteRemaining: 9000,
      refused,
    };
  }

  private rest(window: 'minute' | 'day', at: number): number {
    const { period, phase } = this.settings[window];
    const since = (((at - phase) % period) + period) % period;
    return Math[this.settings.rounding]((period - since) / 1000);
  }

  private use(window: 'minute' | 'day', at: number): void {
    this.used.set(this.key(window, at), this.usedIn(window, at) + 1);
  }

  private key(window: 'minute' | 'day', at: number): string {
    const { period, phase } = this.settings[window];
    return `${window} ${Math.floor((at - phase) / period)}`;
  }
}

export interface Worker {
  priority: Priority;
  /** Milliseconds between an answer and the next call: 0 for a busy one. */
  pauseMs: number;
}

export interface Scene {
  seed: number;
  options?: Partial<BudgetOptions>;
  server: ServerSettings;
  workers: Worker[];
  /** The longest that a call takes, milliseconds. */
  slowest: number;
  /** Share of calls whose answer is lost on the way; share of calls whose worker dies. */
  lost?: number;
  deaths?: number;
  lastsMs: number;
}

export interface Played {
  server: LimitedServer;
  /** How long each call had to wait for its permission. */
  waits: Record<Priority, number[]>;
  calls: Record<Priority, number>;
  grants: { at: number; priority: Priority }[];
}

const epoch = 1_800_000_000_000;
export const sceneStart = epoch;

/** Plays workers against the server, event by event, on a clock of its own. */
export function play(scene: Scene): Played {
  const random = randomFrom(scene.seed);
  const options: BudgetOptions = { ...defaultBudgetOptions, ...scene.options };
  const server = new LimitedServer(scene.server);
  const played: Played = {
    server,
    waits: { people: [], background: [] },
    calls: { people: 0, background: 0 },
    grants: [],
  };
  let state: BudgetState = { organisation: newOrganisationBudget(options), app: newAppBudget(options) };
  const events: { at: number; run: (now: number) => void }[] = [];
  let tickets = 0;

  const at = (when: number, run: (now: number) => void) => {
    const index = events.findIndex((event) => event.at > when);
    events.splice(index === -1 ? events.length : index, 0, { at: when, run });
  };
  const ask = (worker: Worker, since: number) => (now: number) => {
    const ticketId = `t${tickets++}`;
    const answer = take(options, state, {
      organisationId: 'o',
      ticketId,
      priority: worker.priority,
      now,
      jitter: random(),
    });
    // As a database would: nothing but plain JSON survives.
    if (answer.state !== null) state = JSON.parse(JSON.stringify(answer.state));
    if (!answer.take.granted) {
      // A long wait goes through a timer of Temporal's, which is not exact.
      const late = answer.take.waitMs > 2000 ? random() * 300 : 1;
      return at(now + answer.take.waitMs + late, ask(worker, since));
    }
    played.waits[worker.priority].push(now - since);
    played.calls[worker.priority]++;
    played.grants.push({ at: now, priority: worker.priority });
    call(worker, ticketId, now);
  };
  const call = (worker: Worker, ticketId: string, now: number) => {
    const counted = now + 1 + random() * scene.slowest * 0.5;
    const received = counted + 1 + random() * scene.slowest * 0.5;
    const fate = random();
    const dies = fate < (scene.deaths ?? 0);
    const lost = fate < (scene.deaths ?? 0) + (scene.lost ?? 0);
    let answered: AnsweredLimits | null = null;
    server.inFlight++;
    server.mostInFlight = Math.max(server.mostInFlight, server.inFlight);
    at(counted, (instant) => {
      answered = server.count(instant);
    });
    at(received, (instant) => {
      server.inFlight--;
      if (!dies) {
        const back = { ticketId, answered: lost ? null : answered, now: instant, jitter: random() };
        state = JSON.parse(JSON.stringify(settle(options, state, back)));
      }
      at(instant + worker.pauseMs * (0.5 + random()), (next) => ask(worker, next)(next));
    });
  };

  for (const worker of scene.workers) at(epoch + random() * 1000, (now) => ask(worker, now)(now));
  while (events[0] !== undefined && events[0].at < epoch + scene.lastsMs) {
    const event = events.shift();
    event?.run(event.at);
  }
  return played;
}
