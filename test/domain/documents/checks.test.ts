import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentCodes } from '../../../domain/codes.js';
import { checks, findings } from '../../../domain/documents/checks.js';
import { documentSchemas } from '../../../domain/documents/content.js';
import type { QueuedDocument } from '../../../domain/documents/facts.js';
import { type DocumentKind, documentKindNames, documentKinds } from '../../../domain/documents/kinds.js';
import { planDocument } from '../../../domain/documents/plan.js';
import { type Books, factsOf, parent, queued, record } from '../../support/pushFacts.js';

describe('the table of checks', () => {
  it('names, for each, a code with a remedy, a sentence, the kinds, and what becomes of the document', () => {
    for (const { code, sentence, kinds, level, state } of checks) {
      expect(documentCodes[code].remedy).toMatch(/\.$/);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(kinds.length).toBeGreaterThan(0);
      expect(level).toBe(state === null || state === 'skipped' ? 'warning' : 'error');
    }
  });

  it('has what a preview is to find', () => {
    const codes = new Set(checks.map(({ code }) => code));
    const wanted = [
      ...['account_missing', 'account_archived', 'account_type_wrong', 'tax_type_unusable', 'contact_archived'],
      ...['contact_name_taken', 'contact_id_taken', 'number_taken', 'period_locked', 'payment_exceeds_due'],
      ...[
        'parent_not_authorised',
        'currency_not_subscribed',
        'totals_disagree',
        'item_code_too_long',
        'parent_not_sent',
      ],
      ...['duplicate_suspected', 'matched_by_name', 'rounding_line', 'zero_total', 'before_sync_from_date'],
    ] as const;
    expect(wanted.filter((code) => !codes.has(code))).toEqual([]);
  });
});

/** Ids and values from so few that documents and records meet. */
const few = (...values: string[]) => fc.constantFrom(...values);
const id = few('a', 'b', 'c');
const amount = few('10.00', '11.50', '11.53', '0.00', '-5.00');
const date = few('2026-03-31', '2026-04-01', '2026-06-01');
const body = fc.record(
  {
    ...{ Type: few('ACCREC', 'ACCPAY'), Status: few('DRAFT', 'AUTHORISED', 'PAID', 'VOIDED', 'DELETED', 'BILLED') },
    ...{ ContactStatus: few('ACTIVE', 'ARCHIVED'), Name: few('A', 'B'), ContactNumber: id, AccountNumber: id },
    ...{
      MergedToContactID: id,
      InvoiceNumber: few('N1', 'N2'),
      Total: fc.constantFrom<unknown>(10, '11.50', null, {}),
    },
    ...{
      AmountDue: fc.constantFrom<unknown>(11.5, 0, 'x'),
      Contact: fc.record({ ContactID: id }),
      Code: few('N1', 'N2'),
    },
    ...{ Amount: fc.constantFrom<unknown>(10, 11.5), Invoice: fc.record({ InvoiceID: id }), DateString: date },
    ...{
      LineItems: fc.constantFrom<unknown>([], null, [{ LineItemID: 'l', Description: 'x' }]),
      Payments: fc.constant([{}]),
    },
  },
  { requiredKeys: [] },
);
const idFields = {
  contacts: 'ContactID',
  items: 'ItemID',
  invoices: 'InvoiceID',
  creditNotes: 'CreditNoteID',
  payments: 'PaymentID',
  purchaseOrders: 'PurchaseOrderID',
} as const;
const mirrored = fc
  .tuple(fc.constantFrom(...(Object.keys(idFields) as (keyof typeof idFields)[])), id, body)
  .map(([stream, xeroId, given]) => record(stream, { ...given, [idFields[stream]]: xeroId }));

