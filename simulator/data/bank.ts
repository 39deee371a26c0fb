import { calendarDate, dateString } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import { ACCOUNTS, BANK_ACCOUNTS } from './chart.js';
import type { Contacts } from './contacts.js';
import type { Credits } from './credits.js';
import { Documents } from './documents.js';
import type { CreditStream } from './ledger.js';
import { type Lines, sumLines } from './lines.js';
import { contactSummary } from './parties.js';
import type { Column, Source, World } from './world.js';

const bankAccount = (world: World, choice: number): Row => {
  const account = element(BANK_ACCOUNTS, choice % BANK_ACCOUNTS.length);
  const { code, name } = element(ACCOUNTS, account);
  return { AccountID: world.ids('accounts').guid(account), Code: code, Name: name };
};

/** Where a prepayment or overpayment came from. */
interface Origin {
  stream: CreditStream;
  index: number;
  idField: string;
}

/** Bank transactions; the first ones created the prepayments and overpayments (xero-api.md §4). */
export class BankTransactions implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly documents: Documents;

  constructor(
    private readonly world: World,
    private readonly contacts: Contacts,
    private readonly lines: Lines,
    private readonly credits: Credits,
  ) {
    this.documents = new Documents(world, 'bankTransactions', contacts, lines, (index) => this.spends(index));
    this.count = this.documents.count;
    this.columns = {
      Type: (index) => this.type(index),
      Status: (index) => this.status(index),
      Date: (index) => calendarDate(this.day(index)),
    };
  }

  stamp(index: number): number {
    return this.documents.stamp(index);
  }

  private origin(index: number): Origin | undefined {
    const prepayments = this.world.count('prepayments');
    if (index < prepayments) return { stream: 'prepayments', index, idField: 'PrepaymentID' };
    const overpayment = index - prepayments;
    const exists = overpayment < this.world.count('overpayments');
    return exists ? { stream: 'overpayments', index: overpayment, idField: 'OverpaymentID' } : undefined;
  }

  private spends(index: number): boolean {
    return draw(this.world.key('bank direction'), index) % 3 > 0;
  }

  private type(index: number): string {
    const origin = this.origin(index);
    if (!origin) return this.spends(index) ? 'SPEND' : 'RECEIVE';
    const { types } = this.credits.kind(origin.stream);
    return this.credits.sale(origin.stream, origin.index) ? types.sale : types.purchase;
  }

  private status(index: number): string {
    return this.origin(index) || draw(this.documents.key ^ 4, index) % 20 > 0 ? 'AUTHORISED' : 'DELETED';
  }

  private day(index: number): number {
    const origin = this.origin(index);
    return origin ? this.credits.day(origin.stream, origin.index) : this.documents.day(index);
  }

  row(index: number): Row {
    const origin = this.origin(index);
    const { documents, credits } = this;
    const drafts = origin ? credits.drafts(origin.stream, origin.index) : documents.drafts(index);
    const amountTypes = origin ? credits.amountTypes(origin.stream, origin.index) : documents.amountTypes(index);
    const contact = origin ? credits.contact(origin.stream, origin.index) : documents.contact(index);
    const totals = sumLines(drafts, amountTypes);
    const day = this.day(index);
    return {
      BankTransactionID: documents.id(index),
      BankAccount: bankAccount(this.world, draw(documents.key ^ 5, index)),
      Type: this.type(index),
      Reference: index % 4 === 0 ? `EFTPOS ${index + 1}` : '',
      IsReconciled: draw(documents.key ^ 6, index) % 5 > 0,
      ...(origin && { [origin.idField]: credits.id(origin.stream, origin.index) }),
      HasAttachments: false,
      Contact: contactSummary(this.contacts, contact),
      DateString: dateString(day),
      Date: calendarDate(day),
      Status: this.status(index),
      LineAmountTypes: amountTypes,
      LineItems: this.lines.rows(drafts, 'bankTransactions', index),
      SubTotal: money(totals.subTotal),
      TotalTax: money(totals.tax),
      Total: money(totals.total),
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      CurrencyCode: this.contacts.currency(contact),
    };
  }
}

/** Transfers between the organisation's own bank accounts. */
export class BankTransfers implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly timeline;
  private readonly key: number;

  constructor(private readonly world: World) {
    this.count = world.count('bankTransfers');
    this.timeline = world.timeline('bankTransfers');
    this.key = world.key('bankTransfers');
    this.columns = { Date: (index) => calendarDate(this.timeline.day(index)) };
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  row(index: number): Row {
    const day = this.timeline.day(index);
    const ids = this.world.ids('bankTransfer transactions');
    return {
      BankTransferID: this.world.ids('bankTransfers').guid(index),
      CreatedDateUTC: new XeroDate(this.stamp(index)),
      CreatedDateUTCString: dateString(day),
      DateString: dateString(day),
      Date: calendarDate(day),
      FromBankAccount: bankAccount(this.world, index),
      ToBankAccount: bankAccount(this.world, index + 1),
      Amount: money(100 * (1 + (draw(this.key, index) % 100_000))),
      FromBankTransactionID: ids.guid(index * 2),
      ToBankTransactionID: ids.guid(index * 2 + 1),
      FromIsReconciled: index % 2 === 0,
      ToIsReconciled: index % 2 === 0,
      Reference: `Transfer ${index + 1}`,
      HasAttachments: false,
    };
  }
}
