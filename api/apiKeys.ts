/** /v1/api-keys: making and revoking the keys to this API. A key of one company knows of that company's keys only. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ListedApiKey } from '../domain/ports.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid, notFound } from './problems.js';
import { apiKeyBody, apiKeyParams, apiKeySchema, madeApiKeySchema } from './schemas/apiKey.js';
import { answers, listOf, pageQuery } from './schemas/common.js';

const tags = ['Keys'];

export function apiKeyRoutes(deps: Pick<ApiDeps, 'apiKeys' | 'newId' | 'newSecret'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/api-keys',
      config: { permission: 'configure', creates: true },
      schema: {
        tags,
        operationId: 'makeApiKey',
        summary: 'Makes a key, and shows its secret this once',
        body: apiKeyBody,
        response: answers({ 201: madeApiKeySchema }, 409),
      },
      handler: async (request, reply) => {
        const { name, role, company } = request.body;
        const companyId = company ?? null;
        refuseWider(request, companyId);
        const secret = `nl_${deps.newSecret()}`;
        const made = await deps.apiKeys.create({ id: deps.newId(), name, role, companyId }, secret);
        if (made === null) throw noSuchCompany();
        concern(request, companyId);
        return reply.code(201).send({ ...shown(made), secret });
      },
    });

    app.route({
      method: 'GET',
      url: '/api-keys',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'listApiKeys',
        summary: 'Keys without their secrets, the oldest first; revoked ones too',
        querystring: pageQuery,
        response: answers({ 200: listOf(apiKeySchema) }),
      },
      handler: async (request) => {
        const only = request.apiKey.companyId;
        const { data, nextCursor } = await deps.apiKeys.list({ ...request.query, ...(only && { company: only }) });
        return { data: data.map(shown), nextCursor };
      },
    });

    app.route({
      method: 'DELETE',
      url: '/api-keys/:id',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'revokeApiKey',
        summary: 'Revokes a key, at once and for good; again without harm',
        params: apiKeyParams,
        response: { ...answers({}, 404, 409), 204: z.null().describe('Revoked') },
      },
      handler: async (request, reply) => {
        const key = await deps.apiKeys.get(request.params.id);
        if (key === null || !sees(request, key.companyId)) throw notFound();
        concern(request, key.companyId);
        if (!(await deps.apiKeys.revoke(key.id))) throw forbiddenBy('last_admin_key');
        return reply.code(204).send(null);
      },
    });
  };
}

/** Another company is as unknown to a key of one company as one that does not exist. */
function refuseWider(request: FastifyRequest, companyId: string | null): void {
  if (sees(request, companyId)) return;
  if (companyId !== null) throw noSuchCompany();
  throw invalid({ field: 'company', message: 'is missing: a key of one company makes keys of that company only' });
}

function noSuchCompany() {
  return invalid({ field: 'company', message: 'is no company that is known: PUT /v1/companies/{company} makes it so' });
}

function shown({ companyId, ...key }: ListedApiKey) {
  return { ...key, company: companyId };
}
