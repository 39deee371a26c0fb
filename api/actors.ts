/** Who at the platform a call is made for: the header `Nightledger-Actor`, an opaque id of a person. */
import type { FastifyInstance } from 'fastify';
import { invalid } from './problems.js';

const field = 'Nightledger-Actor';
const header = 'nightledger-actor';
export const longestActor = 200;

declare module 'fastify' {
  interface FastifyRequest {
    /** The platform's id of the person; null where the call names none. */
    actor: string | null;
  }
  interface FastifyContextConfig {
    /** The call is refused when it names nobody. */
    actor?: 'required';
  }
}

/** Makes `request.actor`, null where the header is not as it must be: `refuseActors` tells so. */
export function readActors(app: FastifyInstance): void {
  app.decorateRequest('actor', null);
  app.addHook('onRequest', async (request) => {
    const given = request.headers[header];
    request.actor = typeof given === 'string' && isPrintable(given, longestActor) ? given : null;
  });
}

/** @throws Problem 422 naming the header, when it is not valid or a route that requires it lacks it. */
export function refuseActors(app: FastifyInstance): void {
  app.addHook('preParsing', async ({ actor, headers, routeOptions }) => {
    if (actor !== null) return;
    if (headers[header] !== undefined) {
      throw invalid({ field, message: `must be 1 to ${longestActor} printable ASCII characters` });
    }
    if (routeOptions.config.actor === 'required') {
      throw invalid({ field, message: 'is missing: this call must name the person on whose behalf it is made' });
    }
  });
}

/** ASCII, because HTTP says nothing of how other characters in a header are to be read. */
export function isPrintable(value: string, longest: number): boolean {
  return value.length <= longest && /^[ -~]+$/.test(value);
}
