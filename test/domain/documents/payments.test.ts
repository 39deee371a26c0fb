import { describe, expect, it } from 'vitest';
import type { ParentDocument, QueuedDocument } from '../../../domain/documents/facts.js';
import { fingerprintOf } from '../../../domain/documents/fingerprint.js';
import { planDocument } from '../../../domain/documents/plan.js';
import { type Books, factsOf, parent, queued, record, sent } from '../../support/pushFacts.js';

const xeroPaymentId = '11111111-2222-4333-8444-555555555555';
const held = (more: object = {}) =>
  record('invoices', {
    ...{ InvoiceID: 'i', Type: 'ACCREC', Status: 'AUTHORISED', Contact: { ContactID: 'aroha' }, CurrencyCode: 'NZD' },
    ...{ Total: 115, AmountDue: 115, AmountPaid: 0, Payments: [] },
    ...more,
  });
const invoiceContent = {
  ...{ contact: 'c-1', date: '2026-06-01', total: '115.00' },
  lines: [{ description: 'Work', unitAmount: '100' }],
};
const invoice = (more: object = {}, state: Partial<ParentDocument> = {}) =>
  parent('invoice', 'inv-1', invoiceContent, held(more), state);
const paid = (xeroId: string, more: object = {}) =>
  record('payments', {
    ...{ PaymentID: xeroId, Status: 'AUTHORISED', Amount: 100, Date: '/Date(1781049600000+0000)/' },
    Invoice: { InvoiceID: 'i' },
    ...more,
  });

const content = { invoice: 'inv-1', amount: '100.00', date: '2026-06-10', method: 'card' };
const payment = (more: object = {}, state: Partial<QueuedDocument<'payment'>> = {}) =>
  queued('payment', { ...content, ...more } as typeof content, state);
const plan = (document: QueuedDocument, books: Books = {}) =>
  planDocument(document, factsOf({ parents: [invoice()], ...books }));

