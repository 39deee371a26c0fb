/** /v1/connections/{id}/backfill: the first full read. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { shownStatus } from '../domain/connection.js';
import type { Connection, Run, StreamProgress } from '../domain/ports.js';
import { streamNames, streams } from '../domain/streams.js';
import { connectionFor, organisationOf } from './access.js';
import { askedBy } from './askedBy.js';
import type { WorkflowRun } from './backfillControl.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy } from './problems.js';
import { answers, connectionParams } from './schemas/common.js';
import { backfillSchema, startedSchema } from './schemas/run.js';
import { startBackfill } from './startBackfill.js';
import { runUrl } from './temporalUi.js';

const tags = ['Backfill'];
type Started = z.infer<typeof startedSchema>;
type Backfill = z.infer<typeof backfillSchema>;

const steps = [
  { step: 'pause', summary: 'Holds the first full read after the pages in flight' },
  { step: 'resume', summary: 'Goes on with a paused first full read' },
  { step: 'cancel', summary: 'Ends the first full read; what was read is kept and a new start goes on from there' },
] as const;

export function backfillRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/connections/:id/backfill',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'startBackfill',
        summary: 'Starts the first full read, or answers the one in hand; it is completed once ever',
        params: connectionParams,
        response: answers({ 202: startedSchema }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        await refuseUnready(deps, connection);
        const run = await startBackfill(deps, connection, { askedBy: askedBy(request) });
        if (run === 'alreadyDone') throw forbiddenBy('already_backfilled');
        return reply.code(202).send(started(deps, run));
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id/backfill',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getBackfill',
        summary: 'How far the first full read is, stream by stream',
        params: connectionParams,
        response: answers({ 200: backfillSchema }, 404),
      },
      handler: async (request) => {
        const { id } = await connectionFor(deps, request, request.params.id);
        const [run, progress] = await Promise.all([deps.runs.latest(id, 'backfill'), deps.mirror.progress(id)]);
        // After the run, so that one that is shown as ended has the status it ended in.
        return backfillView(deps, await connectionFor(deps, request, id), run, progress);
      },
    });

    for (const { step, summary } of steps) {
      app.route({
        method: 'POST',
        url: `/connections/:id/backfill/${step}`,
        config: { permission: 'configure' },
        schema: {
          tags,
          operationId: `${step}Backfill`,
          summary,
          params: connectionParams,
          response: answers({ 202: startedSchema }, 404, 409),
        },
        handler: async (request, reply) => {
          const connection = await connectionFor(deps, request, request.params.id);
          const run = await deps.backfills[step](connection.id);
          if (run === null) throw forbiddenBy('backfill_not_running');
          return reply.code(202).send(started(deps, run));
        },
      });
    }
  };
}

/** Once ever is a truth of Postgres: Temporal forgets its runs. */
async function refuseUnready(deps: Pick<ApiDeps, 'runs'>, connection: Connection): Promise<void> {
  const latest = await deps.runs.latest(connection.id, 'backfill');
  if (connection.backfilledAt !== null || latest?.outcome === 'completed') throw forbiddenBy('already_backfilled');
  organisationOf(connection);
  if (connection.status === 'authFailed' || connection.status === 'disconnected') {
    throw forbiddenBy('connection_not_ready');
  }
}

function started(deps: Pick<ApiDeps, 'temporalUi'>, run: WorkflowRun): Started {
  return { ...run, url: runUrl(deps.temporalUi, run) };
}

function backfillView(
  deps: Pick<ApiDeps, 'temporalUi'>,
  connection: Connection,
  run: Run | null,
  progress: readonly StreamProgress[],
): Backfill {
  return {
    status: shownStatus(connection.status, connection.paused),
    sleepingUntil: connection.sleepingUntil,
    streams: progressOf(connection, run, progress),
    calls: run?.calls ?? 0,
    bytes: run?.bytes ?? 0,
    rateLimited: run?.rateLimited ?? { minute: 0, day: 0, concurrent: 0, appMinute: 0 },
    sleeps: run?.sleeps ?? [],
    startedAt: run?.startedAt ?? null,
    endedAt: run?.endedAt ?? null,
    outcome: run?.outcome ?? null,
    workflowId: run?.workflowId ?? null,
    runId: run?.runId ?? null,
    url: run === null ? null : runUrl(deps.temporalUi, run),
  };
}

/** Every stream that is to be read stands there from the start, those that were not begun as waiting. */
function progressOf(
  { optionalStreams }: Connection,
  run: Run | null,
  progress: readonly StreamProgress[],
): Backfill['streams'] {
  const reached = new Map(progress.map((stream) => [stream.stream, stream]));
  const shown = streamNames.filter(
    (name) => !streams[name].optional || optionalStreams.includes(name) || reached.has(name),
  );
  return Object.fromEntries(
    shown.map((name) => {
      const { status, records, expected, setAside, lastError } = reached.get(name) ?? notBegun;
      const calls = run?.streams[name]?.calls ?? 0;
      return [name, { status, records, expected, setAside, calls, lastError }];
    }),
  );
}

const notBegun = { status: 'waiting', records: 0, expected: null, setAside: 0, lastError: null } as const;
