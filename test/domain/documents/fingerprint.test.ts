import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../domain/documents/fingerprint.js';
import { queued } from '../../support/pushFacts.js';

const lines = [{ description: 'Work', unitAmount: '100' }];
const { content } = queued('invoice', { contact: 'c-1', date: '2026-06-01', lines, total: '115.00' });
const line = {
  LineItemID: 'l',
  Description: 'Work',
  Quantity: 1,
  UnitAmount: 100,
  AccountCode: '200',
  LineAmount: 100,
};
const body = {
  ...{
    InvoiceID: 'i',
    Type: 'ACCREC',
    Status: 'AUTHORISED',
    InvoiceNumber: 'A-1',
    Reference: 'Job',
    CurrencyCode: 'NZD',
  },
  ...{
    Contact: { ContactID: 'aroha', Name: 'Aroha' },
    DateString: '2026-06-01T00:00:00',
    DueDateString: '2026-06-20T00:00:00',
  },
  ...{ Total: 115, AmountDue: 115, LineItems: [line] },
};
const print = (more: object = {}) => fingerprintOf('invoice', content, { body: { ...body, ...more } });

describe('a fingerprint', () => {
  it('is the same after a payment, a credit, an approval, a new stamp and a renamed contact', () => {
    const same = [
      ...[{ Status: 'PAID', AmountDue: 0, AmountPaid: 115, Payments: [{ PaymentID: 'p' }] }, { AmountCredited: 5 }],
      ...[{ Status: 'DRAFT' }, { UpdatedDateUTC: '/Date(1+0000)/' }, { Contact: { ContactID: 'aroha', Name: 'New' } }],
      ...[{ Total: '115.00' }, { LineItems: [{ ...line, LineItemID: 'other', UnitAmount: '100.0000' }] }],
    ];
    expect(new Set(same.map(print))).toEqual(new Set([print()]));
  });

  it('is another one after an edit of number, reference, dates, contact, total or lines', () => {
    const other = [
      ...[{ InvoiceNumber: 'A-2' }, { Reference: '' }, { DateString: '2026-06-02T00:00:00' }, { DueDateString: null }],
      ...[{ Contact: { ContactID: 'tane' } }, { Total: 116 }, { CurrencyCode: 'EUR' }, { LineItems: [] }],
      ...['Description', 'AccountCode', 'TaxType'].map((field) => ({ LineItems: [{ ...line, [field]: 'other' }] })),
      { LineItems: [{ ...line, UnitAmount: 100.0001 }] },
    ];
    expect(new Set([print(), ...other.map(print)]).size).toBe(other.length + 1);
  });

  it('of a contact has only the fields that we send', () => {
    const contact = queued('contact', { name: 'Aroha', email: 'a@aroha.example' }).content;
    const of = (more: object) =>
      fingerprintOf('contact', contact, { body: { Name: 'Aroha', EmailAddress: 'a@aroha.example', ...more } });
    expect(of({ FirstName: 'A', Balances: {}, IsCustomer: true })).toBe(of({}));
    expect(of({ EmailAddress: 'other@aroha.example' })).not.toBe(of({}));
  });
});
