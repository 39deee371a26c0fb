import { CancelledFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pauseSignal, resumeSignal } from '../../workflows/contract.js';
import { failureOf, withWorker } from '../support/backfillWorker.js';
import { FakeActivities, heldReading } from '../support/fakeActivities.js';

/**
 * On a server that keeps real time: the time-skipping one moves its clock while an activity runs, past its heartbeats,
 * and then loses the activity's cancellation.
 */
let environment: TestWorkflowEnvironment;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  environment = await TestWorkflowEnvironment.createFromExistingServer({ address: process.env.TEST_TEMPORAL_ADDRESS });
});
afterAll(() => environment?.teardown());

const readsOfContacts = (fake: FakeActivities) => fake.log.filter((line) => line === 'read contacts');

describe('a person at the first full read', () => {
  it('pauses it: it holds until the resume and then reads on', async () => {
    const fake = new FakeActivities();
    const held = heldReading();
    fake.next.contacts = [held.reading];
    await withWorker(environment, fake, async (start) => {
      const handle = await start();
      await held.begun;
      await handle.signal(pauseSignal);
      await expect.poll(() => fake.log.at(-1), { timeout: 30_000 }).toBe('status paused');
      expect(readsOfContacts(fake)).toHaveLength(1);
      await handle.signal(resumeSignal);
      await handle.result();
    });
    expect(readsOfContacts(fake)).toHaveLength(2);
    expect(fake.log.at(-1)).toBe('end completed');
  });

  it('pauses and resumes it before the reading in hand has stopped: it goes on', async () => {
    const fake = new FakeActivities();
    const held = heldReading();
    fake.next.contacts = [held.reading];
    await withWorker(environment, fake, async (start) => {
      const handle = await start();
      await held.begun;
      await handle.signal(pauseSignal);
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'completed' });
    });
  });

  it('cancels it: it ends as cancelled', async () => {
    const fake = new FakeActivities();
    const held = heldReading();
    fake.next.invoices = [held.reading];
    await withWorker(environment, fake, async (start) => {
      const handle = await start();
      await held.begun;
      await handle.cancel();
      expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
    });
    expect(fake.log.at(-1)).toBe('end cancelled');
  });
});
