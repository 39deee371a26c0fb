/** What a request turned out to be about; audit and kept answers are stored with it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface Concerns {
  companyId: string | null;
  connectionId: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    concerns: Concerns | null;
  }
}

export function noteConcerns(app: FastifyInstance): void {
  app.decorateRequest('concerns', null);
}

/** Notes the company, and the connection where there is one, that the request is about. */
export function concern(request: FastifyRequest, companyId: string | null, connectionId: string | null = null): void {
  request.concerns = { companyId, connectionId };
}
