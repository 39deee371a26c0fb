/**
 * The calls that Xero still allows an organisation and the app, and who may have them. Pure: db/budget.ts brings the rows,
 * the clock and the lock. docs/budget.md tells the whole in plain words; xero-api.md §1 has the facts.
 */
import {
  type CallWindow,
  callsLeft,
  heard,
  type Mark,
  markOf,
  phaseKnown,
  refused,
  rolled,
  unheard,
  unknownWindow,
  type WindowRules,
  windowRules,
} from './callWindow.js';
import type { AnsweredLimits, BudgetView, Priority, Take, WindowView } from './ports.js';
import type { LimitName } from './problems.js';

export interface BudgetOptions {
  /** Milliseconds from one reset of the minute's (the day's) calls to the next. */
  minuteMs: number;
  dayMs: number;
  /** Milliseconds after which a permission whose worker never came back is taken back: longer than a call's deadline. */
  ticketLeaseMs: number;
  inFlight: number;
  /** Calls of a minute, until headers correct them. The day's are not assumed: they depend on the tier. */
  limits: { minute: number; appMinute: number };
  /** Calls of a minute that background work leaves to people until the last sixth of the minute. */
  peopleMinute: number;
  /** The share of the day that background work leaves to people. */
  peopleDayShare: number;
}

/** A minute's phase counts as known from half a minute on: its refusal tells the end within two seconds, even of a short one. */
const minuteKnownWithin = 1 / 2;
/** A day's only within what hourly probes leave open: a wider bracket's far side is later than the next probe. */
const dayKnownWithin = 1 / 20;
/** Calls of the app that were granted earlier and are counted later than the one whose header was read last. */
const appStraddlers = 100;
/** The app's calls under way are not counted one by one, so this share of the minute is left alone. */
const appMargin = 0.01;
/** Calls of a day on Xero's lowest tier: shown until an answer tells more. */
const starterDay = 1000;
/** For how long background work leaves a slot free for somebody who found all of them taken, milliseconds. */
const peopleWait = 1000;

export const defaultBudgetOptions: BudgetOptions = {
  minuteMs: 60_000,
  dayMs: 86_400_000,
  ticketLeaseMs: 90_000,
  inFlight: 5,
  limits: { minute: 60, appMinute: 10_000 },
  peopleMinute: 6,
  peopleDayShare: 0.1,
};

/** A permission in use: it ends when it is settled, or by itself. */
export interface OpenTicket {
  id: string;
  endsAt: number;
  minute: Mark;
  day: Mark;
  appMinute: Mark;
  /** How many calls the app had been granted with this one. */
  appGrant: number;
}

export interface OrganisationBudget {
  minute: CallWindow;
  day: CallWindow;
  tickets: OpenTicket[];
  /** Nobody calls before this instant: Xero found too many calls under way. */
  pausedUntil: number;
  /** Until this instant somebody is waiting for a slot. */
  peopleWaitingUntil: number;
}

export interface AppBudget {
  minute: CallWindow;
  /** Calls granted, ever. */
  granted: number;
  /** `granted` of the call that told `minute.known`. */
  grantedWhenKnown: number;
}

export interface BudgetState {
  organisation: OrganisationBudget;
  app: AppBudget;
}

export function newOrganisationBudget(options: BudgetOptions): OrganisationBudget {
  return {
    minute: unknownWindow(options.limits.minute),
    day: unknownWindow(null),
    tickets: [],
    pausedUntil: 0,
    peopleWaitingUntil: 0,
  };
}

export function newAppBudget(options: BudgetOptions): AppBudget {
  return { minute: unknownWindow(options.limits.appMinute), granted: 0, grantedWhenKnown: 0 };
}

export interface Asking {
  organisationId: string;
  /** The id of the ticket, if one is granted. */
  ticketId: string;
  priority: Priority;
  now: number;
  /** 0..1: spreads those who wait, or they would all come back at once. */
  jitter: number;
}

