/** The schedules of the nightly syncs, on Temporal. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSummary,
} from '@temporalio/client';
import { readingTaskQueue, scheduleIds } from '../domain/names.js';
import { type Nightly, nightlyCatchupMs, nightlyJitterMs, nightlyNote, nightlyOf } from '../domain/nightly.js';
import type { Connection, Connections, Nightlies, SettingsStore } from '../domain/ports.js';
import { nightlyWorkflowName, searchAttributeKeys } from '../workflows/contract.js';
import { withinTime } from './temporal.js';

interface Truth {
  connections: Pick<Connections, 'get' | 'list'>;
  settings: Pick<SettingsStore, 'get'>;
}

const pageSize = 200;

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away, and pg's errors when Postgres is.
 */
export function createNightlies(client: Client, truth: Truth, taskQueue = readingTaskQueue): Nightlies {
  const keep = async (connection: Connection | null, connectionId: string): Promise<void> => {
    const at = (await truth.settings.get(connectionId))?.nightlyTime;
    const nightly = connection === null || at === undefined ? null : nightlyOf(connection, at);
    await withinTime(client, () =>
      nightly === null || connection === null
        ? remove(client, scheduleIds.nightly(connectionId))
        : put(client, scheduleOf(connection, nightly, taskQueue)),
    );
  };

  return {
    keep: async (connectionId) => keep(await truth.connections.get(connectionId), connectionId),

    async repair() {
      const counts = { repaired: 0, removed: 0, failed: 0 };
      const found = await schedulesIn(client);
      for await (const connection of all(truth.connections)) {
        const schedule = found.get(scheduleIds.nightly(connection.id));
        found.delete(scheduleIds.nightly(connection.id));
        const at = (await truth.settings.get(connection.id))?.nightlyTime ?? '';
        if (stands(schedule, nightlyOf(connection, at))) continue;
        await count(counts, 'repaired', () => keep(connection, connection.id));
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

function scheduleOf(connection: Connection, nightly: Nightly, taskQueue: string): ScheduleOptions {
  const [hour, minute] = nightly.at.split(':').map(Number);
  const input = { connectionId: connection.id, companyId: connection.companyId };
  return {
    scheduleId: scheduleIds.nightly(connection.id),
    spec: { calendars: [{ hour, minute }], timezone: nightly.timeZone, jitter: nightlyJitterMs },
    action: {
      type: 'startWorkflow',
      workflowType: nightlyWorkflowName,
      workflowId: scheduleIds.nightly(connection.id),
      taskQueue,
      args: [input],
      typedSearchAttributes: [
        { key: searchAttributeKeys.company, value: connection.companyId },
        { key: searchAttributeKeys.connection, value: connection.id },
      ],
      staticSummary: `Nightly start · company ${connection.companyId}`,
      staticDetails: `Starts the sync of connection \`${connection.id}\`, or joins the one in hand.`,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: nightlyCatchupMs },
    state: { paused: nightly.paused, note: nightlyNote(nightly) },
  };
}

async function put(client: Client, schedule: ScheduleOptions): Promise<void> {
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

/** The schedules of nightly syncs, by id. What was made a moment ago may be missing; making it again changes nothing. */
async function schedulesIn(client: Client): Promise<Map<string, ScheduleSummary>> {
  const found = new Map<string, ScheduleSummary>();
  for await (const schedule of client.schedule.list()) {
    if (schedule.scheduleId.startsWith(scheduleIds.nightly(''))) found.set(schedule.scheduleId, schedule);
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
