import type { FastifyRequest } from 'fastify';
import type { AskedBy } from '../domain/ports.js';

/** A run that nobody asked for over the API. */
export const nobody: AskedBy = { requestId: null, actor: null };

export function askedBy(request: FastifyRequest): AskedBy {
  return { requestId: request.id, actor: request.actor };
}
