import type { PageQuery } from '../domain/ports.js';
import type { PageCall } from '../domain/reading.js';
import type { Stream } from '../domain/streams.js';

/** A page call as Xero's endpoint takes it: each has its own way of paging and of asking for dates. */
export function pageQuery(stream: Stream, call: PageCall): PageQuery {
  return { ...paging(stream, call), ...dates(stream, call), modifiedSince: call.since ?? undefined };
}

function paging(stream: Stream, call: PageCall): PageQuery {
  switch (stream.way) {
    case 'wholeList':
      return {};
    case 'numbered':
      return { offset: call.offset };
    case 'plainPages':
      return { page: call.page };
    case 'orderedPages':
    case 'stampedPages': {
      const order = call.orderById ? `${stream.idField} ASC` : undefined;
      return { page: call.page, pageSize: call.pageSize, order };
    }
  }
}

function dates(stream: Stream, { range: { from, before } }: PageCall): PageQuery {
  if (stream.dateFilter === 'DateFrom') {
    return { dateFrom: from ?? undefined, dateTo: before === null ? undefined : dayBefore(before) };
  }
  const clauses = [
    ...(from === null ? [] : [`${stream.decidingDate} >= ${dateTime(from)}`]),
    ...(before === null ? [] : [`${stream.decidingDate} < ${dateTime(before)}`]),
  ];
  return { where: clauses.length === 0 ? undefined : clauses.join(' AND ') };
}

function dateTime(date: string): string {
  const [year, month, day] = date.split('-');
  return `DateTime(${year},${month},${day})`;
}

function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
