/** /v1/connections/{id}/reconciliation: is a month here what it is in Xero? */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Connection } from '../domain/ports.js';
import { type MonthRange, rangeOfMonth, reconciledKinds } from '../domain/reconciliation.js';
import type { StreamName } from '../domain/streams.js';
import { connectionFor } from './access.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid } from './problems.js';
import { reconcile } from './reconcile.js';
import { answers, connectionParams } from './schemas/common.js';
import { reconciliationQuery, reconciliationSchema } from './schemas/reconciliation.js';
import { answerFor, callsOf, whileWaitedFor } from './xeroCalls.js';

type ReconciliationDeps = Pick<ApiDeps, 'connections' | 'mirror' | 'reconciliation' | 'xero' | 'now'>;

export function reconciliationRoutes(deps: ReconciliationDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/reconciliation',
      config: { permission: 'read' },
      schema: {
        tags: ['Records'],
        operationId: 'reconcile',
        summary: 'Count and sum of a month here and in Xero, read there now, and the ids that differ',
        params: connectionParams,
        querystring: reconciliationQuery,
        response: answers({ 200: reconciliationSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const { kind, month } = request.query;
        const signal = whileWaitedFor(reply.raw);
        const connection = await connectionFor(deps, request, request.params.id);
        const calls = callsOf(connection);
        const asked = reconciledKinds[kind];
        await refuseUnread(deps, connection, asked.stream);
        const range = rangeIn(connection, month);
        const set = { ...asked, organisationId: calls.organisationId, range };
        const reconciled = await reconcile(deps, calls, set, signal).catch((error: unknown) => {
          throw answerFor(error, deps.now());
        });
        return { kind, month, from: range.from, ...reconciled };
      },
    });
  };
}

/** @throws Problem 409 `connection_not_ready` for a stream that was not read to its end once. */
async function refuseUnread(
  { mirror }: Pick<ApiDeps, 'mirror'>,
  { id }: Connection,
  stream: StreamName,
): Promise<void> {
  const known = (await mirror.progress(id)).find((each) => each.stream === stream);
  if (known?.status === 'unavailable') {
    throw forbiddenBy('connection_not_ready', { detail: `Xero does not give ${stream} to this connection.` });
  }
  if (!known?.completedAt) {
    throw forbiddenBy('connection_not_ready', { detail: `The stream ${stream} has not been read to its end yet.` });
  }
}

/** @throws Problem 422 for a month that lies before the Sync From Date. */
function rangeIn({ syncFromDate: { date } }: Connection, month: string): MonthRange {
  const range = rangeOfMonth(month, date);
  if (range === null) throw invalid({ field: 'month', message: `lies before the Sync From Date, ${date}` });
  return range;
}
