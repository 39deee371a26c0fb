import { ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scheduleIds } from '../../domain/names.js';
import type { Books } from '../support/books.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

let system: System;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
});
afterAll(() => system?.stop());

const counts = { contacts: 20, invoices: 40 };
const scheduleOf = ({ id }: Books) => system.client.schedule.getHandle(scheduleIds.nightly(id));

async function read(timezone = 'NEWZEALANDSTANDARDTIME'): Promise<Books> {
  const books = await system.connect(await system.organisation({ counts, timezone }));
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  return books;
}

const isGone = async (books: Books): Promise<boolean> =>
  scheduleOf(books)
    .describe()
    .then(
      () => false,
      (error: unknown) => error instanceof ScheduleNotFoundError,
    );

interface RunView {
  kind: string;
  outcome: string;
  streams: Record<string, { created: number; changed: number; unchanged: number }>;
}
const runsOf = async ({ id }: Books) => (await system.api.get<{ data: RunView[] }>(`/connections/${id}/runs`)).data;

test.each([
  ['NEWZEALANDSTANDARDTIME', 'Pacific/Auckland'],
  ['AUSEASTERNSTANDARDTIME', 'Australia/Sydney'],
  ['GMTSTANDARDTIME', 'Europe/London'],
  ['EASTERNSTANDARDTIME', 'America/New_York'],
])('the schedule comes with its connection, in the zone of the organisation: %s', async (timezone, iana) => {
  const books = await read(timezone);
  const { spec, policies, state } = await scheduleOf(books).describe();
  expect(spec).toMatchObject({ timezone: iana, jitter: 1_800_000 });
  expect(spec.calendars?.[0]).toMatchObject({ hour: [{ start: 4 }], minute: [{ start: 0 }] });
  expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 21_600_000 });
  expect(state).toMatchObject({ paused: false, note: `At 04:00 in ${iana}.` });
});

test('it reads what changed, and a night that finds a sync in hand joins it', async () => {
  const books = await read();
  const edit = { stream: 'invoices', op: 'edit', nth: 3 };
  await system.xero('POST', `/organisations/${books.organisation}/edits`, [edit]);
  await scheduleOf(books).trigger(ScheduleOverlapPolicy.SKIP);
  const [run] = await eventually(
    'the night is over',
    () => runsOf(books),
    ([latest]) => latest?.kind === 'sync' && latest.outcome !== 'running',
  );
  expect(run).toMatchObject({ outcome: 'completed', streams: { invoices: { created: 0, changed: 1 } } });

  const held = { kind: 'timeout', match: { tenantId: books.organisation, path: 'Contacts' } };
  await system.xero('POST', '/faults', [held]);
  const inHand = await system.api.post<{ runId: string }>(`/connections/${books.id}/sync`, {});
  await scheduleOf(books).trigger(ScheduleOverlapPolicy.SKIP);
  const { info } = await eventually(
    'the night has started',
    () => scheduleOf(books).describe(),
    (now) => now.info.numActionsTaken === 2,
  );
  const started = info.recentActions.at(-1)?.action.workflow.workflowId ?? '';
  expect(await system.client.workflow.getHandle(started).result()).toEqual({ alreadyRunning: true });
  await system.client.workflow.getHandle(`sync:${books.id}`, inHand.runId).cancel();
  await system.xero('DELETE', '/faults');
});

test('it changes with the setting, goes with a disconnect, and comes back with a reconnect', async () => {
  const books = await read();
  await system.api.patch(`/connections/${books.id}/settings`, { nightlyTime: '22:15' });
  expect((await scheduleOf(books).describe()).spec.calendars?.[0]).toMatchObject({
    hour: [{ start: 22 }],
    minute: [{ start: 15 }],
  });
  const { nextRuns } = await system.api.get<{ nextRuns: { nightly: string } }>(`/connections/${books.id}`);
  expect(nextRuns.nightly).toMatch(/T(09|10):15:00/);

  await system.api.post(`/connections/${books.id}/disconnect`, {});
  expect(await isGone(books)).toBe(true);
  await books.reconnect();
  expect(await isGone(books)).toBe(false);
});

test('housekeeping puts right what somebody edited or lost in Temporal', async () => {
  const [edited, lost, orphan] = [await read(), await read(), await read()];
  await scheduleOf(edited).update(({ spec: _spec, ...rest }) => ({
    ...rest,
    spec: { calendars: [{ hour: 13 }], timezone: 'UTC' },
  }));
  await scheduleOf(lost).delete();
  await system.database.pool.query(`UPDATE connection SET status = 'disconnected' WHERE id = $1`, [orphan.id]);
  const housekeeping = () =>
    system.client.workflow.execute('housekeeping', {
      taskQueue: 'nightledger-reading',
      workflowId: `housekeeping-${performance.now()}`,
    }) as Promise<{ repairSchedules: { repaired: number; removed: number; failed: number } }>;
  await eventually(
    'Temporal lists what it has',
    async () => {
      await housekeeping();
      return [await isGone(edited), await isGone(lost), await isGone(orphan)];
    },
    (gone) => gone.join() === 'false,false,true',
  );
  expect((await scheduleOf(edited).describe()).spec).toMatchObject({
    timezone: 'Pacific/Auckland',
    calendars: [{ hour: [{ start: 4 }] }],
  });
});
