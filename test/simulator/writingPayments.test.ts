import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type Json } from './support.js';
import { one, refusal, startWriting, written } from './writingSupport.js';

const BANK = { Code: '090' };

describe('payments written through the API', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startWriting({ records: 2_000 });
  });
  afterEach(() => bench.close());

  const find = async (endpoint: string, where: string): Promise<Json> =>
    (await bench.read(endpoint, { page: '1', where }))[endpoint][0];
  const openInvoice = (more = '') =>
    find('Invoices', `Type=="ACCREC" AND Status=="AUTHORISED" AND AmountPaid==0 AND AmountDue>10${more}`);
  const put = async (payment: object): Promise<Json> => (await written(bench, 'PUT', 'Payments', payment)).Payments[0];
  const why = (payment: object) => refusal(bench, 'PUT', 'Payments', payment);
  const paymentOf = (invoice: Json, Amount: number) => ({
    Invoice: { InvoiceID: invoice.InvoiceID },
    Account: BANK,
    Date: '2026-01-05',
    Amount,
  });

  it('are answered as they are read, and take from what their invoice has due', async () => {
    const invoice = await openInvoice();
    const made = await put({ ...paymentOf(invoice, 4.25), Reference: 'DD 1' });
    expect(await one(bench, 'Payments', made.PaymentID)).toEqual(made);
    expect(made).toMatchObject({
      Amount: 4.25,
      DateString: '2026-01-05T00:00:00',
      PaymentType: 'ACCRECPAYMENT',
      Status: 'AUTHORISED',
      Reference: 'DD 1',
      Account: BANK,
      Invoice: { InvoiceID: invoice.InvoiceID, InvoiceNumber: invoice.InvoiceNumber },
    });
    const after = await one(bench, 'Invoices', invoice.InvoiceID);
    expect(after).toMatchObject({ AmountPaid: 4.25, Status: 'AUTHORISED', Payments: [{ PaymentID: made.PaymentID }] });
    expect(after.AmountDue).toBeCloseTo(invoice.AmountDue - 4.25);
  });

  it('settle an invoice, which the system then calls PAID, and open it again when they are deleted', async () => {
    const invoice = await openInvoice();
    const made = await put(paymentOf(invoice, invoice.AmountDue));
    expect(await one(bench, 'Invoices', invoice.InvoiceID)).toMatchObject({
      AmountDue: 0,
      Status: 'PAID',
      FullyPaidOnDate: made.Date,
    });
    const { Payments } = await written(bench, 'POST', `Payments/${made.PaymentID}`, { Status: 'DELETED' });
    expect(Payments[0]).toMatchObject({ PaymentID: made.PaymentID, Status: 'DELETED' });
    const after = await one(bench, 'Invoices', invoice.InvoiceID);
    expect(after).toMatchObject({ AmountDue: invoice.AmountDue, AmountPaid: 0, Status: 'AUTHORISED', Payments: [] });
    expect(after.FullyPaidOnDate).toBeUndefined();
  });

  it('name an invoice by its number as well, and a POST makes them too', async () => {
    const invoice = await openInvoice();
    const payment = { ...paymentOf(invoice, 1), Invoice: { InvoiceNumber: invoice.InvoiceNumber } };
    const { Payments } = await written(bench, 'POST', 'Payments', { Payments: [payment] });
    expect(Payments[0].Invoice.InvoiceID).toBe(invoice.InvoiceID);
  });

  it('see what the payment before them in the same call took', async () => {
    const invoice = await openInvoice();
    const both = { Payments: [paymentOf(invoice, invoice.AmountDue), paymentOf(invoice, 1)] };
    const { Payments } = await written(bench, 'PUT', 'Payments?summarizeErrors=false', both);
    expect(Payments.map((row: Json) => row.StatusAttributeString)).toEqual(['OK', 'ERROR']);
    expect(Payments[1]).toMatchObject({
      PaymentID: '00000000-0000-0000-0000-000000000000',
      HasValidationErrors: true,
      ValidationErrors: [
        { Message: 'Payments can only be made against Authorised documents' },
        { Message: 'Payment amount exceeds the amount outstanding on this document' },
      ],
    });
  });

  it('are refused above what is due, for a draft, to an account that takes none, and for nothing', async () => {
    const invoice = await openInvoice();
    const draft = await find('Invoices', 'Type=="ACCREC" AND Status=="DRAFT"');
    const pay = paymentOf(invoice, 1);
    expect(await why(paymentOf(invoice, invoice.AmountDue + 0.01))).toEqual([
      'Payment amount exceeds the amount outstanding on this document',
    ]);
    expect(await why(paymentOf(draft, 1))).toEqual(['Payments can only be made against Authorised documents']);
    expect(await why({ ...pay, Account: { Code: '200' } })).toEqual([
      'Account type is invalid for making a payment to/from',
    ]);
    expect(await why({ ...pay, Account: { Code: '999' } })).toEqual(['Account could not be found']);
    expect(await why({ ...pay, Amount: 0 })).toEqual(['Payment amount must be greater than zero']);
    expect(await why({ ...pay, Invoice: { InvoiceNumber: 'none' } })).toEqual(['Invoice could not be found']);
    expect(await why({ Account: BANK, Amount: 1 })).toEqual([
      'A payment must name an Invoice, CreditNote, Prepayment or Overpayment',
    ]);
    expect(await one(bench, 'Invoices', invoice.InvoiceID)).toEqual(invoice);
  });

  it('go to an account that is no bank where payments to it are enabled', async () => {
    const invoice = await openInvoice();
    const made = await put({ ...paymentOf(invoice, 1), Account: { Code: '880' } });
    expect(made.Account.Code).toBe('880');
  });

  it('are refused on a day up to the lock date, their deletion as well', async () => {
    const invoice = await openInvoice();
    const made = await put(paymentOf(invoice, 1));
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { periodLockDate: '2026-01-05' });
    const locked = 'The document date cannot be before the period lock date, currently set at 2026-01-05';
    expect(await why(paymentOf(invoice, 1))).toEqual([locked]);
    expect(await refusal(bench, 'POST', `Payments/${made.PaymentID}`, { Status: 'DELETED' })).toEqual([locked]);
    await put({ ...paymentOf(invoice, 1), Date: '2026-01-06' });
  });

  it('are never edited, nor deleted twice, nor taken out of a batch', async () => {
    const modification = 'Payment not of valid status for modification';
    const invoice = await openInvoice();
    const { PaymentID } = await put(paymentOf(invoice, 2));
    expect(await refusal(bench, 'POST', `Payments/${PaymentID}`, { Amount: 1 })).toEqual([modification]);
    await written(bench, 'POST', 'Payments', { PaymentID, Status: 'DELETED' });
    expect(await refusal(bench, 'POST', `Payments/${PaymentID}`, { Status: 'DELETED' })).toEqual([modification]);
    const { BatchPayments } = await bench.read('BatchPayments');
    const batched = BatchPayments[0].Payments[0].PaymentID;
    expect(await refusal(bench, 'POST', `Payments/${batched}`, { Status: 'DELETED' })).toEqual([
      'Payments within a batch cannot be deleted.',
    ]);
    const unknown = await bench.send('POST', `Payments/${invoice.InvoiceID}`, { Status: 'DELETED' });
    expect(unknown.status).toBe(404);
  });

  it('pay a credit back: the answer names the note, a read shows it under Invoice with its own id', async () => {
    const note = await find('CreditNotes', 'Type=="ACCRECCREDIT" AND Status=="AUTHORISED" AND RemainingCredit>10');
    const { CreditNoteID, CreditNoteNumber } = note;
    const made = await put({
      ...paymentOf({}, note.RemainingCredit),
      Invoice: undefined,
      CreditNote: { CreditNoteID },
    });
    expect(made).toMatchObject({ PaymentType: 'ARCREDITPAYMENT', CreditNote: { CreditNoteID, CreditNoteNumber } });
    expect((await one(bench, 'Payments', made.PaymentID)).Invoice).toMatchObject({
      Type: 'ACCRECCREDIT',
      InvoiceID: CreditNoteID,
      InvoiceNumber: CreditNoteNumber,
    });
    expect(await one(bench, 'CreditNotes', CreditNoteID)).toMatchObject({ RemainingCredit: 0, Status: 'PAID' });
    await written(bench, 'POST', `Payments/${made.PaymentID}`, { Status: 'DELETED' });
    expect(await one(bench, 'CreditNotes', CreditNoteID)).toMatchObject({
      RemainingCredit: note.RemainingCredit,
      Status: 'AUTHORISED',
      Payments: [],
    });
  });

  it('in a foreign currency take the rate of the day, and reach the bank in its own currency', async () => {
    const invoice = await openInvoice(' AND CurrencyCode!="NZD"');
    const asked = await put({ ...paymentOf(invoice, 10), CurrencyRate: 0.5 });
    expect(asked).toMatchObject({ Amount: 10, CurrencyRate: 0.5, BankAmount: 20 });
    const made = await put(paymentOf(invoice, 10));
    expect(made.CurrencyRate).not.toBe(1);
    expect(made.BankAmount).toBeCloseTo(10 / made.CurrencyRate, 2);
  });

  it('need the scope that writes them', async () => {
    const reader = await Bench.start({ records: 100 });
    const answer = await reader.send('PUT', 'Payments', {});
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('AuthorizationUnsuccessful');
    await reader.close();
  });
});

