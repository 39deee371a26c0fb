/** /v1/connections/{id}/previews and /v1/previews/{id}: what an export would do, before anything is sent. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isLiving } from '../domain/connection.js';
import type { Connection, Preview } from '../domain/ports.js';
import { connectionFor } from './access.js';
import { askedBy } from './askedBy.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, notFound } from './problems.js';
import { previewRowView, previewView } from './reviewViews.js';
import { answers, connectionParams, listOf } from './schemas/common.js';
import {
  groupParams,
  previewParams,
  previewRowSchema,
  previewSchema,
  previewStartedSchema,
  rowsQuery,
} from './schemas/preview.js';
import { startPreview } from './startReview.js';
import { runUrl } from './temporalUi.js';

const tags = ['Previews'];

export function previewRoutes(
  deps: Pick<ApiDeps, 'connections' | 'previews' | 'reviews' | 'runs' | 'newId' | 'temporalUi'>,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/connections/:id/previews',
      config: { permission: 'work', creates: true },
      schema: {
        tags,
        operationId: 'makePreview',
        summary: 'Reads Xero as it is now and works out what would move; nothing is sent',
        params: connectionParams,
        response: answers({ 202: previewStartedSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        refuseUnread(connection);
        const id = deps.newId();
        await deps.previews.create({ id, connectionId: connection.id, actor: request.actor });
        const { companyId } = connection;
        const run = await startPreview(deps, { id, connectionId: connection.id, companyId, askedBy: askedBy(request) });
        return reply.code(202).send({ id, ...run, url: runUrl(deps.temporalUi, run) });
      },
    });

    app.route({
      method: 'GET',
      url: '/previews/:id',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getPreview',
        summary: 'A preview: what each group holds, and how far it is',
        params: previewParams,
        response: answers({ 200: previewSchema }, 404),
      },
      handler: async (request) => previewView(await previewFor(deps, request, request.params.id)),
    });

    app.route({
      method: 'GET',
      url: '/previews/:id/:group',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listPreviewRows',
        summary: 'The rows of a group, each as it would stand in Xero, with its errors and warnings',
        params: groupParams,
        querystring: rowsQuery,
        response: answers({ 200: listOf(previewRowSchema) }, 404),
      },
      handler: async (request) => {
        const { id, group } = request.params;
        await previewFor(deps, request, id);
        const { data, nextCursor } = await deps.previews.rows(id, { ...request.query, group });
        return { data: data.map(previewRowView), nextCursor };
      },
    });
  };
}

/** @throws Problem 404, for another company's preview too. */
export async function previewFor(
  deps: Pick<ApiDeps, 'previews'>,
  request: FastifyRequest,
  id: string,
): Promise<Preview> {
  const preview = await deps.previews.get(id);
  if (preview === null || !sees(request, preview.companyId)) throw notFound();
  concern(request, preview.companyId, preview.connectionId);
  return preview;
}

/** @throws Problem 409 `connection_not_ready` where the books were not read once, or Xero takes no calls. */
export function refuseUnread({ status, backfilledAt }: Connection): void {
  if (!isLiving(status)) throw forbiddenBy('connection_not_ready');
  if (backfilledAt !== null) return;
  throw forbiddenBy('connection_not_ready', { detail: 'The first full read of the connection is not done yet.' });
}
