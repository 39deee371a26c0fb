import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBothWays, contentOf } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

quietWorkers();
let system: System;
beforeAll(async () => {
  system = await startSystem({ dayMs: 20_000 });
  await system.startWorkerHere({});
  await system.startSenderHere({});
});
afterAll(() => system?.stop());

test('a bulk that uses up the day sleeps until the next one, while what a person saves goes from what is kept for people', async () => {
  const platform = await connectBothWays(system, { limits: { day: 40 } });
  const contact = randomUUID();
  await platform.save('contact', contact, contentOf.contact());
  await platform.until('contact', contact, 'sent');
  for (const part of [0, 1, 2, 3]) {
    const documents = [...Array(500).keys()].map((index) => ({
      kind: 'invoice' as const,
      externalId: `${part}-${index}`,
      content: contentOf.invoice(contact),
    }));
    await platform.saveAll(documents);
  }
  await eventually(
    'it sleeps',
    () => platform.books.connection(),
    ({ sleepingUntil }) => sleepingUntil !== null,
  );
  const lone = await platform.save('invoice', randomUUID(), contentOf.invoice(contact), '10s');
  expect(lone.state).toBe('sent');
  expect((await platform.states()).queued).toBeGreaterThan(0);
  await eventually(
    'all are sent',
    () => platform.states(),
    ({ queued = 0, sending = 0 }) => queued + sending === 0,
  );
  expect(await platform.states()).toEqual({ sent: 2002 });
  expect((await platform.books.connection()).sleepingUntil).toBeNull();
});
