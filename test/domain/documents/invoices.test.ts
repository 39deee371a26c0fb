import { describe, expect, it } from 'vitest';
import type { QueuedDocument, XeroRecord } from '../../../domain/documents/facts.js';
import { fingerprintOf } from '../../../domain/documents/fingerprint.js';
import { planDocument } from '../../../domain/documents/plan.js';
import type { StreamName } from '../../../domain/streams.js';
import {
  archivedOption,
  type Books,
  factsOf,
  parent,
  queued,
  record,
  sent,
  trackingOption,
} from '../../support/pushFacts.js';

const aroha = record('contacts', { ContactID: 'aroha', ContactStatus: 'ACTIVE', Name: 'Aroha Ltd' });
const contact = parent('contact', 'c-1', { name: 'Aroha Ltd' }, aroha);
const line = { description: 'Work', quantity: '2', unitAmount: '50' };
const content = { number: 'A-1', contact: 'c-1', date: '2026-06-01', lines: [line], total: '115.00' };
type Content = typeof content & Record<string, unknown>;
const invoice = (more: object = {}, state: Partial<QueuedDocument<'invoice'>> = {}) =>
  queued('invoice', { ...content, ...more } as Content, state);
const bill = (more: object = {}, state: Partial<QueuedDocument<'bill'>> = {}) =>
  queued('bill', { ...content, ...more } as Content, state);

const held = (more: object = {}) =>
  record('invoices', {
    ...{ InvoiceID: 'i', Type: 'ACCREC', Status: 'AUTHORISED', InvoiceNumber: 'A-1', Contact: { ContactID: 'aroha' } },
    ...{ DateString: '2026-06-01T00:00:00', Total: 115, AmountDue: 115, AmountPaid: 0, AmountCredited: 0 },
    LineItems: [{ LineItemID: 'l1', Description: 'Work', AccountCode: '200', Quantity: 2, UnitAmount: 50 }],
    ...more,
  });
const standing = (record: XeroRecord, next: object) => {
  const first = invoice();
  return sent(first, record.xeroId, fingerprintOf('invoice', first.content, record), {
    ...content,
    ...next,
  } as Content);
};

const plan = (document: QueuedDocument, { records = [], ...books }: Books = {}) =>
  planDocument(document, factsOf({ parents: [contact], ...books, records: [aroha, ...records] }));
const withLock = (periodLockDate: string) => ({
  facts: {
    organisation: {
      ...{ baseCurrency: 'NZD', periodLockDate, endOfYearLockDate: '2026-03-31' },
    },
  },
});

