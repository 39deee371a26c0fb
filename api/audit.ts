/** /v1/audit: who changed what. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AuditRow } from '../domain/ports.js';
import { sees } from './authentication.js';
import type { ApiDeps } from './deps.js';
import { auditQuery, auditSchema } from './schemas/audit.js';
import { answers, listOf } from './schemas/common.js';

export function auditRoutes(deps: Pick<ApiDeps, 'audit'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/audit',
      config: { permission: 'configure' },
      schema: {
        tags: ['Audit'],
        operationId: 'listAudit',
        summary: 'Changing calls, the latest first: whose key, which person, about what, and how they ended',
        querystring: auditQuery,
        response: answers({ 200: listOf(auditSchema) }),
      },
      handler: async (request) => {
        const { company, connection, actor, ...page } = request.query;
        if (company !== undefined && !sees(request, company)) return { data: [], nextCursor: null };
        const only = request.apiKey.companyId ?? company;
        const { data, nextCursor } = await deps.audit.list({
          ...page,
          ...(only && { company: only }),
          ...(connection && { connection }),
          ...(actor && { actor }),
        });
        return { data: data.map(shown), nextCursor };
      },
    });
  };
}

function shown({ companyId, connectionId, ...row }: AuditRow) {
  return { ...row, company: companyId, connection: connectionId };
}
