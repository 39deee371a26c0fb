import { Dice } from '../core/random.js';
import type { Contacts } from './contacts.js';
import { type AmountTypes, drawAmountTypes, drawLineCount, type LineDraft, type Lines } from './lines.js';
import type { World } from './world.js';

/** What purchase orders, quotes and bank transactions have in common: a date, a contact and lines. */
export class Documents {
  readonly count: number;
  readonly key: number;
  private readonly timeline;

  constructor(
    readonly world: World,
    readonly stream: string,
    readonly contacts: Contacts,
    readonly lines: Lines,
    private readonly isPurchase: (index: number) => boolean,
  ) {
    this.count = world.count(stream);
    this.key = world.key(stream);
    this.timeline = world.timeline(stream);
  }

  day(index: number): number {
    return this.timeline.day(index);
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  id(index: number): string {
    return this.world.ids(this.stream).guid(index);
  }

  contact(index: number): number {
    return this.contacts.pick(new Dice(this.key ^ 1, index), this.isPurchase(index) ? 'supplier' : 'customer');
  }

  currency(index: number): string {
    return this.contacts.currency(this.contact(index));
  }

  amountTypes(index: number): AmountTypes {
    return drawAmountTypes(new Dice(this.key ^ 2, index));
  }

  drafts(index: number): LineDraft[] {
    const dice = new Dice(this.key ^ 3, index);
    const foreign = this.currency(index) !== this.world.baseCurrency;
    const terms = { purchase: this.isPurchase(index), foreign, amountTypes: this.amountTypes(index) };
    return this.lines.draw(dice, drawLineCount(dice), terms);
  }
}
