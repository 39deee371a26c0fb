import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import type { Editor } from '../data/edits.js';
import { EditError } from '../data/edits.js';
import type { Organisation } from '../data/organisation.js';
import type { Organisations } from '../data/organisations.js';
import type { Stream } from '../data/stream.js';
import type { IdentityStore } from '../identity/store.js';
import type { Settings } from '../settings.js';
import type { Webhooks } from '../webhooks/webhooks.js';
import type { Faults } from './faults.js';
import type { ReadingEdits } from './reading.js';
import * as schemas from './schemas.js';
import type { RecordTruth, Truth } from './truth.js';

export interface ControlParts {
  organisations: Organisations;
  settings: Settings;
  clock: Clock;
  moveClock(offsetMs: number): void;
  store: IdentityStore;
  editor: Editor;
  reading: ReadingEdits;
  faults: Faults;
  truth: Truth;
  webhooks: Webhooks;
}

type Tenant = { Params: { tenantId: string } };
type OfStream = { Params: { tenantId: string; stream: string } };
type From = { Querystring: { from?: string } };

class NoSuchThing extends Error {}

/** `/_sim`: what makes the simulator do, tell and break things. Not part of Xero, not rate limited. */
export function controlRoutes(app: FastifyInstance, parts: ControlParts): void {
  app.setErrorHandler((error, _request, reply) => sendError(error as Error, reply));
  app.get('/health', () => ({ ok: true }));
  organisationRoutes(app, parts);
  truthRoutes(app, parts);
  editRoutes(app, parts);
  settingsRoutes(app, parts);
  faultRoutes(app, parts);
  identityControlRoutes(app, parts);
}

function sendError(error: Error, reply: FastifyReply): FastifyReply {
  if (error instanceof z.ZodError) return reply.code(422).send({ error: z.prettifyError(error) });
  if (error instanceof NoSuchThing) return reply.code(404).send({ error: error.message });
  if (error instanceof EditError) return reply.code(409).send({ error: error.message });
  return reply.code((error as { statusCode?: number }).statusCode ?? 500).send({ error: error.message });
}

function find({ organisations }: ControlParts, tenantId: string): Organisation {
  const organisation = organisations.get(tenantId);
  if (!organisation) throw new NoSuchThing(`there is no organisation ${tenantId}`);
  return organisation;
}

function findStream(organisation: Organisation, name: string): Stream {
  const stream = organisation.stream(name);
  if (!stream) throw new NoSuchThing(`there is no stream ${name}`);
  return stream;
}

function describe({ tenantId, profile, meter }: Organisation, now: number) {
  const window = (kind: 'minute' | 'day') => ({
    limit: meter.limits[kind],
    used: meter[kind].usedAt(now),
    resetsAt: new Date(meter[kind].resetsAt(now)).toISOString(),
  });
  const { name, tier, timezone, baseCurrency, offline = false } = profile;
  return {
    tenantId,
    name,
    tier,
    timezone,
    baseCurrency,
    offline,
    windows: { minute: window('minute'), day: window('day') },
  };
}

function organisationRoutes(app: FastifyInstance, parts: ControlParts): void {
  const { organisations, clock } = parts;
  app.get('/organisations', () => organisations.all().map((one) => describe(one, clock.now())));
  app.post('/organisations', (request, reply) => {
    const { tenantId, profile } = organisations.make(schemas.organisationWish.parse(request.body ?? {}));
    return reply.code(201).send({ tenantId, name: profile.name });
  });
  app.patch<Tenant>('/organisations/:tenantId', (request) => {
    const organisation = find(parts, request.params.tenantId);
    organisations.change(organisation.tenantId, schemas.profileChange.parse(request.body));
    return describe(organisation, clock.now());
  });
  app.post<Tenant>('/organisations/:tenantId/revoke', (request) => {
    const organisation = find(parts, request.params.tenantId);
    const { grant } = schemas.revocation.parse(request.body ?? {});
    return { disconnected: disconnect(parts, organisation.tenantId, grant ?? false) };
  });
}

/** The customer disconnects the app; with `grant` the users' whole token sets end. */
function disconnect({ store }: ControlParts, tenantId: string, grant: boolean): number {
  const connections = [...store.connections.values()].filter((one) => one.tenantId === tenantId);
  store.disconnect(connections.map(({ id }) => id));
  if (grant) for (const { clientId, user } of connections) store.revokeUser(clientId, user);
  return connections.length;
}

