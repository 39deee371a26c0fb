/** What stands before every call that needs a key, in this order. */
import type { FastifyInstance } from 'fastify';
import { readActors, refuseActors } from './actors.js';
import { auditCalls } from './auditing.js';
import { requireKey, requirePermission } from './authentication.js';
import { noteConcerns } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { limitRate } from './guards.js';
import { keepAnswers } from './idempotency.js';

/**
 * The key is looked at before the counting, which is by key; what is refused for more than its rate is in the audit; and
 * an answer is kept only of a call that was allowed and valid.
 */
export async function behindKey(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  noteConcerns(app);
  requireKey(app, deps.apiKeys);
  readActors(app);
  await limitRate(app, deps.requestsPerMinute);
  auditCalls(app, deps);
  requirePermission(app);
  refuseActors(app);
  keepAnswers(app, deps);
}
