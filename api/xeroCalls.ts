/** Calls to Xero that a request waits for. */
import type { ServerResponse } from 'node:http';
import { isLiving } from '../domain/connection.js';
import type { CallContext, Connection } from '../domain/ports.js';
import { MustWait, XeroRefusal } from '../domain/problems.js';
import { organisationOf } from './access.js';
import { forbiddenBy, Problem } from './problems.js';

/**
 * The calls are counted for the connection and come before background work.
 * @throws Problem 409: `connection_not_ready` before an organisation is bound, `disconnected`, `xero_auth_failed`.
 */
export function callsOf(connection: Connection): CallContext {
  const { id, grantId, status } = connection;
  const organisation = organisationOf(connection);
  if (status === 'disconnected') throw forbiddenBy('disconnected');
  if (grantId === null || !isLiving(status)) throw forbiddenBy('xero_auth_failed');
  return { connectionId: id, organisationId: organisation.id, grantId, runId: null, priority: 'people' };
}

/** Aborted when the client goes away, or has its answer: no call is made for nobody. */
export function whileWaitedFor(response: ServerResponse): AbortSignal {
  const stop = new AbortController();
  response.once('close', () => stop.abort(new Problem(503, 'unavailable', { detail: 'Nobody waits any more.' })));
  return stop.signal;
}

/** What a call to Xero ended in, as the answer of a request that waited for it; what says nothing of Xero stays as it is. */
export function answerFor(error: unknown, now: Date): unknown {
  if (error instanceof XeroRefusal && error.kind === 'authFailed') return forbiddenBy('xero_auth_failed');
  if (error instanceof XeroRefusal && error.kind === 'scopeMissing') return forbiddenBy('scopes_missing');
  if (!(error instanceof MustWait) || error.limit !== 'day') return error;
  const until = new Date(now.getTime() + error.waitMs).toISOString();
  const retryAfterSeconds = Math.max(1, Math.ceil(error.waitMs / 1000));
  return new Problem(503, 'daily_rate_limit', { detail: `Calls are allowed again by ${until}.`, retryAfterSeconds });
}
