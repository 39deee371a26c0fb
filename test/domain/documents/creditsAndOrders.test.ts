import { describe, expect, it } from 'vitest';
import type { DoneStep, ParentDocument, QueuedDocument } from '../../../domain/documents/facts.js';
import { fingerprintOf } from '../../../domain/documents/fingerprint.js';
import { planDocument } from '../../../domain/documents/plan.js';
import { type Books, factsOf, parent, queued, record, sent } from '../../support/pushFacts.js';

const aroha = record('contacts', { ContactID: 'aroha', ContactStatus: 'ACTIVE', Name: 'Aroha Ltd' });
const tane = record('contacts', { ContactID: 'tane', ContactStatus: 'ACTIVE', Name: 'Tane' });
const contacts = [
  parent('contact', 'c-1', { name: 'Aroha Ltd' }, aroha),
  parent('contact', 'c-2', { name: 'Tane' }, tane),
];
const priced = {
  ...{ contact: 'c-1', date: '2026-06-01', total: '115.00' },
  lines: [{ description: 'Work', unitAmount: '100' }],
};
const invoiceRecord = (more: object = {}) =>
  record('invoices', {
    ...{ InvoiceID: 'i', Type: 'ACCREC', Status: 'AUTHORISED', Contact: { ContactID: 'aroha' }, CurrencyCode: 'NZD' },
    ...{ Total: 80, AmountDue: 80, Payments: [] },
    ...more,
  });
const invoice = (content: object = {}, state: Partial<ParentDocument> = {}) =>
  parent('invoice', 'inv-1', { ...priced, ...content }, invoiceRecord(), state);
const plan = (document: QueuedDocument, { parents = [], records = [], ...books }: Books = {}) =>
  planDocument(document, factsOf({ ...books, parents: [...contacts, ...parents], records: [aroha, tane, ...records] }));

