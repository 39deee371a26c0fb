/** What keeps the API well under load and in browsers. */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problems.js';

/** A process that is that late answers nobody in time; saying so lets others take the call. */
const latestEventLoopMs = 5000;

export async function guard(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
        // On loopback there is no https to upgrade to.
        upgradeInsecureRequests: null,
      },
    },
  });
  await app.register(underPressure, { maxEventLoopDelay: latestEventLoopMs });
}

/** Counts by key, or by address where a route wants no key. */
export async function limitRate(app: FastifyInstance, requestsPerMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => (request.apiKey ? `key:${request.apiKey.id}` : `address:${request.ip}`),
    errorResponseBuilder: (_request, context) =>
      new Problem(429, 'too_many_requests', { retryAfterSeconds: Math.max(1, Math.ceil(context.ttl / 1000)) }),
  });
}
