/** What people see of a connection. */
import type { z } from 'zod';
import { connectionCodes } from '../domain/codes.js';
import { shownStatus } from '../domain/connection.js';
import type { Connection } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';
import type { connectionSchema } from './schemas/connection.js';
import { runUrl } from './temporalUi.js';

type Sources = Pick<ApiDeps, 'runs' | 'mirror' | 'budget' | 'temporalUi'>;
type ConnectionView = z.infer<typeof connectionSchema>;

export async function connectionView(deps: Sources, connection: Connection): Promise<ConnectionView> {
  const { syncFromDate } = connection;
  const [running, needsPerson, budget] = await Promise.all([
    runningWork(deps, connection.id),
    whatNeedsPerson(deps, connection),
    connection.organisation === null ? null : deps.budget.look(connection.organisation.id),
  ]);
  return {
    id: connection.id,
    company: connection.companyId,
    direction: connection.direction,
    locations: connection.locations,
    status: shownStatus(connection.status, connection.paused),
    organisation: connection.organisation,
    syncFromDateChosen: syncFromDate.chosen,
    syncFromDate: syncFromDate.date,
    sleepingUntil: connection.sleepingUntil,
    lastSuccessfulSyncAt: connection.lastSuccessfulSyncAt,
    lastError: connection.lastError && explained(connection.lastError),
    needsPerson,
    backfilledAt: connection.backfilledAt,
    running,
    budget,
    createdAt: connection.createdAt,
  };
}

function explained({ code, at }: NonNullable<Connection['lastError']>): NonNullable<ConnectionView['lastError']> {
  const { message, remedy } = connectionCodes[code];
  return { code, message, remedy, at };
}

async function runningWork(deps: Sources, connectionId: string): Promise<ConnectionView['running']> {
  const latest = await Promise.all([
    deps.runs.latest(connectionId, 'backfill'),
    deps.runs.latest(connectionId, 'sync'),
    deps.runs.latest(connectionId, 'webhook'),
  ]);
  return latest
    .filter((run) => run !== null)
    .filter((run) => run.outcome === 'running')
    .map(({ kind, workflowId, runId, startedAt }) => ({
      kind,
      workflowId,
      runId,
      url: runUrl(deps.temporalUi, { workflowId, runId }),
      startedAt,
    }));
}

/** What support looks into; the counts are of streams and records, never what they hold. */
async function whatNeedsPerson(deps: Sources, connection: Connection): Promise<ConnectionView['needsPerson']> {
  const streams = await deps.mirror.progress(connection.id);
  const setAside = streams.reduce((sum, stream) => sum + stream.setAside, 0);
  const failed = streams.filter(({ status }) => status === 'failed').length;
  return [
    { reason: 'streamsFailed', count: failed, remedy: 'GET …/backfill names them and their last errors.' },
    { reason: 'recordsSetAside', count: setAside, remedy: 'GET …/records/{stream}?setAside=true shows them.' },
  ].filter(({ count }) => count > 0);
}
