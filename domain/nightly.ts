/** The nightly sync of a connection: whether it runs, and when. */
import { dateIn, instantOf } from './calendar.js';
import { type ConnectionStatus, isUnbound } from './connection.js';

export interface Nightly {
  /** Time of day, HH:MM. */
  at: string;
  /** IANA name; UTC until the organisation's was read. */
  timeZone: string;
  /** While Xero refuses the connection nothing can be read. */
  paused: boolean;
}

interface Facts {
  status: ConnectionStatus;
  organisation: { timeZone: string | null } | null;
}

/**
 * Milliseconds over which the syncs of one time of day are spread, so that a thousand connections of one country do not
 * begin in the same second; settings keep the time far enough from the hours when clocks are changed.
 */
export const nightlyJitterMs = 30 * 60_000;

/** The same for the weekly second look, which is nobody's hurry. */
export const weeklyJitterMs = 3 * 3_600_000;

/** Milliseconds after its time within which a sync that was missed is made up for; later the next night does it. */
export const nightlyCatchupMs = 6 * 3_600_000;

export const weekdays = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

/** The day of a connection's second look: spread over the week by its id, a UUID. */
export function weekdayOf(connectionId: string): (typeof weekdays)[number] {
  return weekdays[Number.parseInt(connectionId.slice(0, 8), 16) % weekdays.length] ?? 'SUNDAY';
}

/** From the binding until the disconnect; null outside. */
export function nightlyOf({ status, organisation }: Facts, at: string): Nightly | null {
  if (isUnbound(status) || status === 'disconnected') return null;
  return { at, timeZone: organisation?.timeZone ?? 'UTC', paused: status === 'authFailed' };
}

/** What its schedule says in words; by it a schedule that differs is found. */
export function nightlyNote({ at, timeZone }: Nightly): string {
  return `At ${at} in ${timeZone}.`;
}

/** When it runs next, but for the spreading; null while it is paused. */
export function nextNightly({ at, timeZone, paused }: Nightly, now: Date): Date | null {
  if (paused) return null;
  const today = dateIn(timeZone, now);
  const dayMs = 86_400_000;
  const days = [0, 1].map((day) => new Date(Date.parse(`${today}T00:00:00Z`) + day * dayMs).toISOString().slice(0, 10));
  return days.map((date) => instantOf(date, at, timeZone)).find((instant) => instant > now) ?? null;
}
