import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStreams } from '../support/books.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

test('another worker goes on where one was killed: nothing missing, nothing twice, no committed page read again', async () => {
  const organisation = await system.organisation({ counts: { contacts: 1200, invoices: 7400 } });
  // Three pages whose answers never come, so that the worker dies with calls in flight and others committed.
  await system.xero('POST', '/faults', [{ kind: 'timeout', match: { path: 'Invoices.*[?&]page=[357]&' }, times: 3 }]);
  const first = system.startWorker();
  const books = await system.connect(organisation);
  await books.until(
    'everything is committed but three pages',
    (now) => openStreams(now).join() === 'invoices' && now.streams.invoices.records === 4400,
  );
  await first.killHard();

  system.startWorker();
  expect(await books.ended()).toMatchObject({ outcome: 'completed', status: 'active' });
  expect(await books.compare('contacts')).toEqual(allEqual(1200));
  expect(await books.compare('invoices')).toEqual(allEqual(7400));
  const { calls } = await books.usage();
  expect(calls.byEndpoint).toMatchObject({ Contacts: 2, Invoices: 8, Items: 1 });
});
