import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchPayments, type PlatformInvoice, type XeroPayment } from '../../domain/payments/matching.js';

let made = 0;
const invoice = (more: Partial<PlatformInvoice> = {}): PlatformInvoice => {
  const id = `invoice ${++made}`;
  return {
    ...{ id, externalId: id, currency: 'NZD', open: '100.00', contactId: 'ann', xeroId: `xero ${id}`, inXero: 'open' },
    ...more,
  };
};
const unsent = (more: Partial<PlatformInvoice> = {}) => invoice({ xeroId: null, inXero: 'absent', ...more });
const payment = (more: Partial<XeroPayment> = {}): XeroPayment => ({
  ...{ xeroPaymentId: `payment ${++made}`, amount: '100', currency: 'NZD', date: '2026-09-01' },
  ...{ invoiceId: 'not ours', contactId: 'ann' },
  ...more,
});
const on = ({ xeroId }: PlatformInvoice, more: Partial<XeroPayment> = {}) => payment({ invoiceId: xeroId, ...more });

/** What becomes of the payments: the state, and the invoice or the code. */
function become(payments: XeroPayment[], invoices: PlatformInvoice[], partPayments = false) {
  const verdicts = matchPayments(payments, invoices, { partPayments });
  return payments.map(({ xeroPaymentId }) => {
    const verdict = verdicts.get(xeroPaymentId);
    return verdict?.state === 'matched'
      ? verdict.invoiceId
      : `${verdict?.state} ${verdict && 'code' in verdict && verdict.code}`;
  });
}

describe("the payment's own invoice, when it is ours, decides", () => {
  test('all that is open is taken, whatever else would fit', () => {
    const own = invoice();
    expect(become([on(own)], [own, unsent()])).toEqual([own.id]);
  });

  test('another amount is not, and says so', () => {
    const own = invoice();
    expect(become([on(own, { amount: '99.99' })], [own, unsent({ open: '99.99' })])).toEqual([
      'unmatched amount_differs',
    ]);
    expect(become([on(own, { amount: '100.01' })], [own], true)).toEqual(['unmatched amount_differs']);
  });

  test('a part is taken where parts may be paid, up to what is open', () => {
    const own = invoice();
    expect(become([on(own, { amount: '0.01' })], [own], true)).toEqual([own.id]);
    expect(become([on(own, { amount: '30' }), on(own, { amount: '70.00' })], [own], true)).toEqual([own.id, own.id]);
  });

  test('another currency is not', () => {
    const own = invoice();
    expect(become([on(own, { currency: 'EUR' })], [own])).toEqual(['unmatched currency_differs']);
  });

  test('several that together exceed what is open are a doubt, each of them', () => {
    const own = invoice();
    expect(become([on(own), on(own)], [own])).toEqual(['ambiguous ambiguous', 'ambiguous ambiguous']);
    const parts = [on(own, { amount: '60' }), on(own, { amount: '41' })];
    expect(become(parts, [own], true)).toEqual(['ambiguous ambiguous', 'ambiguous ambiguous']);
  });

  test('it does so though it is closed in Xero by that very payment', () => {
    const own = invoice({ inXero: 'closed' });
    expect(become([on(own)], [own])).toEqual([own.id]);
  });
});

