import { startOfDay } from '../domain/calendar.js';
import type { ConnectionCode } from '../domain/codes.js';
import type { ConnectionStatus, Direction } from '../domain/connection.js';
import type { Connections, Mirror, OrganisationFacts, RunKind, RunOutcome, Runs } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { again, kindOf } from './failures.js';

export interface BookkeepingPorts {
  connections: Connections;
  runs: Runs;
  mirror: Mirror;
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
  /** Optional streams that were chosen. */
  optionalStreams: StreamName[];
  /** When the Sync From Date begins in the organisation's time zone; null where it is not chosen, or all history. */
  startsAt: string | null;
}

/** Activities that keep the books of runs and connections. Each is a short transaction that may be repeated. */
export function createBookkeepingActivities(ports: BookkeepingPorts) {
  return guarded({
    async startRun(run: RunReference): Promise<void> {
      await ports.runs.start(run);
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
    },

    async enterStatus(connectionId: string, status: ConnectionStatus): Promise<void> {
      await ports.connections.move(connectionId, status);
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

    async endRun(run: RunReference, outcome: RunOutcome): Promise<void> {
      await ports.connections.setSleeping(run.connectionId, null);
      await ports.runs.endSleep(run.runId);
      if (outcome === 'completed') {
        await ports.connections.move(run.connectionId, 'active');
        await ports.connections.recordSuccess(run.connectionId);
      } else if (outcome === 'xero_auth_failed') {
        await ports.connections.move(run.connectionId, 'authFailed');
      } else if (outcome === 'cancelled') {
        await ports.connections.move(run.connectionId, 'paused');
      }
      if (outcome !== 'completed' && outcome !== 'cancelled') {
        await ports.connections.recordError(run.connectionId, outcome as ConnectionCode);
      }
      await ports.runs.end(run.runId, outcome);
    },
  });
}

const retryMs = 1000;

type Activity = (...args: never[]) => Promise<unknown>;

/** Whatever Postgres says may hold a customer's data: only its kind leaves the activity. */
function guarded<T extends Record<string, Activity>>(activities: T): T {
  const guard = (activity: Activity): Activity =>
    ((...args: never[]) =>
      activity(...args).catch((error: unknown) => {
        throw again('fault', retryMs, kindOf(error));
      })) as Activity;
  return Object.fromEntries(Object.entries(activities).map(([name, activity]) => [name, guard(activity)])) as T;
}
