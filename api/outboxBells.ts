/** Rings outboxes behind the back of an answer: what they are to send is committed. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { OutboxBell } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';

export type RingOutboxes = (bells: readonly OutboxBell[], log: FastifyBaseLogger) => void;

/**
 * Nobody waits for Temporal. While it is away, and when this process dies before it has rung, a later save rings, or
 * housekeeping does. Closing the app waits for what is being rung.
 */
export function outboxRinger(app: FastifyInstance, { outboxes }: Pick<ApiDeps, 'outboxes'>): RingOutboxes {
  const ringing = new Set<Promise<void>>();
  app.addHook('onClose', async () => {
    await Promise.all(ringing);
  });
  return (bells, log) => {
    const rung = ringAll(outboxes, bells, log).finally(() => ringing.delete(rung));
    ringing.add(rung);
  };
}

async function ringAll(
  outboxes: ApiDeps['outboxes'],
  bells: readonly OutboxBell[],
  log: FastifyBaseLogger,
): Promise<void> {
  for (const bell of bells) {
    await outboxes.ring(bell).catch((error: unknown) => {
      log.warn({ err: error, connectionId: bell.connectionId }, 'an outbox could not be rung yet');
    });
  }
}
