/** /v1/connections/{id}/sync: bringing the mirror up to date now. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isLiving } from '../domain/connection.js';
import { connectionFor, organisationOf } from './access.js';
import { askedBy } from './askedBy.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy } from './problems.js';
import { answers, connectionParams } from './schemas/common.js';
import { syncBody, syncStartedSchema } from './schemas/sync.js';
import { startSync } from './startSync.js';
import { runUrl } from './temporalUi.js';

export function syncRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/connections/:id/sync',
      config: { permission: 'work', actor: 'required' },
      schema: {
        tags: ['Sync'],
        operationId: 'startSync',
        summary: 'Reads what changed in Xero now, or joins the sync in hand',
        params: connectionParams,
        body: syncBody,
        response: answers({ 202: syncStartedSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        organisationOf(connection);
        if (!isLiving(connection.status)) throw forbiddenBy('connection_not_ready');
        const { mode = 'incremental', streams = null } = request.body ?? {};
        const run = await startSync(deps, connection, { mode, streams, askedBy: askedBy(request) });
        return reply.code(202).send({ ...run, url: runUrl(deps.temporalUi, run) });
      },
    });
  };
}
