import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench, Json } from './support.js';
import { one, refusal, startWriting, written } from './writingSupport.js';

const ZERO_GUID = '00000000-0000-0000-0000-000000000000';

describe('purchase orders written through the API', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startWriting();
  });
  afterEach(() => bench.close());

  const order = (more: object = {}) => ({
    Contact: { Name: 'Totara Timber' },
    Date: '2026-03-02',
    DeliveryDate: '2026-03-09',
    LineItems: [{ Description: 'Timber', Quantity: 2, UnitAmount: 10.5, AccountCode: '300', TaxType: 'INPUT2' }],
    ...more,
  });
  const make = async (more: object = {}): Promise<Json> =>
    (await written(bench, 'PUT', 'PurchaseOrders', order(more))).PurchaseOrders[0];
  const post = async (given: object, id = ''): Promise<Json> =>
    (await written(bench, 'POST', `PurchaseOrders${id}`, given)).PurchaseOrders[0];

  it('are answered as they are read, numbered by Xero where they have no number', async () => {
    const made = await make({ Reference: 'Job 7', DeliveryAddress: '1 Mill Lane', AttentionTo: 'Ana' });
    expect(await one(bench, 'PurchaseOrders', made.PurchaseOrderID)).toEqual(made);
    expect(made).toMatchObject({
      Status: 'DRAFT',
      Reference: 'Job 7',
      DateString: '2026-03-02T00:00:00',
      DeliveryDateString: '2026-03-09T00:00:00',
      DeliveryAddress: '1 Mill Lane',
      SubTotal: 21,
      TotalTax: 3.15,
      Total: 24.15,
      Contact: { Name: 'Totara Timber' },
    });
    expect(made.PurchaseOrderNumber).toMatch(/^PO-\d{5}$/);
    expect((await make()).PurchaseOrderNumber).not.toBe(made.PurchaseOrderNumber);
  });

  it('go from draft to approved to billed, and no further', async () => {
    const { PurchaseOrderID } = await make();
    const set = (Status: string) => post({ Status }, `/${PurchaseOrderID}`);
    const why = (Status: string) => refusal(bench, 'POST', `PurchaseOrders/${PurchaseOrderID}`, { Status });
    const notModifiable = ['Purchase Order not of valid status for modification'];
    expect(await why('BILLED')).toEqual(notModifiable);
    expect((await set('AUTHORISED')).Status).toBe('AUTHORISED');
    expect((await set('BILLED')).Status).toBe('BILLED');
    expect(await why('DELETED')).toEqual(notModifiable);
  });

  it('keep their lines when a change names none, and lose them to those it names', async () => {
    const made = await make();
    const kept = await post({ Reference: 'later' }, `/${made.PurchaseOrderID}`);
    expect(kept.LineItems).toEqual(made.LineItems);
    const replaced = await post({ LineItems: order().LineItems }, `/${made.PurchaseOrderID}`);
    expect(replaced.LineItems[0].LineItemID).not.toBe(made.LineItems[0].LineItemID);
    const line = { ...order().LineItems[0], LineItemID: replaced.LineItems[0].LineItemID, Quantity: 3 };
    const updated = await post({ LineItems: [line] }, `/${made.PurchaseOrderID}`);
    expect(updated).toMatchObject({ LineItems: [{ LineItemID: line.LineItemID }], SubTotal: 31.5 });
  });

  it('are silently edited by a POST whose number is in use, where a PUT is refused', async () => {
    const made = await make({ PurchaseOrderNumber: 'PO-OURS' });
    expect(await refusal(bench, 'PUT', 'PurchaseOrders', order({ PurchaseOrderNumber: 'PO-OURS' }))).toEqual([
      'Order number must be unique',
    ]);
    const posted = await post(order({ PurchaseOrderNumber: 'PO-OURS', Reference: 'another order' }));
    expect(posted).toMatchObject({ PurchaseOrderID: made.PurchaseOrderID, Reference: 'another order' });
  });

  it('get the zero GUID and errors for a number that a deleted order holds', async () => {
    const made = await make({ PurchaseOrderNumber: 'PO-GONE' });
    await post({ Status: 'DELETED' }, `/${made.PurchaseOrderID}`);
    const again = await post(order({ PurchaseOrderNumber: 'PO-GONE' }), '?summarizeErrors=false');
    expect(again).toMatchObject({ PurchaseOrderID: ZERO_GUID, HasErrors: true, StatusAttributeString: 'ERROR' });
    expect(again.ValidationErrors.length).toBeGreaterThan(0);
    expect((await one(bench, 'PurchaseOrders', made.PurchaseOrderID)).Status).toBe('DELETED');
  });

  it('need a contact and at least one line, and pass the period lock', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-03-02' });
    await make({ Status: 'AUTHORISED' });
    const { Contact: _contact, ...nobody } = order();
    expect(await refusal(bench, 'PUT', 'PurchaseOrders', nobody)).toEqual([
      'A Contact must be specified for this type of transaction',
    ]);
    expect(await refusal(bench, 'PUT', 'PurchaseOrders', order({ LineItems: [] }))).toEqual([
      'One or more line items must be specified',
    ]);
  });

  it('make their contact a supplier', async () => {
    const { Contact } = await make();
    expect(await one(bench, 'Contacts', Contact.ContactID)).toMatchObject({ IsSupplier: true, IsCustomer: false });
  });
});
