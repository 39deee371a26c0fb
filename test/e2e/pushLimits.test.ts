import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBothWays, contentOf } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

quietWorkers();
let system: System;
beforeAll(async () => {
  system = await startSystem({ dayMs: 30_000 });
  await system.startWorkerHere({});
  await system.startSenderHere({});
});
afterAll(() => system?.stop());

test('a bulk that uses up the day sleeps until the next one, while what a person saves goes from what is kept for people', async () => {
  const platform = await connectBothWays(system);
  const contact = randomUUID();
  await platform.save('contact', contact, contentOf.contact());
  await platform.until('contact', contact, 'sent');
  await system.xero('PATCH', `/organisations/${platform.books.organisation}`, { limits: { day: 8 } });
  const ids = [...Array(500).keys()].map(String);
  const content = contentOf.invoice(contact);
  await platform.saveAll(ids.map((externalId) => ({ kind: 'invoice' as const, externalId, content })));
  await eventually(
    'it sleeps',
    () => platform.books.connection(),
    ({ sleepingUntil }) => sleepingUntil !== null,
  );
  const lone = randomUUID();
  await platform.save('invoice', lone, content);
  await platform.until('invoice', lone, 'sent');
  expect((await platform.states()).queued).toBeGreaterThan(0);
  await eventually(
    'all are sent',
    () => platform.states(),
    ({ queued = 0, sending = 0 }) => queued + sending === 0,
  );
  expect(await platform.states()).toEqual({ sent: 502 });
  expect((await platform.books.connection()).sleepingUntil).toBeNull();
});
