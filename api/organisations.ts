/** /v1/connections/{id}/organisation(s): choosing one when a consent covers several. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Connection } from '../domain/ports.js';
import { connectionFor } from './access.js';
import { askedBy } from './askedBy.js';
import { bindOrganisation } from './connecting.js';
import { connectionView } from './connectionView.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid, notFound } from './problems.js';
import { answers, connectionParams } from './schemas/common.js';
import { chooseOrganisationBody, connectionSchema, offeredOrganisations } from './schemas/connection.js';

const tags = ['Connections'];

export function organisationRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/organisations',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listOfferedOrganisations',
        summary: 'The organisations of a consent that covers several, until one is chosen',
        params: connectionParams,
        response: answers({ 200: offeredOrganisations }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const offered = await deps.connections.offeredOrganisations(connection.id);
        return { data: offered.map(({ tenantId, name }) => ({ tenantId, name })) };
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/organisation',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'chooseOrganisation',
        summary: 'Chooses the organisation, for good, and starts the first full read',
        params: connectionParams,
        body: chooseOrganisationBody,
        response: answers({ 200: connectionSchema }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const grant = await grantOf(deps, connection);
        const offered = await deps.connections.offeredOrganisations(connection.id);
        const organisation = offered.find(({ tenantId }) => tenantId === request.body.tenantId);
        if (organisation === undefined) {
          throw invalid({ field: 'tenantId', message: 'must be one of those that GET …/organisations lists' });
        }
        const bound = await bindOrganisation(deps, connection, organisation, grant, {
          log: request.log,
          askedBy: askedBy(request),
        });
        if (bound.kind === 'refused') throw forbiddenBy(bound.code);
        const now = await deps.connections.get(connection.id);
        if (now === null) throw notFound();
        return connectionView(deps, now);
      },
    });
  };
}

/** The grant that the consent brought is kept with the connection until the choice. */
async function grantOf(
  deps: Pick<ApiDeps, 'grants'>,
  connection: Connection,
): Promise<{ id: string; accessToken: string }> {
  if (connection.status !== 'choosingOrganisation' || connection.grantId === null) {
    throw forbiddenBy('connection_not_ready');
  }
  const grant = await deps.grants.load(connection.grantId);
  if (grant === null) throw forbiddenBy('connection_not_ready');
  return { id: grant.id, accessToken: grant.tokens.accessToken };
}