describe('a credit note', () => {
  const allocations = [{ invoice: 'inv-1', amount: '50.00' }];
  const content = { ...priced, number: 'CN-1', allocations };
  const note = (more: object = {}) => queued('creditNote', { ...content, ...more });
  const held = (more: object = {}) =>
    record('creditNotes', {
      ...{ CreditNoteID: 'n', Type: 'ACCRECCREDIT', Status: 'AUTHORISED', CreditNoteNumber: 'CN-1' },
      ...{ Contact: { ContactID: 'aroha' }, Total: 115, Allocations: [] },
      ...more,
    });
  const made = (document = note(), done: DoneStep[] = []): QueuedDocument<'creditNote'> => ({
    ...document,
    xeroId: 'n',
    fingerprint: fingerprintOf('creditNote', document.content, held()),
    done: [{ step: 'document', version: document.version, sent: null, xeroId: 'n' }, ...done],
  });
  const allocated = {
    step: 'allocation:0',
    version: 1,
    xeroId: 'a',
    sent: { Invoice: { InvoiceID: 'i' }, Amount: '50.00' },
  };

  it('is two writes, the note and its allocation, each with its own attempt', () => {
    expect(plan(note(), { parents: [invoice()] })).toMatchObject({
      ...{ step: 'document', path: 'CreditNotes', own: true, more: true },
      element: { Type: 'ACCRECCREDIT', CreditNoteNumber: 'CN-1' },
    });
    expect(plan(made(), { parents: [invoice()], records: [held()] })).toMatchObject({
      ...{ step: 'allocation:0', method: 'PUT', path: 'CreditNotes/n/Allocations', own: false, more: false },
      element: { Invoice: { InvoiceID: 'i' }, Amount: '50.00', Date: '2026-06-01' },
      lookup: { stream: 'creditNotes', xeroId: 'n', allocation: { invoiceId: 'i', amount: '50.00' } },
    });
    expect(plan(made(note(), [allocated]), { parents: [invoice()], records: [held()] })).toMatchObject({ do: 'link' });
  });

  it('whose next version adds an allocation is not allocated again', () => {
    const more = { ...content, allocations: [...allocations, { invoice: 'inv-1', amount: '10.00' }] };
    const next = sent(note(), 'n', '', more, [...made(note(), [allocated]).done]);
    const used = held({ Allocations: [{ AllocationID: 'a', Amount: 50 }] });
    expect(plan(next, { parents: [invoice()], records: [used] })).toMatchObject({
      ...{ step: 'allocation:1', element: { Amount: '10.00' }, more: false, lookup: { except: ['a'] } },
    });
  });

  it('sent once more is compared: what is allocated of it could not be written, and need not be', () => {
    const lines = [
      { LineItemID: 'l', Description: 'Work', Quantity: 1, UnitAmount: 100, AccountCode: '200', TaxType: 'OUTPUT2' },
    ];
    const dated = {
      DateString: '2026-06-01T00:00:00',
      LineAmountTypes: 'Exclusive',
      CurrencyCode: 'NZD',
      LineItems: lines,
    };
    const used = held({ ...dated, Allocations: [{ AllocationID: 'a', Amount: 50 }] });
    const two = note({ allocations: [...allocations, { invoice: 'inv-1', amount: '10.00' }] });
    const again = { ...made(two, [allocated]), again: true, done: [allocated] };
    expect(plan(again, { parents: [invoice()], records: [used] })).toMatchObject({ step: 'allocation:1', more: false });
    const edited = { ...used, body: { ...used.body, Total: 116 } };
    expect(plan(again, { parents: [invoice()], records: [edited] })).toMatchObject({ code: 'has_payments' });
  });

  it('is sent without the allocation to an invoice that lies before the Sync From Date', () => {
    const before = {
      state: 'skipped',
      code: 'before_sync_from_date',
      comes: false,
      xeroId: null,
      record: null,
    } as const;
    expect(plan(note(), { parents: [invoice({}, before)] })).toMatchObject({
      ...{ step: 'document', more: false, warnings: [{ code: 'allocation_not_sent', field: 'allocations.0' }] },
    });
  });

  it('waits while the invoice of its allocation is not in Xero', () => {
    expect(plan(note())).toMatchObject({
      state: 'waiting',
      code: 'parent_not_sent',
      errors: [{ field: 'allocations' }],
    });
  });

  it('is sent as a draft without its allocation', () => {
    expect(plan(note(), { parents: [invoice()], settings: { invoiceStatus: 'draft' } })).toMatchObject({
      ...{ element: { Status: 'DRAFT' }, more: false, warnings: [{ code: 'allocation_not_sent' }] },
    });
  });

  it('allocates no more than either balance', () => {
    const above = note({ allocations: [{ invoice: 'inv-1', amount: '80.01' }] });
    expect(plan(above, { parents: [invoice()] })).toMatchObject({
      code: 'allocation_exceeds',
      errors: [{ field: 'allocations.0.amount' }],
    });
    const twice = note({ allocations: [...allocations, { invoice: 'inv-1', amount: '65.01' }] });
    expect(plan(twice, { parents: [invoice()] })).toMatchObject({ code: 'allocation_exceeds' });
  });

  it('allocates to an invoice of the same contact and currency only', () => {
    expect(plan(note(), { parents: [invoice({ contact: 'c-2' })] })).toMatchObject({ code: 'allocation_mismatch' });
    expect(plan(note({ currency: 'EUR' }), { parents: [invoice()] })).toMatchObject({ code: 'allocation_mismatch' });
  });

  it('has the dates of its allocations checked against the locks', () => {
    const organisation = {
      baseCurrency: 'NZD',
      timeZone: 'UTC',
      periodLockDate: '2026-05-31',
      endOfYearLockDate: null,
    };
    const early = note({ allocations: [{ ...allocations[0], date: '2026-05-31' }] });
    expect(plan(early, { parents: [invoice()], facts: { organisation } })).toMatchObject({
      ...{ code: 'period_locked', errors: [{ field: 'allocations.0.date' }] },
    });
  });

  it('that is allocated is neither edited nor voided, and an allocation is not taken back', () => {
    const used = held({ Allocations: [{ AllocationID: 'a', Amount: 50 }] });
    const { done } = made(note(), [allocated]);
    const books = { parents: [invoice()], records: [used] };
    expect(plan(sent(note(), 'n', '', { ...content, total: '115.05' }, done), books)).toMatchObject({
      code: 'has_payments',
    });
    expect(plan({ ...sent(note(), 'n', '', null, done), deleted: true }, books)).toMatchObject({
      code: 'has_payments',
    });
    expect(plan(sent(note(), 'n', '', { ...content, allocations: [] }, done), books)).toMatchObject({
      code: 'has_payments',
    });
  });
});

