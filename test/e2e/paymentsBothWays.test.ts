import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { showPayments } from '../../embedded/payments.js';
import { importNow, payInXero, paymentsOf } from '../support/payments.js';
import { connectBothWays, contentOf, type Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';

quietWorkers();
let system: System;
let platform: Platform;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({});
  platform = await connectBothWays(system, { limits: { minute: 1000 } });
  await system.api.patch(`/connections/${platform.books.id}/settings`, { paymentsIn: true });
  await platform.save('contact', 'ann', contentOf.contact('Ann'));
  await platform.until('contact', 'ann', 'sent');
});
afterAll(() => system?.stop());

/** An invoice of the platform that stands in Xero; its Xero id. */
async function sentInvoice(externalId: string): Promise<string> {
  await platform.save('invoice', externalId, contentOf.invoice('ann', { number: externalId, amountDue: '20.00' }));
  return (await platform.until('invoice', externalId, 'sent')).xeroId as string;
}

const run = () => importNow(system, platform.books);
const imported = async (invoice: string) =>
  (await paymentsOf(system, platform.books)).filter((each) => each.invoice === invoice);
const inXero = (invoiceId: string) => platform.inXero('payments', 'Invoice.InvoiceID', invoiceId);

test('an invoice that was sent and paid in Xero is paid here, and the payment is never sent back', async () => {
  const id = await sentInvoice('I-1');
  await payInXero(system, platform.books, [{ id }]);
  expect(await run()).toBe('completed');
  const [payment] = await imported('I-1');
  expect(payment).toMatchObject({ state: 'imported', amount: '20.00' });
  expect(await platform.document('payment', `xero:${payment?.xeroPaymentId}`)).toMatchObject({
    state: 'sent',
    code: 'from_xero',
  });
  // The invoice is saved anew and sent, and so is what stands on it.
  await platform.save(
    'invoice',
    'I-1',
    contentOf.invoice('ann', { number: 'I-1', amountDue: '0.00', reference: 'paid' }),
  );
  await platform.wish('payment', `xero:${payment?.xeroPaymentId}`, 'resync');
  await platform.until('payment', `xero:${payment?.xeroPaymentId}`, 'sent');
  expect(await inXero(id)).toBe(1);
});

test('what the platform paid and sent itself is no payment from Xero', async () => {
  const id = await sentInvoice('I-2');
  await platform.save('payment', 'P-2', contentOf.payment('I-2'));
  await platform.until('payment', 'P-2', 'sent');
  expect(await run()).toBe('completed');
  expect(await imported('I-2')).toEqual([]);
  expect(await inXero(id)).toBe(1);
});

test('an imported payment that the platform then saves by its Xero id is one document, linked and never sent', async () => {
  const id = await sentInvoice('I-3');
  await payInXero(system, platform.books, [{ id }]);
  await run();
  const [payment] = await imported('I-3');
  const { xeroPaymentId } = payment as { xeroPaymentId: string };
  await platform.save('payment', 'P-3', { ...contentOf.payment('I-3'), xeroPaymentId });
  expect(await platform.until('payment', 'P-3', 'sent')).toMatchObject({ xeroId: xeroPaymentId });
  await expect(platform.document('payment', `xero:${xeroPaymentId}`)).rejects.toThrow();
  expect(await run()).toBe('completed');
  expect(await imported('I-3')).toMatchObject([{ state: 'imported' }]);
  expect(await inXero(id)).toBe(1);
});

test('a payment that was reconciled by hand, and is saved without its Xero id, is held and not paid twice', async () => {
  const id = await sentInvoice('I-4');
  await payInXero(system, platform.books, [{ id, amount: 5 }]);
  await platform.books.synced();
  await platform.save('payment', 'P-4', contentOf.payment('I-4', '5.00'));
  expect(await platform.until('payment', 'P-4', 'held')).toMatchObject({ code: 'duplicate_suspected' });
  expect(await inXero(id)).toBe(1);
});

test('npm start pays in the simulator what was sent and not paid, and imports it', async () => {
  await sentInvoice('I-5');
  const lines = [];
  for (const _start of [1, 2, 3, 4]) {
    lines.push(await showPayments(system.api, system.xeroUrl, platform.books.id, platform.company));
  }
  expect(lines).toContainEqual(
    expect.stringMatching(/^Payments in: \w{3} 20.00, paid in Xero on invoice I-5, is imported\. http/),
  );
  expect(lines.at(-1)).toBe('Payments in: every invoice that was sent is paid.');
});

test('a payment deleted in Xero after its import is told of, and stays in the books', async () => {
  const id = await sentInvoice(randomUUID());
  await payInXero(system, platform.books, [{ id }]);
  await run();
  const { data } = await system.api.get<{ data: { xeroPaymentId: string; xeroInvoiceId: string }[] }>(
    `/connections/${platform.books.id}/payment-imports?state=imported&limit=200`,
  );
  const payment = data.find(({ xeroInvoiceId }) => xeroInvoiceId === id)?.xeroPaymentId as string;
  const edit = { stream: 'payments', op: 'delete', id: payment };
  await system.xero('POST', `/organisations/${platform.books.organisation}/edits`, [edit]);
  await run();
  const { data: told } = await system.api.get<{ data: { type: string; xeroId: string }[] }>(
    `/changes?company=${platform.company}&limit=500`,
  );
  expect(told.filter(({ type, xeroId }) => type === 'payment.deletedInXero' && xeroId === payment)).toHaveLength(1);
  expect((await paymentsOf(system, platform.books, 'imported')).map((each) => each.xeroPaymentId)).toContain(payment);
});
