/** /v1/companies/{company}/documents: what the platform wants to stand in Xero, and where each stands. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { requestCodes } from '../domain/codes.js';
import type { DocumentReference } from '../domain/documents/kinds.js';
import type { Document, DocumentToSave, DocumentWish, SaveContext, Saved, Wished } from '../domain/ports.js';
import { companyFor } from './access.js';
import { awaitDocument } from './awaitDocument.js';
import type { ApiDeps } from './deps.js';
import { type ReadDocument, readDocument, readNamed } from './documentBodies.js';
import { documentView } from './documentView.js';
import { outboxRinger } from './outboxBells.js';
import { type FieldFault, forbiddenBy, invalid, notFound } from './problems.js';
import { answers, listOf, pageQuery } from './schemas/common.js';
import {
  attemptSchema,
  decideBody,
  documentBody,
  documentParams,
  documentSchema,
  documentsAnswer,
  documentsBody,
  documentsParams,
  documentsQuery,
  documentWithContent,
  waitQuery,
} from './schemas/document.js';
import { stopAfter } from './waiting.js';

const tags = ['Documents'];
const url = '/companies/:company/documents/:kind/:externalId';

/** Bytes of a bulk save: 500 documents of some 30 KB. */
const bulkLimit = 16_777_216;
/** Somebody waits for so few: they go before what comes in bulk. */
const fewAtOnce = 10;

type Deps = Pick<ApiDeps, 'companies' | 'locations' | 'documents' | 'outboxes' | 'feedBell'>;
type Params = DocumentReference & { company: string };

export function documentRoutes(deps: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    const ring = outboxRinger(app, deps);

    /** Saves all, and rings. @throws Problem 404 */
    const save = async (request: FastifyRequest, company: string, documents: DocumentToSave[], urgent: boolean) => {
      const saved = await deps.documents.save({ companyId: company, actor: request.actor, urgent }, documents);
      if (saved === null) throw notFound();
      ring(saved.bells, request.log);
      return saved.results;
    };

    /** Rings for what was asked of one document. @throws Problem 404 */
    const granted = (request: FastifyRequest, wished: Wished | null): Document => {
      if (wished === null) throw notFound();
      ring(wished.bells, request.log);
      return wished.document;
    };
    const awaited = (document: Document, wait: number, reply: FastifyReply) =>
      wait === 0 ? document : awaitDocument(deps, document, stopAfter(wait * 1000, reply.raw));
    const wish = async (request: FastifyRequest, { company, ...reference }: Params, wanted: DocumentWish) => {
      await companyFor(deps, request, company);
      return granted(request, await deps.documents.wish(contextOf(request, company), reference, wanted));
    };

    app.route({
      method: 'PUT',
      url,
      config: { permission: 'work' },
      schema: {
        tags,
        operationId: 'putDocument',
        summary: 'Saves a document: it goes to Xero by itself, after what it stands on',
        params: documentParams,
        querystring: waitQuery,
        body: documentBody,
        response: answers({ 200: documentSchema, 201: documentSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const { company, ...reference } = request.params;
        await companyFor(deps, request, company);
        const read = readDocument(reference, request.body);
        if ('faults' in read) throw invalid(...read.faults);
        const [unknown] = await locationFaults(deps, company, [read]);
        if (unknown) throw invalid(...unknown);
        const [saved] = await save(request, company, [read.document], true);
        if (saved?.kind !== 'saved') throw forbiddenBy('stale_version');
        const document = await awaited(saved.document, request.query.wait, reply);
        return reply.code(saved.created ? 201 : 200).send(documentView(document));
      },
    });

    app.route({
      method: 'POST',
      url: '/companies/:company/documents',
      bodyLimit: bulkLimit,
      config: { permission: 'work', creates: true },
      schema: {
        tags,
        operationId: 'saveDocuments',
        summary: 'Saves many documents: what is wrong with one holds up no other',
        params: documentsParams,
        body: documentsBody,
        response: answers({ 200: documentsAnswer }, 404, 409, 413),
      },
      handler: async (request) => {
        const { company } = request.params;
        await companyFor(deps, request, company);
        const read = request.body.documents.map(readNamed);
        const unknown = await locationFaults(deps, company, read);
        const faults = read.map((each, at) => ('faults' in each ? each.faults : (unknown[at] ?? null)));
        const good = read.flatMap((each, at) => ('document' in each && faults[at] === null ? [each.document] : []));
        const saved = good.length === 0 ? [] : await save(request, company, good, read.length <= fewAtOnce);
        const inOrder = saved.values();
        return {
          data: faults.map((its) => (its === null ? elementOf(inOrder.next().value) : refused('invalid_request', its))),
        };
      },
    });

    app.route({
      method: 'GET',
      url: '/companies/:company/documents',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listDocuments',
        summary: 'Documents by kind and external id',
        params: documentsParams,
        querystring: documentsQuery,
        response: answers({ 200: listOf(documentSchema) }, 404),
      },
      handler: async (request) => {
        await companyFor(deps, request, request.params.company);
        const { data, nextCursor } = await deps.documents.list(request.params.company, given(request.query));
        return { data: data.map(documentView), nextCursor };
      },
    });

    app.route({
      method: 'GET',
      url,
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getDocument',
        summary: 'A document: what was saved, and where it stands in Xero',
        params: documentParams,
        response: answers({ 200: documentWithContent }, 404),
      },
      handler: async (request) => {
        const { company, ...reference } = request.params;
        await companyFor(deps, request, company);
        const document = await deps.documents.get(company, reference);
        if (document === null) throw notFound();
        return { ...documentView(document), content: document.content };
      },
    });

    app.route({
      method: 'DELETE',
      url,
      config: { permission: 'work' },
      schema: {
        tags,
        operationId: 'removeDocument',
        summary: 'Deletes a document: what stands in Xero is voided or deleted there; again without harm',
        params: documentParams,
        querystring: waitQuery,
        response: answers({ 200: documentSchema }, 404),
      },
      handler: async (request, reply) => {
        const { company, ...reference } = request.params;
        await companyFor(deps, request, company);
        const removed = await deps.documents.remove(contextOf(request, company), reference);
        return documentView(await awaited(granted(request, removed), request.query.wait, reply));
      },
    });

    app.route({
      method: 'POST',
      url: `${url}/resync`,
      config: { permission: 'work' },
      schema: {
        tags,
        operationId: 'resyncDocument',
        summary: 'Sends the current version once more, onto the record it is',
        params: documentParams,
        querystring: waitQuery,
        response: answers({ 200: documentSchema }, 404),
      },
      handler: async (request, reply) => {
        const document = await wish(request, request.params, { wish: 'resync' });
        return documentView(await awaited(document, request.query.wait, reply));
      },
    });

    app.route({
      method: 'POST',
      url: `${url}/decide`,
      config: { permission: 'work', actor: 'required' },
      schema: {
        tags,
        operationId: 'decideDocument',
        summary: 'Says of one that is held whether it is sent all the same, or linked with what Xero has',
        params: documentParams,
        querystring: waitQuery,
        body: decideBody,
        response: answers({ 200: documentSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const { action, ...record } = request.body;
        const wanted = 'xeroId' in record ? { wish: 'link' as const, ...record } : { wish: 'send' as const };
        const document = await wish(request, request.params, wanted);
        return documentView(await awaited(document, request.query.wait, reply));
      },
    });

    for (const { name, summary } of keptOut) {
      app.route({
        method: 'POST',
        url: `${url}/${name}`,
        config: { permission: 'work', actor: 'required' },
        schema: {
          tags,
          operationId: `${name}Document`,
          summary,
          params: documentParams,
          response: answers({ 200: documentSchema }, 404),
        },
        handler: async (request) => documentView(await wish(request, request.params, { wish: name })),
      });
    }

    app.route({
      method: 'GET',
      url: `${url}/attempts`,
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listAttempts',
        summary: "What was tried for a document, in Xero's own words, the oldest first",
        params: documentParams,
        querystring: pageQuery,
        response: answers({ 200: listOf(attemptSchema) }, 404),
      },
      handler: async (request) => {
        const { company, ...reference } = request.params;
        await companyFor(deps, request, company);
        const attempts = await deps.documents.attempts(company, reference, request.query);
        if (attempts === null) throw notFound();
        return attempts;
      },
    });
  };
}

