import { calendarDate, dateString } from '../core/calendar.js';
import { draw } from '../core/random.js';
import { money, type Row, XeroDate } from '../core/values.js';
import type { Contacts } from './contacts.js';
import { Documents } from './documents.js';
import { type Lines, sumLines } from './lines.js';
import { contactSummary, currencyRate } from './parties.js';
import type { Column, Source, World } from './world.js';

const STATUSES = ['AUTHORISED', 'AUTHORISED', 'BILLED', 'BILLED', 'DRAFT', 'SUBMITTED', 'DELETED'];

/** Purchase orders (xero-api.md §4). */
export class PurchaseOrders implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly documents: Documents;

  constructor(
    private readonly world: World,
    private readonly contacts: Contacts,
    private readonly lines: Lines,
  ) {
    this.documents = new Documents(world, 'purchaseOrders', contacts, lines, () => true);
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
    const totals = sumLines(drafts, documents.amountTypes(index));
    const day = documents.day(index);
    const currency = documents.currency(index);
    return {
      PurchaseOrderID: documents.id(index),
      PurchaseOrderNumber: `PO-${String(index + 1).padStart(5, '0')}`,
      DateString: dateString(day),
      Date: calendarDate(day),
      DeliveryDateString: dateString(day + 7),
      DeliveryDate: calendarDate(day + 7),
      DeliveryAddress: '',
      AttentionTo: '',
      Telephone: '',
      DeliveryInstructions: '',
      HasErrors: false,
      IsDiscounted: false,
      Reference: index % 3 === 0 ? `Job ${index + 100}` : '',
      Type: 'PURCHASEORDER',
      CurrencyRate: currencyRate(this.world, currency, draw(documents.key ^ 5, index)),
      CurrencyCode: currency,
      Contact: contactSummary(this.contacts, documents.contact(index)),
      BrandingThemeID: this.world.ids('brandingThemes').guid(0),
      Status: this.status(index),
      LineAmountTypes: documents.amountTypes(index),
      LineItems: this.lines.rows(drafts, 'purchaseOrders', index),
      SubTotal: money(totals.subTotal),
      TotalTax: money(totals.tax),
      Total: money(totals.total),
      UpdatedDateUTC: new XeroDate(documents.stamp(index)),
      HasAttachments: false,
    };
  }
}
