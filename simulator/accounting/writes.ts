import type { FastifyInstance, FastifyReply } from 'fastify';
import { allows } from '../identity/scopes.js';
import { writeCall } from '../writing/call.js';
import { elementsOf } from '../writing/elements.js';
import type { KeptAnswers } from '../writing/idempotency.js';
import { writerOf } from '../writing/kinds.js';
import type { ElementWriter, WriteMethod } from '../writing/writer.js';
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
import type { Query } from './request.js';

export interface WritesParts extends AdmissionParts {
  kept: KeptAnswers;
  /** Waits as long as a fault wants before the write takes effect. */
  beforeCommit(request: AccountingRequest): Promise<void>;
}

/** Xero takes bodies up to about 3.5 MB (xero-api.md §3). */
const LARGEST_BODY = 3.5 * 1024 * 1024;

const PATHS = ['/:endpoint', '/:endpoint/:key', '/:endpoint/:key/:under', '/:endpoint/:key/:under/:childId'];

/** The accounting API: writing (xero-api.md §3, §4). The body is taken as bytes, for a retry must repeat them. */
export function writeRoutes(app: FastifyInstance, parts: WritesParts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: LARGEST_BODY }, (_request, body, done) =>
    done(null, body),
  );
  for (const path of PATHS) {
    app.route<{ Params: Params; Querystring: Query }>({
      method: ['PUT', 'POST', 'DELETE'],
      url: `/api.xro/2.0${path}`,
      bodyLimit: LARGEST_BODY,
      handler: (request, reply) => answerWrite(parts, request, reply),
    });
  }
}

function answerWrite(parts: WritesParts, request: AccountingRequest, reply: FastifyReply): Promise<FastifyReply> {
  return answerCall(parts, request, reply, (caller) => {
    const writer = allowedWriter(caller, request);
    const key = request.headers['idempotency-key'];
    const compute = () => write(parts, caller, writer, request);
    if (typeof key !== 'string' || key === '' || request.method === 'DELETE') return compute();
    const owner = `${caller.grant.clientId} ${caller.organisation.tenantId}`;
    const { method, url } = request;
    return parts.kept.once({ owner, key, method, url, body: bodyOf(request) }, compute);
  });
}

function allowedWriter({ organisation, grant }: Caller, { method, params }: AccountingRequest): ElementWriter {
  if (organisation.profile.offline) throw unavailable(UNAVAILABLE.offline);
  const endpoint = endpointNamed(params.endpoint);
  if (!endpoint) throw notFound();
  if (!allows(grant.scopes, endpoint.scope, 'write')) throw missingScope();
  const writer = writerOf(endpoint.name, params.under);
  if (!writer?.methods.includes(method as WriteMethod)) throw notFound();
  if (method === 'PUT' && params.key !== undefined && params.under === undefined) throw notFound();
  return writer;
}

async function write(
  parts: WritesParts,
  { organisation, grant }: Caller,
  writer: ElementWriter,
  request: AccountingRequest,
): Promise<Answer> {
  const { key, childId } = request.params;
  const method = request.method as WriteMethod;
  const elements = method === 'DELETE' ? [{}] : elementsOf(writer, bodyOf(request));
  await parts.beforeCommit(request);
  return writeCall(parts, {
    organisation,
    writer,
    elements,
    how: { method, id: key, childId, unitDecimals: queryOf(request, 'unitdp') === '4' ? 4 : 2 },
    summarizeErrors: queryOf(request, 'summarizeErrors') !== 'false',
    provider: grant.clientId,
  });
}

const bodyOf = ({ body }: AccountingRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

/** A query parameter by its name without case, in lower case. */
function queryOf({ query }: AccountingRequest, name: string): string | undefined {
  const found = Object.entries(query).find(([known]) => known.toLowerCase() === name.toLowerCase());
  return found?.[1] === undefined ? undefined : String(found[1]).toLowerCase();
}
