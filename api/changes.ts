/** /v1/changes: the feed of all that a key sees, with a long poll. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { FeedEvent, FeedPage, FeedQuery } from '../domain/ports.js';
import { sees } from './authentication.js';
import type { ApiDeps } from './deps.js';
import { notFound } from './problems.js';
import { changesAnswer, changesQuery } from './schemas/change.js';
import { answers } from './schemas/common.js';
import { stopAfter } from './waiting.js';

type FeedDeps = Pick<ApiDeps, 'feed' | 'feedBell'>;

export function changeRoutes(deps: FeedDeps): FastifyPluginAsyncZod {
  return async (app) => {
    // Those who wait are answered at once, with what there is.
    app.addHook('preClose', () => deps.feedBell.close());

    app.route({
      method: 'GET',
      url: '/changes',
      config: { permission: 'read' },
      schema: {
        tags: ['Changes'],
        operationId: 'listChanges',
        summary: 'What happened, in order and at least once, across all connections that the key sees',
        querystring: changesQuery,
        response: answers({ 200: changesAnswer }, 404, 410),
      },
      handler: async (request, reply) => {
        const { after, wait, limit, company } = request.query;
        if (company !== undefined && !sees(request, company)) throw notFound();
        if (after === 'latest') return { data: [], nextCursor: await deps.feed.newest() };
        const only = request.apiKey.companyId ?? company;
        const query = { limit, ...(after !== undefined && { after }), ...(only !== undefined && { company: only }) };
        const { events, next } = await (wait === 0
          ? deps.feed.read(query)
          : awaited(deps, query, stopAfter(wait * 1000, reply.raw)));
        return { data: events.map(shown), nextCursor: next };
      },
    });
  };
}

/** The first events there are, or none when it is stopped before. The bell is heard before the feed is read: nothing falls between. */
async function awaited({ feed, feedBell }: FeedDeps, query: FeedQuery, stop: AbortSignal): Promise<FeedPage> {
  const listener = feedBell.listen(query.company);
  try {
    let page = await feed.read(query);
    while (page.events.length === 0 && (await listener.rung(stop))) page = await feed.read(query);
    return page;
  } finally {
    listener.end();
  }
}

function shown({ position, companyId, connectionId, ...event }: FeedEvent) {
  return { id: position, company: companyId, connection: connectionId, ...event };
}
