import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench, Json } from './support.js';
import { one, refusal, startWriting, written } from './writingSupport.js';

const ZERO_GUID = '00000000-0000-0000-0000-000000000000';

describe('credit notes written through the API', () => {
  let bench: Bench;
  let contact: Json;
  let stranger: Json;
  beforeEach(async () => {
    bench = await startWriting({ records: 2_000 });
    const names = { Contacts: [{ Name: 'Kauri Homes' }, { Name: 'Rimu Homes' }] };
    [contact, stranger] = (await written(bench, 'PUT', 'Contacts', names)).Contacts;
  });
  afterEach(() => bench.close());

  const lines = (UnitAmount: number) => [
    { Description: 'Returned goods', Quantity: 1, UnitAmount, AccountCode: '200' },
  ];
  const document = (Type: string, amount: number, more: object = {}) => ({
    Type,
    Status: 'AUTHORISED',
    Contact: { ContactID: contact.ContactID },
    Date: '2026-03-02',
    LineAmountTypes: 'NoTax',
    LineItems: lines(amount),
    ...more,
  });
  const note = (amount: number, more: object = {}) => document('ACCRECCREDIT', amount, more);
  const make = async (given: object): Promise<Json> =>
    (await written(bench, 'PUT', 'CreditNotes', given)).CreditNotes[0];
  const invoice = async (amount: number, more: object = {}): Promise<Json> => {
    const given = document('ACCREC', amount, { DueDate: '2026-04-01', ...more });
    return (await written(bench, 'PUT', 'Invoices', given)).Invoices[0];
  };
  const why = (method: 'PUT' | 'POST', given: object, id = '') => refusal(bench, method, `CreditNotes${id}`, given);

  it('are answered as they are read, with taxed lines, all of it left to allocate, and a number of their own', async () => {
    const made = await make(note(100, { LineAmountTypes: 'Exclusive', Reference: 'R1' }));
    expect(await one(bench, 'CreditNotes', made.CreditNoteID)).toEqual(made);
    expect(made).toMatchObject({
      Type: 'ACCRECCREDIT',
      Status: 'AUTHORISED',
      Reference: 'R1',
      SubTotal: 100,
      TotalTax: 15,
      Total: 115,
      RemainingCredit: 115,
      Allocations: [],
      Contact: { ContactID: contact.ContactID },
    });
    expect(made.CreditNoteNumber).toMatch(/^CN-\d{5}$/);
    expect((await make(note(1))).CreditNoteNumber).not.toBe(made.CreditNoteNumber);
  });

  it("have a unique number when they are sales, and any number when they are a supplier's", async () => {
    await make(note(1, { CreditNoteNumber: 'CN-OWN' }));
    expect(await why('PUT', note(1, { CreditNoteNumber: 'cn-own' }))).toEqual(['Credit Note # must be unique.']);
    await make(document('ACCPAYCREDIT', 1, { CreditNoteNumber: 'S-1' }));
    await make(document('ACCPAYCREDIT', 1, { CreditNoteNumber: 'S-1' }));
    expect((await make(document('ACCPAYCREDIT', 1))).CreditNoteNumber).toBe('');
  });

  it('are edited by a POST of their number, or refused as taken, as the switch says', async () => {
    const made = await make(note(1, { CreditNoteNumber: 'CN-OWN', Status: 'DRAFT' }));
    const [edited] = (await written(bench, 'POST', 'CreditNotes', note(3, { CreditNoteNumber: 'CN-OWN' }))).CreditNotes;
    expect(edited).toMatchObject({ CreditNoteID: made.CreditNoteID, Total: 3, Status: 'AUTHORISED' });
    await bench.control('PATCH', '/settings', { switches: { postEditsInvoiceByNumber: false } });
    expect(await why('POST', note(3, { CreditNoteNumber: 'CN-OWN' }))).toEqual(['Credit Note # must be unique.']);
  });

  it('are deleted from a draft, voided once approved, and are then beyond modification', async () => {
    const draft = await make(note(5, { Status: 'DRAFT' }));
    const notModifiable = ['Credit Note not of valid status for modification'];
    expect(await why('POST', { Status: 'VOIDED' }, `/${draft.CreditNoteID}`)).toEqual(notModifiable);
    await written(bench, 'POST', `CreditNotes/${draft.CreditNoteID}`, { Status: 'DELETED' });
    expect(await why('POST', { Status: 'DRAFT' }, `/${draft.CreditNoteID}`)).toEqual(notModifiable);
    const approved = await make(note(5));
    expect(await why('POST', { Status: 'DELETED' }, `/${approved.CreditNoteID}`)).toEqual(notModifiable);
    const { CreditNotes } = await written(bench, 'POST', `CreditNotes/${approved.CreditNoteID}`, { Status: 'VOIDED' });
    expect(CreditNotes[0]).toMatchObject({ Status: 'VOIDED', RemainingCredit: 0 });
  });

  it('are refused on a day up to the lock date, drafts excepted', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-03-02' });
    expect(await why('PUT', note(5))).toEqual([
      'The document date cannot be before the period lock date, currently set at 2026-03-02',
    ]);
    await make(note(5, { Status: 'DRAFT' }));
    await make(note(5, { Date: '2026-03-03' }));
  });

  it('are refused with their reasons one by one where summarizeErrors is false, the good ones being saved', async () => {
    const body = { CreditNotes: [note(5), { ...note(5), Type: 'ACCREC' }] };
    const { CreditNotes } = await written(bench, 'PUT', 'CreditNotes?summarizeErrors=false', body);
    expect(CreditNotes[0].StatusAttributeString).toBe('OK');
    expect(CreditNotes[1]).toMatchObject({ CreditNoteID: ZERO_GUID, HasErrors: true, StatusAttributeString: 'ERROR' });
    expect((await one(bench, 'CreditNotes', CreditNotes[0].CreditNoteID)).Total).toBe(5);
  });

  describe('and their allocations', () => {
    const path = ({ CreditNoteID }: Json) => `CreditNotes/${CreditNoteID}/Allocations`;
    const to = ({ InvoiceID }: Json, Amount: number) => ({ Invoice: { InvoiceID }, Amount, Date: '2026-03-05' });
    const allocate = async (from: Json, given: object): Promise<Json> =>
      (await written(bench, 'PUT', path(from), { Allocations: [given] })).Allocations[0];
    const whyNot = (from: Json, given: object) => refusal(bench, 'PUT', path(from), given);

    it('take from both balances, and repeated they take again', async () => {
      const credit = await make(note(50));
      const sale = await invoice(80);
      const first = await allocate(credit, to(sale, 20));
      const second = await allocate(credit, to(sale, 20));
      expect(first).toMatchObject({
        Amount: 20,
        DateString: '2026-03-05T00:00:00',
        Invoice: { InvoiceID: sale.InvoiceID },
      });
      expect(second.AllocationID).not.toBe(first.AllocationID);
      expect(await one(bench, 'CreditNotes', credit.CreditNoteID)).toMatchObject({
        RemainingCredit: 10,
        Status: 'AUTHORISED',
        Allocations: [first, second],
      });
      expect(await one(bench, 'Invoices', sale.InvoiceID)).toMatchObject({
        AmountDue: 40,
        AmountCredited: 40,
        AmountPaid: 0,
        CreditNotes: [{ CreditNoteID: credit.CreditNoteID, AppliedAmount: 40 }],
      });
    });

    it('make a note that is used up and an invoice that is covered PAID', async () => {
      const credit = await make(note(50));
      const sale = await invoice(50);
      await allocate(credit, to(sale, 50));
      expect(await one(bench, 'CreditNotes', credit.CreditNoteID)).toMatchObject({
        RemainingCredit: 0,
        Status: 'PAID',
      });
      expect(await one(bench, 'Invoices', sale.InvoiceID)).toMatchObject({ AmountDue: 0, Status: 'PAID' });
    });

    it('are taken back one by one, and both balances are as before', async () => {
      const credit = await make(note(50));
      const sale = await invoice(50);
      const first = await allocate(credit, to(sale, 20));
      const second = await allocate(credit, to(sale, 30));
      const { Allocations } = await written(bench, 'DELETE', `${path(credit)}/${first.AllocationID}`);
      expect(Allocations).toEqual([{ ...first, IsDeleted: true }]);
      expect(await one(bench, 'CreditNotes', credit.CreditNoteID)).toMatchObject({
        RemainingCredit: 20,
        Status: 'AUTHORISED',
        Allocations: [second],
      });
      await written(bench, 'DELETE', `${path(credit)}/${second.AllocationID}`);
      const after = await one(bench, 'Invoices', sale.InvoiceID);
      expect(after).toMatchObject({ AmountDue: 50, AmountCredited: 0, Status: 'AUTHORISED', CreditNotes: [] });
      const again = await bench.send('DELETE', `${path(credit)}/${first.AllocationID}`);
      expect(again.status).toBe(404);
    });

    it('keep the note and the invoice from being edited or voided', async () => {
      const credit = await make(note(50));
      const sale = await invoice(80);
      await allocate(credit, to(sale, 20));
      const has = ['This document cannot be edited as it has a payment or credit note allocated to it.'];
      expect(await why('POST', { Status: 'VOIDED' }, `/${credit.CreditNoteID}`)).toEqual(has);
      expect(await why('POST', note(60), `/${credit.CreditNoteID}`)).toEqual(has);
      expect(await refusal(bench, 'POST', `Invoices/${sale.InvoiceID}`, { Status: 'VOIDED' })).toEqual(has);
    });

    it('are refused beyond either balance, across types and contacts, from a draft, and on a locked day', async () => {
      const credit = await make(note(50));
      const tooMuch = 'Credit Note cannot be allocated as amount is greater than amount outstanding';
      expect(await whyNot(credit, to(await invoice(80), 50.01))).toEqual([tooMuch]);
      expect(await whyNot(credit, to(await invoice(20), 20.01))).toEqual([tooMuch]);
      expect(await whyNot(credit, to(await invoice(80, { Type: 'ACCPAY' }), 1))).toEqual([
        'Credit Note cannot be allocated to an incorrect invoice type',
      ]);
      const foreign = await invoice(80, { Contact: { ContactID: stranger.ContactID } });
      expect(await whyNot(credit, to(foreign, 1))).toEqual([
        'Credit Note cannot be allocated to an invoice of another contact',
      ]);
      expect(await whyNot(await make(note(5, { Status: 'DRAFT' })), to(await invoice(80), 1))).toEqual([
        'Credit Note not of valid status for allocation',
      ]);
      const paid = await invoice(30);
      await allocate(credit, to(paid, 30));
      expect(await whyNot(credit, to(paid, 1))).toEqual([
        'The invoice you are trying to allocate to has already been paid off',
        tooMuch,
      ]);
      await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-03-05' });
      expect(await whyNot(credit, to(await invoice(9, { Date: '2026-03-06' }), 1))).toEqual([
        'The document date cannot be before the period lock date, currently set at 2026-03-05',
      ]);
    });

    it('are not to be had from a note that does not exist', async () => {
      const nothing = await bench.send('PUT', `CreditNotes/${ZERO_GUID}/Allocations`, to(await invoice(1), 1));
      expect(nothing.status).toBe(404);
    });

    it('of prepayments and overpayments work alike', async () => {
      for (const [endpoint, field] of [
        ['Prepayments', 'PrepaymentID'],
        ['Overpayments', 'OverpaymentID'],
      ] as const) {
        const where = `Status=="AUTHORISED" AND CurrencyCode=="NZD"`;
        const credit = (await bench.read(endpoint, { page: '1', where }))[endpoint][0];
        const Type = credit.Type.startsWith('RECEIVE') ? 'ACCREC' : 'ACCPAY';
        const bill = await invoice(2, { Type, Contact: { ContactID: credit.Contact.ContactID } });
        await written(bench, 'PUT', `${endpoint}/${credit[field]}/Allocations`, to(bill, 2));
        const after = await one(bench, endpoint, credit[field]);
        expect(after.RemainingCredit).toBeCloseTo(credit.RemainingCredit - 2);
        expect((await one(bench, 'Invoices', bill.InvoiceID))[endpoint]).toMatchObject([{ AppliedAmount: 2 }]);
      }
    });
  });
});
