/** /v1/connections/{id}: pausing, ending and taking back what is not bound yet. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isLiving, isUnbound } from '../domain/connection.js';
import type { AskedBy, Connection } from '../domain/ports.js';
import { connectionFor } from './access.js';
import { askedBy } from './askedBy.js';
import { giveBack } from './connecting.js';
import { connectionView } from './connectionView.js';
import type { ApiDeps } from './deps.js';
import { endWork } from './endWork.js';
import { outboxRinger } from './outboxBells.js';
import { forbiddenBy, notFound } from './problems.js';
import { answers, connectionParams, nothing } from './schemas/common.js';
import { connectionSchema } from './schemas/connection.js';
import { startBackfill } from './startBackfill.js';

const tags = ['Connections'];

export function lifecycleRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const viewOf = async (id: string) => {
    const connection = await deps.connections.get(id);
    if (connection === null) throw notFound();
    return connectionView(deps, connection);
  };

  return async (app) => {
    const ring = outboxRinger(app, deps);

    app.route({
      method: 'DELETE',
      url: '/connections/:id',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'deleteConnection',
        summary: 'Takes back a connection to which no organisation is bound yet',
        params: connectionParams,
        response: answers({ 204: nothing }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const offered = await deps.connections.offeredOrganisations(connection.id);
        const grant = connection.grantId === null ? null : await deps.grants.load(connection.grantId);
        if (!(await deps.connections.removeUnbound(connection.id))) throw forbiddenBy('connection_final');
        if (grant !== null) await giveBack(deps, grant.tokens.accessToken, offered, request.log);
        return reply.code(204).send(null);
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/pause',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'pauseConnection',
        summary: 'Holds what is sent to Xero (month end); reading goes on',
        params: connectionParams,
        response: answers({ 200: connectionSchema }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        if (!isLiving(connection.status)) throw notLiving(connection);
        await deps.connections.setPaused(connection.id, true);
        return viewOf(connection.id);
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/resume',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'resumeConnection',
        summary: 'Lets go what was paused: what is sent to Xero, and a first full read that was paused or cancelled',
        params: connectionParams,
        response: answers({ 200: connectionSchema }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        if (!isLiving(connection.status)) throw notLiving(connection);
        await deps.connections.setPaused(connection.id, false);
        if (connection.status === 'paused') await goOnReading(deps, connection, askedBy(request));
        const bell = await deps.outboxBells.ofConnection(connection.id);
        if (bell !== null) ring([bell], request.log);
        return viewOf(connection.id);
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/disconnect',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'disconnect',
        summary: 'Ends the connection, its runs and its schedules, here and at Xero; what was read is kept',
        params: connectionParams,
        response: answers({ 200: connectionSchema }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        if (!(await deps.connections.disconnect(connection.id))) throw forbiddenBy('connection_pending');
        await endWork(deps, connection.id);
        await endLink(deps, connection.id, request.log);
        return viewOf(connection.id);
      },
    });
  };
}

/** A first full read that was paused goes on; one that was cancelled starts again from where it was. */
async function goOnReading(deps: ApiDeps, connection: Connection, asked: AskedBy): Promise<void> {
  if ((await deps.backfills.resume(connection.id)) === null) await startBackfill(deps, connection, { askedBy: asked });
}

/** The connection has ended here whether or not Xero can be told now; housekeeping tells it later. */
async function endLink(
  { connections, links }: Pick<ApiDeps, 'connections' | 'links'>,
  id: string,
  log: { warn(what: object, message: string): void },
): Promise<void> {
  for (const link of await connections.linksToEnd(id)) {
    await links.end(link).then(
      () => connections.linkEnded(link),
      (error: unknown) => log.warn({ err: error }, 'the link could not be ended at Xero yet'),
    );
  }
}

function notLiving({ status }: Connection) {
  return forbiddenBy(isUnbound(status) ? 'connection_pending' : 'connection_not_ready');
}
