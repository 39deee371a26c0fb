import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.js';
import type { Organisation } from '../data/organisation.js';
import type { Organisations } from '../data/organisations.js';
import { authenticate } from '../identity/routes.js';
import type { Grant, IdentityStore } from '../identity/store.js';
import type { Settings } from '../settings.js';
import { endpointNamed } from './endpoints.js';
import { type Refusal, wrongOrganisation } from './errors.js';
import type { Limiter } from './limits.js';
import type { Query } from './request.js';

/** What it takes to let a call in. */
export interface AdmissionParts {
  store: IdentityStore;
  clock: Clock;
  settings: Settings;
  organisations: Organisations;
  limiter: Limiter;
}

export interface Answer {
  status: number;
  body: Buffer;
}

/** Who calls for which organisation. */
export interface Caller {
  organisation: Organisation;
  grant: Grant;
}

export type Params = { endpoint: string; key?: string; under?: string; childId?: string };
export type AccountingRequest = FastifyRequest<{ Params: Params; Querystring: Query }>;

/** Lets a call in, computes it, counts it. */
export async function answerCall(
  parts: AdmissionParts,
  request: AccountingRequest,
  reply: FastifyReply,
  compute: (caller: Caller) => Answer | Promise<Answer>,
): Promise<FastifyReply> {
  const { organisations, settings } = parts;
  const grant = authenticate(parts.store, parts.clock, request.headers.authorization);
  const organisation = connectedOrganisation(parts, grant, request.headers['xero-tenant-id']);
  admit(parts, organisation, request, reply);
  if (settings.values.latencyMs > 0) await sleep(settings.values.latencyMs);
  try {
    const { status, body } = await compute({ organisation, grant });
    organisations.recordBytes({ tenantId: organisation.tenantId, bytes: body.length });
    if (body.length === 0) return reply.code(status).send();
    return reply.code(status).type('application/json; charset=utf-8').send(body);
  } catch (error) {
    const bytes = Buffer.byteLength((error as Partial<Refusal>).body ?? '');
    organisations.recordBytes({ tenantId: organisation.tenantId, bytes });
    throw error;
  }
}

function connectedOrganisation({ store, organisations }: AdmissionParts, grant: Grant, header: unknown): Organisation {
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
  { clock, limiter, organisations, settings }: AdmissionParts,
  organisation: Organisation,
  request: AccountingRequest,
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
