/** The schedules of each connection, on Temporal: its nights, and its weekly second look. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  type ScheduleSpecDescription,
  type ScheduleSummary,
} from '@temporalio/client';
import { readingTaskQueue, scheduleIds } from '../domain/names.js';
import {
  type Nightly,
  nightlyCatchupMs,
  nightlyJitterMs,
  nightlyNote,
  nightlyOf,
  weekdayOf,
  type weekdays,
  weeklyJitterMs,
} from '../domain/nightly.js';
import type { Connection, ConnectionSchedules, Connections, SettingsStore } from '../domain/ports.js';
import type { Settings } from '../domain/settings.js';
import {
  nightlyWorkflowName,
  paymentsWorkflowName,
  type StarterInput,
  searchAttributeKeys,
  weeklyWorkflowName,
} from '../workflows/contract.js';
import { withinTime } from './temporal.js';

interface Truth {
  connections: Pick<Connections, 'get' | 'list'>;
  settings: Pick<SettingsStore, 'get'>;
}

const pageSize = 200;
const hourMs = 3_600_000;

/** How a schedule is to stand. */
interface Wanted {
  spec: ScheduleSpec;
  /** Milliseconds after its time within which one that was missed is made up for. */
  catchupMs: number;
  paused: boolean;
  note: string;
}

/** What a connection has running by the clock. Another schedule is another row. */
interface Row {
  id(connectionId: string): string;
  workflow: string;
  starts: string;
  /** Null: there is to be none. */
  wanted(connection: Connection, settings: Settings): Wanted | null;
}

const rows: readonly Row[] = [
  {
    id: scheduleIds.nightly,
    workflow: nightlyWorkflowName,
    starts: 'the sync',
    wanted: (connection, settings) => atNight(nightlyOf(connection, settings.nightlyTime), nightlyJitterMs),
  },
  {
    id: scheduleIds.weekly,
    workflow: weeklyWorkflowName,
    starts: 'the second look',
    wanted: (connection, settings) =>
      atNight(nightlyOf(connection, settings.nightlyTime), weeklyJitterMs, weekdayOf(connection.id)),
  },
  {
    id: scheduleIds.payments,
    workflow: paymentsWorkflowName,
    starts: 'the payment import',
    wanted: everyFewHours,
  },
];

function atNight(nightly: Nightly | null, jitter: number, dayOfWeek?: (typeof weekdays)[number]): Wanted | null {
  if (nightly === null) return null;
  const [hour = 0, minute = 0] = nightly.at.split(':').map(Number);
  return {
    spec: {
      calendars: [{ hour, minute, ...(dayOfWeek && { dayOfWeek }) }],
      timezone: nightly.timeZone,
      jitter,
    },
    catchupMs: nightlyCatchupMs,
    paused: nightly.paused,
    note: nightlyNote(nightly),
  };
}

/** From the end of the first full read on, while payments are wanted. One run does what several missed ones would have done. */
function everyFewHours(connection: Connection, { paymentsIn, paymentsInEveryHours }: Settings): Wanted | null {
  if (!paymentsIn || connection.status !== 'active') return null;
  const every = paymentsInEveryHours * hourMs;
  return {
    // The offset spreads the connections over the hours between two runs.
    spec: { intervals: [{ every, offset: Number.parseInt(connection.id.slice(0, 8), 16) % every }] },
    catchupMs: hourMs,
    paused: false,
    note: `Every ${paymentsInEveryHours} h.`,
  };
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away, and pg's errors when Postgres is.
 */
export function createConnectionSchedules(
  client: Client,
  truth: Truth,
  taskQueue = readingTaskQueue,
): ConnectionSchedules {
  const put = (row: Row, connection: Connection, wanted: Wanted | null): Promise<void> =>
    withinTime(client, () =>
      wanted === null
        ? remove(client, row.id(connection.id))
        : make(client, scheduleOf(row, connection, wanted, taskQueue)),
    );

  return {
    async keep(connectionId) {
      const connection = await truth.connections.get(connectionId);
      const settings = await truth.settings.get(connectionId);
      for (const row of rows) {
        if (connection === null || settings === null)
          await withinTime(client, () => remove(client, row.id(connectionId)));
        else await put(row, connection, row.wanted(connection, settings));
      }
    },

    async repair() {
      const counts = { repaired: 0, removed: 0, failed: 0 };
      const found = await schedulesIn(client);
      for await (const connection of all(truth.connections)) {
        const settings = await truth.settings.get(connection.id);
        for (const row of rows) {
          const schedule = found.get(row.id(connection.id));
          found.delete(row.id(connection.id));
          const wanted = settings && row.wanted(connection, settings);
          if (!stands(schedule, wanted)) await count(counts, 'repaired', () => put(row, connection, wanted));
        }
      }
      for (const scheduleId of found.keys()) await count(counts, 'removed', () => remove(client, scheduleId));
      return counts;
    },
  };
}

async function count<Name extends string>(
  counts: Record<Name | 'failed', number>,
  done: Name,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
    counts[done]++;
  } catch {
    counts.failed++;
  }
}