function truthRoutes(app: FastifyInstance, parts: ControlParts): void {
  app.get<Tenant & From>('/organisations/:tenantId/truth', async (request) => {
    const organisation = find(parts, request.params.tenantId);
    const streams: Record<string, unknown> = {};
    for (const stream of organisation.streams()) {
      streams[stream.endpoint.stream] = await parts.truth.ofStream(stream, request.query.from);
    }
    const { calls, byEndpoint, bytes, refusals, mostInFlight } = organisation.usage;
    return { streams, calls: { total: calls, byEndpoint }, bytes, refusals, mostInFlight };
  });
  app.get<OfStream & { Querystring: unknown }>('/organisations/:tenantId/truth/:stream/matching', (request) => {
    const stream = findStream(find(parts, request.params.tenantId), request.params.stream);
    const { field, value } = schemas.matching.parse(request.query);
    const ids = parts.truth.idsWith(stream, field, value);
    return { count: ids.length, ids };
  });
  app.get<From & OfStream>('/organisations/:tenantId/truth/:stream', async (request, reply) => {
    const organisation = find(parts, request.params.tenantId);
    const stream = findStream(organisation, request.params.stream);
    const { count } = await parts.truth.ofStream(stream, request.query.from);
    const records = parts.truth.records(organisation, stream, request.query.from);
    return reply.type('application/json').send(Readable.from(recordsJson(count, records)));
  });
}

const RECORDS_A_CHUNK = 1_000;

async function* recordsJson(count: number, records: AsyncIterable<RecordTruth>): AsyncIterable<string> {
  let text = `{"count":${count},"records":[`;
  let sent = 0;
  for await (const record of records) {
    text += `${sent > 0 ? ',' : ''}${JSON.stringify(record)}`;
    if (++sent % RECORDS_A_CHUNK > 0) continue;
    yield text;
    text = '';
  }
  yield `${text}]}`;
}

function editRoutes(app: FastifyInstance, parts: ControlParts): void {
  app.post<Tenant>('/organisations/:tenantId/edits', (request) => {
    const organisation = find(parts, request.params.tenantId);
    return schemas.edits.parse(request.body).flatMap((edit) => parts.editor.apply(organisation, edit));
  });
  app.post<Tenant>('/organisations/:tenantId/whileReading', (request, reply) => {
    const { tenantId } = find(parts, request.params.tenantId);
    parts.reading.start(tenantId, schemas.readingWish.parse(request.body));
    return reply.code(201).send({ ok: true });
  });
  app.delete<Tenant>('/organisations/:tenantId/whileReading', (request) => ({
    edits: parts.reading.stop(find(parts, request.params.tenantId).tenantId),
  }));
}

function settingsRoutes(app: FastifyInstance, { settings, clock, moveClock, webhooks }: ControlParts): void {
  app.get('/settings', () => settings.values);
  app.patch('/settings', (request) => {
    settings.change(schemas.settingsChange.parse(request.body));
    return settings.values;
  });
  app.put('/clock', (request) => {
    moveClock(schemas.clockChange.parse(request.body).offsetMs);
    return { now: new Date(clock.now()).toISOString(), offsetMs: clock.offsetMs };
  });
  app.put('/webhooks', async (request) => webhooks.register(schemas.webhookTarget.parse(request.body)));
  app.get('/webhooks', () => webhooks.describe());
}

function faultRoutes(app: FastifyInstance, { faults }: ControlParts): void {
  app.post('/faults', (request, reply) => {
    faults.add(schemas.faults.parse(request.body));
    return reply.code(201).send(faults.describe());
  });
  app.get('/faults', () => faults.describe());
  app.delete('/faults', (_request, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
}

function identityControlRoutes(app: FastifyInstance, { store }: ControlParts): void {
  app.post('/tokens/expire', () => {
    store.expireAccessTokens();
    return { ok: true };
  });
  app.get('/tokens', () => ({
    codes: [...store.codes.values()],
    accessTokens: [...store.accessTokens.values()],
    refreshTokens: [...store.refreshTokens.values()],
    idTokens: store.idTokens,
  }));
}
