/** /v1/writes: whether anything is sent to Xero at all, for whoever runs the service. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDeps } from './deps.js';
import { outboxRinger } from './outboxBells.js';
import { Problem } from './problems.js';
import { answers, instant } from './schemas/common.js';

const tags = ['Documents'];

const writesSchema = z
  .object({
    paused: z.boolean(),
    pausedAt: instant.nullable(),
    actor: z.string().nullable().describe('Who paused it.'),
  })
  .meta({ id: 'Writes', description: 'Whether documents are sent to Xero, over all connections.' });

type Deps = Pick<ApiDeps, 'writes' | 'outboxBells' | 'outboxes'>;

export function writesRoutes(deps: Deps): FastifyPluginAsyncZod {
  const shown = async () => {
    const paused = await deps.writes.paused();
    return { paused: paused !== null, pausedAt: paused?.at ?? null, actor: paused?.actor ?? null };
  };

  return async (app) => {
    const ring = outboxRinger(app, deps);

    app.route({
      method: 'GET',
      url: '/writes',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'getWrites',
        summary: 'Whether sending to Xero is paused for all; for a key without a company, as the next two',
        response: answers({ 200: writesSchema }),
      },
      handler: async (request) => {
        refuseBoundKey(request);
        return shown();
      },
    });

    app.route({
      method: 'POST',
      url: '/writes/pause',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'pauseWrites',
        summary: 'Sends nothing more to Xero for anybody; what is saved waits, and reading goes on',
        response: answers({ 200: writesSchema }),
      },
      handler: async (request) => {
        refuseBoundKey(request);
        await deps.writes.pause(request.actor);
        return shown();
      },
    });

    app.route({
      method: 'POST',
      url: '/writes/resume',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'resumeWrites',
        summary: 'Lets go what waited',
        response: answers({ 200: writesSchema }),
      },
      handler: async (request) => {
        refuseBoundKey(request);
        await deps.writes.resume();
        ring(await deps.outboxBells.pendingLongerThan(0), request.log);
        return shown();
      },
    });
  };
}

/** @throws Problem 403: it is about every company. */
function refuseBoundKey(request: FastifyRequest): void {
  if (request.apiKey.companyId !== null) throw new Problem(403, 'forbidden');
}
