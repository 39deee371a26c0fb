/** One call to Xero's accounting API: allowed by the budget, with a token that is good, and counted. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallBudget, CallContext, Ticket } from '../domain/ports.js';
import { MustWait, XeroRefusal } from '../domain/problems.js';
import type { Http, HttpAnswer, HttpCall } from './http.js';
import type { TokenKeeper } from './tokens.js';
import { limitsOf, outcomeOf } from './translate.js';

export interface CallerDeps {
  budget: CallBudget;
  tokens: TokenKeeper;
  /** Scheme and host, `https://api.xero.com`. */
  apiUrl: string;
  http: Http;
}

export interface Request extends Pick<HttpCall, 'method' | 'body' | 'signal'> {
  /** Under `/api.xro/2.0/`, its query included. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** What the call is counted for. */
  stream: string;
}

/** Makes one call, and the same once more with a new token where Xero refused the old one. */
export type Caller = (context: CallContext, request: Request) => Promise<HttpAnswer>;

/** A slot is not held for longer than this to wait for a call that the budget will allow (design.md, "The budget"). */
const longestWaitMs = 2000;

/**
 * @throws (its calls) MustWait before anything was sent; XeroFault where no answer came; XeroRefusal `authFailed` where the
 *   grant is dead; the reason of a signal once that is aborted; what the budget throws when Postgres is away.
 */
export function createCaller({ budget, tokens, apiUrl, http }: CallerDeps): Caller {
  const send = async (context: CallContext, request: Request, accessToken: string): Promise<HttpAnswer> => {
    const { method, body, signal, path, headers, stream } = request;
    const ticket = await ticketFor(budget, context, signal);
    let answer: HttpAnswer | null = null;
    try {
      const url = `${apiUrl.replace(/\/+$/, '')}/api.xro/2.0/${path}`;
      answer = await http({ method, url, headers: { ...headersOf(context, accessToken), ...headers }, body, signal });
    } finally {
      // Also without an answer: the slot is free again, and the call may be counted at Xero.
      await settle(budget, ticket, context, stream, answer);
    }
    return answer;
  };

  return async (context, request) => {
    const { grantId } = context;
    const accessToken = await tokens.accessToken(grantId);
    const first = await send(context, request, accessToken);
    if (!isStale(first)) return first;
    const second = await send(context, request, await tokens.accessToken(grantId, { notThisOne: accessToken }));
    if (isStale(second)) throw new XeroRefusal('authFailed', 401);
    return second;
  };
}

const isStale = (answer: HttpAnswer): boolean => outcomeOf(answer).kind === 'staleToken';

async function ticketFor(budget: CallBudget, context: CallContext, signal: AbortSignal | undefined): Promise<Ticket> {
  let waitedMs = 0;
  while (true) {
    signal?.throwIfAborted();
    const take = await budget.take(context.organisationId, context.priority);
    if (take.granted) return take.ticket;
    if (waitedMs + take.waitMs > longestWaitMs) throw new MustWait(take.limit, take.waitMs);
    waitedMs += take.waitMs;
    await delay(take.waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
  }
}

async function settle(
  budget: CallBudget,
  ticket: Ticket,
  { connectionId, runId }: CallContext,
  stream: string,
  answer: HttpAnswer | null,
): Promise<void> {
  const limits = answer === null ? null : limitsOf(answer);
  await budget.settle(ticket, limits, { connectionId, runId, stream, bytes: answer?.bytes ?? 0 });
}

function headersOf({ organisationId }: CallContext, accessToken: string): Record<string, string> {
  return { authorization: `Bearer ${accessToken}`, 'xero-tenant-id': organisationId, accept: 'application/json' };
}
