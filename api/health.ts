/** /health: for what starts, stops and watches the process. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDeps } from './deps.js';

const live = z.object({ status: z.literal('ok') });
const ready = z.object({
  status: z.enum(['ok', 'unavailable']),
  postgres: z.boolean(),
  temporal: z.boolean(),
});

export function healthRoutes(deps: Pick<ApiDeps, 'readiness'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/health/live',
      logLevel: 'warn',
      schema: {
        tags: ['Health'],
        operationId: 'live',
        summary: 'The process runs',
        security: [],
        response: { 200: live },
      },
      handler: () => ({ status: 'ok' as const }),
    });

    app.route({
      method: 'GET',
      url: '/health/ready',
      logLevel: 'warn',
      schema: {
        tags: ['Health'],
        operationId: 'ready',
        summary: 'Postgres and Temporal answer',
        security: [],
        response: { 200: ready, 503: ready },
      },
      handler: async (_request, reply) => {
        const parts = await deps.readiness();
        if (parts.postgres && parts.temporal) return reply.code(200).send({ status: 'ok', ...parts });
        return reply
          .code(503)
          .header('retry-after', '5')
          .send({ status: 'unavailable', ...parts });
      },
    });
  };
}