describe('a purchase order', () => {
  const content = { ...priced, number: 'PO-1' };
  const finished = { date: '2026-06-20', supplierInvoiceNumber: 'S-9' };
  const order = (more: object = {}) => queued('purchaseOrder', { ...content, ...more });
  const held = (more: object = {}) =>
    record('purchaseOrders', {
      ...{ PurchaseOrderID: 'o', PurchaseOrderNumber: 'PO-1', Status: 'AUTHORISED', Contact: { ContactID: 'aroha' } },
      ...{ DateString: '2026-06-01T00:00:00', Total: 115 },
      ...more,
    });
  const step = (name: string, version = 1): DoneStep => ({ step: name, version, sent: null, xeroId: name });
  const standing = (next: object | null, done: DoneStep[]) =>
    sent(order(), 'o', fingerprintOf('purchaseOrder', order().content, held()), next as typeof content | null, done);

  it('of a number is looked up by it before it is made: to write one in use would edit that', () => {
    expect(plan(order(), { lookedUp: [] })).toEqual({
      do: 'fetch',
      stream: 'purchaseOrders',
      by: 'number',
      values: ['PO-1'],
    });
    expect(plan(order())).toMatchObject({
      method: 'PUT',
      path: 'PurchaseOrders',
      element: { PurchaseOrderNumber: 'PO-1' },
    });
    expect(plan(order(), { records: [held()] })).toMatchObject({ state: 'held', code: 'duplicate_suspected' });
    expect(plan(order(), { records: [held({ Status: 'DELETED' })] })).toMatchObject({ code: 'number_taken' });
  });

  it('finished is billed first, under the supplier’s number, and then set BILLED, each once', () => {
    const next = { ...content, finished };
    const books = { records: [held()] };
    const bill = plan(standing(next, [step('document')]), books);
    expect(bill).toMatchObject({
      ...{ step: 'bill', method: 'PUT', path: 'Invoices', collection: 'Invoices', own: false, more: true },
      element: { Type: 'ACCPAY', InvoiceNumber: 'S-9', Date: '2026-06-20', LineItems: [{ Description: 'Work' }] },
      lookup: { stream: 'invoices', holds: { Type: 'ACCPAY', Url: '00000000-0000-4000-8000-000000000001' } },
    });
    const billed = [step('document'), step('bill', 2)];
    expect(plan(standing(next, billed), books)).toMatchObject({
      ...{ step: 'billed', method: 'POST', path: 'PurchaseOrders', own: true, more: false },
      element: { PurchaseOrderID: 'o', Status: 'BILLED' },
    });
    const all = standing(next, [...billed, step('billed', 2)]);
    expect(plan(all, { records: [held({ Status: 'BILLED' })] })).toMatchObject({ do: 'link' });
    expect(plan({ ...all, version: 3 }, { records: [held({ Status: 'BILLED' })] })).toMatchObject({ do: 'link' });
  });

  it('saved as finished is made, billed and set BILLED, in three steps', () => {
    expect(plan(order({ finished }))).toMatchObject({ step: 'document', path: 'PurchaseOrders', more: true });
  });

  it('is billed with what was received where that differs', () => {
    const lines = [{ description: 'Half of it', unitAmount: '50' }];
    const next = { ...content, finished: { ...finished, lines, total: '57.50' } };
    expect(plan(standing(next, [step('document')]), { records: [held()] })).toMatchObject({
      element: { LineItems: [{ Description: 'Half of it', UnitAmount: '50' }] },
    });
    const wrong = { ...content, finished: { ...finished, lines } };
    expect(plan(standing(wrong, [step('document')]), { records: [held()] })).toMatchObject({
      ...{ code: 'totals_disagree', errors: [{ field: 'finished.total' }] },
    });
  });

  it('that is BILLED in Xero already is held, and neither billed nor written once a person decided', () => {
    const next = standing({ ...content, finished }, [step('document')]);
    const records = [held({ Status: 'BILLED' })];
    expect(plan(next, { records })).toMatchObject({ state: 'held', code: 'order_billed' });
    expect(plan({ ...next, decided: true }, { records })).toMatchObject({ do: 'link', xeroId: 'o' });
  });

  it('is looked at once more before it is billed', () => {
    const next = standing({ ...content, finished }, [step('document')]);
    expect(plan(next, { records: [held()], lookedUp: [] })).toMatchObject({ do: 'fetch', by: 'id', values: ['o'] });
  });

  it('un-finished does nothing and says so', () => {
    const done = [step('document'), step('bill'), step('billed')];
    expect(plan(standing(null, done), { records: [held({ Status: 'BILLED' })] })).toMatchObject({
      do: 'link',
      code: 'order_billed',
    });
  });

  it('with the setting off neither goes nor is billed', () => {
    expect(plan(order({ finished }), { settings: { purchaseOrders: false } })).toMatchObject({
      ...{ state: 'skipped', code: 'purchase_orders_off' },
    });
  });

  it('goes by its order date, its bill by the bill date', () => {
    expect(plan(order({ date: '2026-03-01' }))).toMatchObject({ code: 'before_sync_from_date' });
    expect(plan(order({ date: '2026-03-01', finished }))).toMatchObject({ step: 'bill', more: false });
    const early = { ...finished, date: '2026-03-31' };
    expect(plan(order({ finished: early }))).toMatchObject({ step: 'document', more: false });
  });

  it('that the platform deleted is deleted in Xero, unless it is billed there', () => {
    const deleted = { ...standing(null, [step('document')]), deleted: true };
    expect(plan(deleted, { records: [held()] })).toMatchObject({
      element: { PurchaseOrderID: 'o', Status: 'DELETED' },
    });
    expect(plan(deleted, { records: [held({ Status: 'BILLED' })] })).toMatchObject({
      state: 'failed',
      code: 'order_billed',
    });
  });
});

