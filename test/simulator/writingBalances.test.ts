import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bench, Json } from './support.js';
import { one, startWriting, written } from './writingSupport.js';

type Operation = { kind: 'pay' | 'refund' | 'allocate' | 'undo'; invoice: number; note: number; cents: number };

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('pay', 'refund', 'allocate', 'undo'),
  invoice: fc.nat(2),
  note: fc.nat(1),
  cents: fc.integer({ min: 1, max: 4_000 }),
});

const cents = (amount: number): number => Math.round(amount * 100);
const sum = (rows: Json[], field: string): number => rows.reduce((total, row) => total + cents(row[field]), 0);

/** Documents of one contact, and all that was done to them and can be undone. */
class Books {
  readonly undos: (() => Promise<unknown>)[] = [];

  private constructor(
    private readonly bench: Bench,
    readonly invoices: string[],
    readonly notes: string[],
  ) {}

  static async make(bench: Bench): Promise<Books> {
    const document = (amount: number) => ({
      Status: 'AUTHORISED',
      Contact: { Name: 'Kauri Homes' },
      Date: '2026-03-02',
      LineItems: [{ Description: 'Work', Quantity: 1, UnitAmount: amount, AccountCode: '200' }],
    });
    const sales = [30, 20, 10].map((amount) => ({ ...document(amount), Type: 'ACCREC', DueDate: '2026-04-02' }));
    const credits = [25, 15].map((amount) => ({ ...document(amount), Type: 'ACCRECCREDIT' }));
    const { Invoices } = await written(bench, 'PUT', 'Invoices', { Invoices: sales });
    const { CreditNotes } = await written(bench, 'PUT', 'CreditNotes', { CreditNotes: credits });
    const invoices = Invoices.map(({ InvoiceID }: Json) => InvoiceID);
    return new Books(
      bench,
      invoices,
      CreditNotes.map(({ CreditNoteID }: Json) => CreditNoteID),
    );
  }

  /** Does what is asked, or is refused. */
  async run({ kind, invoice, note, cents: amount }: Operation): Promise<void> {
    const InvoiceID = this.invoices[invoice];
    const CreditNoteID = this.notes[note];
    const Amount = amount / 100;
    if (kind === 'undo') return void (await this.undos.splice(amount % (this.undos.length || 1), 1)[0]?.());
    if (kind === 'pay') return this.pay({ Invoice: { InvoiceID }, Amount });
    if (kind === 'refund') return this.pay({ CreditNote: { CreditNoteID }, Amount });
    const path = `CreditNotes/${CreditNoteID}/Allocations`;
    const answer = await this.bench.send('PUT', path, { Invoice: { InvoiceID }, Amount });
    if (answer.status !== 200) return;
    const [{ AllocationID }] = ((await answer.json()) as Json).Allocations;
    this.undos.push(() => written(this.bench, 'DELETE', `${path}/${AllocationID}`));
  }

  private async pay(payment: object): Promise<void> {
    const answer = await this.bench.send('PUT', 'Payments', { Account: { Code: '090' }, ...payment });
    if (answer.status !== 200) return;
    const [{ PaymentID }] = ((await answer.json()) as Json).Payments;
    this.undos.push(() => written(this.bench, 'POST', `Payments/${PaymentID}`, { Status: 'DELETED' }));
  }

  readInvoices(): Promise<Json[]> {
    return Promise.all(this.invoices.map((id) => one(this.bench, 'Invoices', id)));
  }

  readNotes(): Promise<Json[]> {
    return Promise.all(this.notes.map((id) => one(this.bench, 'CreditNotes', id)));
  }
}

describe('balances', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startWriting();
  });
  afterAll(() => bench.close());

  it('add up whatever is paid, refunded, allocated and undone, and are as before once all is undone', async () => {
    const property = fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 25 }), async (operations) => {
      const books = await Books.make(bench);
      const before = [await books.readInvoices(), await books.readNotes()].flat();
      for (const one of operations) await books.run(one);
      const invoices = await books.readInvoices();
      const notes = await books.readNotes();
      for (const row of invoices) {
        expect(cents(row.Total)).toBe(cents(row.AmountDue) + cents(row.AmountPaid) + cents(row.AmountCredited));
        expect(cents(row.AmountPaid)).toBe(sum(row.Payments, 'Amount'));
        expect(cents(row.AmountCredited)).toBe(sum(row.CreditNotes, 'AppliedAmount'));
        expect(row.Status).toBe(row.AmountDue === 0 ? 'PAID' : 'AUTHORISED');
      }
      for (const row of notes) {
        const used = sum(row.Allocations, 'Amount') + sum(row.Payments, 'Amount');
        expect(cents(row.Total)).toBe(cents(row.RemainingCredit) + used);
        expect(row.Status).toBe(row.RemainingCredit === 0 ? 'PAID' : 'AUTHORISED');
      }
      for (const undo of books.undos) await undo();
      const after = [await books.readInvoices(), await books.readNotes()].flat();
      const unstamped = ({ UpdatedDateUTC: _stamp, UpdatedDateUTCString: _text, ...row }: Json) => row;
      expect(after.map(unstamped)).toEqual(before.map(unstamped));
    });
    await fc.assert(property, { numRuns: 15, seed: 7 });
  });
});
