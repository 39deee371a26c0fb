/** /v1/webhooks/xero: where Xero tells what has changed. No key: the signature guards it. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { WebhookBell, WebhookEvent } from '../domain/ports.js';
import { staleAfterMs, streamOfEvents } from '../domain/webhooks.js';
import type { ApiDeps } from './deps.js';
import { problemOf } from './problems.js';

/** Bytes of a delivery: some 2,500 events, where Xero sends a hundred or so. */
const bodyLimit = 1_048_576;

type WebhookDeps = Pick<ApiDeps, 'webhookEvents' | 'webhooks' | 'webhookKeys' | 'metrics'>;

const empty = (description: string) => ({ description, content: { 'text/plain': { schema: z.literal('') } } });

/** Xero counts an answer with a body, or one that is late, as none; so nothing is said but the status, and the bell is rung after it. */
export function webhookRoutes(deps: WebhookDeps): FastifyPluginAsyncZod {
  return async (app) => {
    readBytes(app);
    const ringing = new Set<Promise<void>>();
    app.addHook('onClose', async () => {
      await Promise.all(ringing);
    });
    const isSigned = signatureCheck(deps.webhookKeys, app.log);

    app.route({
      method: 'POST',
      url: '/webhooks/xero',
      bodyLimit,
      schema: {
        tags: ['Connections'],
        operationId: 'xeroWebhook',
        summary: 'Takes what Xero tells of, the intent to receive included; for Xero',
        security: [],
        response: {
          200: empty('The signature is right; what is new was stored'),
          401: empty('The signature is missing or wrong, or no key is configured'),
          413: empty('Larger than 1 MiB'),
          500: empty('To be sent again'),
          503: empty('Postgres is away: to be sent again'),
        },
      },
      errorHandler: (error, request, reply) => {
        const statusCode = problemOf(error).statusCode as 413 | 500 | 503;
        request.log[statusCode >= 500 ? 'error' : 'info']({ err: error }, 'a webhook was not taken');
        return reply.code(statusCode).send('');
      },
      handler: async (request, reply) => {
        const body = bytesOf(request);
        if (!isSigned(body, request.headers['x-xero-signature'])) return reply.code(401).send('');
        const bells = await storeDelivery(deps, body, request.log);
        reply.code(200).send('');
        for (const bell of bells) {
          const rung = ring(deps, bell, request.log).finally(() => ringing.delete(rung));
          ringing.add(rung);
        }
        return reply;
      },
    });
  };
}

/** The signature is over the bytes as they came: parsed and written again they would be others. */
function readBytes(app: Parameters<FastifyPluginAsyncZod>[0]): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

function bytesOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Every key is tried, and each comparison takes as long whatever it finds. */
function signatureCheck(keys: readonly string[], log: FastifyBaseLogger) {
  let told = false;
  return (body: Buffer, given: string | string[] | undefined): boolean => {
    if (keys.length === 0 && !told) {
      log.warn('webhooks are refused: set XERO_WEBHOOK_KEYS to the key on the page of the app at developer.xero.com');
      told = true;
    }
    const signature = Buffer.from(typeof given === 'string' ? given : '');
    const matches = keys.map((key) => equal(signature, Buffer.from(signatureOf(body, key))));
    return matches.includes(true);
  };
}

/** xero-api.md §6: base64 of HMAC-SHA256 over the raw body, with the key as UTF-8. */
function signatureOf(body: Buffer, key: string): string {
  return createHmac('sha256', key).update(body).digest('base64');
}

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** @returns whose run is to be rung for. */
async function storeDelivery(
  { webhookEvents, metrics }: WebhookDeps,
  body: Buffer,
  log: FastifyBaseLogger,
): Promise<WebhookBell[]> {
  const { events, ignored, unreadable } = read(body);
  // Rightly signed and not to be read: sent again it would be the same. The night has what it told of.
  if (unreadable > 0) log.warn({ unreadable }, 'a webhook that is signed cannot be read');
  if (events.length === 0) {
    metrics.countWebhookEvents({ ignored, unreadable });
    return [];
  }
  const { bells, ...fates } = await webhookEvents.store(events, staleAfterMs);
  metrics.countWebhookEvents({ ...fates, ignored, unreadable });
  return bells;
}

const deliverySchema = z.object({ events: z.array(z.unknown()) });

const eventSchema = z.object({
  resourceId: z.guid(),
  tenantId: z.guid(),
  eventCategory: z.string(),
  eventType: z.string().min(1).max(40),
  // Without a zone: it is UTC.
  eventDateUtc: z.iso.datetime({ local: true, offset: true }),
});

interface Delivery {
  events: WebhookEvent[];
  /** Events of categories that are not mirrored. */
  ignored: number;
  /** Events that are not as Xero writes them; a body that is no delivery at all counts as one. */
  unreadable: number;
}

function read(body: Buffer): Delivery {
  const delivery = deliverySchema.safeParse(parsed(body));
  if (!delivery.success) return { events: [], ignored: 0, unreadable: 1 };
  const found = delivery.data.events.map(eventOf);
  return {
    events: found.filter((event) => typeof event !== 'string'),
    ignored: found.filter((event) => event === 'ignored').length,
    unreadable: found.filter((event) => event === 'unreadable').length,
  };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function eventOf(given: unknown): WebhookEvent | 'ignored' | 'unreadable' {
  const event = eventSchema.safeParse(given);
  if (!event.success) return 'unreadable';
  const { tenantId, resourceId, eventCategory, eventType, eventDateUtc } = event.data;
  const stream = streamOfEvents(eventCategory);
  if (stream === null) return 'ignored';
  const at = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(eventDateUtc) ? eventDateUtc : `${eventDateUtc}Z`);
  return { organisationId: tenantId, stream, resourceId, type: eventType, at: at.toISOString() };
}

/** The events are stored: while Temporal is away the next ones ring again after some minutes, or housekeeping does. */
async function ring({ webhooks }: WebhookDeps, bell: WebhookBell, log: FastifyBaseLogger): Promise<void> {
  try {
    await webhooks.ring(bell);
  } catch (error) {
    log.warn({ err: error, connectionId: bell.connectionId }, 'the bell for webhook events could not be rung yet');
  }
}
