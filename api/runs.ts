/** /v1/connections/{id}/runs and /budget: how each run ended, and what Xero still allows. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { Run } from '../domain/ports.js';
import { connectionFor, organisationOf } from './access.js';
import type { ApiDeps } from './deps.js';
import { notFound } from './problems.js';
import { budgetSchema } from './schemas/budget.js';
import { answers, connectionParams, line, listOf, pageQuery } from './schemas/common.js';
import { runSchema } from './schemas/run.js';
import { runUrl } from './temporalUi.js';

const tags = ['Runs'];
const runParams = connectionParams.extend({ runId: line(200) });

export function runRoutes(
  deps: Pick<ApiDeps, 'connections' | 'runs' | 'budget' | 'temporalUi'>,
): FastifyPluginAsyncZod {
  const shown = (run: Run): z.infer<typeof runSchema> => {
    const { connectionId: _, ...rest } = run;
    return { ...rest, url: runUrl(deps.temporalUi, run) };
  };
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/runs',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listRuns',
        summary: 'Runs, the latest first',
        params: connectionParams,
        querystring: pageQuery,
        response: answers({ 200: listOf(runSchema) }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const { data, nextCursor } = await deps.runs.list(connection.id, request.query);
        return { data: data.map(shown), nextCursor };
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id/runs/:runId',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getRun',
        summary: 'A run: how it ended, its calls, bytes, refusals and sleeps',
        params: runParams,
        response: answers({ 200: runSchema }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const run = await deps.runs.get(connection.id, request.params.runId);
        if (run === null) throw notFound();
        return shown(run);
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id/budget',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getBudget',
        summary: 'The calls that Xero still allows this organisation and the app',
        params: connectionParams,
        response: answers({ 200: budgetSchema }, 404, 409),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        return deps.budget.look(organisationOf(connection).id);
      },
    });
  };
}
