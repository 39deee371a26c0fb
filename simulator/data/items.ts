import { element } from '../core/lookup.js';
import { Dice, draw } from '../core/random.js';
import { type Row, UnitAmount, XeroDate } from '../core/values.js';
import { PRODUCTS } from './words.js';
import type { Column, Source, World } from './world.js';

/** Items: prices with up to four decimals (xero-api.md §4). */
export class Items implements Source {
  readonly count: number;
  readonly columns: Record<string, Column> = { Code: (index) => this.code(index) };
  private readonly timeline;
  private readonly key: number;

  constructor(private readonly world: World) {
    this.count = world.count('items');
    this.timeline = world.timeline('items');
    this.key = world.key('items');
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  id(index: number): string {
    return this.world.ids('items').guid(index);
  }

  code(index: number): string {
    return `P${String(index + 1).padStart(5, '0')}`;
  }

  name(index: number): string {
    return `${element(PRODUCTS, draw(this.key, index) % PRODUCTS.length)} ${index + 1}`;
  }

  /** In ten-thousandths; one in three has four decimals that matter. */
  price(index: number, purchase: boolean): number {
    const dice = new Dice(this.key ^ 1, index);
    const cents = dice.between(50, 60_000);
    const price = dice.chance(33) ? cents * 100 + dice.below(100) : cents * 100;
    return purchase ? Math.ceil((price * 3) / 5) : price;
  }

  row(index: number): Row {
    const { regime } = this.world;
    return {
      ItemID: this.id(index),
      Code: this.code(index),
      Description: `${this.name(index)}, each`,
      PurchaseDescription: this.name(index),
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      PurchaseDetails: {
        UnitPrice: new UnitAmount(this.price(index, true)),
        AccountCode: '300',
        TaxType: regime.purchases,
      },
      SalesDetails: { UnitPrice: new UnitAmount(this.price(index, false)), AccountCode: '200', TaxType: regime.sales },
      Name: this.name(index),
      IsTrackedAsInventory: false,
      IsSold: true,
      IsPurchased: true,
      ValidationErrors: [],
    };
  }
}
