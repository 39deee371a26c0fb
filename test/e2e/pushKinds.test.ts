import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectBothWays, type Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';

quietWorkers();
let system: System;
let platform: Platform;
const date = new Date().toISOString().slice(0, 10);
const lines = [
  { description: 'Ferns', quantity: '3', unitAmount: '33.3333' },
  { description: 'Moss', quantity: '1', unitAmount: '0.0050' },
];
/** 100.00 + 15.00, 0.01 + 0.00, as Xero computes it. */
const priced = { contact: 'ada', date, lines, total: '115.01' };

beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({});
  platform = await connectBothWays(system, { limits: { minute: 1000 } });
  await system.api.patch(`/connections/${platform.books.id}/settings`, {
    accounts: { rounding: '860', payments: { card: '090' }, expenseTypes: { fuel: '449' } },
  });
  await platform.save('contact', 'ada', { name: 'Ada Fern', email: 'ada@fern.example', address: { city: 'Napier' } });
  await platform.save('contact', 'tane', { name: 'Tane', role: 'staff' });
  await platform.until('contact', 'ada', 'sent');
  await platform.until('contact', 'tane', 'sent');
});
afterAll(() => system?.stop());

/** The record that a document became. */
async function became(kind: Parameters<Platform['until']>[0], externalId: string): Promise<Record<string, unknown>> {
  const { xeroId, errors } = await platform.until(kind, externalId, 'sent');
  expect(errors).toEqual([]);
  return platform.record(kind, xeroId as string);
}
const stepsOf = async (kind: Parameters<Platform['until']>[0], externalId: string) =>
  (await platform.attempts(kind, externalId)).map(({ step }) => step).sort();

describe('in Xero, as Xero computes it, stands', () => {
  test('an invoice with four decimals, a discount, a project and a rounding line', async () => {
    const discounted = {
      description: 'Work',
      quantity: '1',
      unitAmount: '100',
      discountRate: '12.5',
      projectNumber: 'P-7',
    };
    await platform.save('invoice', 'i-1', { ...priced, number: 'K-1', lines: [...lines, discounted], total: '215.65' });
    const { xeroId, errors } = await platform.until('invoice', 'i-1', 'sent');
    expect(errors).toMatchObject([{ code: 'rounding_line' }]);
    const body = await platform.record('invoices', xeroId as string);
    expect(body).toMatchObject({ InvoiceNumber: 'K-1', Status: 'AUTHORISED', Total: 215.65 });
    expect(body.LineItems).toMatchObject([
      { UnitAmount: 33.3333, LineAmount: 100 },
      { LineAmount: 0.01 },
      { LineAmount: 87.5, ItemCode: 'P-7' },
      { Description: 'Rounding', AccountCode: '860' },
    ]);
  });

  test('an invoice of inclusive amounts in a draft, raised when it is changed', async () => {
    await system.api.patch(`/connections/${platform.books.id}/settings`, { invoiceStatus: 'draft' });
    const inclusive = { ...priced, lineAmountTypes: 'inclusive', total: '100.01' };
    await platform.save('invoice', 'i-2', inclusive);
    expect(await became('invoice', 'i-2')).toMatchObject({ Status: 'DRAFT', Total: 100.01 });
    await system.api.patch(`/connections/${platform.books.id}/settings`, { invoiceStatus: 'authorised' });
    await platform.save('invoice', 'i-2', { ...inclusive, dueDate: date }, '10s');
    expect(await became('invoice', 'i-2')).toMatchObject({ Status: 'AUTHORISED' });
  });

  test('a bill with a discount that its lines cannot have, and its payment', async () => {
    const off = [{ description: 'Pots', quantity: '3000', unitAmount: '0.0333', discountRate: '10' }];
    await platform.save('bill', 'b-1', { ...priced, number: 'S-1', lines: off, total: '103.40' });
    await platform.save('billPayment', 'bp-1', { bill: 'b-1', amount: '103.40', date, account: '090' });
    expect(await became('bill', 'b-1')).toMatchObject({ Type: 'ACCPAY', Total: 103.4 });
    expect(await became('billPayment', 'bp-1')).toMatchObject({ PaymentType: 'ACCPAYPAYMENT', Amount: 103.4 });
  });

  test('a credit note and its allocation, two writes', async () => {
    await platform.save('invoice', 'i-3', { ...priced, number: 'K-3' });
    const allocations = [{ invoice: 'i-3', amount: '15.01' }];
    await platform.save('creditNote', 'cn-1', { ...priced, number: 'C-1', allocations });
    expect(await became('creditNote', 'cn-1')).toMatchObject({ Type: 'ACCRECCREDIT', Total: 115.01 });
    expect(await stepsOf('creditNote', 'cn-1')).toEqual(['allocation:0', 'document']);
  });

  test('a purchase order that is finished: order, bill, and the order BILLED, each once', async () => {
    const finished = { date, supplierInvoiceNumber: 'S-77', lines: lines.slice(0, 1), total: '115.00' };
    await platform.save('purchaseOrder', 'po-1', { ...priced, number: 'PO-K', finished });
    await platform.until('purchaseOrder', 'po-1', 'sent');
    expect(await stepsOf('purchaseOrder', 'po-1')).toEqual(['bill', 'billed', 'document']);
    expect(await became('purchaseOrder', 'po-1')).toMatchObject({ Status: 'BILLED' });
    expect(await platform.inXero('invoices', 'InvoiceNumber', 'S-77')).toBe(1);
  });

  test('a staff expense as a bill of the account of its type', async () => {
    const fuel = [{ description: 'Fuel', unitAmount: '20', expenseType: 'fuel' }];
    await platform.save('staffExpense', 'se-1', { contact: 'tane', date, lines: fuel, total: '23.00' });
    expect(await became('staffExpense', 'se-1')).toMatchObject({ Type: 'ACCPAY', LineItems: [{ AccountCode: '449' }] });
  });

  test('a payment that is changed: the first is deleted and another made', async () => {
    await platform.save('invoice', 'i-4', { ...priced, number: 'K-4' });
    await platform.save('payment', 'p-4', { invoice: 'i-4', amount: '15.01', date, method: 'card' });
    const { xeroId: first } = await platform.until('payment', 'p-4', 'sent');
    await platform.save('payment', 'p-4', { invoice: 'i-4', amount: '100.00', date, method: 'card' }, '10s');
    expect(await became('payment', 'p-4')).toMatchObject({ Amount: 100, Status: 'AUTHORISED' });
    expect(await platform.inXero('payments', 'PaymentID', first as string)).toBe(1);
    expect(await stepsOf('payment', 'p-4')).toEqual(['document', 'document', 'void']);
  });
});

