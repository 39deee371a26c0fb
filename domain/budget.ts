/**
 * The calls that Xero still allows an organisation and the app, and who may have them. Pure: db/budget.ts brings the rows,
 * the clock and the lock. docs/budget.md tells the whole in plain words; xero-api.md §1 has the facts.
 */
import {
  type AppBudget,
  type Asking,
  allRules,
  type BudgetOptions,
  type BudgetState,
  type OpenTicket,
  type OrganisationBudget,
} from './budgetState.js';
import { type Judgement, judge } from './budgetVerdict.js';
import {
  type CallWindow,
  heard,
  type Mark,
  markOf,
  phaseKnown,
  refused,
  rolled,
  unheard,
  type WindowRules,
} from './callWindow.js';
import type { AnsweredLimits, BudgetView, Take, WindowView } from './ports.js';
import type { LimitName } from './problems.js';

/** Calls of a day on Xero's lowest tier: shown until an answer tells more. */
const starterDay = 1000;
/** For how long background work leaves a slot free for somebody who found all of them taken, milliseconds. */
const peopleWait = 1000;

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
