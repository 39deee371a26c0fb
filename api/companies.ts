/** /v1/companies: the platform's customers, by the platform's own id. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { companyFor } from './access.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { notFound } from './problems.js';
import { answers, line, listOf, pageQuery } from './schemas/common.js';
import { companyBody, companyParams, companySchema } from './schemas/company.js';

const listQuery = pageQuery.extend({ q: line(200).optional().describe('Part of the id or the name.') });

export function companyRoutes(deps: Pick<ApiDeps, 'companies'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'PUT',
      url: '/companies/:company',
      config: { permission: 'configure' },
      schema: {
        tags: ['Companies'],
        operationId: 'putCompany',
        summary: 'Makes a company known, or renames it',
        params: companyParams,
        body: companyBody,
        response: answers({ 200: companySchema, 201: companySchema }, 404),
      },
      handler: async (request, reply) => {
        if (!sees(request, request.params.company)) throw notFound();
        concern(request, request.params.company);
        const { company, created } = await deps.companies.put(request.params.company, request.body.name);
        return reply.code(created ? 201 : 200).send(company);
      },
    });

    app.route({
      method: 'GET',
      url: '/companies/:company',
      config: { permission: 'read' },
      schema: {
        tags: ['Companies'],
        operationId: 'getCompany',
        summary: 'A company',
        params: companyParams,
        response: answers({ 200: companySchema }, 404),
      },
      handler: (request) => companyFor(deps, request, request.params.company),
    });

    app.route({
      method: 'GET',
      url: '/companies',
      config: { permission: 'read' },
      schema: {
        tags: ['Companies'],
        operationId: 'listCompanies',
        summary: 'Companies, by id',
        querystring: listQuery,
        response: answers({ 200: listOf(companySchema) }),
      },
      handler: async (request): Promise<z.infer<ReturnType<typeof listOf<typeof companySchema>>>> => {
        const { limit, cursor, q } = request.query;
        const only = request.apiKey.companyId;
        if (only !== null) {
          const own = await deps.companies.get(only);
          return { data: own === null ? [] : [own], nextCursor: null };
        }
        return deps.companies.list({ limit, ...(cursor && { cursor }), ...(q && { search: q }) });
      },
    });
  };
}
