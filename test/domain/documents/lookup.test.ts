import { describe, expect, it } from 'vitest';
import type { Body, QueuedDocument, XeroRecord } from '../../../domain/documents/facts.js';
import { found } from '../../../domain/documents/lookup.js';
import { planDocument, type SendPlan } from '../../../domain/documents/plan.js';
import { type Books, factsOf, parent, queued, record, sent } from '../../support/pushFacts.js';

const aroha = record('contacts', { ContactID: 'aroha', ContactStatus: 'ACTIVE', Name: 'Aroha Ltd' });
const contact = parent('contact', 'c-1', { name: 'Aroha Ltd' }, aroha);
const content = {
  contact: 'c-1',
  date: '2026-06-01',
  lines: [{ description: 'Work', unitAmount: '100' }],
  total: '115.00',
};
const invoiceBody = {
  Type: 'ACCREC',
  Status: 'AUTHORISED',
  Contact: { ContactID: 'aroha' },
  DateString: '2026-06-01T00:00:00',
};
const madeInvoice = record('invoices', { InvoiceID: 'i', ...invoiceBody, Total: 115, AmountDue: 115 });
const invoice = parent('invoice', 'inv-1', content, madeInvoice);

function plan(document: QueuedDocument, books: Books = {}): SendPlan {
  const made = planDocument(
    document,
    factsOf({ parents: [contact, invoice], ...books, records: [aroha, ...(books.records ?? [])] }),
  );
  if (made.do !== 'send') throw new Error('it is not sent');
  return made;
}
const nobody = () => false;
const look = ({ lookup, element }: SendPlan, records: readonly XeroRecord[], taken: (id: string) => boolean = nobody) =>
  found(lookup, element, records, taken)?.xeroId ?? null;
const held = (body: Body) => record('invoices', { ...invoiceBody, Total: 115, ...body });

describe('what was sent and never answered', () => {
  it('is found by its number with contact and total, and not in one that was voided or is another’s', () => {
    const made = plan(queued('invoice', { ...content, number: 'A-1' }));
    const there = held({ InvoiceID: 'i', InvoiceNumber: 'A-1' });
    expect(look(made, [held({ InvoiceID: 'other', InvoiceNumber: 'A-2' }), there])).toBe('i');
    expect(look(made, [there], (id) => id === 'i')).toBeNull();
    expect(look(made, [held({ InvoiceID: 'i', InvoiceNumber: 'A-1', Status: 'VOIDED' })])).toBeNull();
    expect(look(made, [held({ InvoiceID: 'i', InvoiceNumber: 'A-1', Total: 7 })])).toBeNull();
  });

  it('without a number is found by our key', () => {
    const made = plan(queued('invoice', content));
    expect(look(made, [held({ InvoiceID: 'i', Url: made.element?.Url })])).toBe('i');
    expect(look(made, [held({ InvoiceID: 'i', Url: 'https://nightledger.invalid/another' })])).toBeNull();
    const note = plan(queued('creditNote', content));
    const there = record('creditNotes', {
      CreditNoteID: 'n',
      Type: 'ACCRECCREDIT',
      Reference: note.element?.Reference,
    });
    expect(look(note, [there])).toBe('n');
  });

  it('as a contact is found by its ContactNumber, as an item by its code', () => {
    const person = plan(queued('contact', { name: 'Tane' }, { externalId: 'c-9' }));
    const tane = record('contacts', { ContactID: 't', ContactStatus: 'ACTIVE', ContactNumber: 'c-9' });
    expect(look(person, [tane])).toBe('t');
    expect(look(plan(queued('item', { code: 'P' })), [record('items', { ItemID: 'p', Code: 'P' })])).toBe('p');
  });

  it('as a payment is found by invoice, amount, date and reference, and is none that was there before', () => {
    const before = record('payments', {
      PaymentID: 'old',
      Status: 'AUTHORISED',
      Amount: 10,
      Invoice: { InvoiceID: 'i' },
    });
    const paying = queued('payment', { invoice: 'inv-1', amount: '10.00', date: '2026-06-10', method: 'card' });
    const made = plan({ ...paying, decided: true }, { records: [before] });
    const equal = (PaymentID: string) =>
      record('payments', { ...before.body, PaymentID, Date: '/Date(1781049600000+0000)/' });
    expect(look(made, [equal('old')])).toBeNull();
    expect(look(made, [equal('old'), equal('new')])).toBe('new');
    expect(look(made, [{ ...equal('new'), body: { ...equal('new').body, Amount: 10.01 } }])).toBeNull();
  });

  it('as an allocation is found by note, invoice and amount, and is none that was there before', () => {
    const note = queued('creditNote', { ...content, allocations: [{ invoice: 'inv-1', amount: '50.00' }] });
    const body = { CreditNoteID: 'n', Type: 'ACCRECCREDIT', Status: 'AUTHORISED', Contact: { ContactID: 'aroha' } };
    const before = record('creditNotes', {
      ...body,
      Allocations: [{ AllocationID: 'old', Amount: 50, Invoice: { InvoiceID: 'i' } }],
    });
    const done = [{ step: 'document', version: 1, sent: null, xeroId: 'n' }];
    const made = plan({ ...note, xeroId: 'n', done }, { records: [before] });
    expect(look(made, [before])).toBeNull();
    const Allocations = [
      ...(before.body.Allocations as Body[]),
      { AllocationID: 'new', Amount: 50, Invoice: { InvoiceID: 'i' } },
    ];
    expect(look(made, [{ ...before, body: { ...before.body, Allocations } }])).toBe('n');
  });

  it('as an update is found when the record shows all that was sent, a void when it is voided', () => {
    const first = queued('invoice', { ...content, number: 'A-1' });
    const there = held({ InvoiceID: 'i', InvoiceNumber: 'A-1', LineItems: [] });
    const renamed = sent(first, 'i', '', { ...content, number: 'A-1', reference: 'Job 7' });
    const update = plan({ ...renamed, decided: true }, { records: [there] });
    expect(look(update, [there])).toBeNull();
    const { Date: on, DueDate: due, LineItems, ...plain } = update.element as Record<string, unknown>;
    const after = held({ ...plain, DateString: `${on}T00:00:00`, DueDateString: `${due}T00:00:00`, LineItems });
    expect(look(update, [after])).toBe('i');
    const voided = plan({ ...sent(first, 'i', ''), deleted: true }, { records: [there] });
    expect(look(voided, [there])).toBeNull();
    expect(look(voided, [{ ...there, body: { ...there.body, Status: 'VOIDED' } }])).toBe('i');
  });

  it('as a deletion is found when the record is gone', () => {
    const there = record('items', { ItemID: 'p', Code: 'P' });
    const made = plan({ ...sent(queued('item', { code: 'P' }), 'p', ''), deleted: true }, { records: [there] });
    expect(look(made, [there])).toBeNull();
    expect(look(made, [])).toBe('p');
  });
});