describe('an invoice', () => {
  it('is created with the contact’s id alone, its number, its lines and the status of the settings', () => {
    expect(plan(invoice())).toEqual({
      do: 'send',
      step: 'document',
      own: true,
      method: 'PUT',
      path: 'Invoices',
      collection: 'Invoices',
      xeroId: null,
      element: {
        ...{ Type: 'ACCREC', InvoiceNumber: 'A-1', Contact: { ContactID: 'aroha' }, Date: '2026-06-01' },
        ...{ DueDate: '2026-06-01', LineAmountTypes: 'Exclusive', CurrencyCode: 'NZD', Status: 'AUTHORISED' },
        LineItems: [{ Description: 'Work', Quantity: '2', UnitAmount: '50', AccountCode: '200', TaxType: 'OUTPUT2' }],
      },
      lookup: {
        ...{ stream: 'invoices', xeroId: null, allocation: null, gone: false, except: [] },
        holds: { Type: 'ACCREC', InvoiceNumber: 'A-1', 'Contact.ContactID': 'aroha', Total: '115.00' },
      },
      warnings: [],
      more: false,
    });
  });

  it('asks nothing of Xero before it is created', () => {
    expect(plan(invoice(), { lookedUp: [] })).toMatchObject({ do: 'send' });
  });

  it('without a number carries our key in Url and Reference, and neither holds the word "xero"', () => {
    const plain = plan(invoice({ number: undefined, reference: 'Job 7' }));
    expect(plain).toMatchObject({
      element: {
        Reference: 'Job 7 nightledger:00000000-0000-4000-8000-000000000001',
        Url: 'https://nightledger.invalid/00000000-0000-4000-8000-000000000001',
      },
      lookup: { holds: { Type: 'ACCREC', Url: '00000000-0000-4000-8000-000000000001' } },
    });
    expect(JSON.stringify(plain).toLowerCase()).not.toContain('xero.');
  });

  it('takes the tracking option of its location, and that of a line before it', () => {
    const settings = { locationTracking: { north: trackingOption } };
    const tracking = [{ Name: 'Region', Option: 'North', TrackingOptionID: trackingOption }];
    expect(plan(invoice({}, { location: 'north' }), { settings })).toMatchObject({
      element: { LineItems: [{ Tracking: tracking }] },
    });
    const none = invoice({ lines: [{ ...line, tracking: [] }] }, { location: 'north' });
    expect(plan(none, { settings })).not.toHaveProperty('element.LineItems.0.Tracking');
    const archived = invoice({ lines: [{ ...line, tracking: [archivedOption] }] });
    expect(plan(archived)).toMatchObject({ code: 'tracking_unknown', errors: [{ field: 'lines.0.tracking' }] });
  });

  it('has the currency that it names, its rate only where it gives one', () => {
    expect(plan(invoice({ currency: 'EUR', currencyRate: '0.55' }))).toMatchObject({
      element: { CurrencyCode: 'EUR', CurrencyRate: '0.55' },
    });
    expect(plan(invoice({ currency: 'EUR' }))).not.toHaveProperty('element.CurrencyRate');
    expect(plan(invoice({ currency: 'GBP' }))).toMatchObject({ code: 'currency_not_subscribed' });
  });

  it('names the project of a line by its item’s code', () => {
    const project = parent('item', 'project:P-7', { code: 'P-7' }, record('items', { ItemID: 'p', Code: 'P-7' }));
    const document = invoice({ lines: [{ ...line, projectNumber: 'P-7' }] });
    expect(plan(document, { parents: [contact, project] })).toMatchObject({
      element: { LineItems: [{ ItemCode: 'P-7' }] },
    });
    expect(plan(document)).toMatchObject({ state: 'waiting', code: 'parent_not_sent' });
  });

  it('names the project of a location with books of its own by the item of that location', () => {
    const project = parent('item', 'project:P-7@north', { code: 'P-7' }, record('items', { ItemID: 'p', Code: 'P-7' }));
    const document = invoice({ lines: [{ ...line, projectNumber: 'P-7' }], location: 'north' }, { location: 'north' });
    expect(plan(document, { parents: [contact, project] })).toMatchObject({
      element: { LineItems: [{ ItemCode: 'P-7' }] },
    });
  });

  it('waits while its contact is not in Xero, and says so when that was refused', () => {
    const onItsWay = { ...contact, state: 'queued', comes: false, xeroId: null, record: null } as const;
    expect(plan(invoice(), { parents: [onItsWay] })).toMatchObject({
      ...{ do: 'settle', state: 'waiting', code: 'parent_not_sent' },
      errors: [{ field: 'contact' }],
    });
    expect(plan(invoice(), { parents: [] })).toMatchObject({ code: 'parent_not_sent' });
    expect(plan(invoice(), { parents: [{ ...onItsWay, state: 'failed' }] })).toMatchObject({ code: 'parent_failed' });
    expect(plan(invoice(), { parents: [{ ...onItsWay, excluded: true }] })).toMatchObject({ code: 'parent_failed' });
  });

  it('for an archived contact is refused; a merged one is the contact that it became', () => {
    const archived = record('contacts', { ContactID: 'aroha', ContactStatus: 'ARCHIVED' });
    expect(plan(invoice(), { parents: [{ ...contact, record: archived }] })).toMatchObject({
      code: 'contact_archived',
    });
    const merged = { ...archived, body: { ...archived.body, MergedToContactID: 'tane' } };
    const tane = record('contacts', { ContactID: 'tane', ContactStatus: 'ACTIVE', Name: 'Tane' });
    expect(plan(invoice(), { parents: [{ ...contact, record: merged }], records: [tane] })).toMatchObject({
      element: { Contact: { ContactID: 'tane' } },
    });
  });
});

