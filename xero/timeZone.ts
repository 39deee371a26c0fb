/** Xero's names of time zones: Windows names in capitals without blanks or signs (xero-api.md §4). */
import { findIana, WINDOWS_TO_IANA_MAP } from 'windows-iana';

/** Zones that Xero still lists and Windows has retired, so that the library no longer has them. */
const retired: Readonly<Record<string, string>> = {
  KAMCHATKASTANDARDTIME: 'Asia/Kamchatka',
  MIDATLANTICSTANDARDTIME: 'Etc/GMT+2',
};

const windowsNames = new Map(WINDOWS_TO_IANA_MAP.map(({ windowsName }) => [squeezed(windowsName), windowsName]));

/**
 * The IANA name of a zone that Xero names, e.g. `NEWZEALANDSTANDARDTIME` → `Pacific/Auckland`.
 * One that is unknown, or none, is read as UTC: days may then begin some hours early or late, which beats no sync at all.
 */
export function ianaTimeZone(xeroName: string | undefined): string {
  if (xeroName === undefined) return 'UTC';
  const name = squeezed(xeroName);
  const windowsName = windowsNames.get(name);
  return (windowsName === undefined ? retired[name] : findIana(windowsName)[0]) ?? 'UTC';
}

function squeezed(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '');
}
