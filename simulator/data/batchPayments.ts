import { calendarDate, dateString } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { money, type Row, XeroDate } from '../core/values.js';
import { ACCOUNTS } from './chart.js';
import type { Payments } from './payments.js';
import type { Column, Source, World } from './world.js';

/** Batch payments: several payments through one bank account (xero-api.md §2). */
export class BatchPayments implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;

  constructor(
    private readonly world: World,
    private readonly payments: Payments,
  ) {
    this.count = payments.batches;
    this.columns = { Date: (index) => calendarDate(this.day(index)) };
  }

  stamp(index: number): number {
    return this.payments.stamp(this.first(index));
  }

  private first(batch: number): number {
    return this.members(batch)[0] ?? 0;
  }

  /** A batch that is added later starts empty. */
  private members(batch: number): number[] {
    return batch < this.count ? this.payments.batch(batch) : [];
  }

  private day(batch: number): number {
    return this.payments.day(this.first(batch));
  }

  row(index: number): Row {
    const members = this.members(index);
    const account = this.payments.bankAccount(this.first(index));
    const day = this.day(index);
    const total = members.reduce((sum, payment) => sum + this.payments.amount(payment), 0);
    return {
      Account: { AccountID: this.world.ids('accounts').guid(account), Code: element(ACCOUNTS, account).code },
      BatchPaymentID: this.world.ids('batchPayments').guid(index),
      Reference: `Batch ${index + 1}`,
      DateString: dateString(day),
      Date: calendarDate(day),
      Payments: members.map((payment) => ({
        Invoice: this.payments.batchedInvoice(payment),
        PaymentID: this.payments.id(payment),
        Amount: money(this.payments.amount(payment)),
      })),
      Type: this.payments.type(this.first(index)).startsWith('ACCREC') ? 'RECBATCH' : 'PAYBATCH',
      Status: 'AUTHORISED',
      TotalAmount: money(total),
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      IsReconciled: false,
    };
  }
}
