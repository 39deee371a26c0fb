/** `Idempotency-Key`: a POST that creates, sent again with the same key, answers what the first one did. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { KeptAnswer, KeyedRequest } from '../domain/ports.js';
import { isPrintable } from './actors.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid } from './problems.js';

const field = 'Idempotency-Key';
const header = 'idempotency-key';
export const longestIdempotencyKey = 255;

/** How soon to ask again for the answer of a request that is in hand. */
const inHandSeconds = 1;

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request carries out under an idempotency key. */
    keyed: KeyedRequest | null;
  }
  interface FastifyContextConfig {
    /** The call makes something, so it takes an `Idempotency-Key`. */
    creates?: true;
  }
}

/**
 * Answers of 5xx and 429 are not kept: the same request may then be tried again. One whose process died may be after 60 s;
 * what it makes has unique keys of its own.
 */
export function keepAnswers(app: FastifyInstance, deps: Pick<ApiDeps, 'keptAnswers' | 'newId'>): void {
  app.decorateRequest('keyed', null);

  app.addHook('preHandler', async (request, reply) => {
    const idempotencyKey = request.headers[header];
    if (!request.routeOptions.config.creates || idempotencyKey === undefined) return;
    const keyed = keyedOf(request, idempotencyKey, deps.newId());
    const claimed = await deps.keptAnswers.claim(keyed);
    if (claimed.kind === 'reused') throw forbiddenBy('idempotency_key_reused');
    if (claimed.kind === 'inHand') throw forbiddenBy('request_in_hand', { retryAfterSeconds: inHandSeconds });
    if (claimed.kind === 'kept') return replay(request, reply, claimed);
    request.keyed = keyed;
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const { keyed } = request;
    if (keyed === null) return;
    await settle(deps, keyed, answerOf(request, reply, payload))
      // The call has had its effect; the claim ends by itself.
      .catch((error: unknown) => request.log.error({ err: error }, 'an answer was not kept'));
  });
}

/** @throws Problem 422 naming the header. */
function keyedOf(request: FastifyRequest, idempotencyKey: string | string[], claim: string): KeyedRequest {
  if (typeof idempotencyKey !== 'string' || !isPrintable(idempotencyKey, longestIdempotencyKey)) {
    throw invalid({ field, message: `must be 1 to ${longestIdempotencyKey} printable ASCII characters` });
  }
  const { id: keyId, companyId } = request.apiKey;
  const body = JSON.stringify(request.body ?? null);
  return { keyId, idempotencyKey, claim, companyId, request: `${request.method} ${request.url}\n${body}` };
}

function replay(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, code, contentType, body, companyId }: KeptAnswer,
) {
  request.problemCode = code;
  concern(request, companyId);
  return reply.code(status).header('idempotency-replayed', 'true').type(contentType).send(body);
}

/** Null: not to be kept. */
function answerOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): KeptAnswer | null {
  const { statusCode: status } = reply;
  if (status >= 500 || status === 429 || typeof payload !== 'string') return null;
  const contentType = String(reply.getHeader('content-type') ?? 'application/json; charset=utf-8');
  const { problemCode: code, concerns } = request;
  return { status, code, contentType, body: payload, companyId: concerns?.companyId ?? null };
}

function settle({ keptAnswers }: Pick<ApiDeps, 'keptAnswers'>, keyed: KeyedRequest, answer: KeptAnswer | null) {
  return answer === null ? keptAnswers.release(keyed) : keptAnswers.keep(keyed, answer);
}
