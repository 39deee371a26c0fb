/** /v1/companies: the platform's customers, by the platform's own id. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { companyFor } from './access.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, notFound } from './problems.js';
import { answers, line, listOf, pageQuery } from './schemas/common.js';
import { companyBody, companyParams, companySchema } from './schemas/company.js';
import { startedSchema } from './schemas/run.js';
import { runUrl } from './temporalUi.js';

const listQuery = pageQuery.extend({ q: line(200).optional().describe('Part of the id or the name.') });

export function companyRoutes(deps: Pick<ApiDeps, 'companies' | 'deletions' | 'temporalUi'>): FastifyPluginAsyncZod {
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
        response: answers({ 200: companySchema, 201: companySchema }, 404, 409),
      },
      handler: async (request, reply) => {
        if (!sees(request, request.params.company)) throw notFound();
        concern(request, request.params.company);
        const put = await deps.companies.put(request.params.company, request.body.name);
        if (put === null) throw forbiddenBy('company_being_deleted');
        return reply.code(put.created ? 201 : 200).send(put.company);
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
      method: 'DELETE',
      url: '/companies/:company',
      config: { permission: 'configure' },
      schema: {
        tags: ['Companies'],
        operationId: 'deleteCompany',
        summary: 'Deletes a company with everything it has here; its organisations stay bound to its id for good',
        params: companyParams,
        response: answers({ 202: startedSchema }, 404),
      },
      handler: async (request, reply) => {
        const { company } = request.params;
        if (!sees(request, company)) throw notFound();
        if (!(await deps.companies.beginDeletion(company))) throw notFound();
        concern(request, company);
        const run = await deps.deletions.start(company);
        return reply.code(202).send({ ...run, url: runUrl(deps.temporalUi, run) });
      },
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
