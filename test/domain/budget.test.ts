import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle, take, view } from '../../domain/budget.js';
import {
  type BudgetOptions,
  type BudgetState,
  defaultBudgetOptions,
  newAppBudget,
  newOrganisationBudget,
} from '../../domain/budgetState.js';
import type { AnsweredLimits, Priority, Take } from '../../domain/ports.js';
import { type Played, play, type Scene, type ServerSettings, sceneStart, type Worker } from './limitedServer.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const busy: Worker = { priority: 'background', pauseMs: 0 };

const serverOf = (minutePhase: number, dayPhase: number, dayLimit: number) =>
  fc.record({
    minute: fc.constant({ limit: 60, period: minute, phase: minutePhase }),
    day: fc.constant({ limit: dayLimit, period: day, phase: dayPhase }),
    inFlight: fc.constant(5),
    rounding: fc.constantFrom<ServerSettings['rounding'][]>('ceil', 'floor', 'round'),
    refusalCosts: fc.boolean(),
  });

/** Servers of any phase, day limit so high that it does not matter, and a handful of busy background workers. */
const busyScene = fc
  .record({
    phase: fc.integer({ min: 0, max: minute - 1 }),
    seed: fc.nat(),
    slowest: fc.integer({ min: 10, max: 1500 }),
    workers: fc.integer({ min: 3, max: 12 }),
  })
  .chain(({ phase, seed, slowest, workers }) =>
    serverOf(phase, 12 * hour, 100_000).map(
      (server): Scene => ({ seed, slowest, server, workers: Array(workers).fill(busy), lastsMs: 6 * minute }),
    ),
  );

/** Of a server whose day does not matter: refusals of the minute, of too many at once. */
function refusals({ server }: Played, limit: string): number {
  return server.refusals.filter((refusal) => refusal.limit === limit).length;
}

