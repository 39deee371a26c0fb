/** Who asks, and what their key lets them do. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiKey, ApiKeys, Role } from '../domain/ports.js';
import { Problem } from './problems.js';

/**
 * What a route asks of a key. `work`: save documents, sync, push, import, resolve. `configure`: connect (the first full
 * read is part of it), configure, delete, make keys, read the audit.
 */
export type Permission = 'read' | 'work' | 'configure';

/** Every role with all that it may do. */
const permissions: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set<Permission>(['read']),
  standard: new Set<Permission>(['read', 'work']),
  adviser: new Set<Permission>(['read', 'work']),
  admin: new Set<Permission>(['read', 'work', 'configure']),
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
  });
}

/** Refuses what the role of the key does not allow. */
export function requirePermission(app: FastifyInstance): void {
  app.addHook('preParsing', async (request) => {
    const { permission } = request.routeOptions.config;
    if (permission === undefined || !permissions[request.apiKey.role].has(permission)) {
      throw new Problem(403, 'forbidden');
    }
  });
}

/** May the key of this request see the company's things? Who may not is told that there are none. */
export function sees(request: FastifyRequest, companyId: string | null): boolean {
  return request.apiKey.companyId === null || request.apiKey.companyId === companyId;
}

function secretOf(request: FastifyRequest): string | null {
  const [, secret] = /^Bearer ([\w.~+/-]{1,200}=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  return secret ?? null;
}
