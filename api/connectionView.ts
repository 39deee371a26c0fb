/** What people see of a connection. */
import type { z } from 'zod';
import { connectionCodes } from '../domain/codes.js';
import { shownStatus } from '../domain/connection.js';
import { nextNightly, nightlyOf } from '../domain/nightly.js';
import { type Connection, runKinds, type Unreconciled } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';
import type { connectionSchema } from './schemas/connection.js';
import { runUrl } from './temporalUi.js';

type Sources = Pick<
  ApiDeps,
  'runs' | 'mirror' | 'documents' | 'payments' | 'settings' | 'budget' | 'temporalUi' | 'now'
>;
type ConnectionView = z.infer<typeof connectionSchema>;

export async function connectionView(deps: Sources, connection: Connection): Promise<ConnectionView> {
  const { syncFromDate } = connection;
  const [running, needsPerson, nextRuns, unreconciled, budget] = await Promise.all([
    runningWork(deps, connection.id),
    whatNeedsPerson(deps, connection),
    nextRunsOf(deps, connection),
    deps.payments.unreconciled(connection.id),
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
    warnings: warningsOf(unreconciled),
    backfilledAt: connection.backfilledAt,
    running,
    nextRuns,
    budget,
    createdAt: connection.createdAt,
  };
}

function explained({ code, at }: NonNullable<Connection['lastError']>): NonNullable<ConnectionView['lastError']> {
  const { message, remedy } = connectionCodes[code];
  return { code, message, remedy, at };
}

async function runningWork(deps: Sources, connectionId: string): Promise<ConnectionView['running']> {
  const latest = await Promise.all(runKinds.map((kind) => deps.runs.latest(connectionId, kind)));
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

const listed = 'GET /v1/companies/{company}/documents?state=';

/** What support looks into; the counts are of streams, records and documents, never what they hold. */
async function whatNeedsPerson(deps: Sources, connection: Connection): Promise<ConnectionView['needsPerson']> {
  const [streams, documents] = await Promise.all([
    deps.mirror.progress(connection.id),
    deps.documents.needingPerson(connection.id),
  ]);
  const setAside = streams.reduce((sum, stream) => sum + stream.setAside, 0);
  const failed = streams.filter(({ status }) => status === 'failed').length;
  return [
    { reason: 'streamsFailed', count: failed, remedy: 'GET …/backfill names them and their last errors.' },
    { reason: 'recordsSetAside', count: setAside, remedy: 'GET …/records/{stream}?setAside=true shows them.' },
    { reason: 'documentsHeld', count: documents.held, remedy: `${listed}held lists them, POST …/decide settles one.` },
    { reason: 'documentsFailed', count: documents.failed, remedy: `${listed}failed lists them with what is wrong.` },
  ].filter(({ count }) => count > 0);
}

function warningsOf({ overdue }: Unreconciled): string[] {
  if (overdue === 0) return [];
  const which = overdue === 1 ? '1 payment in Xero is' : `${overdue} payments in Xero are`;
  return [`${which} older than 24 hours and not imported: GET …/payment-imports says why.`];
}

/** But for the half hour over which the syncs of one time are spread. */
async function nextRunsOf(deps: Sources, connection: Connection): Promise<ConnectionView['nextRuns']> {
  const at = (await deps.settings.get(connection.id))?.nightlyTime;
  const nightly = at === undefined ? null : nightlyOf(connection, at);
  return { nightly: nightly === null ? null : (nextNightly(nightly, deps.now())?.toISOString() ?? null) };
}
