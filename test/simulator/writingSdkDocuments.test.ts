import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccountingApi,
  AccountType,
  BankTransaction,
  type Contact,
  CreditNote,
  CurrencyCode,
  Invoice,
  LineAmountTypes,
  ManualJournal,
  PurchaseOrder,
  TaxRate,
  TrackingCategory,
} from 'xero-node';
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

  const document = (unitAmount: number) => ({
    contact,
    date: '2026-03-31',
    lineAmountTypes: LineAmountTypes.NoTax,
    lineItems: [{ description: 'Work', quantity: 1, unitAmount, accountCode: '200' }],
  });
  const newInvoice = async (amount: number): Promise<string> => {
    const { ACCREC } = Invoice.TypeEnum;
    const status = Invoice.StatusEnum.AUTHORISED;
    const invoices = [{ ...document(amount), type: ACCREC, status, dueDate: '2026-04-20' }];
    return (await api.createInvoices(tenantId, { invoices })).body.invoices?.[0]?.invoiceID ?? '';
  };
  const newNote = async (amount: number): Promise<string> => {
    const { ACCRECCREDIT } = CreditNote.TypeEnum;
    const creditNotes = [{ ...document(amount), type: ACCRECCREDIT, status: CreditNote.StatusEnum.AUTHORISED }];
    return (await api.createCreditNotes(tenantId, { creditNotes })).body.creditNotes?.[0]?.creditNoteID ?? '';
  };
  const dueOf = async (invoiceID: string) => (await api.getInvoice(tenantId, invoiceID)).body.invoices?.[0]?.amountDue;

  it('payments: one, many, and deleted', async () => {
    const invoiceID = await newInvoice(50);
    const pay = (amount: number) => ({ invoice: { invoiceID }, account: { code: '090' }, date: '2026-04-01', amount });
    const one = await api.createPayment(tenantId, pay(10));
    const [{ paymentID = '', status } = {}] = one.body.payments ?? [];
    expect(String(status)).toBe('AUTHORISED');
    await api.createPayments(tenantId, { payments: [pay(5), pay(5)] });
    expect(await dueOf(invoiceID)).toBe(30);
    const gone = await api.deletePayment(tenantId, paymentID, { status: 'DELETED' });
    expect(String(gone.body.payments?.[0]?.status)).toBe('DELETED');
    expect(await dueOf(invoiceID)).toBe(40);
  });

  it('credit notes: made, updated, allocated, taken back, refunded, voided', async () => {
    const creditNoteID = await newNote(30);
    const update = { creditNotes: [{ creditNoteID, reference: 'R' }] };
    expect((await api.updateCreditNote(tenantId, creditNoteID, update)).body.creditNotes?.[0]?.reference).toBe('R');
    const invoiceID = await newInvoice(50);
    const wanted = { allocations: [{ invoice: { invoiceID }, amount: 20, date: '2026-04-01' }] };
    const { body } = await api.createCreditNoteAllocation(tenantId, creditNoteID, wanted);
    expect(await dueOf(invoiceID)).toBe(30);
    await api.deleteCreditNoteAllocations(tenantId, creditNoteID, body.allocations?.[0]?.allocationID ?? '');
    expect(await dueOf(invoiceID)).toBe(50);
    const refund = { creditNote: { creditNoteID }, account: { code: '090' }, date: '2026-04-01', amount: 1 };
    const paid = await api.createPayment(tenantId, refund);
    expect(paid.body.payments?.[0]?.creditNote?.creditNoteID).toBe(creditNoteID);
    const other = await newNote(5);
    const voided = { creditNotes: [{ creditNoteID: other, status: CreditNote.StatusEnum.VOIDED }] };
    const { VOIDED } = CreditNote.StatusEnum;
    expect((await api.updateOrCreateCreditNotes(tenantId, voided)).body.creditNotes?.[0]?.status).toBe(VOIDED);
  });

  it('purchase orders: made, updated by id, updated or made', async () => {
    const { AUTHORISED, BILLED } = PurchaseOrder.StatusEnum;
    const made = await api.createPurchaseOrders(tenantId, { purchaseOrders: [{ ...document(7), status: AUTHORISED }] });
    const [{ purchaseOrderID = '', purchaseOrderNumber } = {}] = made.body.purchaseOrders ?? [];
    const billed = { purchaseOrders: [{ status: BILLED }] };
    const updated = await api.updatePurchaseOrder(tenantId, purchaseOrderID, billed);
    expect(updated.body.purchaseOrders?.[0]).toMatchObject({ purchaseOrderNumber, status: BILLED });
    const both = await api.updateOrCreatePurchaseOrders(tenantId, { purchaseOrders: [document(8), document(9)] });
    expect(both.body.purchaseOrders?.map(({ total }) => total)).toEqual([8, 9]);
  });

  it('bank transactions, with the prepayment that one makes and its allocation', async () => {
    const type = BankTransaction.TypeEnum.RECEIVEPREPAYMENT;
    const bankTransactions = [{ ...document(25), type, bankAccount: { code: '090' } }];
    const made = await api.createBankTransactions(tenantId, { bankTransactions });
    const [{ bankTransactionID = '', prepaymentID = '' } = {}] = made.body.bankTransactions ?? [];
    const invoiceID = await newInvoice(50);
    const wanted = { allocations: [{ invoice: { invoiceID }, amount: 25, date: '2026-04-01' }] };
    const { body } = await api.createPrepaymentAllocations(tenantId, prepaymentID, wanted);
    expect(await dueOf(invoiceID)).toBe(25);
    await api.deletePrepaymentAllocations(tenantId, prepaymentID, body.allocations?.[0]?.allocationID ?? '');
    const { DELETED } = BankTransaction.StatusEnum;
    const end = { bankTransactions: [{ status: DELETED } as BankTransaction] };
    const ended = await api.updateBankTransaction(tenantId, bankTransactionID, end);
    expect(ended.body.bankTransactions?.[0]?.status).toBe(DELETED);
  });

  it('manual journals: made, and posted', async () => {
    const journalLines = [
      { lineAmount: 9, accountCode: '429' },
      { lineAmount: -9, accountCode: '620' },
    ];
    const made = await api.createManualJournals(tenantId, { manualJournals: [{ narration: newName(), journalLines }] });
    const [{ manualJournalID = '', narration = '' } = {}] = made.body.manualJournals ?? [];
    const { POSTED } = ManualJournal.StatusEnum;
    const posted = await api.updateManualJournal(tenantId, manualJournalID, {
      manualJournals: [{ narration, status: POSTED }],
    });
    expect(posted.body.manualJournals?.[0]?.status).toBe(POSTED);
  });

  it('accounts: made, changed, deleted', async () => {
    const made = await api.createAccount(tenantId, { code: '246', name: newName(), type: AccountType.REVENUE });
    const accountID = made.body.accounts?.[0]?.accountID ?? '';
    const changed = await api.updateAccount(tenantId, accountID, { accounts: [{ description: 'for callouts' }] });
    expect(changed.body.accounts?.[0]?.description).toBe('for callouts');
    expect((await api.deleteAccount(tenantId, accountID)).response.status).toBe(200);
  });

  it('tax rates, currencies, tracking categories and their options', async () => {
    const taxComponents = [{ name: 'State', rate: 2.25 }];
    const made = await api.createTaxRates(tenantId, { taxRates: [{ name: newName(), taxComponents }] });
    const [{ taxType, effectiveRate } = {}] = made.body.taxRates ?? [];
    expect(effectiveRate).toBe(2.25);
    const archived = { taxRates: [{ taxType, status: TaxRate.StatusEnum.ARCHIVED }] };
    expect((await api.updateTaxRate(tenantId, archived)).body.taxRates?.[0]?.taxType).toBe(taxType);
    const currency = await api.createCurrency(tenantId, { code: CurrencyCode.SEK, description: 'Swedish Krona' });
    expect(currency.body.currencies?.[0]?.description).toBe('Swedish Krona');
    const { body } = await api.getTrackingCategories(tenantId);
    const old = body.trackingCategories?.[0]?.trackingCategoryID ?? '';
    await api.updateTrackingCategory(tenantId, old, { status: TrackingCategory.StatusEnum.ARCHIVED });
    const crew = await api.createTrackingCategory(tenantId, { name: newName() });
    const categoryId = crew.body.trackingCategories?.[0]?.trackingCategoryID ?? '';
    const option = await api.createTrackingOptions(tenantId, categoryId, { name: 'Red' });
    const optionId = option.body.options?.[0]?.trackingOptionID ?? '';
    const renamed = await api.updateTrackingOptions(tenantId, categoryId, optionId, { name: 'Blue' });
    expect(renamed.body.options?.[0]?.name).toBe('Blue');
    await api.deleteTrackingOptions(tenantId, categoryId, optionId);
    await api.deleteTrackingCategory(tenantId, categoryId);
  });
});
