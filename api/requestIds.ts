/** One id names a request in its answer, in every log line and in a problem. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** The caller's `x-request-id` when it is short and plain, else one of ours. */
export function requestIdFrom(newId: () => string): (request: IncomingMessage) => string {
  return (request) => {
    const given = request.headers['x-request-id'];
    return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : newId();
  };
}

export function answerWithRequestId(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
}
