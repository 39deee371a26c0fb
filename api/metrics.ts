/**
 * The metrics page in Prometheus's format: this process, the calls that it answers, and counts over all customers.
 * No label names a customer: no company, no connection, no id of a path.
 */
import Fastify, { type FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { connectionStatuses } from '../domain/connection.js';
import type { Figures, FiguresSource } from '../domain/ports.js';
import { endConnectionsOnClose } from './closing.js';

export interface Metrics {
  /** Counts every answer of `app`. */
  observe(app: FastifyInstance): void;
  /** Counts webhook events by what became of them when they came. */
  countWebhookEvents(counts: Readonly<Record<string, number>>): void;
  /** An app that answers GET /metrics, to listen on a port of its own. */
  app(): FastifyInstance;
}

const secondsOfCalls = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(source: FiguresSource): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Histogram({
    name: 'nightledger_http_request_seconds',
    help: 'Calls that were answered, by how long that took',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsOfCalls,
    registers,
  });
  const webhookEvents = new Counter({
    name: 'nightledger_webhook_events_total',
    help: 'Events that Xero sent, by what became of them when they came',
    labelNames: ['fate'],
    registers,
  });
  const show = createGauges(registers);
  return {
    observe(app) {
      app.addHook('onResponse', async (request, reply) => {
        const labels = {
          method: request.method,
          route: request.routeOptions.url ?? 'none',
          status: `${Math.floor(reply.statusCode / 100)}xx`,
        };
        calls.observe(labels, reply.elapsedTime / 1000);
      });
    },
    countWebhookEvents(counts) {
      for (const [fate, count] of Object.entries(counts)) webhookEvents.inc({ fate }, count);
    },
    app() {
      const app = Fastify();
      endConnectionsOnClose(app);
      app.get('/metrics', async (_request, reply) => {
        // The page is there while Postgres is not: that is when people look at it.
        show(await source.figures().catch(() => null));
        return reply.type(registry.contentType).send(await registry.metrics());
      });
      return app;
    },
  };
}

/** What is counted in Postgres; without an answer of it nothing but that. */
function createGauges(registers: Registry[]): (figures: Figures | null) => void {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `nightledger_${name}`, help, labelNames, registers });
  const up = gauge('postgres_up', '1 when Postgres answered just now');
  const connections = gauge('connections', 'Connections, by status', 'status');
  const asleep = gauge('connections_asleep', 'Connections that sleep until Xero allows calls again');
  const grants = gauge('grants', 'Consents of customers, by whether Xero still accepts them', 'state');
  const runs = gauge('runs_in_hand', 'Runs that have not ended, by kind', 'kind');
  const answered = gauge('xero_calls_answered', 'Calls that Xero answered, of the connections that are still there');
  const refused = gauge('xero_calls_refused', 'Those of them that it refused with 429, by limit', 'limit');
  const payments = gauge('payment_imports', 'Payments made in Xero, by what became of them', 'state');
  const oldestPayment = gauge(
    'oldest_unreconciled_payment_seconds',
    'Age of the oldest payment that nobody decided about',
  );
  const daysEnded = gauge('days_ended', 'Organisations whose day has no call left for background work');
  return (figures) => {
    up.set(figures === null ? 0 : 1);
    for (const each of [connections, asleep, grants, runs, answered, refused, payments, oldestPayment, daysEnded])
      each.reset();
    // A gauge without labels is 0 after its reset.
    if (figures === null) {
      for (const each of [asleep, answered, oldestPayment, daysEnded]) each.remove();
      return;
    }
    for (const status of connectionStatuses) connections.set({ status }, figures.connections[status] ?? 0);
    asleep.set(figures.asleep);
    for (const [state, count] of Object.entries(figures.grants)) grants.set({ state }, count);
    for (const [kind, count] of Object.entries(figures.runs)) runs.set({ kind }, count);
    answered.set(figures.calls.answered);
    for (const [limit, count] of Object.entries(figures.calls.refused)) refused.set({ limit }, count);
    for (const [state, count] of Object.entries(figures.payments.states)) payments.set({ state }, count);
    oldestPayment.set(figures.payments.oldestSeconds);
    daysEnded.set(figures.daysEnded);
  };
}
