import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addSearchAttributes, searchAttributeTypes } from '../../workers/searchAttributes.js';
import { connectionChangedSignal, searchAttributeKeys } from '../../workflows/contract.js';
import { failureOf, withWorker } from '../support/backfillWorker.js';
import { FakeActivities } from '../support/fakeActivities.js';
import { workflowBundle } from '../support/workflowBundle.js';

let environment: TestWorkflowEnvironment;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = process.env.TEST_TIME_SKIPPING_SERVER;
  if (!path) throw new Error('run the tests with `npm test`: its global setup finds the time-skipping server');
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  // The time-skipping server cannot list what it has.
  await addSearchAttributes(environment.connection, 'default', searchAttributeTypes);
});
afterAll(() => environment?.teardown());

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const asleep = (until: string) => () => ({ outcome: 'sleep' as const, records: 5, expected: 10, until });

describe('the first full read', () => {
  it('reads contacts first, then what documents refer to, then documents', async () => {
    const fake = new FakeActivities();
    const result = await withWorker(environment, fake, async (start) => (await start()).result());
    expect(fake.log[1]).toBe('read contacts');
    const reads = fake.log.filter((line) => line.startsWith('read'));
    expect(reads.indexOf('read accounts')).toBeLessThan(reads.indexOf('read invoices'));
    expect(reads.at(-1)).toBe('read references');
    expect(reads).not.toContain('read journals');
    expect(fake.log.filter((line) => line.startsWith('status'))).toEqual([
      'status syncingContacts',
      'status syncingContacts',
      'status backfilling',
    ]);
    expect(fake.log.at(-1)).toBe('end completed');
    expect(result.records).toMatchObject({ contacts: 10, invoices: 10 });
  });

  it('reads optional streams where they were chosen, after everything else', async () => {
    const fake = new FakeActivities();
    fake.facts.optionalStreams = ['journals'];
    await withWorker(environment, fake, async (start) => (await start()).result());
    expect(fake.log.filter((line) => line.startsWith('read')).at(-1)).toBe('read journals');
  });

  it("sleeps through two ends of the day's calls and goes on by itself", async () => {
    const fake = new FakeActivities();
    fake.next.invoices = [asleep(inHours(18)), asleep(inHours(42))];
    const handle = await withWorker(environment, fake, async (start) => {
      const started = await start();
      await started.result();
      return started;
    });
    expect(fake.log.filter((line) => line.startsWith('sleep'))).toEqual([
      'sleep: daily limit of Xero',
      'sleep: daily limit of Xero',
    ]);
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? [])
      .filter((event) => event.timerStartedEventAttributes)
      .map((event) => Buffer.from(event.userMetadata?.summary?.data ?? []).toString());
    expect(summaries.filter((summary) => /daily limit of Xero, until \d{4}-/.test(summary))).toHaveLength(2);
    expect(events?.length, 'two days of sleep are no long history').toBeLessThan(300);
  });

  it('lets all streams sleep in one sleep', async () => {
    const fake = new FakeActivities();
    fake.next.accounts = [asleep(inHours(10))];
    fake.next.items = [asleep(inHours(10))];
    await withWorker(environment, fake, async (start) => (await start()).result());
    expect(fake.log.filter((line) => line === 'awake')).toHaveLength(1);
  });

  it('waits, visibly, until the Sync From Date is chosen', async () => {
    const fake = new FakeActivities();
    fake.facts.syncFromDate.chosen = false;
    await withWorker(environment, fake, async (start) => {
      const handle = await start();
      await environment.sleep('3 days');
      expect(fake.log.at(-1)).toBe('status awaitingSyncFromDate');
      fake.facts.syncFromDate.chosen = true;
      await handle.signal(connectionChangedSignal);
      await handle.result();
    });
    expect(fake.log.at(-1)).toBe('end completed');
  });

  it('waits until a Sync From Date in the future has begun', async () => {
    const fake = new FakeActivities();
    const now = await environment.currentTimeMs();
    const startsAt = now + 40 * 86_400_000;
    fake.facts.startsAt = new Date(startsAt).toISOString();
    await withWorker(environment, fake, async (start) => (await start()).result());
    expect(fake.log).toContain('status awaitingDate');
    expect(await environment.currentTimeMs()).toBeGreaterThanOrEqual(startsAt);
  });

  it('reads every other stream when one cannot be read, and then says so', async () => {
    const fake = new FakeActivities();
    fake.next.items = [fake.fail('could_not_sync')];
    const failure = await withWorker(environment, fake, async (start) => failureOf(await start()));
    expect(failure).toMatchObject({ type: 'could_not_sync', message: 'Not read to the end: items.' });
    expect(fake.log).toContain('read invoices');
    expect(fake.log.at(-1)).toBe('end could_not_sync');
  });

  it('reads nothing else when contacts cannot be read', async () => {
    const fake = new FakeActivities();
    fake.next.contacts = [fake.fail('xero_unavailable')];
    const failure = await withWorker(environment, fake, async (start) => failureOf(await start()));
    expect(failure).toMatchObject({ type: 'xero_unavailable' });
    expect(fake.log.filter((line) => line.startsWith('read'))).toEqual(['read contacts']);
  });

  it('ends as xero_auth_failed when the consent is gone', async () => {
    const fake = new FakeActivities();
    fake.next.invoices = [fake.fail('xero_auth_failed')];
    const failure = await withWorker(environment, fake, async (start) => failureOf(await start()));
    expect(failure).toMatchObject({ type: 'xero_auth_failed' });
    expect(fake.log.at(-1)).toBe('end xero_auth_failed');
  });

  it('says by itself that it stands still, and that it gets on again', async () => {
    const fake = new FakeActivities();
    fake.next.invoices = Array.from({ length: 100 }, () => fake.postpone('1 minute'));
    fake.still.push(5, 25, 0);
    await withWorker(environment, fake, async (start) => {
      const handle = await start();
      const states: unknown[] = [];
      for (let look = 0; look < 3; look++) {
        await environment.sleep(605_000);
        states.push((await handle.describe()).typedSearchAttributes.get(searchAttributeKeys.state));
      }
      expect(states).toEqual(['readingDocuments', 'stalled', 'readingDocuments']);
      fake.next.invoices = [];
      await handle.result();
    });
  });

  it('goes on in new runs when its history has grown long, each getting on from where the last one stood', async () => {
    const fake = new FakeActivities();
    fake.next.contacts = Array.from({ length: 12 }, () => () => ({
      outcome: 'more' as const,
      records: 1,
      expected: 9,
      until: null,
    }));
    const result = await withWorker(environment, fake, async (start) => (await start({ eventsPerRun: 30 })).result());
    expect(fake.log.filter((line) => line === 'read contacts').length).toBeGreaterThanOrEqual(13);
    expect(result.outcome).toBe('completed');
  });

  it('replays the histories that were recorded of it', async () => {
    const folder = fileURLToPath(new URL('./histories', import.meta.url));
    const histories = readdirSync(folder).map((file) => ({
      workflowId: file,
      history: JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as unknown,
    }));
    expect(histories.length).toBeGreaterThan(0);
    const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, histories);
    for await (const { workflowId, error } of results) expect(error, workflowId).toBeUndefined();
  });
});
