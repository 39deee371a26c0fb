import { calendarDate, dateString, isoSeconds } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { Dice, draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Contacts } from './contacts.js';
import type { Credits } from './credits.js';
import { type CreditStream, INVOICE_STATUSES, type Ledger } from './ledger.js';
import {
  type AmountTypes,
  drawAmountTypes,
  drawLineCount,
  type LineDraft,
  type Lines,
  sumLines,
  type Totals,
} from './lines.js';
import { contactSummary, currencyRate } from './parties.js';
import type { Column, Source, World } from './world.js';

/** Neighbours share a type, as they do when bills are entered in one sitting. */
const SITTING = 16;
const SALES_PERCENT = 62;

const ENDED = new Set(['VOIDED', 'DELETED']);

export interface InvoiceFigures extends Totals {
  paid: number;
  credited: number;
  due: number;
}

/** Sales invoices and bills in every status, 1 to 40 lines, part paid, credited, in foreign currencies (§4). */
export class Invoices implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly timeline;
  private readonly ids;
  private readonly key: number;
  private credits: Credits | undefined;

  constructor(
    private readonly world: World,
    private readonly ledger: Ledger,
    private readonly contacts: Contacts,
    private readonly lines: Lines,
  ) {
    this.count = world.count('invoices');
    this.timeline = world.timeline('invoices');
    this.ids = world.ids('invoices');
    this.key = world.key('invoices');
    this.columns = {
      Type: (index) => this.type(index),
      Status: (index) => this.status(index),
      Date: (index) => calendarDate(this.day(index)),
      DueDate: (index) => calendarDate(this.dueDay(index)),
      InvoiceNumber: (index) => this.number(index),
      CurrencyCode: (index) => this.currency(index),
      Total: (index) => money(this.figures(index).total),
      AmountDue: (index) => money(this.figures(index).due),
      AmountPaid: (index) => money(this.figures(index).paid),
      'Contact.ContactID': (index) => this.contacts.id(this.contact(index)),
      'Contact.Name': (index) => this.contacts.name(this.contact(index)),
    };
  }

  /** Credits and invoices know each other; the credits are made after the invoices. */
  attach(credits: Credits): void {
    this.credits = credits;
  }

  stamp(index: number): number {
    return this.timeline.stamp(index, (row) => this.lastTouched(row));
  }

  private lastTouched(index: number): number {
    const payments = this.payments(index);
    const last = payments[payments.length - 1];
    return last === undefined ? this.timeline.moment(index, this.day(index)) : this.paymentMoment(last);
  }

  /** When a payment was entered, bulk imports aside. */
  paymentMoment(payment: number): number {
    return this.timeline.moment(payment, this.paymentDay(payment));
  }

  /** The day of a payment: some days after its invoice, never after the last day there is. */
  paymentDay(payment: number): number {
    const invoice = element(this.ledger.paidInvoice, payment);
    return Math.min(this.day(invoice) + 3 + (draw(this.key ^ 5, payment) % 40), this.world.lastDay);
  }

  id(index: number): string {
    return this.ids.guid(index);
  }

  sale(index: number): boolean {
    return draw(this.key ^ 1, Math.floor(index / SITTING)) % 100 < SALES_PERCENT;
  }

  type(index: number): 'ACCREC' | 'ACCPAY' {
    return this.sale(index) ? 'ACCREC' : 'ACCPAY';
  }

  status(index: number): string {
    return INVOICE_STATUSES[this.ledger.invoiceStatus[index] ?? 2] as string;
  }

  number(index: number): string {
    if (this.sale(index)) return `INV-${String(index + 1).padStart(5, '0')}`;
    const supplierNumber = draw(this.key ^ 2, index);
    return supplierNumber % 10 === 0 ? '' : `B${supplierNumber % 100_000}`;
  }

  day(index: number): number {
    return this.timeline.day(index);
  }

  dueDay(index: number): number {
    return this.day(index) + 7 * (1 + (draw(this.key ^ 3, index) % 6));
  }

  contact(index: number): number {
    return this.contacts.pick(new Dice(this.key ^ 4, index), this.sale(index) ? 'customer' : 'supplier');
  }

  currency(index: number): string {
    return this.contacts.currency(this.contact(index));
  }

  /** The payments made against a generated invoice, deleted ones too. */
  payments(index: number): number[] {
    const first = this.ledger.firstPayment[index] ?? 0;
    return Array.from({ length: this.ledger.paymentCount[index] ?? 0 }, (_, n) => first + n);
  }

  amountTypes(index: number): AmountTypes {
    return drawAmountTypes(new Dice(this.key ^ 6, index));
  }

  drafts(index: number, currency = this.currency(index)): LineDraft[] {
    const dice = new Dice(this.key ^ 7, index);
    const foreign = currency !== this.world.baseCurrency;
    const terms = { purchase: !this.sale(index), foreign, amountTypes: this.amountTypes(index) };
    return this.lines.draw(dice, drawLineCount(dice), terms);
  }

  figures(index: number, drafts = this.drafts(index)): InvoiceFigures {
    const totals = sumLines(drafts, this.amountTypes(index));
    const paid = this.payments(index)
      .filter((payment) => !this.ledger.paymentDeleted(payment))
      .reduce((sum, payment) => sum + this.paymentAmount(index, payment, totals.total), 0);
    const credit = this.ledger.creditOf.get(index);
    const credited = credit && this.credits ? this.credits.allocated(credit.stream, credit.index) : 0;
    const ended = ENDED.has(this.status(index));
    return { ...totals, paid, credited, due: ended ? 0 : totals.total - paid - credited };
  }

  /** Equal parts, the last one taking what division leaves. */
  paymentAmount(index: number, payment: number, total: number): number {
    const count = this.ledger.paymentCount[index] ?? 0;
    const target = this.ledger.settles(index) ? total : Math.ceil((total * (30 + (index % 50))) / 100);
    const part = Math.floor(target / count);
    const isLast = payment - (this.ledger.firstPayment[index] ?? 0) === count - 1;
    return isLast ? target - part * (count - 1) : part;
  }

  row(index: number): Row {
    const dice = new Dice(this.key ^ 8, index);
    const contact = this.contact(index);
    const currency = this.contacts.currency(contact);
    const drafts = this.drafts(index, currency);
    const figures = this.figures(index, drafts);
    const day = this.day(index);
    const stamp = this.stamp(index);
    const paidOff = this.status(index) === 'PAID';
    return {
      Type: this.type(index),
      InvoiceID: this.id(index),
      InvoiceNumber: this.number(index),
      Reference: dice.chance(40) ? `Job ${dice.between(100, 9_999)}` : '',
      Payments: this.paymentRows(index, figures.total, currency),
      CreditNotes: this.creditRows(index, 'creditNotes'),
      Prepayments: this.creditRows(index, 'prepayments'),
      Overpayments: this.creditRows(index, 'overpayments'),
      AmountDue: money(figures.due),
      AmountPaid: money(figures.paid),
      AmountCredited: money(figures.credited),
      CurrencyRate: currencyRate(this.world, currency, draw(this.key ^ 9, index)),
      SentToContact: this.sale(index) ? dice.chance(50) : undefined,
      IsDiscounted: false,
      HasAttachments: dice.chance(3),
      InvoiceAddresses: [],
      HasErrors: false,
      InvoicePaymentServices: [],
      Contact: contactSummary(this.contacts, contact),
      DateString: dateString(day),
      Date: calendarDate(day),
      DueDateString: dateString(this.dueDay(index)),
      DueDate: calendarDate(this.dueDay(index)),
      FullyPaidOnDate: paidOff ? calendarDate(this.paymentDay(element(this.payments(index).slice(-1), 0))) : undefined,
      BrandingThemeID: this.sale(index) ? this.world.ids('brandingThemes').guid(0) : undefined,
      Status: this.status(index),
      LineAmountTypes: this.amountTypes(index),
      LineItems: this.lines.rows(drafts, 'invoices', index),
      SubTotal: money(figures.subTotal),
      TotalTax: money(figures.tax),
      Total: money(figures.total),
      UpdatedDateUTC: new XeroDate(stamp),
      UpdatedDateUTCString: isoSeconds(stamp),
      CurrencyCode: currency,
    };
  }

  private paymentRows(index: number, total: number, currency: string): Row[] {
    return this.payments(index)
      .filter((payment) => !this.ledger.paymentDeleted(payment))
      .map((payment) => ({
        PaymentID: this.world.ids('payments').guid(payment),
        Date: calendarDate(this.paymentDay(payment)),
        Amount: money(this.paymentAmount(index, payment, total)),
        CurrencyRate: currencyRate(this.world, currency, draw(this.key ^ 10, payment)),
        HasAccount: false,
        HasValidationErrors: false,
      }));
  }

  private creditRows(index: number, stream: CreditStream): Row[] {
    const credit = this.ledger.creditOf.get(index);
    return credit?.stream === stream && this.credits ? [this.credits.allocationRow(stream, credit.index)] : [];
  }
}