/** Asks for one call. `state` is what to keep; null when nothing changed that the next asker would not find by itself. */
export function take(
  options: BudgetOptions,
  before: BudgetState,
  asking: Asking,
): { take: Take; state: BudgetState | null } {
  const state = current(options, before, asking.now);
  const { limit, waitMs, probes } = judge(options, state, asking);
  if (limit === null) {
    const ticket = { id: asking.ticketId, organisationId: asking.organisationId };
    return { take: { granted: true, ticket }, state: grant(options, state, asking, probes) };
  }
  const refusal: Take = { granted: false, limit, waitMs: Math.ceil(waitMs) };
  if (asking.priority === 'background' || limit !== 'concurrent') return { take: refusal, state: null };
  const organisation = { ...state.organisation, peopleWaitingUntil: asking.now + peopleWait };
  return { take: refusal, state: { ...state, organisation } };
}

/** A call came back, `answered` null without an answer. A ticket that has ended already changes nothing any more. */
export function settle(
  options: BudgetOptions,
  before: BudgetState,
  back: { ticketId: string; answered: AnsweredLimits | null; now: number; jitter: number },
): BudgetState {
  const { organisation, app } = current(options, before, back.now);
  const ticket = organisation.tickets.find((open) => open.id === back.ticketId);
  if (ticket === undefined) return { organisation, app };
  const { minute, day, appMinute } = allRules(options);
  const { answered, now } = back;
  return {
    organisation: {
      ...organisation,
      minute: after(organisation.minute, minute, ticket.minute, 'minute', answered?.minuteRemaining, answered, now),
      day: after(organisation.day, day, ticket.day, 'day', answered?.dayRemaining, answered, now),
      tickets: organisation.tickets.filter((open) => open !== ticket),
      pausedUntil: pausedUntil(organisation, back),
    },
    app: appAfter(
      app,
      after(app.minute, appMinute, ticket.appMinute, 'appminute', answered?.appMinuteRemaining, answered, now),
      ticket.appGrant,
    ),
  };
}

/** What people are shown. */
export function view(options: BudgetOptions, before: BudgetState, now: number): BudgetView {
  const { organisation, app } = current(options, before, now);
  const { minute, day, appMinute } = allRules(options);
  return {
    minute: windowView(organisation.minute, minute),
    day: windowView(organisation.day, day),
    appMinute: windowView(app.minute, appMinute),
    inFlight: organisation.tickets.length,
  };
}

function allRules(options: BudgetOptions): { minute: WindowRules; day: WindowRules; appMinute: WindowRules } {
  return {
    minute: windowRules(options.minuteMs, options.inFlight, minuteKnownWithin),
    day: windowRules(options.dayMs, options.inFlight, dayKnownWithin),
    appMinute: windowRules(options.minuteMs, appStraddlers, minuteKnownWithin),
  };
}

/** The state at `now`: windows that have ended began anew, tickets of workers that died are taken back. */
function current(options: BudgetOptions, { organisation, app }: BudgetState, now: number): BudgetState {
  const rules = allRules(options);
  const tickets = organisation.tickets.filter((ticket) => ticket.endsAt > now);
  const lost = organisation.tickets.length - tickets.length;
  const appMinute = rolled(app.minute, rules.appMinute, now);
  return {
    organisation: {
      ...organisation,
      tickets,
      minute: withLost(rolled(organisation.minute, rules.minute, now), lost, now),
      day: withLost(rolled(organisation.day, rules.day, now), lost, now),
    },
    app: appMinute === app.minute ? app : { ...app, minute: appMinute, grantedWhenKnown: app.granted },
  };
}

function withLost(window: CallWindow, lost: number, now: number): CallWindow {
  return lost === 0 ? window : withLost(unheard(window, now), lost - 1, now);
}

// ── May this call be made? ──────────────────────────────────────────────────────────────────────────────────

