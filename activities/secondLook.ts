import { cancellationSignal } from '@temporalio/activity';
import type { CallBudget, Connections } from '../domain/ports.js';
import { XeroRefusal } from '../domain/problems.js';
import { hasCallsToSpare, isCounted, secondLookEveryMs, secondLookStreams } from '../domain/secondLook.js';
import { idsPerCall, type StreamName, streams } from '../domain/streams.js';
import { beating } from './beating.js';
import { callContext, connected } from './connected.js';
import { guarded } from './failures.js';
import { pageQuery } from './pageQuery.js';
import type { ReadingPorts } from './reading.js';
import { whatFollows } from './references.js';

export interface SecondLookPorts extends ReadingPorts {
  connections: Pick<Connections, 'get' | 'noteSecondLook'> & ReadingPorts['connections'];
  budget: Pick<CallBudget, 'look'>;
}

export interface SecondLookInput {
  connectionId: string;
  /** First execution run id of the run that looks. */
  runId: string;
}

export interface Counted {
  /** Records that Xero says there are, and that the mirror has in scope. */
  xero: number;
  mirror: number;
}

export interface AuditResult {
  outcome: 'complete' | 'sleep';
  until: string | null;
  /** The streams that were counted; one that Xero would not count is absent. */
  counted: Partial<Record<StreamName, Counted>>;
  /** Those that are to be looked at again: all once they are due, otherwise those whose counts differ. */
  lookAt: StreamName[];
  /** Is everything to be looked at again? */
  due: boolean;
}

export interface VerifyInput extends SecondLookInput {
  stream: StreamName;
  /** Records that no page has shown since then are asked for by id. */
  since: string;
}

export interface VerifyResult {
  outcome: 'complete' | 'sleep';
  until: string | null;
  /** Records that are gone from Xero. */
  deleted: number;
}

const waitForSparesMs = 3_600_000;

/** Activities of the second look. Each may be repeated. */
export function createSecondLookActivities(ports: SecondLookPorts) {
  return guarded({
    /** Until when to leave the day's calls to others; null when there are calls to spare. */
    async waitForSpares(connectionId: string): Promise<string | null> {
      const { organisation } = await connected(ports.connections, connectionId, `connection ${connectionId}`);
      const { day } = await ports.budget.look(organisation.id);
      if (hasCallsToSpare(day)) return null;
      return day.resetsAt ?? new Date(Date.parse(await ports.mirror.now()) + waitForSparesMs).toISOString();
    },

    async noteSecondLook(connectionId: string): Promise<void> {
      await ports.connections.noteSecondLook(connectionId);
    },

    /**
     * Asks Xero once a stream how many records there are from the Sync From Date on, and compares.
     * @throws ApplicationFailure as readStream does
     */
    async auditStreams(input: SecondLookInput): Promise<AuditResult> {
      return await beating(() => audit(ports, input));
    },

    /**
     * Records that a complete reading has not shown are asked for by id: what Xero answers is stored, wherever its date lies,
     * and what it does not answer is gone.
     * @throws ApplicationFailure as readStream does
     */
    async verifyAbsent(input: VerifyInput): Promise<VerifyResult> {
      return await beating(() => verify(ports, input));
    },
  });
}

async function audit(ports: SecondLookPorts, { connectionId, runId }: SecondLookInput): Promise<AuditResult> {
  const about = `connection ${connectionId}, audit`;
  const connection = await connected(ports.connections, connectionId, about);
  const chosen = secondLookStreams(connection.optionalStreams);
  const counted: AuditResult['counted'] = {};
  try {
    for (const stream of chosen.filter((name) => isCounted(streams[name]))) {
      const xero = await countInXero(ports, connection, runId, stream);
      if (xero === null) continue;
      counted[stream] = { xero, mirror: await ports.mirror.countInScope(connection.organisation.id, stream) };
    }
  } catch (error) {
    return { ...(await whatFollows(ports, error, about)), counted, lookAt: [], due: false };
  }
  const now = Date.parse(await ports.mirror.now());
  const last = connection.secondLookAt ?? connection.backfilledAt;
  const due = last !== null && now - Date.parse(last) >= secondLookEveryMs;
  const differing = chosen.filter((stream) => counted[stream] && counted[stream].xero !== counted[stream].mirror);
  return { outcome: 'complete', until: null, counted, lookAt: due ? chosen : differing, due };
}

/** Null where Xero does not count: a list that it refuses without a narrower filter, or a stream that is not to be had. */
async function countInXero(
  ports: SecondLookPorts,
  connection: Awaited<ReturnType<typeof connected>>,
  runId: string,
  name: StreamName,
): Promise<number | null> {
  const stream = streams[name];
  const range = { from: stream.dateFilter === null ? null : connection.syncFromDate.date, before: null };
  const call = { pass: 'audit', page: 1, pageSize: 1, orderById: false, range, since: null, offset: 0 } as const;
  try {
    const context = callContext(connection, runId, 'background');
    return (await ports.xero.readPage(context, name, pageQuery(stream, call), cancellationSignal())).itemCount;
  } catch (error) {
    if (error instanceof XeroRefusal && error.kind !== 'authFailed') return null;
    throw error;
  }
}

async function verify(ports: SecondLookPorts, input: VerifyInput): Promise<VerifyResult> {
  const { connectionId, runId, stream, since } = input;
  const about = `connection ${connectionId}, stream ${stream}`;
  const connection = await connected(ports.connections, connectionId, about);
  if (streams[stream].byId === null) return { outcome: 'complete', until: null, deleted: 0 };
  const { mirror, xero } = ports;
  const organisationId = connection.organisation.id;
  let [after, deleted] = ['', 0];
  try {
    for (;;) {
      const ids = await mirror.notSeenSince(organisationId, stream, since, after, idsPerCall(streams[stream]));
      if (ids.length === 0) return { outcome: 'complete', until: null, deleted };
      const readAt = await mirror.now();
      const context = callContext(connection, runId, 'background');
      const { text } = await xero.readPage(context, stream, { ids }, cancellationSignal());
      const page = { organisationId, text, readAt, syncFromDate: connection.syncFromDate.date };
      await mirror.storeReferences(stream, page);
      const answered = idsIn(text, stream);
      const gone = ids.filter((id) => !answered.has(id.toLowerCase()));
      deleted += await mirror.markDeleted(organisationId, stream, gone, readAt);
      after = ids.at(-1) as string;
    }
  } catch (error) {
    return { ...(await whatFollows(ports, error, about)), deleted };
  }
}

function idsIn(text: string, stream: StreamName): Set<string> {
  const { collection, idField } = streams[stream];
  const rows = (JSON.parse(text) as Record<string, Record<string, string>[]>)[collection] ?? [];
  return new Set(rows.map((row) => (row[idField] ?? '').toLowerCase()));
}