const keptOut = [
  { name: 'exclude', summary: 'Keeps a document out, whatever is saved of it, so that one bad row blocks no month' },
  { name: 'include', summary: 'Lets in again what was kept out' },
] as const;

/** One document: somebody waits for it. */
const contextOf = (request: FastifyRequest, companyId: string): SaveContext => ({
  companyId,
  actor: request.actor,
  urgent: true,
});

/** For each what its location is to blame for, by its place; nothing where the company has it. */
async function locationFaults(
  { locations }: Pick<Deps, 'locations'>,
  company: string,
  read: readonly ReadDocument[],
): Promise<(FieldFault[] | undefined)[]> {
  const named = read.map((each) => ('document' in each ? each.document.content.location : undefined));
  const ids = [...new Set(named.filter((id) => id !== undefined))];
  const unknown = new Set(ids.length === 0 ? [] : await locations.unknown(company, ids));
  return named.map((id) =>
    id !== undefined && unknown.has(id) ? [{ field: 'location', message: 'is no location of the company' }] : undefined,
  );
}

function elementOf(saved: Saved | undefined) {
  if (saved?.kind !== 'saved') return refused('stale_version', []);
  return { status: saved.created ? (201 as const) : (200 as const), document: documentView(saved.document) };
}

function refused(code: 'invalid_request' | 'stale_version', errors: FieldFault[]) {
  const status = code === 'stale_version' ? (409 as const) : (422 as const);
  return { status, code, ...requestCodes[code], errors };
}

/** Without the parameters that were not given. */
function given<T extends object>(query: T): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as T;
}
