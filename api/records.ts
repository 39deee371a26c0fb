/** /v1/connections/{id}/records: the mirror, every digit as Xero sent it. */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ListPage, MirroredRecord } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { connectionFor, organisationOf } from './access.js';
import type { ApiDeps } from './deps.js';
import { notFound } from './problems.js';
import { answers, listOf } from './schemas/common.js';
import { listedRecord, recordParams, recordSchema, recordsQuery, streamParams } from './schemas/record.js';

const tags = ['Records'];

export function recordRoutes(deps: Pick<ApiDeps, 'connections' | 'mirror'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/records/:stream',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listRecords',
        summary: 'Records of a stream, as Xero sent them',
        params: streamParams,
        querystring: recordsQuery,
        response: answers({ 200: listOf(listedRecord) }, 404, 409),
      },
      handler: async (request, reply) => {
        const { id, stream } = request.params;
        const organisation = organisationOf(await connectionFor(deps, request, id));
        const { setAside, ...query } = request.query;
        if (setAside) return await setAsideRecords(deps, organisation.id, stream, query);
        const { data, nextCursor } = await deps.mirror.records(organisation.id, stream, given(query));
        return sendJson(reply, `{"data":[${data.map(jsonOf).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`);
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id/records/:stream/:xeroId',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getRecord',
        summary: 'A record, as Xero sent it',
        params: recordParams,
        response: answers({ 200: recordSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const { id, stream, xeroId } = request.params;
        const organisation = organisationOf(await connectionFor(deps, request, id));
        const record = await deps.mirror.record(organisation.id, stream, xeroId);
        if (record === null) throw notFound();
        return sendJson(reply, jsonOf(record));
      },
    });
  };
}

async function setAsideRecords(
  deps: Pick<ApiDeps, 'mirror'>,
  organisationId: string,
  stream: StreamName,
  page: ListPage,
) {
  const { data, nextCursor } = await deps.mirror.setAside(organisationId, stream, page);
  return { data: data.map(({ body, readAt }) => ({ readAt, text: body })), nextCursor };
}

/** The body is JSON already and goes out as it is: parsing it would cut digits. */
function jsonOf({ body, ...about }: MirroredRecord): string {
  const { xeroId, updatedAt, outsideWindow, deletedAt } = about;
  return `${JSON.stringify({ xeroId, updatedAt, outsideWindow, deletedAt }).slice(0, -1)},"record":${body}}`;
}

/** Fastify sends a text as it is, past the schema of the answer. */
function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json);
}

/** Without the parameters that were not given. */
function given<T extends object>(query: T): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as T;
}
