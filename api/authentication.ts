/** Who asks, and what their key lets them do. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiKey, ApiKeys, Role } from '../domain/ports.js';
import { Problem } from './problems.js';

/** What a route asks of a key. */
export type Permission = 'read' | 'configure';

/** Every role with all that it may do; saving documents joins them with the documents. */
const permissions: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set<Permission>(['read']),
  standard: new Set<Permission>(['read']),
  adviser: new Set<Permission>(['read']),
  admin: new Set<Permission>(['read', 'configure']),
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The key of this request; there behind `requireKey` only. */
    apiKey: ApiKey;
  }
  interface FastifyContextConfig {
    permission?: Permission;
  }
}

/** Every route of `app` wants a key, and says what for; one that does not say is refused when it is registered. */
export function requireKey(app: FastifyInstance, apiKeys: Pick<ApiKeys, 'find'>): void {
  app.decorateRequest('apiKey');
  app.addHook('onRoute', (route) => {
    if (route.config?.permission === undefined) throw new Error(`${route.url} does not say what a key needs for it`);
  });
  app.addHook('onRequest', async (request) => {
    const secret = secretOf(request);
    const key = secret === null ? null : await apiKeys.find(secret);
    if (key === null) throw new Problem(401, 'unauthorised');
    request.apiKey = key;
    const { permission } = request.routeOptions.config;
    if (permission === undefined || !permissions[key.role].has(permission)) throw new Problem(403, 'forbidden');
  });
}

/** May the key of this request see the company's things? Who may not is told that there are none. */
export function sees(request: FastifyRequest, companyId: string): boolean {
  return request.apiKey.companyId === null || request.apiKey.companyId === companyId;
}

function secretOf(request: FastifyRequest): string | null {
  const [, secret] = /^Bearer ([\w.~+/-]{1,200}=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  return secret ?? null;
}
