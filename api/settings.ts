/** /v1/connections/{id}/settings: what a connection does beyond the ordinary. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { connectionFor } from './access.js';
import type { ApiDeps } from './deps.js';
import { answers, connectionParams } from './schemas/common.js';
import { settingsPatch, settingsSchema } from './schemas/settings.js';

const tags = ['Settings'];

export function settingsRoutes(deps: Pick<ApiDeps, 'connections'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/settings',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getSettings',
        summary: 'The settings of a connection, defaults included',
        params: connectionParams,
        response: answers({ 200: settingsSchema }, 404),
      },
      handler: async (request) => {
        const { optionalStreams } = await connectionFor(deps, request, request.params.id);
        return { optionalStreams };
      },
    });

    app.route({
      method: 'PATCH',
      url: '/connections/:id/settings',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'changeSettings',
        summary: 'Changes the settings that are named; they hold from the next reading on',
        params: connectionParams,
        body: settingsPatch,
        response: answers({ 200: settingsSchema }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const optionalStreams = request.body.optionalStreams ?? connection.optionalStreams;
        await deps.connections.chooseOptionalStreams(connection.id, optionalStreams);
        return { optionalStreams };
      },
    });
  };
}
