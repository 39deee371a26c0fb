import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAway } from '../../api/away.js';
import type { StartedRun } from '../../api/backfillControl.js';
import { createBackfillControl, createOutboxControl } from '../../api/temporal.js';
import { workflowIds } from '../../domain/names.js';

let client: Client;
const started: string[] = [];
beforeAll(async () => {
  client = new Client({ connection: await Connection.connect({ address: process.env.TEST_TEMPORAL_ADDRESS ?? '' }) });
});
afterAll(async () => {
  // Not all of them run still.
  for (const id of started.flatMap((each) => [workflowIds.backfill(each), workflowIds.outbox(each)]))
    await client.workflow
      .getHandle(id)
      .terminate()
      .catch(() => undefined);
  await client.connection.close();
});

/** On a queue that nobody serves: the run stays where its start left it. */
const control = () => createBackfillControl(client, randomUUID());
const backfill = (more = {}) => {
  const connectionId = randomUUID();
  started.push(connectionId);
  const askedBy = { requestId: null, actor: null };
  return { connectionId, companyId: 'fern-42', syncFromDate: { chosen: true, date: '2025-04-01' }, askedBy, ...more };
};

test('a start at once from many sides starts one run, and all are told of it', async () => {
  const [backfills, wanted] = [control(), backfill()];
  const runs = await Promise.all(Array.from({ length: 8 }, () => backfills.start(wanted)));
  expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBe(1);
  expect(runs[0]).toEqual({
    workflowId: `backfill:${wanted.connectionId}`,
    runId: expect.any(String),
    askedBy: { requestId: null, actor: null },
  });
});

test('support staff see the company and the range, find it by ids, and there is no memo of a request when nobody asked', async () => {
  const wanted = backfill();
  await control().start(wanted);
  const description = await client.workflow.getHandle(workflowIds.backfill(wanted.connectionId)).describe();
  expect(await description.staticSummary()).toBe('First full read · company fern-42 · from 2025-04-01');
  expect(await description.staticDetails()).toContain(wanted.connectionId);
  expect(description.memo ?? {}).toEqual({});
  expect(description.searchAttributes).toMatchObject({
    NightledgerCompany: ['fern-42'],
    NightledgerConnection: [wanted.connectionId],
  });
});

test('the request and the person that asked for a run stand in its memo and its details', async () => {
  const wanted = backfill({ askedBy: { requestId: 'req-7', actor: 'person `9`' } });
  await control().start(wanted);
  const description = await client.workflow.getHandle(workflowIds.backfill(wanted.connectionId)).describe();
  expect(description.memo).toEqual({ requestId: 'req-7', actor: 'person `9`' });
  expect(await description.staticDetails()).toContain("- **Request**: `req-7`\n- **Actor**: `person '9'`");
});

test('who asks for a run that is in hand is told who asked for it first', async () => {
  const [backfills, wanted] = [control(), backfill({ askedBy: { requestId: 'req-1', actor: null } })];
  await backfills.start(wanted);
  const second = await backfills.start({ ...wanted, askedBy: { requestId: 'req-2', actor: 'somebody' } });
  expect(second).toMatchObject({ askedBy: { requestId: 'req-1', actor: null } });
});

test.each([
  [{ chosen: false, date: null }, 'Sync From Date to be chosen'],
  [{ chosen: true, date: null }, 'all history'],
])('the range of %j reads "%s"', async (syncFromDate, words) => {
  const wanted = backfill({ syncFromDate });
  await control().start(wanted);
  const description = await client.workflow.getHandle(workflowIds.backfill(wanted.connectionId)).describe();
  expect(await description.staticSummary()).toContain(words);
});

test('messages reach the run in hand, and find none where none is', async () => {
  const [backfills, wanted] = [control(), backfill()];
  const { askedBy: _, ...run } = (await backfills.start(wanted)) as StartedRun;
  expect(await backfills.pause(wanted.connectionId)).toEqual(run);
  expect(await backfills.resume(wanted.connectionId)).toEqual(run);
  await backfills.connectionChanged(wanted.connectionId);
  const { events } = await client.workflow.getHandle(workflowIds.backfill(wanted.connectionId)).fetchHistory();
  const signals = events?.flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
  expect(signals).toEqual(['pause', 'resume', 'connectionChanged']);
  expect(await backfills.cancel(wanted.connectionId)).toEqual(run);

  const nobody = randomUUID();
  expect(await backfills.pause(nobody)).toBeNull();
  expect(await backfills.cancel(nobody)).toBeNull();
  await backfills.connectionChanged(nobody);
});

test('one that did not end well is started anew, under another run', async () => {
  const [backfills, wanted] = [control(), backfill()];
  const first = await backfills.start(wanted);
  await client.workflow.getHandle(workflowIds.backfill(wanted.connectionId)).terminate();
  expect(await backfills.pause(wanted.connectionId)).toBeNull();
  const second = await backfills.start(wanted);
  expect(second).not.toEqual(first);
});

test('the bell of an outbox starts its run, and reaches the one in hand', async () => {
  const outboxes = createOutboxControl(client, randomUUID());
  const { connectionId, companyId } = backfill();
  for (let time = 0; time < 2; time++) await outboxes.ring({ connectionId, companyId });
  const handle = client.workflow.getHandle(workflowIds.outbox(connectionId));
  const { events } = await handle.fetchHistory();
  const signals = events?.flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
  expect(signals).toEqual(['ring', 'ring']);
  const description = await handle.describe();
  expect(description.type).toBe('outbox');
  expect(await description.staticSummary()).toBe('Outbox · company fern-42');
  expect(description.searchAttributes).toMatchObject({ NightledgerConnection: [connectionId] });
  expect(await outboxes.cancel(connectionId)).toMatchObject({ workflowId: `outbox:${connectionId}` });
  expect(await outboxes.cancel(randomUUID())).toBeNull();
});

test('Temporal being away is an error of its own for every call, and no call waits for it without end', async () => {
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const backfills = createBackfillControl(new Client({ connection }));
  const calls = [backfills.start(backfill()), backfills.pause(randomUUID()), backfills.connectionChanged(randomUUID())];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome.status === 'rejected' && isAway(outcome.reason)).toBe(true);
  }
  await connection.close();
});
