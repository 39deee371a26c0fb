import { dayOf } from './calendar.js';

/** The IANA zones behind the Windows names that Xero uses (xero-api.md §4); others are taken for UTC. */
const ZONES: Record<string, string> = {
  NEWZEALANDSTANDARDTIME: 'Pacific/Auckland',
  AUSEASTERNSTANDARDTIME: 'Australia/Sydney',
  EAUSTRALIASTANDARDTIME: 'Australia/Brisbane',
  CENAUSTRALIASTANDARDTIME: 'Australia/Adelaide',
  WAUSTRALIASTANDARDTIME: 'Australia/Perth',
  SINGAPORESTANDARDTIME: 'Asia/Singapore',
  INDIASTANDARDTIME: 'Asia/Kolkata',
  SOUTHAFRICASTANDARDTIME: 'Africa/Johannesburg',
  WEUROPESTANDARDTIME: 'Europe/Berlin',
  ROMANCESTANDARDTIME: 'Europe/Paris',
  GMTSTANDARDTIME: 'Europe/London',
  EASTERNSTANDARDTIME: 'America/New_York',
  CENTRALSTANDARDTIME: 'America/Chicago',
  MOUNTAINSTANDARDTIME: 'America/Denver',
  PACIFICSTANDARDTIME: 'America/Los_Angeles',
};

/** The number of the calendar day that `ms` lies in, in a zone of Xero's. */
export function localDay(ms: number, windowsName: string): number {
  const timeZone = ZONES[windowsName.toUpperCase().replace(/[^A-Z]/g, '')] ?? 'UTC';
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' })
    .formatToParts(ms)
    .map(({ type, value }) => [type, Number(value)]);
  const { year = 0, month = 0, day = 0 } = Object.fromEntries(parts) as Record<string, number>;
  return dayOf(Date.UTC(year, month - 1, day));
}