describe('an invoice is not sent, with the reason on it,', () => {
  it('before the Sync From Date; on the date counts; without a date all history does', () => {
    expect(plan(invoice({ date: '2026-03-31' }))).toMatchObject({
      ...{ state: 'skipped', code: 'before_sync_from_date', errors: [] },
    });
    expect(plan(invoice({ date: '2026-04-01' }))).toMatchObject({ do: 'send' });
    expect(plan(invoice({ date: '1999-01-01' }), { facts: { syncFromDate: null } })).toMatchObject({ do: 'send' });
  });

  it('but stays ours once it was pushed, even if its date moves before that', () => {
    expect(plan(standing(held(), { date: '2026-03-01' }), { records: [held()] })).toMatchObject({
      do: 'send',
      method: 'POST',
    });
  });

  it('of zero, unless it is marked paid, a discount of all of it included', () => {
    const free = { lines: [{ ...line, discountRate: '100' }], total: '0.00' };
    expect(plan(invoice(free))).toMatchObject({ state: 'skipped', code: 'zero_total' });
    expect(plan(invoice({ ...free, paid: true }))).toMatchObject({ do: 'send' });
    expect(plan(bill(free))).toMatchObject({ code: 'zero_total' });
  });

  it('of a negative total; a negative line in a positive one is sent', () => {
    const back = { description: 'Back', quantity: '-1', unitAmount: '10' };
    expect(plan(invoice({ lines: [back], total: '-11.50' }))).toMatchObject({
      state: 'skipped',
      code: 'negative_total',
    });
    expect(plan(invoice({ lines: [line, back], total: '103.50' }))).toMatchObject({ do: 'send' });
  });

  it('paid and credited beyond its total', () => {
    expect(plan(invoice({ amountDue: '-1.00' }))).toMatchObject({ state: 'skipped', code: 'negative_balance' });
  });

  it('by a connection that only imports', () => {
    expect(plan(invoice(), { facts: { direction: 'import' } })).toMatchObject({
      state: 'skipped',
      code: 'import_only',
    });
  });
});

describe('amounts and accounts of an invoice', () => {
  it('that differ up to 0.05 get one line "Rounding", and a warning', () => {
    expect(plan(invoice({ total: '115.05' }))).toMatchObject({
      do: 'send',
      warnings: [{ code: 'rounding_line' }],
      element: {
        LineItems: [{}, { Description: 'Rounding', UnitAmount: '0.05', AccountCode: '860', TaxType: 'NONE' }],
      },
      lookup: { holds: { Total: '115.05' } },
    });
  });

  it('that differ by more, or without a rounding account, are refused with both figures', () => {
    const beyond = plan(invoice({ total: '115.06' }));
    expect(beyond).toMatchObject({ state: 'failed', code: 'totals_disagree', errors: [{ field: 'total' }] });
    expect(JSON.stringify(beyond)).toContain('It is 115.06, and Xero will compute 115.00.');
    const settings = { accounts: { rounding: null } };
    expect(plan(invoice({ total: '115.01' }), { settings })).toMatchObject({ code: 'totals_disagree' });
  });

  it('keep all four decimals of a price, and lines are never merged', () => {
    const small = { description: 'Work', quantity: '3', unitAmount: '0.0349' };
    expect(plan(invoice({ lines: [small, small], total: '0.24' }))).toMatchObject({
      element: { LineItems: [{ UnitAmount: '0.0349' }, { UnitAmount: '0.0349' }] },
    });
  });

  it('name an account that is missing, archived or of the wrong type, by its line', () => {
    const on = (account: string) => plan(invoice({ lines: [line, { ...line, account }], total: '230.00' }));
    expect(on('999')).toMatchObject({ code: 'account_missing', errors: [{ field: 'lines.1.account' }] });
    expect(on('201')).toMatchObject({ code: 'account_archived' });
    expect(on('090')).toMatchObject({ code: 'account_type_wrong' });
    expect(plan(invoice(), { settings: { accounts: { sales: null } } })).toMatchObject({ code: 'account_missing' });
  });

  it('name a tax type that is unknown, not active, or of no use with the account', () => {
    const on = (taxType: string) => plan(invoice({ lines: [{ ...line, taxType }] }));
    for (const wrong of ['NOWHERE', 'OLD', 'INPUT2']) {
      expect(on(wrong).do === 'settle' && on(wrong)).toMatchObject({
        errors: expect.arrayContaining([
          expect.objectContaining({ code: 'tax_type_unusable', field: 'lines.0.taxType' }),
        ]),
      });
    }
  });

  it('have a discount on a line, and in the price where Xero knows no discounts', () => {
    const off = { lines: [{ ...line, discountRate: '10' }], total: '103.50' };
    expect(plan(invoice(off))).toMatchObject({ element: { LineItems: [{ UnitAmount: '50', DiscountRate: '10' }] } });
    expect(plan(bill(off))).toMatchObject({ element: { LineItems: [{ Quantity: '2', UnitAmount: '45' }] } });
    const odd = {
      lines: [{ description: 'x', quantity: '3000', unitAmount: '0.0333', discountRate: '10' }],
      total: '103.40',
    };
    expect(plan(bill(odd))).toMatchObject({ element: { LineItems: [{ Quantity: '1', UnitAmount: '89.91' }] } });
  });
});

