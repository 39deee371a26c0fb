import { startOfDay } from '../domain/calendar.js';
import type { ConnectionCode } from '../domain/codes.js';
import { type ConnectionStatus, type Direction, isLiving } from '../domain/connection.js';
import type {
  ConnectionSchedules,
  Connections,
  ConnectionWork,
  Locations,
  Mirror,
  OrganisationFacts,
  OutboxBells,
  RunKind,
  RunOutcome,
  Runs,
} from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { guarded } from './failures.js';

export interface BookkeepingPorts {
  connections: Connections;
  locations: Pick<Locations, 'awaited'>;
  runs: Runs;
  mirror: Mirror;
  schedules: Pick<ConnectionSchedules, 'keep'>;
  outboxBells: Pick<OutboxBells, 'ofConnection'>;
  work: Pick<ConnectionWork, 'ringOutbox'>;
  /** Reads the facts out of a mirrored Organisation record. */
  organisationFacts: (body: string) => OrganisationFacts;
}

export interface RunReference {
  workflowId: string;
  /** First execution run id. */
  runId: string;
  kind: RunKind;
  connectionId: string;
}

export interface ConnectionFacts {
  companyId: string;
  direction: Direction;
  syncFromDate: { chosen: boolean; date: string | null };
  /** Is the first full read done? */
  backfilled: boolean;
  /** Optional streams that were chosen. */
  optionalStreams: StreamName[];
  /** When the Sync From Date begins in the organisation's time zone; null where it is not chosen, or all history. */
  startsAt: string | null;
}

/** Activities that keep the books of runs and connections. Each is a short transaction that may be repeated. */
export function createBookkeepingActivities(ports: BookkeepingPorts) {
  return guarded({
    /**
     * @returns when the run was first noted; null when the connection was disconnected or bound anew since: then it is not
     * to go on, another run does.
     */
    async startRun(run: RunReference): Promise<string | null> {
      const { startedAt, open } = await ports.runs.start(run);
      const connection = await ports.connections.get(run.connectionId);
      return open && connection && isLiving(connection.status) ? startedAt : null;
    },

    async facts(connectionId: string): Promise<ConnectionFacts> {
      const connection = await ports.connections.get(connectionId);
      if (!connection) throw new Error('no such connection');
      const { date } = connection.syncFromDate;
      const timeZone = connection.organisation?.timeZone;
      return {
        companyId: connection.companyId,
        direction: connection.direction,
        syncFromDate: connection.syncFromDate,
        backfilled: connection.backfilledAt !== null,
        optionalStreams: connection.optionalStreams,
        startsAt: date && timeZone ? startOfDay(date, timeZone).toISOString() : null,
      };
    },

    /** Takes the time zone and the base currency from the organisation's mirrored record. */
    async learnOrganisation(connectionId: string): Promise<void> {
      const connection = await ports.connections.get(connectionId);
      const id = connection?.organisation?.id;
      if (!id) throw new Error('no organisation');
      const { data } = await ports.mirror.records(id, 'organisation', { limit: 1 });
      if (data[0]) await ports.connections.saveOrganisationFacts(id, ports.organisationFacts(data[0].body));
      // Its time zone says when the night is.
      await ports.schedules.keep(connectionId);
    },

    /** How many locations of the company are still to be connected; none where it syncs as a whole. */
    async awaitedLocations(connectionId: string): Promise<number> {
      const connection = await ports.connections.get(connectionId);
      if (connection === null || connection.locations === null) return 0;
      return (await ports.locations.awaited(connection.companyId)).length;
    },

    async enterStatus(run: RunReference, status: ConnectionStatus): Promise<void> {
      await ports.connections.moveByRun(run.connectionId, run.runId, status);
    },

    /** Shows that the run sleeps, and until when. */
    async sleepBegins(run: RunReference, reason: string, until: string): Promise<void> {
      await ports.runs.beginSleep(run.runId, reason, until);
      await ports.connections.setSleeping(run.connectionId, until);
    },

    async sleepEnds(run: RunReference): Promise<void> {
      await ports.runs.endSleep(run.runId);
      await ports.connections.setSleeping(run.connectionId, null);
    },

    /** Whole minutes in which the run stored no page; its sleeps do not count. */
    async minutesWithoutPage(runId: string): Promise<number> {
      return await ports.runs.minutesWithoutPage(runId);
    },

    /** Repeated after a death in the middle it does the rest; a run that was closed from outside changes nothing more. */
    async endRun(run: RunReference, outcome: RunOutcome): Promise<void> {
      if (!(await ports.runs.isOpen(run.runId))) return;
      // Another run of the connection may be asleep while this one ends.
      if (await ports.runs.isAsleep(run.runId)) await ports.connections.setSleeping(run.connectionId, null);
      await ports.runs.endSleep(run.runId);
      await noteOutcome(ports, run, outcome);
      await ports.runs.end(run.runId, outcome);
    },
  });
}

/** Has a run of the kind just read every stream, so that its end is a successful sync? The others mend nothing. */
const bringsUpToDate: Readonly<Record<RunKind, boolean>> = {
  backfill: true,
  sync: true,
  webhook: false,
  secondLook: false,
  paymentImport: false,
  preview: true,
  export: false,
};

/** What the connection shows of a run that has ended. */
async function noteOutcome(ports: BookkeepingPorts, run: RunReference, outcome: RunOutcome): Promise<void> {
  const { connections, schedules } = ports;
  const { connectionId, runId, kind } = run;
  const isBackfill = kind === 'backfill';
  if (outcome === 'completed') {
    if (isBackfill) {
      await connections.moveByRun(connectionId, runId, 'active');
      await schedules.keep(connectionId);
    }
    if (!bringsUpToDate[kind]) return;
    await connections.recordSuccess(connectionId);
    await ringOutbox(ports, connectionId);
    return;
  }
  if (outcome === 'cancelled') {
    if (isBackfill) await connections.moveByRun(connectionId, runId, 'paused');
    return;
  }
  // First the reason: whoever sees the status finds it.
  await connections.recordError(connectionId, outcome as ConnectionCode);
  if (outcome !== 'xero_auth_failed') return;
  const connection = await connections.get(connectionId);
  if (connection?.grantId) await connections.refused(connectionId, connection.grantId);
  await schedules.keep(connectionId);
}

/** What was saved before the connection was ready goes now, and what a bell that was lost left lying. */
async function ringOutbox(
  { outboxBells, work }: Pick<BookkeepingPorts, 'outboxBells' | 'work'>,
  connectionId: string,
): Promise<void> {
  const bell = await outboxBells.ofConnection(connectionId);
  if (bell !== null) await work.ringOutbox(bell);
}
