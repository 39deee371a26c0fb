/** What people see of a connection. */
import type { z } from 'zod';
import { connectionCodes } from '../domain/codes.js';
import type { Connection } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';
import type { connectionSchema } from './schemas/connection.js';
import { runUrl } from './temporalUi.js';

type Sources = Pick<ApiDeps, 'runs' | 'budget' | 'temporalUi'>;
type ConnectionView = z.infer<typeof connectionSchema>;

export async function connectionView(deps: Sources, connection: Connection): Promise<ConnectionView> {
  const { syncFromDate } = connection;
  const [running, budget] = await Promise.all([
    runningWork(deps, connection.id),
    connection.organisation === null ? null : deps.budget.look(connection.organisation.id),
  ]);
  return {
    id: connection.id,
    company: connection.companyId,
    direction: connection.direction,
    status: connection.status,
    organisation: connection.organisation,
    syncFromDateChosen: syncFromDate.chosen,
    syncFromDate: syncFromDate.date,
    sleepingUntil: connection.sleepingUntil,
    lastSuccessfulSyncAt: connection.lastSuccessfulSyncAt,
    lastError: connection.lastError && explained(connection.lastError),
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
