import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.js';
import type { Organisation } from '../data/organisation.js';
import type { Organisations } from '../data/organisations.js';
import type { Stream } from '../data/stream.js';
import { authenticate } from '../identity/routes.js';
import { allows } from '../identity/scopes.js';
import type { Grant, IdentityStore } from '../identity/store.js';
import type { Settings } from '../settings.js';
import { endpointNamed } from './endpoints.js';
import { missingScope, notFound, type Refusal, UNAVAILABLE, unavailable, wrongOrganisation } from './errors.js';
import type { Limiter } from './limits.js';
import { type ListPage, readList, readOne, writePage } from './reader.js';
import { type ListRequest, type Query, readListRequest } from './request.js';

/** Is told of every list call, before and after it is computed. */
export interface ReadingWatcher {
  before(organisation: Organisation, stream: Stream, request: ListRequest): void;
  after(organisation: Organisation, stream: Stream, request: ListRequest, page: ListPage): void;
}

export interface AccountingParts {
  store: IdentityStore;
  clock: Clock;
  settings: Settings;
  organisations: Organisations;
  limiter: Limiter;
  watcher: ReadingWatcher;
}

interface Answer {
  status: number;
  body: Buffer;
}

/** IIS refuses longer query strings with a 404, which is what ends `IDs=` near 52 (§2). */
const LONGEST_QUERY = 2_048;

type Params = { endpoint: string; key?: string };

/** The accounting API: reading (xero-api.md §2, §3). */
export function accountingRoutes(app: FastifyInstance, parts: AccountingParts): void {
  const handler = (request: FastifyRequest<{ Params: Params; Querystring: Query }>, reply: FastifyReply) =>
    answerCall(parts, request, reply);
  app.get<{ Params: Params; Querystring: Query }>('/api.xro/2.0/:endpoint', handler);
  app.get<{ Params: Params; Querystring: Query }>('/api.xro/2.0/:endpoint/:key', handler);
}

/** Lets a call in, computes it, counts it. */
async function answerCall(
  parts: AccountingParts,
  request: FastifyRequest<{ Params: Params; Querystring: Query }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { organisations, settings } = parts;
  const grant = authenticate(parts.store, parts.clock, request.headers.authorization);
  const organisation = connectedOrganisation(parts, grant, request.headers['xero-tenant-id']);
  admit(parts, organisation, request, reply);
  if (settings.values.latencyMs > 0) await sleep(settings.values.latencyMs);
  try {
    const { status, body } = compute(parts, organisation, grant, request);
    organisations.recordBytes({ tenantId: organisation.tenantId, bytes: body.length });
    if (status === 304) return reply.code(304).send();
    return reply.code(status).type('application/json; charset=utf-8').send(body);
  } catch (error) {
    const bytes = Buffer.byteLength((error as Partial<Refusal>).body ?? '');
    organisations.recordBytes({ tenantId: organisation.tenantId, bytes });
    throw error;
  }
}

function connectedOrganisation({ store, organisations }: AccountingParts, grant: Grant, header: unknown): Organisation {
  const own = store.connectionsOf(grant.clientId, grant.user);
  const custom = store.client(grant.clientId)?.tenantId;
  const tenantId = typeof header === 'string' && header !== '' ? header.toLowerCase() : custom;
  const organisation = tenantId === undefined ? undefined : organisations.get(tenantId);
  if (!organisation || !own.some((connection) => connection.tenantId === tenantId)) throw wrongOrganisation();
  const connection = store.connectionTo(grant.clientId, grant.user, organisation.tenantId);
  organisation.meter.unlimitedUntil = rapidUntil(organisation, connection?.createdAt ?? 0);
  return organisation;
}

const RAPID_SYNC_MS = 30 * 60_000;

function rapidUntil({ profile }: Organisation, connectedAt: number): number {
  return ['starter', 'core'].includes(profile.tier) ? 0 : connectedAt + RAPID_SYNC_MS;
}

/** Applies the limits; a call that is let in is in flight until its answer is out (§1). */
function admit(
  { clock, limiter, organisations, settings }: AccountingParts,
  organisation: Organisation,
  request: FastifyRequest<{ Params: Params }>,
  reply: FastifyReply,
): void {
  const { tenantId, meter } = organisation;
  const now = clock.now();
  const kind = limiter.refusal(meter, now);
  if (kind) {
    const counts = settings.values.switches.rateLimited429CostsACall;
    organisations.recordRefusal({ tenantId, kind, ...(counts && { countsAt: now }) });
    reply.headers(limiter.headers(meter, now));
    throw limiter.refuse(kind, meter, now);
  }
  meter.inFlight++;
  reply.raw.once('close', () => meter.inFlight--);
  const endpoint = endpointNamed(request.params.endpoint)?.name ?? 'unknown';
  organisations.recordCall({ tenantId, endpoint, at: now, inFlight: meter.inFlight });
  reply.headers(limiter.headers(meter, now));
}

function compute(
  parts: AccountingParts,
  organisation: Organisation,
  grant: Grant,
  request: FastifyRequest<{ Params: Params; Querystring: Query }>,
): Answer {
  if (organisation.profile.offline) throw unavailable(UNAVAILABLE.offline);
  const endpoint = endpointNamed(request.params.endpoint);
  const queryLength = request.url.length - request.url.indexOf('?') - 1;
  if (!endpoint || (request.url.includes('?') && queryLength > LONGEST_QUERY)) throw notFound();
  if (!allows(grant.scopes, endpoint.scope, 'read')) throw missingScope();
  if (endpoint.advancedOnly && !organisation.hasJournals) throw missingScope();
  const stream = organisation.stream(endpoint.stream);
  if (!stream) throw notFound();
  const list = readListRequest(endpoint, request.query, request.headers['if-modified-since']);
  const write = (page: ReturnType<typeof readOne>): Answer => ({
    status: 200,
    body: writePage(endpoint, page, grant.clientId, parts.clock.now(), list.unitDecimals),
  });
  if (request.params.key !== undefined) return write(readOne(organisation, stream, request.params.key));
  return readWatched(parts, organisation, stream, list, write);
}

function readWatched(
  { watcher, settings }: AccountingParts,
  organisation: Organisation,
  stream: Stream,
  request: ListRequest,
  write: (page: ListPage) => Answer,
): Answer {
  watcher.before(organisation, stream, request);
  const page = readList(organisation, stream, request, settings.values);
  const unchanged = request.modifiedSince !== undefined && page.list.length === 0;
  const answer =
    unchanged && settings.values.switches.notModifiedAs304 ? { status: 304, body: Buffer.alloc(0) } : write(page);
  watcher.after(organisation, stream, request, page);
  return answer;
}
