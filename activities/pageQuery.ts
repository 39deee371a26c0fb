import { dateFilter } from '../domain/dateFilter.js';
import type { PageQuery } from '../domain/ports.js';
import type { PageCall } from '../domain/reading.js';
import type { Stream } from '../domain/streams.js';

/** A page call as Xero's endpoint takes it: each has its own way of paging and of asking for dates. */
export function pageQuery(stream: Stream, call: PageCall): PageQuery {
  return { ...paging(stream, call), ...dateFilter(stream, call.range), modifiedSince: call.since ?? undefined };
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