describe('busy background work on one organisation', () => {
  it('is refused once at most, to learn the phase, uses 97 % of every minute from then on and never has more than five in flight', () => {
    fc.assert(
      fc.property(busyScene, (scene) => {
        const played = play(scene);
        expect(refusals(played, 'minute')).toBeLessThanOrEqual(1);
        expect(refusals(played, 'concurrent')).toBe(0);
        expect(played.server.mostInFlight).toBeLessThanOrEqual(5);
        const used = played.server.wholeWindows('minute', sceneStart + 2 * minute, sceneStart + scene.lastsMs);
        expect(used.length).toBeGreaterThan(2);
        for (const calls of used) expect(calls).toBeGreaterThanOrEqual(0.97 * 60);
      }),
      { numRuns: 40 },
    );
  });

  it('stays within every limit while answers are lost and workers die, and goes on', () => {
    fc.assert(
      fc.property(busyScene, (base) => {
        const played = play({ ...base, lost: 0.03, deaths: 0.01 });
        // A probe whose refusal is lost on the way is made again.
        expect(refusals(played, 'minute')).toBeLessThanOrEqual(3);
        expect(refusals(played, 'concurrent')).toBe(0);
        expect(played.server.mostInFlight).toBeLessThanOrEqual(5);
        for (const calls of played.server.wholeWindows('minute', sceneStart + 2 * minute, sceneStart + base.lastsMs)) {
          expect(calls).toBeGreaterThan(30);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('does the same with windows of five seconds, though Retry-After stays in whole seconds', () => {
    fc.assert(
      fc.property(busyScene, fc.integer({ min: 0, max: 4999 }), (base, phase) => {
        const server = { ...base.server, minute: { limit: 60, period: 5000, phase } };
        const slowest = Math.min(base.slowest, 150);
        const played = play({ ...base, slowest, server, options: { minuteMs: 5000 }, lastsMs: minute });
        expect(refusals(played, 'minute')).toBeLessThanOrEqual(1);
        const used = played.server.wholeWindows('minute', sceneStart + 10_000, sceneStart + minute);
        for (const calls of used) expect(calls).toBeGreaterThanOrEqual(0.97 * 60);
      }),
      { numRuns: 30 },
    );
  });
});

describe('people and background work together', () => {
  it('lets a person who calls now and then go at once, except in the last sixth of a minute, and nobody starves', () => {
    fc.assert(
      fc.property(busyScene, (base) => {
        const person: Worker = { priority: 'people', pauseMs: 15_000 };
        const played = play({ ...base, workers: [...base.workers, person], lastsMs: 10 * minute });
        // The first minutes have no known phase, and so no reserve.
        const later = played.waits.people.slice(10);
        expect(later.length).toBeGreaterThan(15);
        expect(later.filter((wait) => wait < 2000).length / later.length).toBeGreaterThan(0.6);
        expect(Math.max(...later)).toBeLessThan(15_000);
        expect(played.calls.background).toBeGreaterThan(10 * 50 * 0.9);
      }),
      { numRuns: 25 },
    );
  });

  it('keeps a tenth of the day for people, and takes the next day up within an hour of its beginning', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: day - 1 }), fc.nat(), (phase, seed) => {
        const server = fc.sample(serverOf(1000, phase, 1000), { numRuns: 1, seed })[0] as ServerSettings;
        const played = play({ seed, server, workers: [busy, busy, busy], slowest: 500, lastsMs: 3 * day });
        const [, second] = played.server.wholeWindows('day', sceneStart, sceneStart + 3 * day);
        expect(played.server.refusals.filter(({ limit }) => limit === 'day')).toEqual([]);
        expect(second).toBeGreaterThanOrEqual(890);
        // Each hourly probe is one call of people's share.
        expect(second).toBeLessThanOrEqual(901 + 24);
        const begins = Math.ceil((sceneStart - phase) / day) * day + phase + day;
        const first = played.grants.find(({ at }) => at > begins);
        expect((first?.at ?? 0) - begins).toBeLessThan(hour + minute);
      }),
      { numRuns: 6 },
    );
  });
});

/** One organisation's budget in hand, for single sentences. */
class Desk {
  readonly options: BudgetOptions;
  state: BudgetState;
  now = sceneStart;
  private granted = 0;

  constructor(options: Partial<BudgetOptions> = {}) {
    this.options = { ...defaultBudgetOptions, ...options };
    this.state = { organisation: newOrganisationBudget(this.options), app: newAppBudget(this.options) };
  }

  take(priority: Priority = 'background'): Take {
    const asking = { organisationId: 'o', ticketId: `t${this.granted++}`, priority, now: this.now, jitter: 0.5 };
    const { take: answer, state } = take(this.options, this.state, asking);
    if (state !== null) this.state = state;
    return answer;
  }

  ticket(priority: Priority = 'background'): string {
    const answer = this.take(priority);
    if (!answer.granted) throw new Error(`refused by ${answer.limit}`);
    return answer.ticket.id;
  }

  settle(ticketId: string, answered: AnsweredLimits | null): void {
    this.state = settle(this.options, this.state, { ticketId, answered, now: this.now, jitter: 0.5 });
  }

  /** One call from asking to answer. */
  call(answered: AnsweredLimits | null, priority: Priority = 'background'): void {
    const ticketId = this.ticket(priority);
    this.now += 100;
    this.settle(ticketId, answered);
  }

  view() {
    return view(this.options, this.state, this.now);
  }
}

const left = (minuteRemaining: number, dayRemaining = 4000): AnsweredLimits => ({
  minuteRemaining,
  dayRemaining,
  appMinuteRemaining: 9000,
  refused: null,
});

const refusedBy = (limit: 'minute' | 'day' | 'concurrent' | 'appminute', retryAfterSeconds: number | null) => ({
  ...left(0),
  refused: { limit, retryAfterSeconds },
});

describe('a single decision', () => {
  it('lets the first call into an unknown window go alone', () => {
    const desk = new Desk();
    const first = desk.ticket();
    expect(desk.take()).toMatchObject({ granted: false });
    desk.now += 100;
    desk.settle(first, left(59));
    for (let n = 0; n < 5; n++) expect(desk.take()).toMatchObject({ granted: true });
  });

  it('never lets a sixth call go while five are in flight', () => {
    const desk = new Desk();
    desk.call(left(59));
    for (let n = 0; n < 5; n++) desk.ticket('people');
    expect(desk.take('people')).toMatchObject({ granted: false, limit: 'concurrent' });
  });

  it('gives a slot that becomes free to the person who waits for it, not to the background that asks first', () => {
    const desk = new Desk();
    desk.call(left(59));
    const tickets = Array.from({ length: 5 }, () => desk.ticket());
    expect(desk.take('people').granted).toBe(false);
    desk.now += 50;
    desk.settle(tickets[0] as string, left(58));
    expect(desk.take('background')).toMatchObject({ granted: false, limit: 'concurrent' });
    expect(desk.take('people').granted).toBe(true);
  });

  it('takes a header that comes late for what it is: no reset', () => {
    const desk = new Desk();
    desk.call(left(20));
    const slow = desk.ticket();
    const quick = desk.ticket();
    desk.settle(quick, left(18));
    desk.settle(slow, left(19));
    expect(desk.view().minute.remaining).toBe(18);
    expect(desk.view().minute.resetsAt).toBeNull();
  });

  it('reads the phase off a rise: between the last call of the old window and the answer that showed the new one', () => {
    const desk = new Desk();
    desk.call(left(20));
    desk.now += 10_000;
    desk.call(left(59));
    const resetsAt = Date.parse(desk.view().minute.resetsAt ?? '');
    expect(resetsAt).toBe(desk.now + minute);
    desk.now = resetsAt + 1;
    expect(desk.view().minute.remaining).toBe(60);
  });

  it('waits out a Retry-After of the minute, then knows the phase', () => {
    const desk = new Desk();
    desk.call(left(0));
    desk.call(refusedBy('minute', 26));
    expect(desk.take()).toMatchObject({ granted: false, limit: 'minute', waitMs: 27_000 });
    desk.now += 27_000;
    expect(desk.take().granted).toBe(true);
  });

  it('leaves six calls of a minute of known end to people until its last sixth', () => {
    const desk = new Desk();
    desk.call(left(0));
    desk.call(refusedBy('minute', 20));
    desk.now += 21_000;
    desk.call(left(59));
    desk.call(left(6));
    const refusal = desk.take('background');
    expect(refusal).toMatchObject({ granted: false, limit: 'minute' });
    desk.call(left(5), 'people');
    desk.now += 49_000;
    expect(desk.take('background').granted).toBe(true);
  });

  it('asks once an hour whether the day has ended, when background has used its share and the end is not known', () => {
    const desk = new Desk();
    desk.call(left(50, 999));
    desk.now += 10 * minute;
    desk.call(left(50, 99));
    const refusal = desk.take();
    expect(refusal).toMatchObject({ granted: false, limit: 'day' });
    expect(desk.take('people').granted).toBe(true);
    desk.settle('t3', left(40, 98));
    desk.now += hour;
    const probe = desk.ticket();
    expect(desk.take().granted).toBe(false);
    desk.now += 100;
    desk.settle(probe, left(59, 999));
    expect(desk.take().granted).toBe(true);
    expect(Date.parse(desk.view().day.resetsAt ?? '') - desk.now).toBe(day);
  });

  it('sleeps exactly as long as the refusal of a used-up day says', () => {
    const desk = new Desk();
    desk.call(left(50, 0));
    desk.now += hour;
    desk.call(refusedBy('day', 66_975));
    const refusal = desk.take('people');
    expect(refusal).toMatchObject({ granted: false, limit: 'day', waitMs: 66_976_000 });
  });

  it('takes a dead worker’s permission back after the lease and counts its call as made', () => {
    const desk = new Desk();
    desk.call(left(50));
    for (let n = 0; n < 5; n++) desk.ticket();
    expect(desk.take().granted).toBe(false);
    desk.now += defaultBudgetOptions.ticketLeaseMs + 1;
    expect(desk.take().granted).toBe(true);
  });

  it('waits a moment after a refusal for too many at once, and for as long as the app’s minute says', () => {
    const concurrent = new Desk();
    concurrent.call(left(50));
    concurrent.call(refusedBy('concurrent', null));
    const short = concurrent.take();
    expect(short).toMatchObject({ granted: false, limit: 'concurrent' });
    expect(short.granted ? 0 : short.waitMs).toBeLessThan(2000);

    const app = new Desk();
    app.call(left(50));
    app.call(refusedBy('appminute', null));
    expect(app.take()).toMatchObject({ granted: false, limit: 'appminute' });
    app.now += minute + 1;
    expect(app.take().granted).toBe(true);
  });

  it('learns a higher limit from any header and a lower one from a window that begins with less', () => {
    const desk = new Desk();
    desk.call(left(50, 4999));
    expect(desk.view().day.limit).toBe(5000);
    desk.call(left(49, 300));
    desk.now += hour;
    desk.call(left(48, 999));
    expect(desk.view().day.limit).toBe(1000);
  });

  it('forgets a window that ends later than a window can, as when its length was configured anew', () => {
    const desk = new Desk();
    desk.call(left(50, 0));
    desk.now += hour;
    desk.call(refusedBy('day', 80_000));
    const state = desk.state;
    const shorter = new Desk({ dayMs: 60_000 });
    shorter.state = state;
    expect(shorter.take().granted).toBe(true);
  });
});