describe('an item', () => {
  const item = (more: object = {}) => queued('item', { code: 'P-7', ...more });
  const held = (more: object = {}) => record('items', { ItemID: 'p', Code: 'P-7', ...more });

  it('is created, or is the item of its code', () => {
    expect(plan(item({ salesPrice: '1.2345' }))).toMatchObject({
      ...{ method: 'PUT', path: 'Items', element: { Code: 'P-7', SalesDetails: { UnitPrice: '1.2345' } } },
      lookup: { stream: 'items', holds: { Code: 'P-7' } },
    });
    expect(plan(item({ name: 'Project 7' }), { records: [held()] })).toMatchObject({
      method: 'POST',
      element: { ItemID: 'p' },
    });
    expect(plan(item(), { records: [held()] })).toMatchObject({ do: 'link', xeroId: 'p' });
    expect(plan(item(), { records: [held()], ours: ['p'] })).toMatchObject({ code: 'number_taken' });
  });

  it('with a code or name longer than Xero takes is refused', () => {
    expect(plan(item({ code: 'x'.repeat(31) }))).toMatchObject({
      code: 'item_code_too_long',
      errors: [{ field: 'code' }],
    });
    expect(plan(item({ name: 'x'.repeat(51) }))).toMatchObject({ code: 'validation', errors: [{ field: 'name' }] });
  });

  it('that the platform deleted is deleted in Xero', () => {
    const deleted = { ...sent(item(), 'p', ''), deleted: true };
    expect(plan(deleted, { records: [held()] })).toMatchObject({ method: 'DELETE', path: 'Items/p', element: null });
  });
});
