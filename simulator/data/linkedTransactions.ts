import { draw } from '../core/random.js';
import { type Row, XeroDate } from '../core/values.js';
import type { Invoices } from './invoices.js';
import { ROOM_FOR_LINES } from './lines.js';
import type { Source, World } from './world.js';

/** Billable expenses: a line of a bill that is charged on with a sales invoice. */
export class LinkedTransactions implements Source {
  readonly count: number;
  readonly columns = {};
  private readonly timeline;
  private readonly key: number;

  constructor(
    private readonly world: World,
    private readonly invoices: Invoices,
  ) {
    this.count = invoices.count === 0 ? 0 : world.count('linkedTransactions');
    this.timeline = world.timeline('linkedTransactions');
    this.key = world.key('linkedTransactions');
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  row(index: number): Row {
    const bill = this.near(index, false);
    const sale = this.near(index, true);
    const lineIds = this.world.ids('invoices lines');
    const billed = draw(this.key ^ 1, index) % 2 === 0;
    return {
      LinkedTransactionID: this.world.ids('linkedTransactions').guid(index),
      SourceTransactionID: this.invoices.id(bill),
      SourceLineItemID: lineIds.guid(bill * ROOM_FOR_LINES),
      ContactID: this.world.ids('contacts').guid(this.invoices.contact(sale)),
      TargetTransactionID: billed ? this.invoices.id(sale) : undefined,
      TargetLineItemID: billed ? lineIds.guid(sale * ROOM_FOR_LINES) : undefined,
      Status: billed ? 'BILLED' : 'APPROVED',
      Type: 'BILLABLEEXPENSE',
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      SourceTransactionTypeCode: 'ACCPAY',
    };
  }

  /** The next invoice of a kind from a drawn place on. */
  private near(index: number, sale: boolean): number {
    const start = draw(this.key ^ 2, index) % this.invoices.count;
    for (let step = 0; step < this.invoices.count; step++) {
      const invoice = (start + step) % this.invoices.count;
      if (this.invoices.sale(invoice) === sale) return invoice;
    }
    return start;
  }
}
