import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Organisation } from '../data/organisation.js';
import type { Stream } from '../data/stream.js';
import { allows } from '../identity/scopes.js';
import {
  type AccountingRequest,
  type AdmissionParts,
  type Answer,
  answerCall,
  type Caller,
  type Params,
} from './admission.js';
import { endpointNamed } from './endpoints.js';
import { missingScope, notFound, UNAVAILABLE, unavailable } from './errors.js';
import { type ListPage, readList, readOne, writePage } from './reader.js';
import { type ListRequest, type Query, readListRequest } from './request.js';

/** Is told of every list call, before and after it is computed. */
export interface ReadingWatcher {
  before(organisation: Organisation, stream: Stream, request: ListRequest): void;
  after(organisation: Organisation, stream: Stream, request: ListRequest, page: ListPage): void;
}

export interface AccountingParts extends AdmissionParts {
  watcher: ReadingWatcher;
}

/** IIS refuses longer query strings with a 404, which is what ends `IDs=` near 52 (§2). */
const LONGEST_QUERY = 2_048;

/** The accounting API: reading (xero-api.md §2, §3). */
export function accountingRoutes(app: FastifyInstance, parts: AccountingParts): void {
  const handler = (request: AccountingRequest, reply: FastifyReply) =>
    answerCall(parts, request, reply, (caller) => compute(parts, caller, request));
  app.get<{ Params: Params; Querystring: Query }>('/api.xro/2.0/:endpoint', handler);
  app.get<{ Params: Params; Querystring: Query }>('/api.xro/2.0/:endpoint/:key', handler);
}

function compute(parts: AccountingParts, { organisation, grant }: Caller, request: AccountingRequest): Answer {
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
    body: writePage(endpoint.collection ?? endpoint.name, page, grant.clientId, parts.clock.now(), list.unitDecimals),
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
