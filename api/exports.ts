/** /v1/connections/{id}/exports and /v1/exports/{id}: sending what was reviewed, and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Connection, Export, Preview } from '../domain/ports.js';
import { type ExportState, fingerprintParts, previewGroupNames } from '../domain/preview.js';
import { connectionFor } from './access.js';
import { askedBy } from './askedBy.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { previewFor, refuseUnread } from './previews.js';
import { type FieldFault, forbiddenBy, notFound } from './problems.js';
import { exportRowView, exportView } from './reviewViews.js';
import { answers, connectionParams, listOf } from './schemas/common.js';
import {
  exportBody,
  exportParams,
  exportRowSchema,
  exportRowsQuery,
  exportSchema,
  previewStartedSchema,
} from './schemas/preview.js';
import { startExport } from './startReview.js';
import { runUrl } from './temporalUi.js';

const tags = ['Exports'];
const pollMs = 200;

type ExportDeps = Pick<
  ApiDeps,
  'connections' | 'previews' | 'exports' | 'reviews' | 'runs' | 'settings' | 'newId' | 'temporalUi' | 'checkedWithinMs'
>;

/** What a person can do to an export in hand. */
const steps = {
  pause: { act: 'pauseExport', summary: 'Hands no further batch to the outbox', from: ['checking', 'running'] },
  resume: { act: 'resumeExport', summary: 'Goes on after a pause', from: ['checking', 'running', 'paused'] },
  cancel: {
    act: 'cancelExport',
    summary: 'Ends it: what is not being sent yet is put back, and is in the next preview',
    from: ['checking', 'running', 'paused'],
  },
} as const satisfies Record<string, { act: keyof ApiDeps['reviews']; summary: string; from: readonly ExportState[] }>;

export function exportRoutes(deps: ExportDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/connections/:id/exports',
      config: { permission: 'work', actor: 'required', creates: true },
      schema: {
        tags,
        operationId: 'startExport',
        summary: 'Sends exactly what a preview showed, once it was held against the books as they are now',
        params: connectionParams,
        body: exportBody,
        response: answers({ 202: previewStartedSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const preview = await previewFor(deps, request, request.body.previewId);
        await refuseUnready(deps, connection, preview);
        const id = await made(deps, preview, request.actor ?? '');
        const { companyId } = connection;
        const run = await startExport(deps, { id, connectionId: connection.id, companyId, askedBy: askedBy(request) });
        refuseStale(await whenChecked(deps, id));
        return reply.code(202).send({ id, ...run, url: runUrl(deps.temporalUi, run) });
      },
    });

    app.route({
      method: 'GET',
      url: '/exports/:id',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getExport',
        summary: 'An export: its progress while it runs, its report when it has ended',
        params: exportParams,
        response: answers({ 200: exportSchema }, 404),
      },
      handler: async (request) => exportView(await exportFor(deps, request, request.params.id)),
    });

    app.route({
      method: 'GET',
      url: '/exports/:id/rows',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listExportRows',
        summary: 'What became of each row that was reviewed',
        params: exportParams,
        querystring: exportRowsQuery,
        response: answers({ 200: listOf(exportRowSchema) }, 404),
      },
      handler: async (request) => {
        const { id } = await exportFor(deps, request, request.params.id);
        const { data, nextCursor } = await deps.exports.rows(id, request.query);
        return { data: data.map(exportRowView), nextCursor };
      },
    });

    for (const [step, { act, summary, from }] of Object.entries(steps)) {
      app.route({
        method: 'POST',
        url: `/exports/:id/${step}`,
        config: { permission: 'work' },
        schema: {
          tags,
          operationId: `${step}Export`,
          summary,
          params: exportParams,
          response: answers({ 202: exportSchema }, 404, 409),
        },
        handler: async (request, reply) => {
          const shown = await exportFor(deps, request, request.params.id);
          const possible: readonly ExportState[] = from;
          if (shown.endedAt !== null || !possible.includes(shown.state)) throw forbiddenBy('export_ended');
          const run = await deps.reviews[act](shown.id);
          // Its run was never started, or was terminated in Temporal: it would stand in the way of every other one.
          if (run === null && step === 'cancel') await deps.exports.end(shown.id, { state: 'cancelled' });
          else if (run === null) throw forbiddenBy('export_ended');
          return reply.code(202).send(exportView((await deps.exports.get(shown.id)) ?? shown));
        },
      });
    }
  };
}

/** @throws Problem 404, for another company's export too. */
async function exportFor(deps: Pick<ApiDeps, 'exports'>, request: FastifyRequest, id: string): Promise<Export> {
  const shown = await deps.exports.get(id);
  if (shown === null || !sees(request, shown.companyId)) throw notFound();
  concern(request, shown.companyId, shown.connectionId);
  return shown;
}

/** @throws Problem 404 for the preview of another connection; 409 saying what stands in the way. */
async function refuseUnready(deps: ExportDeps, connection: Connection, preview: Preview): Promise<void> {
  if (preview.connectionId !== connection.id) throw notFound();
  refuseUnread(connection);
  if ((await deps.settings.get(connection.id))?.exportMode !== 'reviewed') throw forbiddenBy('export_not_reviewed');
  if (preview.state !== 'ready') throw forbiddenBy('preview_not_ready');
  const errors = errorsOf(preview);
  if (errors.length > 0) throw forbiddenBy('preview_has_errors', { errors });
}

function errorsOf({ groups }: Preview): FieldFault[] {
  return previewGroupNames
    .filter((group) => groups[group].errors > 0)
    .map((group) => ({ field: group, message: `${groups[group].errors} with errors` }));
}

/**
 * The export of the preview: asked again while it is in hand, the same.
 * @throws Problem 409 `export_in_hand` for another one of the connection, `preview_stale` for one that has ended.
 */
async function made({ exports, newId }: ExportDeps, preview: Preview, actor: string): Promise<string> {
  const id = newId();
  const created = await exports.create({ id, previewId: preview.id, connectionId: preview.connectionId, actor });
  if (created.kind === 'created') return id;
  if (created.kind === 'inHand') throw forbiddenBy('export_in_hand', { existing: created.id });
  if ((await exports.get(created.id))?.endedAt === null) return created.id;
  throw forbiddenBy('preview_stale', { existing: created.id, detail: 'It was exported before.' });
}

/** The export when it was held against the books; or as it is when that takes longer than somebody waits. */
async function whenChecked({ exports, checkedWithinMs }: ExportDeps, id: string): Promise<Export | null> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const shown = await exports.get(id);
    if (shown?.state !== 'checking' || waitedMs >= checkedWithinMs) return shown;
    await delay(pollMs);
  }
}

/** @throws Problem 409 `preview_stale` naming what changed, or `preview_has_errors` */
function refuseStale(shown: Export | null): void {
  if (shown?.state !== 'failed') return;
  if (shown.code !== 'preview_stale' && shown.code !== 'preview_has_errors') return;
  const errors = shown.changed.map((part) => ({ field: part, message: `${fingerprintParts[part]} changed` }));
  throw forbiddenBy(shown.code, { existing: shown.id, errors });
}
