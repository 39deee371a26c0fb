import { calendarDate, dateString, isoSeconds } from '../core/calendar.js';
import { Dice, draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Contacts } from './contacts.js';
import type { Invoices } from './invoices.js';
import { type CreditStream, type Ledger, NOBODY } from './ledger.js';
import { type AmountTypes, drawAmountTypes, type LineDraft, type Lines, sumLines, type Totals } from './lines.js';
import { contactSummary, currencyRate, unsettled } from './parties.js';
import type { Column, Source, World } from './world.js';

/** How the three kinds of credit differ. */
interface CreditKind {
  idField: string;
  types: { sale: string; purchase: string };
  numbered?: { field: string; prefix: string };
}

const KINDS: Record<CreditStream, CreditKind> = {
  creditNotes: {
    idField: 'CreditNoteID',
    types: { sale: 'ACCRECCREDIT', purchase: 'ACCPAYCREDIT' },
    numbered: { field: 'CreditNoteNumber', prefix: 'CN-' },
  },
  prepayments: { idField: 'PrepaymentID', types: { sale: 'RECEIVE-PREPAYMENT', purchase: 'SPEND-PREPAYMENT' } },
  overpayments: { idField: 'OverpaymentID', types: { sale: 'RECEIVE-OVERPAYMENT', purchase: 'SPEND-OVERPAYMENT' } },
};

/**
 * Credit notes, prepayments and overpayments. An allocated one takes half of the first line of its invoice, so it is always
 * used up and its invoice never is (xero-api.md §4).
 */
export class Credits {
  constructor(
    readonly world: World,
    private readonly ledger: Ledger,
    private readonly contacts: Contacts,
    private readonly invoices: Invoices,
    private readonly lines: Lines,
  ) {}

  source(stream: CreditStream): CreditSource {
    return new CreditSource(stream, this);
  }

  target(stream: CreditStream, index: number): number | undefined {
    const invoice = this.ledger.allocatedTo[stream][index] ?? NOBODY;
    return invoice === NOBODY ? undefined : invoice;
  }

  kind(stream: CreditStream): CreditKind {
    return KINDS[stream];
  }

  id(stream: CreditStream, index: number): string {
    return this.world.ids(stream).guid(index);
  }

  private key(stream: CreditStream): number {
    return this.world.key(stream);
  }

  sale(stream: CreditStream, index: number): boolean {
    const target = this.target(stream, index);
    return target === undefined ? draw(this.key(stream), index) % 3 > 0 : this.invoices.sale(target);
  }

  contact(stream: CreditStream, index: number): number {
    const target = this.target(stream, index);
    if (target !== undefined) return this.invoices.contact(target);
    const role = this.sale(stream, index) ? 'customer' : 'supplier';
    return this.contacts.pick(new Dice(this.key(stream) ^ 1, index), role);
  }

  status(stream: CreditStream, index: number): string {
    if (this.target(stream, index) !== undefined) return 'PAID';
    if (index >= this.world.count(stream)) return 'AUTHORISED';
    const share = draw(this.key(stream) ^ 2, index) % 100;
    if (share < 8) return 'VOIDED';
    return stream === 'creditNotes' && share < 25 ? 'DRAFT' : 'AUTHORISED';
  }

  day(stream: CreditStream, index: number): number {
    const target = this.target(stream, index);
    if (target === undefined) return this.world.timeline(stream).day(index);
    return Math.min(this.invoices.day(target) + 2, this.world.lastDay);
  }

  stamp(stream: CreditStream, index: number): number {
    const timeline = this.world.timeline(stream);
    return timeline.stamp(index, (row) => timeline.moment(row, this.day(stream, row)));
  }

  amountTypes(stream: CreditStream, index: number): AmountTypes {
    const target = this.target(stream, index);
    return target === undefined
      ? drawAmountTypes(new Dice(this.key(stream) ^ 3, index))
      : this.invoices.amountTypes(target);
  }

  drafts(stream: CreditStream, index: number): LineDraft[] {
    const amountTypes = this.amountTypes(stream, index);
    const target = this.target(stream, index);
    if (target !== undefined) {
      const [first] = this.invoices.drafts(target);
      return first ? [this.lines.like(first, Math.floor(first.amount / 2), `Credit: ${first.text}`, amountTypes)] : [];
    }
    const dice = new Dice(this.key(stream) ^ 4, index);
    const foreign = this.currency(stream, index) !== this.world.baseCurrency;
    return this.lines.draw(dice, dice.between(1, 3), { purchase: !this.sale(stream, index), foreign, amountTypes });
  }

