import { calendarDate } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { Dice } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import { ACCOUNTS, accountIndex, PURCHASE_ACCOUNTS } from './chart.js';
import type { Column, Source, World } from './world.js';

const NARRATIONS = ['Accrual of power', 'Wages allocation', 'Depreciation for the month', 'Stock adjustment'];
const STATUSES = ['POSTED', 'POSTED', 'POSTED', 'DRAFT', 'VOIDED'];

/** Manual journals: two or more lines that balance (xero-api.md §4). */
export class ManualJournals implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly timeline;
  private readonly key: number;

  constructor(private readonly world: World) {
    this.count = world.count('manualJournals');
    this.timeline = world.timeline('manualJournals');
    this.key = world.key('manualJournals');
    this.columns = {
      Status: (index) => this.status(index),
      Date: (index) => calendarDate(this.timeline.day(index)),
    };
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  private status(index: number): string {
    return new Dice(this.key ^ 1, index).pick(STATUSES);
  }

  row(index: number): Row {
    const dice = new Dice(this.key, index);
    return {
      Date: calendarDate(this.timeline.day(index)),
      Status: this.status(index),
      LineAmountTypes: 'NoTax',
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      ManualJournalID: this.world.ids('manualJournals').guid(index),
      Narration: `${dice.pick(NARRATIONS)} ${index + 1}`,
      JournalLines: this.journalLines(dice),
      ShowOnCashBasisReports: true,
      HasAttachments: false,
    };
  }

  /** One to four debits, and a credit of their sum. */
  private journalLines(dice: Dice): Row[] {
    const debits = Array.from({ length: dice.between(1, 4) }, () => dice.between(1_000, 500_000));
    const total = debits.reduce((sum, amount) => sum + amount, 0);
    const lines = debits.map((amount) => this.line(dice.pick(PURCHASE_ACCOUNTS), amount));
    return [...lines, this.line(accountIndex('620'), -total)];
  }

  private line(account: number, amount: number): Row {
    const { code, name } = element(ACCOUNTS, account);
    return {
      Description: name,
      TaxType: 'NONE',
      LineAmount: money(amount),
      AccountCode: code,
      AccountID: this.world.ids('accounts').guid(account),
      Tracking: [],
      IsBlank: false,
    };
  }
}
