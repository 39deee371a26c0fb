/** Calendar dates (`YYYY-MM-DD`). Instants are ISO 8601 UTC strings. */

/** `YYYY-MM-DD`, a day that exists. */
export function isCalendarDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

/** The calendar date that a clock in `timeZone` (IANA) shows at `instant`. */
export function dateIn(timeZone: string, instant: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    instant,
  );
}

/**
 * The instant at which `date` begins in `timeZone`.
 * Found from the zone's own offsets around that day, so daylight saving and zones beyond ±12 h need no table.
 */
export function startOfDay(date: string, timeZone: string): Date {
  const utcMidnight = Date.parse(`${date}T00:00:00Z`);
  let earliest = utcMidnight - 26 * 3_600_000;
  let latest = utcMidnight + 26 * 3_600_000;
  while (latest - earliest > 1) {
    const middle = Math.floor((earliest + latest) / 2);
    if (dateIn(timeZone, new Date(middle)) >= date) latest = middle;
    else earliest = middle;
  }
  return new Date(latest);
}