  totals(stream: CreditStream, index: number): Totals {
    return sumLines(this.drafts(stream, index), this.amountTypes(stream, index));
  }

  /** What is left to allocate. */
  remaining(stream: CreditStream, index: number): number {
    return this.target(stream, index) === undefined ? this.totals(stream, index).total : 0;
  }

  /** What of an allocated credit its invoice was credited with: all of it. */
  allocated(stream: CreditStream, index: number): number {
    return this.totals(stream, index).total;
  }

  currency(stream: CreditStream, index: number): string {
    return this.contacts.currency(this.contact(stream, index));
  }

  /** The credit as it stands inside the invoice it is allocated to. */
  allocationRow(stream: CreditStream, index: number): Row {
    const { idField, numbered } = this.kind(stream);
    const total = money(this.allocated(stream, index));
    const day = this.day(stream, index);
    return {
      [idField]: this.id(stream, index),
      ...(numbered && { [numbered.field]: this.number(stream, index) }),
      ID: this.id(stream, index),
      HasErrors: false,
      AppliedAmount: total,
      DateString: dateString(day),
      Date: calendarDate(day),
      LineItems: [],
      Total: total,
    };
  }

  number(stream: CreditStream, index: number): string {
    return `${this.kind(stream).numbered?.prefix ?? ''}${String(index + 1).padStart(5, '0')}`;
  }

  row(stream: CreditStream, index: number): Row {
    const { idField, types, numbered } = this.kind(stream);
    const drafts = this.drafts(stream, index);
    const totals = sumLines(drafts, this.amountTypes(stream, index));
    const day = this.day(stream, index);
    const stamp = this.stamp(stream, index);
    const currency = this.currency(stream, index);
    const allocations = this.allocations(stream, index, totals.total);
    return {
      [idField]: this.id(stream, index),
      ...(numbered && { [numbered.field]: this.number(stream, index) }),
      ID: this.id(stream, index),
      Type: this.sale(stream, index) ? types.sale : types.purchase,
      Reference: draw(this.key(stream) ^ 5, index) % 2 ? `Ref ${index + 1}` : '',
      Payments: [],
      RemainingCredit: money(allocations.length > 0 ? 0 : totals.total),
      Allocations: allocations,
      CurrencyRate: currencyRate(this.world, currency, draw(this.key(stream) ^ 6, index)),
      HasErrors: false,
      HasAttachments: false,
      InvoiceAddresses: [],
      Contact: contactSummary(this.contacts, this.contact(stream, index)),
      DateString: dateString(day),
      Date: calendarDate(day),
      Status: this.status(stream, index),
      LineAmountTypes: this.amountTypes(stream, index),
      LineItems: this.lines.rows(drafts, stream, index),
      SubTotal: money(totals.subTotal),
      TotalTax: money(totals.tax),
      Total: money(totals.total),
      UpdatedDateUTC: new XeroDate(stamp),
      UpdatedDateUTCString: isoSeconds(stamp),
      CurrencyCode: currency,
    };
  }

  private allocations(stream: CreditStream, index: number, total: number): Row[] {
    const target = this.target(stream, index);
    if (target === undefined) return [];
    const day = this.day(stream, index);
    return [
      {
        AllocationID: this.world.ids(`${stream} allocations`).guid(index),
        Amount: money(total),
        DateString: dateString(day),
        Date: calendarDate(day),
        Invoice: {
          InvoiceID: this.invoices.id(target),
          InvoiceNumber: this.invoices.number(target),
          ...unsettled(),
          LineItems: [],
        },
        IsDeleted: false,
        HasErrors: false,
      },
    ];
  }
}

/** One of the three kinds of credit as a stream. */
export class CreditSource implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;

  constructor(
    private readonly stream: CreditStream,
    private readonly credits: Credits,
  ) {
    const { types } = credits.kind(stream);
    this.count = credits.world.count(stream);
    this.columns = {
      Type: (index) => (credits.sale(stream, index) ? types.sale : types.purchase),
      Status: (index) => credits.status(stream, index),
      Date: (index) => calendarDate(credits.day(stream, index)),
      Total: (index) => money(credits.totals(stream, index).total),
      RemainingCredit: (index) => money(credits.remaining(stream, index)),
    };
  }

  stamp(index: number): number {
    return this.credits.stamp(this.stream, index);
  }

  row(index: number): Row {
    return this.credits.row(this.stream, index);
  }
}
