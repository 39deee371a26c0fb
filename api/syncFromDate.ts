import { dateIn } from '../domain/calendar.js';
import { pastSyncFromDateWarning } from '../domain/connection.js';

/** What to tell whoever sets this Sync From Date; null is all history, and so lies in the past. */
export function syncFromDateWarnings(date: string | null, timeZone: string | null, now: Date): string[] {
  const past = date === null || date < dateIn(timeZone ?? 'UTC', now);
  return past ? [pastSyncFromDateWarning] : [];
}