describe('an invoice and what Xero has already', () => {
  const i = (xeroId: string, more: object) => ({ ...held({ InvoiceID: xeroId, ...more }) });
  it('with the number of something not ours is held until a person decides; the number stays taken', () => {
    const foreign = i('f', { Total: 1, Contact: { ContactID: 'z' } });
    expect(plan(invoice(), { records: [foreign] })).toMatchObject({ state: 'held', code: 'duplicate_suspected' });
    const decided = plan(invoice({}, { decided: true }), { records: [foreign] });
    expect(decided).toMatchObject({ state: 'failed', code: 'number_taken' });
  });

  it('with a voided number is refused; a deleted draft gives its number back', () => {
    expect(plan(invoice(), { records: [i('v', { Status: 'VOIDED' })] })).toMatchObject({ code: 'number_taken' });
    expect(plan(invoice(), { records: [i('v', { Status: 'DELETED' })] })).toMatchObject({ do: 'send' });
  });

  it('with the number of another document here is refused', () => {
    const rivals = [{ kind: 'invoice', externalId: 'other' } as const];
    expect(plan(invoice(), { rivals })).toMatchObject({ code: 'number_taken', errors: [{ field: 'number' }] });
  });

  it('with the contact, date and total of something not ours is held until a person decides', () => {
    const alike = i('a', { InvoiceNumber: 'typed by hand' });
    expect(plan(invoice(), { records: [alike] })).toMatchObject({ state: 'held', code: 'duplicate_suspected' });
    expect(plan(invoice({}, { decided: true }), { records: [alike] })).toMatchObject({ do: 'send' });
    expect(plan(invoice(), { records: [alike], ours: ['a'] })).toMatchObject({ do: 'send' });
    for (const other of [{ Status: 'VOIDED' }, { CurrencyCode: 'EUR' }, { Type: 'ACCPAY' }, { Total: 115.01 }]) {
      expect(plan(invoice(), { records: [i('a', { InvoiceNumber: 'n', ...other })] })).toMatchObject({ do: 'send' });
    }
  });

  it('as a bill shares a number with another supplier’s, and not with its own', () => {
    const other = i('b', { Type: 'ACCPAY', Contact: { ContactID: 'z' }, Total: 9 });
    expect(plan(bill(), { records: [other] })).toMatchObject({ do: 'send' });
    const own = i('b', { Type: 'ACCPAY', Total: 9 });
    expect(plan(bill(), { records: [own] })).toMatchObject({ code: 'duplicate_suspected' });
    expect(plan(bill({}, { decided: true }), { records: [own] })).toMatchObject({ do: 'send' });
  });

  it('is updated on its record with the LineItemIDs of its lines', () => {
    const second = { LineItemID: 'l2', Description: 'More', AccountCode: '200', Quantity: 1, UnitAmount: 1 };
    const there = held({ LineItems: [{ ...(held().body.LineItems as object[])[0] }, second] });
    const lines = [
      { ...line, description: 'New' },
      { ...line, quantity: '3' },
      { ...line, description: 'Last' },
    ];
    expect(plan(standing(there, { lines, total: '402.50' }), { records: [there] })).toMatchObject({
      method: 'POST',
      xeroId: 'i',
      element: {
        InvoiceID: 'i',
        LineItems: [{ Description: 'New' }, { LineItemID: 'l1', Quantity: '3' }, { Description: 'Last' }],
      },
      lookup: { xeroId: 'i' },
    });
  });

  it('is looked at in Xero before it is updated, and not written where nothing of Xero’s changes', () => {
    expect(plan(standing(held(), { total: '115.05' }), { records: [held()], lookedUp: [] })).toMatchObject({
      do: 'fetch',
      values: ['i'],
    });
    const paid = standing(held(), { amountDue: '0.00', paid: true });
    expect(plan(paid, { records: [held({ AmountPaid: 115 })], lookedUp: [] })).toMatchObject({
      do: 'link',
      xeroId: 'i',
      number: 'A-1',
    });
  });

  it('keeps the status that Xero has, and raises a draft', () => {
    expect(plan(standing(held(), { total: '115.05' }), { records: [held()] })).not.toHaveProperty('element.Status');
    const draft = held({ Status: 'DRAFT' });
    expect(plan(standing(draft, { total: '115.05' }), { records: [draft] })).toMatchObject({
      element: { Status: 'AUTHORISED' },
    });
  });

  it('edited on both sides is a conflict, which a person decides; a payment or an approval is no edit', () => {
    const edited = held({ Reference: 'by hand' });
    const next = standing(held(), { total: '115.05' });
    expect(plan(next, { records: [edited] })).toMatchObject({ state: 'held', code: 'conflict' });
    expect(plan({ ...next, decided: true }, { records: [edited] })).toMatchObject({ do: 'send' });
    expect(plan({ ...next, again: true }, { records: [edited] })).toMatchObject({ do: 'send' });
    const draft = standing(held({ Status: 'DRAFT' }), { total: '115.05' });
    expect(plan(draft, { records: [held()] })).toMatchObject({ do: 'send' });
  });

  it('whose contact was merged in Xero is no conflict', () => {
    const merged = record('contacts', { ContactID: 'aroha', ContactStatus: 'ARCHIVED', MergedToContactID: 'tane' });
    const tane = record('contacts', { ContactID: 'tane', ContactStatus: 'ACTIVE', Name: 'Tane' });
    const moved = held({ Contact: { ContactID: 'tane' } });
    const next = standing(held(), { total: '115.05' });
    const facts = factsOf({ parents: [{ ...contact, record: merged }], records: [merged, tane, moved] });
    expect(planDocument(next, facts)).toMatchObject({ do: 'send', element: { Contact: { ContactID: 'tane' } } });
    const another = factsOf({ parents: [contact], records: [aroha, tane, moved] });
    expect(planDocument(next, another)).toMatchObject({ code: 'conflict' });
  });

  it('part paid or part credited is not edited, and says what is paid', () => {
    const paid = held({ AmountPaid: 15, Payments: [{ PaymentID: 'p', Amount: 15 }] });
    const refused = plan(standing(held(), { total: '115.05' }), { records: [paid] });
    expect(refused).toMatchObject({ state: 'failed', code: 'has_payments' });
    expect(JSON.stringify(refused)).toContain('Payments p of 15.00');
  });

  it('voided or deleted in Xero is not pushed again by itself, and anew when a person asks', () => {
    const next = standing(held(), { total: '115.05' });
    const voided = held({ Status: 'VOIDED' });
    expect(plan(next, { records: [voided] })).toMatchObject({ state: 'voidedInXero', code: 'deleted_in_xero' });
    expect(plan(next, { records: [held({ Status: 'DELETED' })] })).toMatchObject({ state: 'deletedInXero' });
    expect(plan(next)).toMatchObject({ state: 'deletedInXero' });
    expect(plan({ ...next, again: true }, { records: [voided] })).toMatchObject({ code: 'number_taken' });
    const renumbered = standing(held(), { number: 'A-2' });
    expect(plan({ ...renumbered, again: true }, { records: [voided] })).toMatchObject({ method: 'PUT', xeroId: null });
  });

  it('linked by its xeroId is looked at in Xero, writes nothing, and must be there and of its type', () => {
    const xeroId = '11111111-2222-4333-8444-555555555555';
    const there = held({ InvoiceID: xeroId });
    expect(plan(invoice({ xeroId }), { lookedUp: [] })).toMatchObject({ do: 'fetch', values: [xeroId] });
    expect(plan(invoice({ xeroId }), { records: [there] })).toMatchObject({ do: 'link', xeroId, number: 'A-1' });
    expect(plan(invoice({ xeroId }))).toMatchObject({ code: 'xero_id_unknown', errors: [{ field: 'xeroId' }] });
    expect(plan(bill({ xeroId }), { records: [there] })).toMatchObject({ code: 'xero_id_unknown' });
    expect(plan(invoice({ xeroId }), { records: [there], ours: [xeroId] })).toMatchObject({ code: 'xero_id_unknown' });
  });
});

