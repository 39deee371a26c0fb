/** Documents of every kind, most of them well and each of the others wrong in its own way, drawn from a seed. */
import { type DocumentKind, documentKindNames } from '../../domain/documents/kinds.js';
import { seeded } from './readingModel.js';

export interface Generated {
  kind: DocumentKind;
  externalId: string;
  content: Record<string, unknown>;
}

const today = (): string => new Date().toISOString().slice(0, 10);

/** How often each kind comes, of a hundred. */
const shares: Readonly<Record<DocumentKind, number>> = {
  contact: 16,
  item: 6,
  invoice: 34,
  bill: 10,
  staffExpense: 4,
  purchaseOrder: 6,
  creditNote: 6,
  payment: 14,
  billPayment: 4,
};

type Wrong = (content: Record<string, unknown>, number: number) => Record<string, unknown>;

/** What may be the matter with something that has lines. */
const wrongs: readonly Wrong[] = [
  (content) => ({ ...content, total: '99.99' }),
  (content) => ({ ...content, total: '20.03' }),
  (content) => ({ ...content, contact: 'nobody' }),
  (content) => ({ ...content, date: '2019-12-31', dueDate: undefined }),
  (content) => ({ ...content, lines: [{ ...line, unitAmount: '0' }], total: '0.00' }),
  (content) => ({ ...content, lines: [{ ...line, account: '090' }] }),
  (content) => ({ ...content, lines: [{ ...line, account: '825' }] }),
  (content) => ({ ...content, lines: [{ ...line, account: '9999' }] }),
  (content) => ({ ...content, lines: [{ ...line, taxType: 'NOSUCH' }], lineAmountTypes: 'exclusive' }),
  (content) => ({ ...content, currency: 'ISK' }),
  (content) => ({ ...content, number: 'G-1' }),
  (content) => ({ ...content, lines: [{ ...line, item: 'item-0' }] }),
  (content) => ({ ...content, lines: [{ ...line, projectNumber: `P-${content.number}` }] }),
];
const line = { description: 'Ferns', quantity: '2', unitAmount: '10.00' };

/** @param most documents in all, project items not counted; the same seed gives the same. */
export function generated(most: number, seed: number): Generated[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const count = (kind: DocumentKind): number => Math.max(2, Math.floor((most * shares[kind]) / 100));
  const anId = (kind: DocumentKind): string => `${kind}-${Math.floor(random() * count(kind))}`;

  const priced = (number: number, prefix: string, more: object = {}): Record<string, unknown> => {
    const content = {
      ...{ number: `${prefix}-${number}`, contact: anId('contact'), date: today(), lineAmountTypes: 'noTax' },
      ...{ lines: [line], total: '20.00', ...more },
    };
    return random() < 0.25 ? pick(wrongs)(content, number) : content;
  };
  const make: Readonly<Record<DocumentKind, (number: number) => Record<string, unknown>>> = {
    // Two of one name now and then, which Xero forbids.
    contact: (number) => ({ name: random() < 0.1 ? 'The same name' : `Customer ${number}` }),
    item: (number) => ({ code: random() < 0.15 ? `${'LONG'.repeat(8)}${number}` : `ITEM-${number}`, name: 'Ferns' }),
    invoice: (number) => priced(number, 'G', { dueDate: today() }),
    bill: (number) => priced(number, 'S', { dueDate: today() }),
    staffExpense: (number) => {
      const content = priced(number, 'E', { dueDate: today() });
      const lines = (content.lines as Record<string, unknown>[]).map(({ item: _, projectNumber: __, ...rest }) => rest);
      return { ...content, lines };
    },
    purchaseOrder: (number) =>
      priced(number, 'O', random() < 0.5 ? { finished: { date: today(), supplierInvoiceNumber: `OB-${number}` } } : {}),
    creditNote: (number) => {
      const { dueDate: _, ...content } = priced(number, 'C');
      return random() < 0.4 ? content : { ...content, allocations: [{ invoice: anId('invoice'), amount: '5.00' }] };
    },
    payment: () => ({
      invoice: anId('invoice'),
      amount: pick(['20.00', '5.00', '500.00']),
      date: today(),
      account: pick(['090', '090', '200']),
    }),
    billPayment: () => ({ bill: anId('bill'), amount: pick(['20.00', '5.00']), date: today(), account: '090' }),
  };
  return documentKindNames.flatMap((kind) =>
    [...Array(count(kind)).keys()].map((number) => ({
      kind,
      externalId: `${kind}-${number}`,
      content: make[kind](number),
    })),
  );
}
