import { calendarDate, dateString, isoSeconds } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import { ACCOUNTS, BANK_ACCOUNTS } from './chart.js';
import type { Contacts } from './contacts.js';
import type { Invoices } from './invoices.js';
import type { Ledger } from './ledger.js';
import { contactSummary, currencyRate, unsettled } from './parties.js';
import type { Column, Source, World } from './world.js';

const LARGEST_BATCH = 6;

/** Payments: whole and part, in batches, deleted (xero-api.md §4). */
export class Payments implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly timeline;
  private readonly key: number;
  readonly batches: number;

  constructor(
    private readonly world: World,
    private readonly ledger: Ledger,
    private readonly contacts: Contacts,
    private readonly invoices: Invoices,
  ) {
    this.count = ledger.paidInvoice.length;
    this.timeline = world.timeline('payments');
    this.key = world.key('payments');
    this.batches = Math.min(world.count('batchPayments'), this.count);
    this.columns = {
      Status: (index) => this.status(index),
      Date: (index) => calendarDate(this.day(index)),
      PaymentType: (index) => this.type(index),
      Amount: (index) => money(this.amount(index)),
      'Invoice.InvoiceID': (index) => this.invoices.id(this.invoice(index)),
    };
  }

  stamp(index: number): number {
    if (index >= this.count) return this.world.asOf;
    return this.timeline.stamp(index, (row) => this.invoices.paymentMoment(row));
  }

  id(index: number): string {
    return this.world.ids('payments').guid(index);
  }

  invoice(index: number): number {
    return this.ledger.paidInvoice[index] ?? 0;
  }

  day(index: number): number {
    return index < this.count ? this.invoices.paymentDay(index) : this.world.lastDay;
  }

  status(index: number): string {
    return this.ledger.paymentDeleted(index) ? 'DELETED' : 'AUTHORISED';
  }

  type(index: number): string {
    return `${this.invoices.type(this.invoice(index))}PAYMENT`;
  }

  amount(index: number): number {
    if (index >= this.count) return 0;
    const invoice = this.invoice(index);
    return this.invoices.paymentAmount(invoice, index, this.invoices.figures(invoice).total);
  }

  bankAccount(index: number): number {
    const batch = this.batchOf(index);
    return element(BANK_ACCOUNTS, draw(this.key ^ 2, batch ?? index) % 2);
  }

  /** The payments of a batch: neighbours of one kind that stand. */
  batch(batch: number): number[] {
    const room = Math.floor(this.count / this.batches);
    const first = batch * room;
    const size = Math.min(room, 2 + (draw(this.key ^ 1, batch) % (LARGEST_BATCH - 1)));
    const members = Array.from({ length: size }, (_, n) => first + n);
    return members.filter((payment) => this.type(payment) === this.type(first) && this.status(payment) !== 'DELETED');
  }

  private batchOf(index: number): number | undefined {
    if (this.batches === 0 || index >= this.count) return undefined;
    const batch = Math.floor(index / Math.floor(this.count / this.batches));
    return batch < this.batches && this.batch(batch).includes(index) ? batch : undefined;
  }

  row(index: number): Row {
    const stamp = this.stamp(index);
    const account = this.bankAccount(index);
    const batch = this.batchOf(index);
    const invoice = this.invoice(index);
    const amount = money(this.amount(index));
    const day = this.day(index);
    return {
      PaymentID: this.id(index),
      BatchPaymentID: batch === undefined ? undefined : this.world.ids('batchPayments').guid(batch),
      DateString: dateString(day),
      Date: calendarDate(day),
      BankAmount: amount,
      Amount: amount,
      Reference: draw(this.key, index) % 3 === 0 ? `DD ${index + 1}` : '',
      CurrencyRate: currencyRate(this.world, this.invoices.currency(invoice), draw(this.key, index)),
      PaymentType: this.type(index),
      Status: this.status(index),
      UpdatedDateUTC: new XeroDate(stamp),
      UpdatedDateUTCString: isoSeconds(stamp),
      HasAccount: true,
      IsReconciled: draw(this.key ^ 3, index) % 4 > 0,
      Account: { AccountID: this.world.ids('accounts').guid(account), Code: element(ACCOUNTS, account).code },
      Invoice: this.invoiceSummary(invoice),
      HasValidationErrors: false,
    };
  }

  /** The invoice of a payment as a batch names it. */
  batchedInvoice(index: number): Row {
    const invoice = this.invoice(index);
    return { InvoiceID: this.invoices.id(invoice), LineItems: [], ValidationErrors: [] };
  }

  private invoiceSummary(invoice: number): Row {
    return {
      Type: this.invoices.type(invoice),
      InvoiceID: this.invoices.id(invoice),
      InvoiceNumber: this.invoices.number(invoice),
      ...unsettled(),
      Contact: contactSummary(this.contacts, this.invoices.contact(invoice)),
      LineItems: [],
      CurrencyCode: this.invoices.currency(invoice),
    };
  }
}