describe('locks and voids', () => {
  it('a date on or before a lock is refused before the call; drafts and submitted ones pass', () => {
    expect(plan(invoice(), withLock('2026-06-01'))).toMatchObject({
      code: 'period_locked',
      errors: [{ field: 'date' }],
    });
    expect(plan(invoice(), withLock('2026-05-31'))).toMatchObject({ do: 'send' });
    for (const invoiceStatus of ['draft', 'submitted'] as const) {
      expect(plan(invoice(), { ...withLock('2026-06-01'), settings: { invoiceStatus } })).toMatchObject({ do: 'send' });
    }
  });

  it('an authorised one is voided and a draft is deleted, which neither needs twice', () => {
    const deleted = { ...standing(held(), {}), deleted: true };
    expect(plan(deleted, { records: [held()], lookedUp: [] })).toMatchObject({ do: 'fetch' });
    expect(plan(deleted, { records: [held()] })).toMatchObject({
      step: 'void',
      element: { InvoiceID: 'i', Status: 'VOIDED' },
    });
    expect(plan(deleted, { records: [held({ Status: 'DRAFT' })] })).toMatchObject({ element: { Status: 'DELETED' } });
    expect(plan(deleted, { records: [held({ Status: 'VOIDED' })] })).toMatchObject({ do: 'settle', state: 'voided' });
    expect(plan({ ...invoice(), deleted: true })).toMatchObject({ do: 'settle', state: 'voided' });
  });

  it('a void is refused while anything is paid or credited, and where its date is locked', () => {
    const deleted = { ...standing(held(), {}), deleted: true };
    const credited = held({ AmountCredited: 5, CreditNotes: [{ CreditNoteID: 'n', AppliedAmount: 5 }] });
    expect(plan(deleted, { records: [credited] })).toMatchObject({ state: 'failed', code: 'has_payments' });
    expect(plan(deleted, { records: [held()], ...withLock('2026-06-01') })).toMatchObject({ code: 'period_locked' });
  });
});

describe('a staff expense', () => {
  it('is a bill to the staff contact with the account of each expense type', () => {
    const fuel = { description: 'Fuel', unitAmount: '10', expenseType: 'fuel' };
    const expense = queued('staffExpense', { contact: 'c-1', date: '2026-06-01', lines: [fuel], total: '11.50' });
    const settings = { billStatus: 'draft' } as const;
    expect(plan(expense, { settings })).toMatchObject({
      path: 'Invoices' satisfies string,
      element: { Type: 'ACCPAY', Status: 'DRAFT', LineItems: [{ AccountCode: '429', TaxType: 'INPUT2' }] },
      lookup: { stream: 'invoices' satisfies StreamName, holds: { Type: 'ACCPAY' } },
    });
    const other = { ...fuel, expenseType: 'unheard of' };
    const unknown = queued('staffExpense', { contact: 'c-1', date: '2026-06-01', lines: [other], total: '11.50' });
    expect(plan(unknown)).toMatchObject({ code: 'account_missing' });
  });
});