const priced = fc.record({
  ...{ contact: id, date, total: amount, number: few('N1', 'N2') },
  lines: fc.array(fc.record({ description: few('x', 'y'), unitAmount: amount, account: few('200', '300', '999') }), {
    minLength: 1,
    maxLength: 3,
  }),
});
const contents: { [Kind in DocumentKind]: fc.Arbitrary<object> } = {
  contact: fc.record({ name: few('A', 'B') }),
  item: fc.record({ code: few('N1', 'N2'), salesPrice: amount }),
  ...{ invoice: priced, bill: priced, staffExpense: priced },
  creditNote: fc
    .tuple(priced, fc.array(fc.record({ invoice: id, amount: few('5.00', '11.50') }), { maxLength: 2 }))
    .map(([note, allocations]) => ({ ...note, allocations })),
  purchaseOrder: fc
    .tuple(priced, fc.option(fc.record({ date }), { nil: undefined }))
    .map(([order, finished]) => ({ ...order, finished })),
  payment: fc.record({ invoice: id, amount: few('5.00', '11.50'), date, method: few('card', 'cash') }),
  billPayment: fc.record({ bill: id, amount: few('5.00', '11.50'), date, account: few('090', '200') }),
};
const anyKind = fc.constantFrom(...documentKindNames);
const document = anyKind.chain((kind) =>
  fc
    .record({
      ...{ content: contents[kind], deleted: fc.boolean(), decided: fc.boolean(), again: fc.boolean() },
      ...{ xeroId: fc.option(id), before: fc.option(contents[kind]), finger: fc.constantFrom(null, 'x:a') },
    })
    .map(({ content, before, finger, ...state }) => {
      const sentContent = before === null ? null : documentSchemas[kind].parse(before);
      const more = { ...state, sentContent, fingerprint: finger } as unknown as Partial<QueuedDocument<'invoice'>>;
      return queued(kind as 'invoice', content as never, more) as QueuedDocument;
    }),
);
/** `preview`: parents may come that are not there yet. */
const books = (preview: boolean) =>
  fc.tuple(fc.array(mirrored, { maxLength: 12 }), fc.boolean(), fc.boolean()).map(([records, comes, asked]): Books => {
    const parentOf = (kind: 'contact' | 'invoice' | 'bill', content: object) =>
      ['a', 'b'].map((each) => {
        const stream = documentKinds[kind].stream;
        const held = records.find((one) => one.stream === stream && one.xeroId === each) ?? null;
        return parent(kind as 'contact', each, content as never, held, { comes: comes && (preview || held !== null) });
      });
    const invoice = {
      contact: 'a',
      date: '2026-06-01',
      lines: [{ description: 'x', unitAmount: '10' }],
      total: '11.50',
    };
    const parents = [
      ...parentOf('contact', { name: 'A' }),
      ...parentOf('invoice', invoice),
      ...parentOf('bill', invoice),
    ];
    return { records, parents, ...(asked ? {} : { lookedUp: ['a'] }) };
  });

describe('planning, whatever documents and mirror hold,', () => {
  it('never throws, and gives the same plan for the same facts', () => {
    fc.assert(
      fc.property(document, books(true), (given, held) => {
        const facts = factsOf(held);
        expect(planDocument(given, facts)).toEqual(planDocument(given, factsOf(held)));
        expect(() => findings(given, facts)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it('sends nothing that a check found an error in, and nothing without knowing what it stands on', () => {
    fc.assert(
      fc.property(document, books(false), (given, held) => {
        const facts = factsOf(held);
        const plan = planDocument(given, facts);
        if (plan.do !== 'send') return;
        expect(findings(given, facts).filter(({ level }) => level === 'error')).toEqual([]);
        expect(JSON.stringify(plan.element)).not.toMatch(/"(ContactID|InvoiceID)":(null|"")/);
      }),
      { numRuns: 200 },
    );
  });

  it('asks Xero before it changes, voids or links a record', () => {
    fc.assert(
      fc.property(document, books(false), (given, held) => {
        const plan = planDocument(given, factsOf({ ...held, lookedUp: [] }));
        if (plan.do === 'send' && plan.step !== 'void')
          expect(plan.xeroId === null || plan.step === 'group').toBe(true);
        expect(plan.do === 'send' && plan.step === 'void').toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