describe('a payment', () => {
  it('goes to the account of its method, on its invoice, on the date paid', () => {
    expect(plan(payment({ reference: 'R1' }), { lookedUp: [] })).toMatchObject({
      ...{ do: 'send', method: 'PUT', path: 'Payments', collection: 'Payments', more: false },
      element: {
        ...{
          Invoice: { InvoiceID: 'i' },
          Account: { Code: '090' },
          Amount: '100.00',
          Date: '2026-06-10',
          Reference: 'R1',
        },
      },
      lookup: {
        stream: 'payments',
        holds: { 'Invoice.InvoiceID': 'i', Amount: '100.00', Date: '2026-06-10', Reference: 'R1' },
      },
    });
  });

  it('of a bill goes the same way', () => {
    const bill = parent('bill', 'b-1', invoiceContent, held({ InvoiceID: 'b', Type: 'ACCPAY' }));
    const document = queued('billPayment', { bill: 'b-1', amount: '115.00', date: '2026-06-10', account: '650' });
    expect(plan(document, { parents: [bill] })).toMatchObject({ element: { Invoice: { InvoiceID: 'b' } } });
  });

  it('is not sent while payments out are off, or before the Sync From Date', () => {
    expect(plan(payment(), { settings: { paymentsOut: false } })).toMatchObject({
      state: 'skipped',
      code: 'payments_out_off',
    });
    expect(plan(payment({ date: '2026-03-31' }))).toMatchObject({ state: 'skipped', code: 'before_sync_from_date' });
  });

  it('on an invoice that lies before the Sync From Date and is not sent is refused', () => {
    const before = {
      state: 'skipped',
      code: 'before_sync_from_date',
      comes: false,
      xeroId: null,
      record: null,
    } as const;
    expect(plan(payment(), { parents: [invoice({}, before)] })).toMatchObject({
      ...{ state: 'failed', code: 'parent_before_sync_from_date', errors: [{ field: 'invoice' }] },
    });
  });

  it('waits for its invoice', () => {
    expect(plan(payment(), { parents: [] })).toMatchObject({ state: 'waiting', code: 'parent_not_sent' });
    const failed = { state: 'failed', comes: false, xeroId: null, record: null } as const;
    expect(plan(payment(), { parents: [invoice({}, failed)] })).toMatchObject({
      state: 'waiting',
      code: 'parent_failed',
    });
  });

  it('above what is due is refused with both figures', () => {
    const above = plan(payment({ amount: '115.01' }));
    expect(above).toMatchObject({ state: 'failed', code: 'payment_exceeds_due', errors: [{ field: 'amount' }] });
    expect(JSON.stringify(above)).toContain('115.01 is above 115.00');
  });

  it('is held against what payments after the invoice was read, and earlier ones still to go, leave due', () => {
    const records = [paid('p', { Amount: 20, Date: '/Date(1700000000000+0000)/' })];
    expect(plan(payment(), { records })).toMatchObject({ code: 'payment_exceeds_due' });
    const told = invoice({ AmountDue: 95, Payments: [{ PaymentID: 'p', Amount: 20 }] });
    expect(plan(payment({ amount: '95.00' }), { records, parents: [told] })).toMatchObject({ do: 'send' });
    expect(plan(payment(), { promised: '15.01' })).toMatchObject({ code: 'payment_exceeds_due' });
    expect(plan(payment(), { promised: '15.00' })).toMatchObject({ do: 'send' });
  });

  it('on what is not authorised in Xero is refused', () => {
    expect(plan(payment(), { parents: [invoice({ Status: 'DRAFT' })] })).toMatchObject({
      code: 'parent_not_authorised',
    });
    const coming = parent('invoice', 'inv-1', invoiceContent, null, { comes: true });
    expect(plan(payment(), { parents: [coming], settings: { invoiceStatus: 'draft' } })).toMatchObject({
      code: 'parent_not_authorised',
    });
  });

  it('needs an account that takes payments, in the invoice’s currency or the base', () => {
    expect(plan(payment({ method: 'cheque' }))).toMatchObject({
      code: 'account_missing',
      errors: [{ field: 'method' }],
    });
    expect(plan(payment({ account: '200' }))).toMatchObject({
      code: 'account_type_wrong',
      errors: [{ field: 'account' }],
    });
    expect(plan(payment({ account: '092' }))).toMatchObject({ code: 'payment_currency_wrong' });
    const euros = invoice({ CurrencyCode: 'EUR' });
    for (const account of ['091', '090']) {
      expect(plan(payment({ account }), { parents: [euros] })).toMatchObject({ do: 'send' });
    }
    expect(plan(payment({ account: '091' }))).toMatchObject({ code: 'payment_currency_wrong' });
  });

  it('on a locked date is refused before the call', () => {
    const organisation = {
      ...{ baseCurrency: 'NZD', periodLockDate: null, endOfYearLockDate: '2026-06-10' },
    };
    expect(plan(payment(), { facts: { organisation } })).toMatchObject({ code: 'period_locked' });
  });

  it('equal in invoice, amount and date, three days apart at most, to one in Xero is held', () => {
    const near = paid('p', { Date: '/Date(1781308800000+0000)/' });
    const roomy = invoice({ Total: 500, AmountDue: 400, Payments: [{ PaymentID: 'p' }] });
    const books = { records: [near], parents: [roomy] };
    expect(plan(payment(), books)).toMatchObject({ state: 'held', code: 'duplicate_suspected' });
    expect(plan(payment({}, { decided: true }), books)).toMatchObject({ do: 'send', lookup: { except: ['p'] } });
    expect(plan(payment(), { ...books, ours: ['p'] })).toMatchObject({ do: 'send' });
    expect(plan(payment({ date: '2026-06-09' }), books)).toMatchObject({ do: 'send' });
    expect(plan(payment({ amount: '99.99' }), books)).toMatchObject({ do: 'send' });
  });

  it('that came from Xero is linked and never sent, changed or not, also while payments out are off', () => {
    const there = paid(xeroPaymentId);
    const document = payment({ xeroPaymentId });
    const settings = { paymentsOut: false };
    expect(plan(document, { lookedUp: [] })).toMatchObject({
      do: 'fetch',
      stream: 'payments',
      values: [xeroPaymentId],
    });
    expect(plan(document, { records: [there], settings })).toMatchObject({
      do: 'link',
      xeroId: xeroPaymentId,
      code: 'from_xero',
    });
    const changed = sent(document, xeroPaymentId, '', { ...content, xeroPaymentId, amount: '7.00' });
    expect(plan({ ...changed, decided: true }, { records: [there] })).toMatchObject({ do: 'link' });
    expect(plan({ ...changed, deleted: true }, { records: [there] })).toMatchObject({ do: 'settle', state: 'voided' });
  });

  it('is never edited: another version takes the first back and makes another', () => {
    const there = paid('p');
    const next = sent(payment(), 'p', fingerprintOf('payment', payment().content, there), {
      ...content,
      amount: '90.00',
    });
    expect(plan(next, { records: [there], ours: ['p'] })).toMatchObject({
      ...{ step: 'void', path: 'Payments/p', collection: null, element: { Status: 'DELETED' }, more: true },
    });
    const full = invoice({ AmountDue: 15, Payments: [{ PaymentID: 'p', Amount: 100 }] });
    const books = { records: [there], ours: ['p'], parents: [full] };
    expect(plan(next, books)).toMatchObject({ step: 'void' });
    const above = sent(payment(), 'p', '', { ...content, amount: '115.01' });
    expect(plan({ ...above, decided: true }, books)).toMatchObject({ code: 'payment_exceeds_due' });
    const done = [...next.done, { step: 'void', version: 2, sent: null, xeroId: 'p' }];
    const gone = paid('p', { Status: 'DELETED' });
    const takenBack = { ...next, done, xeroId: null, fingerprint: null };
    expect(plan(takenBack, { records: [gone], lookedUp: [] })).toMatchObject({
      ...{ step: 'document', method: 'PUT', element: { Amount: '90.00' }, more: false },
    });
  });

  it('sent once more is compared, and not sent again', () => {
    const there = paid('p');
    const again = { ...sent(payment(), 'p', fingerprintOf('payment', payment().content, there)), again: true };
    expect(plan(again, { records: [there], ours: ['p'] })).toMatchObject({ do: 'link', xeroId: 'p' });
    const gone = paid('p', { Status: 'DELETED' });
    expect(plan(again, { records: [gone], ours: ['p'] })).toMatchObject({ state: 'deletedInXero' });
  });

  it('that the platform deleted is deleted in Xero', () => {
    const there = paid('p');
    const deleted = { ...sent(payment(), 'p', ''), deleted: true };
    expect(plan(deleted, { records: [there] })).toMatchObject({
      step: 'void',
      path: 'Payments/p',
      lookup: { gone: true },
    });
  });
});