describe('a payment on an invoice that is not ours', () => {
  test('pays the one invoice of the same customer, of exactly its amount, that is not in Xero', () => {
    const typedTwice = unsent();
    expect(become([payment()], [typedTwice, unsent({ open: '100.01' }), unsent({ contactId: 'bob' })])).toEqual([
      typedTwice.id,
    ]);
  });

  test('never pays a part, also where parts may be paid', () => {
    expect(become([payment({ amount: '99' })], [unsent()], true)).toEqual(['unmatched no_match']);
  });

  test('is paid elsewhere when ours is open in Xero too, or on its way there', () => {
    expect(become([payment()], [invoice()])).toEqual(['ambiguous paid_elsewhere']);
    expect(become([payment()], [invoice(), unsent()])).toEqual(['ambiguous paid_elsewhere']);
    expect(become([payment()], [unsent({ inXero: 'unknown' })])).toEqual(['ambiguous paid_elsewhere']);
  });

  test('has nothing to do with an invoice of ours that Xero has as paid', () => {
    expect(become([payment()], [invoice({ inXero: 'closed' })])).toEqual(['unmatched no_match']);
  });

  test('is ambiguous when two invoices fit, or when another payment fits the same one', () => {
    expect(become([payment()], [unsent(), unsent()])).toEqual(['ambiguous ambiguous']);
    expect(become([payment(), payment()], [unsent()])).toEqual(['ambiguous ambiguous', 'ambiguous ambiguous']);
  });

  test('fits nobody without a contact, in another currency, or where nothing is open', () => {
    expect(become([payment({ contactId: null })], [unsent({ contactId: null })])).toEqual(['unmatched no_match']);
    expect(become([payment({ currency: 'EUR' })], [unsent()])).toEqual(['unmatched no_match']);
    expect(become([payment({ amount: '0' })], [unsent({ open: '0.00' })])).toEqual(['unmatched no_match']);
  });

  test('names the five nearest invoices of the customer, each with what speaks against it', () => {
    const open = ['90.00', '250.00', '100.00', '101.00', '99.00', '500.00', '0.00'];
    const invoices = open.map((each) => unsent({ open: each, contactId: 'ann' }));
    const foreign = payment({ amount: '100.50' });
    const { candidates = [] } =
      matchPayments([foreign], invoices, { partPayments: false }).get(foreign.xeroPaymentId) ?? {};
    expect(candidates.map((each) => [each.open, each.because])).toEqual([
      ['100.00', 'amountDiffers'],
      ['101.00', 'amountDiffers'],
      ['99.00', 'amountDiffers'],
      ['90.00', 'amountDiffers'],
      ['250.00', 'amountDiffers'],
    ]);
  });
});

const cents = fc.integer({ min: 1, max: 6 }).map((units) => (units / 2).toFixed(2));
const contact = fc.constantFrom('ann', 'bob', null);
const currency = fc.constantFrom('NZD', 'EUR');
const anInvoice = fc
  .record({ open: cents, contactId: contact, currency, inXero: fc.constantFrom('absent', 'open', 'closed', 'unknown') })
  .map((each) => invoice({ ...each, ...(each.inXero === 'absent' && { xeroId: null }) } as Partial<PlatformInvoice>));

test('over any books: no invoice is matched beyond what is open, a guess is exact and alone, and the order plays no part', () => {
  fc.assert(
    fc.property(
      fc.array(anInvoice, { maxLength: 6 }),
      fc.array(fc.record({ amount: cents, contactId: contact, currency, own: fc.nat(8) }), { maxLength: 8 }),
      fc.boolean(),
      (invoices, wishes, partPayments) => {
        const payments = wishes.map(({ own, ...more }) =>
          payment({ ...more, invoiceId: invoices[own]?.xeroId ?? 'not ours' }),
        );
        const verdicts = matchPayments(payments, invoices, { partPayments });
        const reversed = matchPayments(payments.toReversed(), invoices.toReversed(), { partPayments });
        const paid = new Map<string, number>();
        for (const each of payments) {
          const verdict = verdicts.get(each.xeroPaymentId);
          expect(reversed.get(each.xeroPaymentId)).toEqual(verdict);
          if (verdict?.state !== 'matched') continue;
          const target = invoices.find(({ id }) => id === verdict.invoiceId) as PlatformInvoice;
          expect(target.currency).toBe(each.currency);
          paid.set(target.id, (paid.get(target.id) ?? 0) + Number(each.amount));
          if (target.xeroId === each.invoiceId) continue;
          expect([target.inXero, target.contactId, Number(target.open)]).toEqual([
            'absent',
            each.contactId,
            Number(each.amount),
          ]);
        }
        for (const { id, open } of invoices) expect(paid.get(id) ?? 0).toBeLessThanOrEqual(Number(open));
      },
    ),
    { numRuns: 500 },
  );
});
