import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountingApi, type Contact, Invoice, LineAmountTypes } from 'xero-node';
import type { Simulator } from '../../simulator/index.js';
import { newName, sdkBooks } from './xeroNode.js';

describe('xero-node alone writes', () => {
  let simulator: Simulator;
  let api: AccountingApi;
  let tenantId: string;
  let contact: Contact;

  beforeAll(async () => {
    ({ simulator, api, tenantId, contact } = await sdkBooks());
  });
  afterAll(() => simulator.close());

  const invoice = (more: Invoice = {}): Invoice => ({
    type: Invoice.TypeEnum.ACCREC,
    contact,
    status: Invoice.StatusEnum.AUTHORISED,
    date: '2026-03-31',
    dueDate: '2026-04-20',
    lineAmountTypes: LineAmountTypes.Exclusive,
    lineItems: [{ description: 'Work', quantity: 2, unitAmount: 10.125, accountCode: '200' }],
    ...more,
  });

  it('contacts: made, updated by id, updated or made', async () => {
    const made = await api.createContacts(tenantId, { contacts: [{ name: newName(), contactNumber: newName() }] });
    const [{ contactID = '', contactNumber } = {}] = made.body.contacts ?? [];
    const updated = await api.updateContact(tenantId, contactID, { contacts: [{ firstName: 'Ann' }] });
    expect(updated.body.contacts?.[0]).toMatchObject({ contactID, firstName: 'Ann' });
    const both = { contacts: [{ contactNumber, lastName: 'Lee' }, { name: newName() }] };
    const { body } = await api.updateOrCreateContacts(tenantId, both);
    expect(body.contacts?.[0]).toMatchObject({ contactID, firstName: 'Ann', lastName: 'Lee' });
    expect(body.contacts?.[1]?.contactID).not.toBe(contactID);
  });

  it('contact groups: made, renamed, joined, left', async () => {
    const made = await api.createContactGroup(tenantId, { contactGroups: [{ name: newName() }] });
    const groupId = made.body.contactGroups?.[0]?.contactGroupID ?? '';
    const name = newName();
    const renamed = await api.updateContactGroup(tenantId, groupId, { contactGroups: [{ name }] });
    expect(renamed.body.contactGroups?.[0]?.name).toBe(name);
    const joined = await api.createContactGroupContacts(tenantId, groupId, { contacts: [contact] });
    expect(joined.body.contacts?.[0]?.contactGroups?.map((group) => group.name)).toEqual([name]);
    const left = await api.deleteContactGroupContact(tenantId, groupId, contact.contactID ?? '');
    expect(left.response.status).toBe(204);
  });

  it('items: made, updated by id, updated or made by code', async () => {
    const code = newName();
    const sold = { code, name: 'Plank', salesDetails: { unitPrice: 1.2345 } };
    const made = await api.createItems(tenantId, { items: [sold] }, true, 4);
    const itemID = made.body.items?.[0]?.itemID ?? '';
    expect(made.body.items?.[0]?.salesDetails?.unitPrice).toBe(1.2345);
    const updated = await api.updateItem(tenantId, itemID, { items: [{ code, name: 'Board' }] });
    expect(updated.body.items?.[0]).toMatchObject({ itemID, name: 'Board' });
    const both = await api.updateOrCreateItems(tenantId, { items: [{ code }, { code: newName() }] });
    expect(both.body.items?.map((item) => item.itemID === itemID)).toEqual([true, false]);
  });

  it('invoices: made, updated by id, updated or made, voided', async () => {
    const made = await api.createInvoices(tenantId, { invoices: [invoice()] }, true, 4);
    const [{ invoiceID = '', total, totalTax } = {}] = made.body.invoices ?? [];
    expect([total, totalTax]).toEqual([23.29, 3.04]);
    const updated = await api.updateInvoice(tenantId, invoiceID, { invoices: [{ reference: 'R' }] });
    expect(updated.body.invoices?.[0]).toMatchObject({ invoiceID, reference: 'R' });
    const both = [{ invoiceID, status: Invoice.StatusEnum.VOIDED }, invoice({ type: Invoice.TypeEnum.ACCPAY })];
    both[1] = { ...both[1], lineItems: [{ description: 'Bought', unitAmount: 5, accountCode: '300' }] };
    const { body } = await api.updateOrCreateInvoices(tenantId, { invoices: both });
    expect(body.invoices?.map(({ status, amountDue }) => [status, amountDue])).toEqual([
      ['VOIDED', 0],
      ['AUTHORISED', 5.75],
    ]);
  });

  it('and reads errors: a summarised one rejects, otherwise each element tells its own', async () => {
    const invoices = [invoice({ invoiceNumber: 'SDK-1' }), invoice({ invoiceNumber: 'SDK-1' })];
    const rejected = await api.createInvoices(tenantId, { invoices }).then(
      () => '',
      (reason: unknown) => String(reason),
    );
    const { response } = JSON.parse(rejected);
    expect(response.statusCode).toBe(400);
    expect(response.body.Elements[0].ValidationErrors).toEqual([{ Message: 'Invoice # must be unique.' }]);
    const { body } = await api.createInvoices(tenantId, { invoices }, false);
    expect(body.invoices?.map(({ statusAttributeString }) => statusAttributeString)).toEqual(['OK', 'ERROR']);
    expect(body.invoices?.[1]?.validationErrors?.[0]?.message).toBe('Invoice # must be unique.');
  });

  it('and its idempotency key guards a retry', async () => {
    const contacts = { contacts: [{ name: newName() }] };
    const once = () => api.createContacts(tenantId, contacts, true, 'the same key');
    const [first, second] = [await once(), await once()];
    expect(second.body.contacts?.[0]?.contactID).toBe(first.body.contacts?.[0]?.contactID);
  });
});
