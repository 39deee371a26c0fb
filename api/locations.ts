/** /v1/companies/{company}/locations: the sites of a company, which may have books of their own. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { companyFor } from './access.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, notFound } from './problems.js';
import { answers, listOf, nothing, pageQuery } from './schemas/common.js';
import { locationBody, locationParams, locationSchema, locationsParams } from './schemas/location.js';
import { tellConnections } from './tellConnections.js';

const tags = ['Companies'];
const url = '/companies/:company/locations/:location';

export function locationRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'PUT',
      url,
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'putLocation',
        summary: 'Makes a location known, renames it, or says whether it has books in Xero',
        params: locationParams,
        body: locationBody,
        response: answers({ 200: locationSchema, 201: locationSchema }, 404),
      },
      handler: async (request, reply) => {
        const { company, location: id } = request.params;
        await companyFor(deps, request, company);
        const { location, created } = await deps.locations.put(company, { id, ...request.body });
        await tellConnections(deps, company);
        return reply.code(created ? 201 : 200).send(location);
      },
    });

    app.route({
      method: 'GET',
      url,
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getLocation',
        summary: 'A location',
        params: locationParams,
        response: answers({ 200: locationSchema }, 404),
      },
      handler: async (request) => {
        const { company, location: id } = request.params;
        await companyFor(deps, request, company);
        const location = await deps.locations.get(company, id);
        if (location === null) throw notFound();
        return location;
      },
    });

    app.route({
      method: 'GET',
      url: '/companies/:company/locations',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listLocations',
        summary: 'The locations of a company, by id',
        params: locationsParams,
        querystring: pageQuery,
        response: answers({ 200: listOf(locationSchema) }, 404),
      },
      handler: async (request) => {
        await companyFor(deps, request, request.params.company);
        return deps.locations.list(request.params.company, request.query);
      },
    });

    app.route({
      method: 'DELETE',
      url,
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'removeLocation',
        summary: 'Removes a location that no connection covers',
        params: locationParams,
        response: answers({ 204: nothing }, 404, 409),
      },
      handler: async (request, reply) => {
        const { company, location: id } = request.params;
        await companyFor(deps, request, company);
        const removed = await deps.locations.remove(company, id);
        if (removed === 'unknown') throw notFound();
        if (removed === 'connected') throw forbiddenBy('location_connected');
        await tellConnections(deps, company);
        return reply.code(204).send(null);
      },
    });
  };
}