describe('a later version', () => {
  test('of every kind that can be changed is written to the same record, and is nobody else’s edit', async () => {
    await platform.save('item', 'it-1', { code: 'POT', name: 'Pot', salesPrice: '1.2345' });
    await platform.save('purchaseOrder', 'po-2', { ...priced, number: 'PO-L' });
    await platform.save('creditNote', 'cn-2', { ...priced, number: 'C-2' });
    await platform.save('bill', 'b-2', { ...priced, number: 'S-2' });
    const all = [
      ['item', 'it-1'],
      ['purchaseOrder', 'po-2'],
      ['creditNote', 'cn-2'],
      ['bill', 'b-2'],
    ] as const;
    const before = await Promise.all(all.map(([kind, id]) => platform.until(kind, id, 'sent')));
    await platform.save('item', 'it-1', { code: 'POT', name: 'Large pot', salesPrice: '1.2345' }, '10s');
    const changed = { ...priced, lines: lines.slice(0, 1), total: '115.00' };
    await platform.save('purchaseOrder', 'po-2', { ...changed, number: 'PO-L' }, '10s');
    await platform.save('creditNote', 'cn-2', { ...changed, number: 'C-2' }, '10s');
    await platform.save('bill', 'b-2', { ...changed, number: 'S-2' }, '10s');
    const after = await Promise.all(all.map(([kind, id]) => platform.until(kind, id, 'sent')));
    expect(after.map(({ xeroId, synced }) => [xeroId, synced])).toEqual(before.map(({ xeroId }) => [xeroId, true]));
    expect(await became('purchaseOrder', 'po-2')).toMatchObject({ Total: 115, LineItems: [{ LineAmount: 100 }] });
  });

  test('that the platform deletes is deleted or archived in Xero', async () => {
    await platform.save('item', 'it-2', { code: 'GONE' });
    await platform.save('purchaseOrder', 'po-3', { ...priced, number: 'PO-M' });
    await platform.save('contact', 'gone', { name: 'Gone' });
    for (const [kind, id] of [
      ['item', 'it-2'],
      ['purchaseOrder', 'po-3'],
      ['contact', 'gone'],
    ] as const) {
      await platform.until(kind, id, 'sent');
      await platform.remove(kind, id);
      await platform.until(kind, id, 'voided');
    }
    expect(await stepsOf('item', 'it-2')).toEqual(['document', 'void']);
    expect(await platform.inXero('contacts', 'ContactNumber', 'gone')).toBe(1);
  });
});

test('a contact is put into the group of its role, and told of where Xero has no such group', async () => {
  const settings = `/connections/${platform.books.id}/settings`;
  await system.api.patch(settings, { contactGroups: { customers: 'Trade customers', suppliers: 'No such group' } });
  await platform.save('contact', 'grouped', { name: 'Grouped' });
  expect(await became('contact', 'grouped')).toMatchObject({ ContactNumber: 'grouped' });
  expect(await stepsOf('contact', 'grouped')).toEqual(['document', 'group']);
  await platform.save('contact', 'ungrouped', { name: 'Ungrouped', role: 'supplier' });
  const { errors } = await platform.until('contact', 'ungrouped', 'sent');
  expect(errors).toMatchObject([{ code: 'contact_group_missing', field: 'role' }]);
});
