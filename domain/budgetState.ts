/**
 * What is kept of the calls that Xero still allows an organisation and the app, and by which rules. Pure; docs/budget.md
 * tells the whole in plain words, xero-api.md §1 has the facts.
 */
import { type CallWindow, type Mark, unknownWindow, type WindowRules, windowRules } from './callWindow.js';
import type { Priority } from './ports.js';

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

/** A minute's phase counts as known from half a minute on: its refusal tells the end within two seconds, even of a short one. */
const minuteKnownWithin = 1 / 2;
/** A day's only within what hourly probes leave open: a wider bracket's far side is later than the next probe. */
const dayKnownWithin = 1 / 20;
/** Calls of the app that were granted earlier and are counted later than the one whose header was read last. */
const appStraddlers = 100;

/** The rules of the three windows. */
export function allRules(options: BudgetOptions): { minute: WindowRules; day: WindowRules; appMinute: WindowRules } {
  return {
    minute: windowRules(options.minuteMs, options.inFlight, minuteKnownWithin),
    day: windowRules(options.dayMs, options.inFlight, dayKnownWithin),
    appMinute: windowRules(options.minuteMs, appStraddlers, minuteKnownWithin),
  };
}
