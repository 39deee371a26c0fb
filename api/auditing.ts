/**
 * A row of audit for each changing call of a key. It is written before anything is done for the call, without an outcome,
 * and completed before the answer leaves: a process that dies in the middle leaves a row that says so. No bodies.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CallBegun } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';

const changing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

declare module 'fastify' {
  interface FastifyRequest {
    auditId: string | null;
  }
}

/** Refused calls are told of too, but for those that came without a key or beyond the rate limit. */
export function auditCalls(app: FastifyInstance, deps: Pick<ApiDeps, 'audit' | 'newId'>): void {
  app.decorateRequest('auditId', null);
  app.addHook('preParsing', async (request) => {
    if (!changing.has(request.method)) return;
    const call = callOf(request, deps.newId());
    await deps.audit.begin(call);
    request.auditId = call.id;
  });
  app.addHook('onSend', async (request, reply) => {
    const { auditId, concerns, problemCode } = request;
    if (auditId === null) return;
    const { companyId, connectionId } = concerns ?? { companyId: null, connectionId: null };
    await deps.audit
      .end(auditId, { status: reply.statusCode, code: problemCode, companyId, connectionId })
      // The call has had its effect: an answer that says otherwise would be worse than a row without an outcome.
      .catch((error: unknown) => request.log.error({ err: error }, 'a row of audit was not completed'));
  });
}

function callOf(request: FastifyRequest, id: string): CallBegun {
  return {
    id,
    keyId: request.apiKey.id,
    keyName: request.apiKey.name,
    actor: request.actor,
    method: request.method,
    route: request.routeOptions.url ?? '',
    pathIds: pathIdsOf(request.params as Record<string, string>),
    companyId: request.apiKey.companyId,
    requestId: request.id,
  };
}

/** Not validated yet: what Postgres cannot hold names nothing anyway. */
function pathIdsOf(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value.replaceAll('\u0000', '')]));
}