describe('journals of an organisation that has them', () => {
  it('follow payments and refunds made through the API, and reverse those that are deleted', async () => {
    const bench = await startWriting({ demo: false, organisation: { records: 800, tier: 'advanced' } });
    const last = (await bench.truth()).streams.journals.count;
    const find = async (endpoint: string, where: string): Promise<Json> =>
      (await bench.read(endpoint, { page: '1', where }))[endpoint][0];
    const { InvoiceID } = await find('Invoices', 'Type=="ACCREC" AND Status=="AUTHORISED" AND AmountDue>10');
    const { CreditNoteID } = await find(
      'CreditNotes',
      'Type=="ACCRECCREDIT" AND Status=="AUTHORISED" AND RemainingCredit>10',
    );
    const both = [
      { Invoice: { InvoiceID }, Account: BANK, Amount: 3 },
      { CreditNote: { CreditNoteID }, Account: BANK, Amount: 2 },
    ];
    const { Payments } = await written(bench, 'PUT', 'Payments', { Payments: both });
    await written(bench, 'POST', `Payments/${Payments[0].PaymentID}`, { Status: 'DELETED' });
    const { Journals } = await bench.read('Journals', { offset: String(last) });
    const posted = Journals.map(({ SourceType, JournalLines }: Json) => [
      SourceType,
      ...JournalLines.map((line: Json) => [line.AccountCode, line.NetAmount]),
    ]);
    expect(posted).toEqual([
      ['ACCRECPAYMENT', ['090', 3], ['610', -3]],
      ['ARCREDITPAYMENT', ['090', -2], ['610', 2]],
      ['ACCRECPAYMENT', ['090', -3], ['610', 3]],
    ]);
    await bench.close();
  });
});
