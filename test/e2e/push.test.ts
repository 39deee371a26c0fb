import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBothWays, contentOf, type Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';

quietWorkers();
let system: System;
let platform: Platform;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({ deadlineMs: 2000, patience: { absentAfterMs: 4000, firstWaitMs: 50 } });
  platform = await connectBothWays(system);
});
afterAll(() => system?.stop());

test('a document that is saved is in Xero a moment later, once, with its number and its link', async () => {
  await platform.save('contact', 'ada', contentOf.contact('Ada Fern'));
  const contact = await platform.until('contact', 'ada', 'sent');
  expect(contact).toMatchObject({ synced: true, errors: [] });
  expect(await platform.inXero('contacts', 'ContactNumber', 'ada')).toBe(1);
  const invoice = await platform.save('invoice', 'i-1', contentOf.invoice('ada', { number: 'PL-1' }), '10s');
  expect(invoice).toMatchObject({ state: 'sent', xeroNumber: 'PL-1', synced: true });
  expect(invoice.xeroUrl).toContain(invoice.xeroId as string);
  expect(await platform.inXero('invoices', 'InvoiceNumber', 'PL-1')).toBe(1);
});
