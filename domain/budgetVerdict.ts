/** May this call be made now, and if not, when may it be? Pure; docs/budget.md has the reasons. */
import { type Asking, allRules, type BudgetOptions, type BudgetState, type OrganisationBudget } from './budgetState.js';
import { type CallWindow, callsLeft, phaseKnown, type WindowRules } from './callWindow.js';
import type { LimitName } from './problems.js';

/** The app's calls under way are not counted one by one, so this share of the minute is left alone. */
const appMargin = 0.01;

export interface Judgement {
  /** The limit that forbids it for longest; null when it may be made. */
  limit: LimitName | null;
  waitMs: number;
  /** Windows that the call is to ask whether they have ended. */
  probes: { minute: boolean; day: boolean; appMinute: boolean };
}

export function judge(options: BudgetOptions, state: BudgetState, asking: Asking): Judgement {
  const minute = minuteVerdict(options, state, asking);
  const day = dayVerdict(options, state, asking);
  const appMinute = appVerdict(options, state, asking);
  const refusals: [LimitName, number][] = [
    ['concurrent', slotWait(options, state.organisation, asking)],
    ['minute', minute.waitMs],
    ['day', day.waitMs],
    ['appminute', appMinute.waitMs],
  ];
  const [limit, waitMs] = refusals.reduce((longest, other) => (other[1] > longest[1] ? other : longest));
  return {
    limit: waitMs > 0 ? limit : null,
    waitMs,
    probes: { minute: minute.probe, day: day.probe, appMinute: appMinute.probe },
  };
}

/** Milliseconds until a slot may be free; a slot's end is not known, so it is a short time. */
function slotWait(options: BudgetOptions, organisation: OrganisationBudget, asking: Asking): number {
  if (organisation.pausedUntil > asking.now) return organisation.pausedUntil - asking.now + shortWait(asking);
  const leavesOne = asking.priority === 'background' && organisation.peopleWaitingUntil > asking.now;
  const slots = leavesOne ? Math.max(1, options.inFlight - 1) : options.inFlight;
  return organisation.tickets.length < slots ? 0 : shortWait(asking);
}

function shortWait(asking: Asking): number {
  return 50 + asking.jitter * 100;
}

interface Verdict {
  /** 0: the window has a call for this. */
  waitMs: number;
  probe: boolean;
}

interface WindowAsking {
  rules: WindowRules;
  now: number;
  /** Calls under way that the window's figures may not hold yet. */
  pending: number;
  /** Is nothing under way? */
  alone: boolean;
  /** Calls that are not for this asker, until `reserveEnds`. */
  reserve: number;
  reserveEnds: number;
  /** When the end is not known: how long after the last answer, and after the last probe, one call may ask. */
  firstProbe: number;
  nextProbe: number;
  shortWait: number;
}

/**
 * Background leaves people their share until the last sixth of the minute. While the phase is unknown it leaves nothing: a
 * reserve whose end nobody knows can only be kept by standing still. So it uses the minute up and asks alone; that one
 * refusal tells the phase.
 */
function minuteVerdict(options: BudgetOptions, { organisation }: BudgetState, asking: Asking): Verdict {
  const { minute: rules } = allRules(options);
  const window = organisation.minute;
  const share = Math.min(1, (window.limit ?? options.limits.minute) / options.limits.minute);
  const released = releasedAt(options, window, rules);
  const keeps = asking.priority === 'background' && asking.now < released;
  return verdict(window, {
    ...organisationAsking(organisation, rules, asking),
    reserve: keeps ? Math.floor(options.peopleMinute * share) : 0,
    reserveEnds: released,
    firstProbe: 0,
    nextProbe: options.minuteMs / 12,
  });
}

/** When background may take what people left of a minute; 0 while the minute's end is not known. */
function releasedAt({ minuteMs }: BudgetOptions, window: CallWindow, rules: WindowRules): number {
  return phaseKnown(window, rules) && window.end !== null ? window.end.lo - minuteMs / 6 : 0;
}

/** Who stops with calls left never learns the day's end from a refusal: hourly one call asks whether it has come. */
function dayVerdict(options: BudgetOptions, { organisation }: BudgetState, asking: Asking): Verdict {
  const { day: rules } = allRules(options);
  const highestRemaining = (organisation.day.limit ?? 1) - 1;
  return verdict(organisation.day, {
    ...organisationAsking(organisation, rules, asking),
    reserve: asking.priority === 'background' ? Math.floor(options.peopleDayShare * highestRemaining) : 0,
    reserveEnds: Number.POSITIVE_INFINITY,
    firstProbe: options.dayMs / 24,
    nextProbe: options.dayMs / 24,
  });
}

/** Many first reads at once use up the app's minute as one uses up an organisation's: people keep the same share of it. */
function appVerdict(options: BudgetOptions, { app }: BudgetState, asking: Asking): Verdict {
  const { appMinute: rules } = allRules(options);
  const limit = app.minute.limit ?? options.limits.appMinute;
  const released = releasedAt(options, app.minute, rules);
  const keeps = asking.priority === 'background' && asking.now < released;
  const peopleShare = options.peopleMinute / options.limits.minute;
  return verdict(app.minute, {
    rules,
    now: asking.now,
    pending: app.granted - app.grantedWhenKnown,
    // Its calls under way belong to many organisations: waiting until there are none would never end.
    alone: true,
    reserve: Math.floor(limit * appMargin) + (keeps ? Math.floor(limit * peopleShare) : 0),
    reserveEnds: keeps ? released : Number.POSITIVE_INFINITY,
    firstProbe: 0,
    // A refusal of the app's minute may name no time: then its whole minute is waited for.
    nextProbe: options.minuteMs,
    shortWait: shortWait(asking),
  });
}

function organisationAsking(organisation: OrganisationBudget, rules: WindowRules, asking: Asking) {
  const pending = organisation.tickets.length;
  return { rules, now: asking.now, pending, alone: pending === 0, shortWait: shortWait(asking) };
}

function verdict(window: CallWindow, asking: WindowAsking): Verdict {
  // Nothing told yet of this window: the first call goes alone, and tells.
  if (window.known === null && asking.alone) return { waitMs: 0, probe: false };
  if (window.end === null) return { waitMs: asking.shortWait, probe: false };
  const spare = callsLeft(window) - asking.reserve;
  if (spare - asking.pending >= 1) return { waitMs: 0, probe: false };
  // The calls under way may be in the figure already: their answers will tell.
  if (spare >= 1 && !asking.alone) return { waitMs: asking.shortWait, probe: false };
  const wait = nextChance(window, asking) - asking.now;
  if (wait > 0) return { waitMs: wait, probe: false };
  return asking.alone ? { waitMs: 0, probe: true } : { waitMs: asking.shortWait, probe: false };
}

function nextChance(window: CallWindow, asking: WindowAsking): number {
  const ends = surelyOrProbed(window, asking);
  const releases = asking.reserve > 0 && callsLeft(window) >= 1 && asking.reserveEnds > asking.now;
  return releases ? Math.min(ends, asking.reserveEnds) : ends;
}

/** With the phase known, its end. Without, the next probe; never before the end is possible at all. */
function surelyOrProbed(window: CallWindow, asking: WindowAsking): number {
  const { lo, hi } = window.end ?? { lo: asking.now, hi: asking.now };
  if (phaseKnown(window, asking.rules)) return hi;
  const probe = Math.max(lo, window.heardAt + asking.firstProbe, window.probedAt + asking.nextProbe);
  return Math.min(hi, probe);
}