interface Judgement {
  /** The limit that forbids it for longest; null when it may be made. */
  limit: LimitName | null;
  waitMs: number;
  /** Windows that the call is to ask whether they have ended. */
  probes: { minute: boolean; day: boolean; appMinute: boolean };
}

function judge(options: BudgetOptions, state: BudgetState, asking: Asking): Judgement {
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
  const released = phaseKnown(window, rules) && window.end !== null ? window.end.lo - options.minuteMs / 6 : 0;
  const keeps = asking.priority === 'background' && asking.now < released;
  return verdict(window, {
    ...organisationAsking(organisation, rules, asking),
    reserve: keeps ? Math.floor(options.peopleMinute * share) : 0,
    reserveEnds: released,
    firstProbe: 0,
    nextProbe: options.minuteMs / 12,
  });
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

function appVerdict(options: BudgetOptions, { app }: BudgetState, asking: Asking): Verdict {
  const { appMinute: rules } = allRules(options);
  return verdict(app.minute, {
    rules,
    now: asking.now,
    pending: app.granted - app.grantedWhenKnown,
    // Its calls under way belong to many organisations: waiting until there are none would never end.
    alone: true,
    reserve: Math.floor((app.minute.limit ?? options.limits.appMinute) * appMargin),
    reserveEnds: Number.POSITIVE_INFINITY,
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

// ── What changes ────────────────────────────────────────────────────────────────────────────────────────────

function grant(
  options: BudgetOptions,
  { organisation, app }: BudgetState,
  asking: Asking,
  probes: Judgement['probes'],
): BudgetState {
  const { now } = asking;
  const ticket: OpenTicket = {
    id: asking.ticketId,
    endsAt: now + options.ticketLeaseMs,
    minute: markOf(organisation.minute, now),
    day: markOf(organisation.day, now),
    appMinute: markOf(app.minute, now),
    appGrant: app.granted + 1,
  };
  return {
    organisation: {
      ...organisation,
      minute: probed(organisation.minute, probes.minute, now),
      day: probed(organisation.day, probes.day, now),
      tickets: [...organisation.tickets, ticket],
    },
    app: { ...app, minute: probed(app.minute, probes.appMinute, now), granted: app.granted + 1 },
  };
}

function probed(window: CallWindow, probe: boolean, now: number): CallWindow {
  return probe ? { ...window, probedAt: now } : window;
}

function after(
  window: CallWindow,
  rules: WindowRules,
  call: Mark,
  limit: LimitName,
  remaining: number | null | undefined,
  answered: AnsweredLimits | null,
  now: number,
): CallWindow {
  if (answered?.refused?.limit === limit) return refused(window, rules, call, answered.refused.retryAfterSeconds, now);
  return heard(window, rules, call, remaining ?? null, now);
}

function appAfter(app: AppBudget, minute: CallWindow, appGrant: number): AppBudget {
  const told = minute.known !== app.minute.known || minute.epoch !== app.minute.epoch;
  return { ...app, minute, grantedWhenKnown: told ? Math.max(app.grantedWhenKnown, appGrant) : app.grantedWhenKnown };
}

function pausedUntil(
  organisation: OrganisationBudget,
  { answered, now, jitter }: { answered: AnsweredLimits | null; now: number; jitter: number },
): number {
  if (answered?.refused?.limit !== 'concurrent') return organisation.pausedUntil;
  const asked = (answered.refused.retryAfterSeconds ?? 0) * 1000;
  return Math.max(organisation.pausedUntil, now + asked + 250 + jitter * 500);
}

function windowView(window: CallWindow, rules: WindowRules): WindowView {
  return {
    limit: window.limit ?? starterDay,
    remaining: window.end === null ? null : (window.known ?? window.limit),
    resetsAt: phaseKnown(window, rules) && window.end !== null ? new Date(window.end.hi).toISOString() : null,
  };
}
