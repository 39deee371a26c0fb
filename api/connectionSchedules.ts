/** The schedules of each connection, on Temporal: its nights, and its weekly second look. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
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
  weeklyJitterMs,
} from '../domain/nightly.js';
import type { Connection, ConnectionSchedules, Connections, SettingsStore } from '../domain/ports.js';
import {
  nightlyWorkflowName,
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

/** What a connection has running by the clock. Another schedule is another row. */
const rows = [
  {
    id: scheduleIds.nightly,
    workflow: nightlyWorkflowName,
    starts: 'the sync',
    jitterMs: nightlyJitterMs,
    dayOfWeek: () => undefined,
  },
  {
    id: scheduleIds.weekly,
    workflow: weeklyWorkflowName,
    starts: 'the second look',
    jitterMs: weeklyJitterMs,
    dayOfWeek: (connectionId: string) => weekdayOf(connectionId),
  },
] as const;
type Row = (typeof rows)[number];

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away, and pg's errors when Postgres is.
 */
export function createConnectionSchedules(
  client: Client,
  truth: Truth,
  taskQueue = readingTaskQueue,
): ConnectionSchedules {
  const nightlyFor = async (connection: Connection | null): Promise<Nightly | null> => {
    const at = connection && (await truth.settings.get(connection.id))?.nightlyTime;
    return connection && at ? nightlyOf(connection, at) : null;
  };
  const put = (row: Row, connection: Connection, nightly: Nightly | null): Promise<void> =>
    withinTime(client, () =>
      nightly === null
        ? remove(client, row.id(connection.id))
        : make(client, scheduleOf(row, connection, nightly, taskQueue)),
    );

  return {
    async keep(connectionId) {
      const connection = await truth.connections.get(connectionId);
      const nightly = await nightlyFor(connection);
      for (const row of rows) {
        if (connection === null) await withinTime(client, () => remove(client, row.id(connectionId)));
        else await put(row, connection, nightly);
      }
    },

    async repair() {
      const counts = { repaired: 0, removed: 0, failed: 0 };
      const found = await schedulesIn(client);
      for await (const connection of all(truth.connections)) {
        const nightly = await nightlyFor(connection);
        for (const row of rows) {
          const schedule = found.get(row.id(connection.id));
          found.delete(row.id(connection.id));
          if (!stands(schedule, nightly)) await count(counts, 'repaired', () => put(row, connection, nightly));
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

function scheduleOf(row: Row, connection: Connection, nightly: Nightly, taskQueue: string): ScheduleOptions {
  const { id: connectionId, companyId } = connection;
  const [hour, minute] = nightly.at.split(':').map(Number);
  const dayOfWeek = row.dayOfWeek(connectionId);
  const input: StarterInput = { connectionId, companyId };
  return {
    scheduleId: row.id(connectionId),
    spec: {
      calendars: [{ hour, minute, ...(dayOfWeek && { dayOfWeek }) }],
      timezone: nightly.timeZone,
      jitter: row.jitterMs,
    },
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
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: nightlyCatchupMs },
    state: { paused: nightly.paused, note: nightlyNote(nightly) },
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
function stands(schedule: ScheduleSummary | undefined, nightly: Nightly | null): boolean {
  if (schedule === undefined || nightly === null) return schedule === undefined && nightly === null;
  const [hour, minute] = nightly.at.split(':').map(Number);
  const { spec, state } = schedule;
  const [calendar, ...more] = spec?.calendars ?? [];
  const runsAt = calendar?.hour?.[0]?.start === hour && calendar?.minute?.[0]?.start === minute && more.length === 0;
  return runsAt && spec?.timezone === nightly.timeZone && state.paused === nightly.paused;
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
