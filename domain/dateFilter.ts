import { addDays } from './calendar.js';
import type { DateRange } from './dateRange.js';
import type { PageQuery } from './ports.js';
import type { Stream } from './streams.js';

/** How a stream's endpoint is asked for deciding dates of a range, and for records of one `Type`. */
export function dateFilter(
  { dateFilter: way, decidingDate }: Stream,
  { from, before }: DateRange,
  type: string | null = null,
): PageQuery {
  if (way === 'DateFrom') {
    return { dateFrom: from ?? undefined, dateTo: before === null ? undefined : addDays(before, -1) };
  }
  const clauses = [
    ...(type === null ? [] : [`Type == "${type}"`]),
    ...(from === null ? [] : [`${decidingDate} >= ${dateTime(from)}`]),
    ...(before === null ? [] : [`${decidingDate} < ${dateTime(before)}`]),
  ];
  return { where: clauses.length === 0 ? undefined : clauses.join(' AND ') };
}

function dateTime(date: string): string {
  const [year, month, day] = date.split('-');
  return `DateTime(${year},${month},${day})`;
}
