import { calendarDate, dateString } from '../core/calendar.js';
import { draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Contacts } from './contacts.js';
import { Documents } from './documents.js';
import { type Lines, sumLines } from './lines.js';
import { contactSummary, currencyRate } from './parties.js';
import type { Column, Source, World } from './world.js';

const STATUSES = ['DRAFT', 'SENT', 'SENT', 'ACCEPTED', 'DECLINED', 'INVOICED', 'DELETED'];
const VALID_DAYS = 30;

/** Quotes: a hundred a page, without a pagination block (xero-api.md §2). */
export class Quotes implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly documents: Documents;

  constructor(
    private readonly world: World,
    private readonly contacts: Contacts,
    private readonly lines: Lines,
  ) {
    this.documents = new Documents(world, 'quotes', contacts, lines, () => false);
    this.count = this.documents.count;
    this.columns = {
      Status: (index) => this.status(index),
      Date: (index) => calendarDate(this.documents.day(index)),
    };
  }

  stamp(index: number): number {
    return this.documents.stamp(index);
  }

  private status(index: number): string {
    return STATUSES[draw(this.documents.key ^ 4, index) % STATUSES.length] as string;
  }

  row(index: number): Row {
    const { documents } = this;
    const drafts = documents.drafts(index);
    const amountTypes = documents.amountTypes(index);
    const totals = sumLines(drafts, amountTypes);
    const day = documents.day(index);
    const currency = documents.currency(index);
    return {
      QuoteID: documents.id(index),
      QuoteNumber: `QU-${String(index + 1).padStart(4, '0')}`,
      Reference: '',
      Terms: 'Valid for thirty days.',
      Contact: contactSummary(this.contacts, documents.contact(index)),
      LineItems: this.lines.rows(drafts, 'quotes', index),
      Date: calendarDate(day),
      DateString: dateString(day),
      ExpiryDate: calendarDate(day + VALID_DAYS),
      ExpiryDateString: dateString(day + VALID_DAYS),
      Status: this.status(index),
      CurrencyRate: currencyRate(this.world, currency, draw(documents.key ^ 5, index)),
      CurrencyCode: currency,
      SubTotal: money(totals.subTotal),
      TotalTax: money(totals.tax),
      Total: money(totals.total),
      TotalDiscount: money(0),
      Title: 'Quote',
      Summary: '',
      BrandingThemeID: this.world.ids('brandingThemes').guid(0),
      UpdatedDateUTC: new XeroDate(documents.stamp(index)),
      LineAmountTypes: amountTypes.toUpperCase(),
    };
  }
}
