import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench, Json } from './support.js';
import { one, refusal, startWriting, written } from './writingSupport.js';

let bench: Bench;
beforeEach(async () => {
  bench = await startWriting();
});
afterEach(() => bench.close());

describe('bank transactions written through the API', () => {
  const spend = (more: object = {}) => ({
    Type: 'SPEND',
    Contact: { Name: 'Totara Timber' },
    BankAccount: { Code: '090' },
    Date: '2026-03-02',
    LineItems: [{ Description: 'Fuel', Quantity: 1, UnitAmount: 40, AccountCode: '449' }],
    ...more,
  });
  const make = async (more: object = {}): Promise<Json> =>
    (await written(bench, 'PUT', 'BankTransactions', spend(more))).BankTransactions[0];
  const change = (row: Json, given: object) =>
    written(bench, 'POST', `BankTransactions/${row.BankTransactionID}`, given);

  it('are answered as they are read, and are changed and deleted until they are reconciled', async () => {
    const made = await make({ Reference: 'EFTPOS' });
    expect(await one(bench, 'BankTransactions', made.BankTransactionID)).toEqual(made);
    expect(made).toMatchObject({ Status: 'AUTHORISED', SubTotal: 40, TotalTax: 6, BankAccount: { Code: '090' } });
    expect((await change(made, { Reference: 'later' })).BankTransactions[0]).toMatchObject({
      Reference: 'later',
      LineItems: made.LineItems,
    });
    expect((await change(made, { Status: 'DELETED' })).BankTransactions[0].Status).toBe('DELETED');
    const reconciled = await make({ IsReconciled: true });
    const path = `BankTransactions/${reconciled.BankTransactionID}`;
    expect(await refusal(bench, 'POST', path, { Status: 'DELETED' })).toEqual([
      'This Bank Transaction cannot be edited as it has been reconciled with a Bank Statement.',
    ]);
  });

  it('need a bank account, a known type, and an open period', async () => {
    const why = (more: object) => refusal(bench, 'PUT', 'BankTransactions', spend(more));
    expect(await why({ BankAccount: { Code: '200' } })).toEqual([
      'The BankAccount must be an active account of type BANK',
    ]);
    expect(await why({ Type: 'SPEND-TRANSFER' })).toEqual(["'SPEND-TRANSFER' is not a valid value for Type"]);
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-03-02' });
    expect(await why({})).toEqual([
      'The document date cannot be before the period lock date, currently set at 2026-03-02',
    ]);
  });

  it.each([
    ['RECEIVE-PREPAYMENT', 'Prepayments', 'PrepaymentID', 40],
    ['RECEIVE-OVERPAYMENT', 'Overpayments', 'OverpaymentID', 40],
  ])('of type %s make a credit that can be allocated, and fall with it', async (Type, endpoint, field, total) => {
    const line = { Description: 'Ahead', Quantity: 1, UnitAmount: total, AccountCode: '200' };
    const made = await make({ Type, LineAmountTypes: 'NoTax', LineItems: [line] });
    const credit = await one(bench, endpoint, made[field]);
    expect(credit).toMatchObject({ Type, RemainingCredit: total, Status: 'AUTHORISED', Contact: made.Contact });
    const sale = {
      Type: 'ACCREC',
      Status: 'AUTHORISED',
      Contact: { ContactID: made.Contact.ContactID },
      Date: '2026-03-02',
      DueDate: '2026-04-02',
      LineItems: [{ Description: 'Work', Quantity: 1, UnitAmount: 100, AccountCode: '200' }],
    };
    const [{ InvoiceID }] = (await written(bench, 'PUT', 'Invoices', sale)).Invoices;
    const path = `${endpoint}/${made[field]}/Allocations`;
    const [{ AllocationID }] = (await written(bench, 'PUT', path, { Invoice: { InvoiceID }, Amount: 10 })).Allocations;
    const own = `BankTransactions/${made.BankTransactionID}`;
    expect(await refusal(bench, 'POST', own, { Status: 'DELETED' })).toEqual([
      'This document cannot be edited as it has a payment or credit note allocated to it.',
    ]);
    await written(bench, 'DELETE', `${path}/${AllocationID}`);
    await change(made, { Status: 'DELETED' });
    expect((await one(bench, endpoint, made[field])).Status).toBe('VOIDED');
  });
});

describe('manual journals written through the API', () => {
  const journal = (more: object = {}) => ({
    Narration: 'Accrual',
    Date: '2026-03-02',
    JournalLines: [
      { LineAmount: 70, AccountCode: '429', Description: 'Power' },
      { LineAmount: -70, AccountCode: '620' },
    ],
    ...more,
  });
  const make = async (more: object = {}): Promise<Json> =>
    (await written(bench, 'PUT', 'ManualJournals', journal(more))).ManualJournals[0];
  const why = (more: object) => refusal(bench, 'PUT', 'ManualJournals', journal(more));

  it('are answered as they are read, posted from a draft, and voided once they are posted', async () => {
    const made = await make();
    expect(await one(bench, 'ManualJournals', made.ManualJournalID)).toEqual(made);
    expect(made).toMatchObject({ Status: 'DRAFT', Narration: 'Accrual' });
    const set = async (Status: string) =>
      (await written(bench, 'POST', `ManualJournals/${made.ManualJournalID}`, { Status })).ManualJournals[0].Status;
    expect(await set('POSTED')).toBe('POSTED');
    expect(await set('VOIDED')).toBe('VOIDED');
    expect(await refusal(bench, 'POST', `ManualJournals/${made.ManualJournalID}`, { Status: 'POSTED' })).toEqual([
      'Manual Journal not of valid status for modification',
    ]);
  });

  it('need a narration and at least two lines that balance, on accounts that can be posted to', async () => {
    const [debit, credit] = journal().JournalLines;
    expect(await why({ Narration: '' })).toEqual(['Narration must be specified']);
    expect(await why({ JournalLines: [{ ...debit, LineAmount: 0 }] })).toEqual([
      'A manual journal must have at least 2 lines',
    ]);
    expect(await why({ JournalLines: [debit, { ...credit, LineAmount: -69.99 }] })).toEqual([
      'The total debits (70.00) must equal total credits (69.99)',
    ]);
    expect(await why({ JournalLines: [debit, { ...credit, AccountCode: '610' }] })).toEqual([
      "Account code '610' is not a valid code for this document.",
    ]);
  });

  it('are refused on a locked day when they are posted, and pass as drafts', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { endOfYearLockDate: '2026-03-31' });
    expect(await why({ Status: 'POSTED' })).toEqual([
      'The document date cannot be before the end of year lock date, currently set at 2026-03-31',
    ]);
    await make();
  });
});
