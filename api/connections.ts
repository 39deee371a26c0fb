/** /v1/connections: making, finding and dating the link of a company to its organisation. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { NotCreated } from '../domain/ports.js';
import { companyFor, connectionFor } from './access.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import { prepareConsent } from './connecting.js';
import { connectionView } from './connectionView.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid, notFound, type Problem } from './problems.js';
import { answers, connectionParams, listOf } from './schemas/common.js';
import {
  connectAnswer,
  connectBody,
  connectionSchema,
  connectionsQuery,
  reconnectAnswer,
  reconnectBody,
  syncFromDateAnswer,
  syncFromDateBody,
} from './schemas/connection.js';
import { syncFromDateWarnings } from './syncFromDate.js';

const tags = ['Connections'];

export function connectionRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/connections',
      config: { permission: 'configure', creates: true },
      schema: {
        tags,
        operationId: 'connect',
        summary: 'Connects a company: answers where its customer consents in Xero',
        body: connectBody,
        response: answers({ 201: connectAnswer }, 404, 409),
      },
      handler: async (request, reply) => {
        const { company, locations, direction, syncFromDate, returnUrl } = request.body;
        refuseForeignReturn(deps, returnUrl);
        await companyFor(deps, request, company);
        const consent = await prepareConsent(deps, { direction, optionalStreams: [] });
        const id = deps.newId();
        const chosen = syncFromDate !== undefined;
        const made = await deps.connections.create({
          id,
          companyId: company,
          direction,
          locations: locations ? [...new Set(locations)] : null,
          syncFromDate: { chosen, date: syncFromDate ?? null },
        });
        if (!made.created) throw refusalOf(made);
        concern(request, company, id);
        await consent.open(id, returnUrl ?? null);
        const warnings = chosen ? syncFromDateWarnings(syncFromDate, null, deps.now()) : [];
        return reply.code(201).send({ id, status: 'pending', consentUrl: consent.consentUrl, warnings });
      },
    });

    app.route({
      method: 'GET',
      url: '/connections',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listConnections',
        summary: 'Connections, the oldest first',
        querystring: connectionsQuery,
        response: answers({ 200: listOf(connectionSchema) }),
      },
      handler: async (request) => {
        const { company, ...page } = request.query;
        const only = request.apiKey.companyId ?? company;
        if (company !== undefined && !sees(request, company)) return { data: [], nextCursor: null };
        const { data, nextCursor } = await deps.connections.list({ ...page, ...(only && { company: only }) });
        return { data: await Promise.all(data.map((connection) => connectionView(deps, connection))), nextCursor };
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getConnection',
        summary: 'A connection: its organisation, state, last success and error, running work, budget',
        params: connectionParams,
        response: answers({ 200: connectionSchema }, 404),
      },
      handler: async (request) => connectionView(deps, await connectionFor(deps, request, request.params.id)),
    });

    app.route({
      method: 'PUT',
      url: '/connections/:id/sync-from-date',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'setSyncFromDate',
        summary: 'Sets the date from which data moves, once and for good',
        params: connectionParams,
        body: syncFromDateBody,
        response: answers({ 200: syncFromDateAnswer }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const { syncFromDate } = request.body;
        const chosen = await deps.connections.chooseSyncFromDate(connection.id, syncFromDate);
        // Told at a later call too: the first one may have stored the date and found Temporal away.
        await deps.backfills.connectionChanged(connection.id);
        if (!chosen) throw forbiddenBy('sync_from_date_fixed');
        const timeZone = connection.organisation?.timeZone ?? null;
        return { syncFromDate, warnings: syncFromDateWarnings(syncFromDate, timeZone, deps.now()) };
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/reconnect',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'reconnect',
        summary: 'Starts the consent again, for one that was denied, has ended or was withdrawn',
        params: connectionParams,
        body: reconnectBody,
        response: answers({ 200: reconnectAnswer }, 404),
      },
      handler: async (request) => {
        const returnUrl = request.body?.returnUrl;
        refuseForeignReturn(deps, returnUrl);
        const connection = await connectionFor(deps, request, request.params.id);
        const consent = await prepareConsent(deps, connection);
        await consent.open(connection.id, returnUrl ?? null);
        return { consentUrl: consent.consentUrl };
      },
    });
  };
}

/** Why a connection was not made, as the one who asked for it is told. */
function refusalOf(made: NotCreated): Problem {
  if ('existingId' in made) return forbiddenBy('already_connected', { existing: made.existingId });
  switch (made.because) {
    case 'otherWay':
      return forbiddenBy('sync_by_fixed');
    case 'otherSyncFromDate':
      return forbiddenBy('sync_from_date_fixed');
    case 'companyGone':
      return notFound();
    case 'unknownLocations':
      return invalid({
        field: 'locations',
        message: `does not name locations of the company: ${made.locations.join(', ')}`,
      });
  }
}

/** An open redirect would lend our name to anybody's page. */
function refuseForeignReturn(deps: Pick<ApiDeps, 'returnUrlOrigins'>, returnUrl: string | undefined): void {
  if (returnUrl === undefined || deps.returnUrlOrigins.includes(new URL(returnUrl).origin)) return;
  throw invalid({ field: 'returnUrl', message: 'must be on an origin of the allow-list NIGHTLEDGER_RETURN_URLS' });
}
