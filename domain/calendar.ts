/** Calendar dates (`YYYY-MM-DD`). Instants are ISO 8601 UTC strings. */

const dayMs = 86_400_000;

/** `YYYY-MM-DD`, a day that exists. */
export function isCalendarDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

/** So many days later, or earlier where `days` is negative. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

/** The calendar date that a clock in `timeZone` (IANA) shows at `instant`. */
export function dateIn(timeZone: string, instant: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    instant,
  );
}

/**
 * The instant at which `date` begins in `timeZone`: the first at which a clock there shows it.
 */
export function startOfDay(date: string, timeZone: string): Date {
  return firstInstant(date, (instant) => dateIn(timeZone, instant) >= date);
}

/**
 * The instant at which clocks in `timeZone` show `date` and `time` (HH:MM). A time that daylight saving leaves out is the
 * instant at which the clocks jump over it; of one that comes twice it may be either.
 */
export function instantOf(date: string, time: string, timeZone: string): Date {
  const wanted = `${date} ${time}`;
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return firstInstant(date, (instant) => clock.format(instant) >= wanted);
}

/** Found from the zone's own clock around that day, so daylight saving and zones beyond ±12 h need no table. */
function firstInstant(date: string, reached: (instant: Date) => boolean): Date {
  const utcMidnight = Date.parse(`${date}T00:00:00Z`);
  let earliest = utcMidnight - 26 * 3_600_000;
  let latest = utcMidnight + 50 * 3_600_000;
  while (latest - earliest > 1) {
    const middle = Math.floor((earliest + latest) / 2);
    if (reached(new Date(middle))) latest = middle;
    else earliest = middle;
  }
  return new Date(latest);
}