function scheduleOf(row: Row, connection: Connection, wanted: Wanted, taskQueue: string): ScheduleOptions {
  const { id: connectionId, companyId } = connection;
  const input: StarterInput = { connectionId, companyId };
  return {
    scheduleId: row.id(connectionId),
    spec: wanted.spec,
    action: {
      type: 'startWorkflow',
      workflowType: row.workflow,
      workflowId: row.id(connectionId),
      taskQueue,
      args: [input],
      typedSearchAttributes: [
        { key: searchAttributeKeys.company, value: companyId },
        { key: searchAttributeKeys.connection, value: connectionId },
      ],
      staticSummary: `Starts ${row.starts} · company ${companyId}`,
      staticDetails: `Starts ${row.starts} of connection \`${connectionId}\`, or joins the one in hand.`,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: wanted.catchupMs },
    state: { paused: wanted.paused, note: wanted.note },
  };
}

async function make(client: Client, schedule: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { paused = false, note } = schedule.state ?? {};
    await client.schedule.getHandle(schedule.scheduleId).update(() => ({ ...schedule, state: { paused, note } }));
  }
}

async function remove(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** The schedules of connections, by id. What was made a moment ago may be missing; making it again changes nothing. */
async function schedulesIn(client: Client): Promise<Map<string, ScheduleSummary>> {
  const found = new Map<string, ScheduleSummary>();
  for await (const schedule of client.schedule.list()) {
    if (rows.some(({ id }) => schedule.scheduleId.startsWith(id('')))) found.set(schedule.scheduleId, schedule);
  }
  return found;
}

/** Is the schedule as the connection wants it? */
function stands(schedule: ScheduleSummary | undefined, wanted: Wanted | null): boolean {
  if (schedule === undefined || wanted === null) return schedule === undefined && wanted === null;
  const { spec, state } = schedule;
  return spec !== undefined && sameTimes(spec, wanted.spec) && state.paused === wanted.paused;
}

function sameTimes(
  found: ScheduleSpecDescription,
  { calendars = [], intervals = [], timezone }: ScheduleSpec,
): boolean {
  const [calendar] = calendars;
  const [interval] = intervals;
  if (found.calendars?.length !== calendars.length || found.intervals?.length !== intervals.length) return false;
  const atHour = found.calendars?.[0]?.hour?.[0]?.start === calendar?.hour;
  const atMinute = found.calendars?.[0]?.minute?.[0]?.start === calendar?.minute;
  return atHour && atMinute && found.timezone === timezone && found.intervals?.[0]?.every === interval?.every;
}

async function* all(connections: Pick<Connections, 'list'>): AsyncGenerator<Connection> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Connections['list']>> = await connections.list({
      limit: pageSize,
      ...(cursor !== null && { cursor }),
    });
    yield* page.data;
    cursor = page.nextCursor;
  } while (cursor !== null);
}
