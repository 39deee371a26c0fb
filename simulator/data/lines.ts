import { element } from '../core/lookup.js';
import type { Dice } from '../core/random.js';
import { Decimal, divideRounded, money, type Row, UnitAmount } from '../core/values.js';
import { ACCOUNTS, PURCHASE_ACCOUNTS, SALES_ACCOUNTS, TRACKING } from './chart.js';
import type { Items } from './items.js';
import { WORKS } from './words.js';
import type { World } from './world.js';

export type AmountTypes = 'Exclusive' | 'Inclusive' | 'NoTax';

/** A line before it is written out: numbers only, so that totals are cheap. */
export interface LineDraft {
  text: string;
  item: number;
  /** In ten-thousandths. */
  quantity: number;
  /** In ten-thousandths. */
  unit: number;
  discountPercent: number;
  account: number;
  /** Index among the organisation's tax rates. */
  taxRate: number;
  /** One digit a tracking category: 0 = none, else option + 1. */
  tracking: number[];
  amount: number;
  tax: number;
}

export interface Totals {
  subTotal: number;
  tax: number;
  total: number;
}

/** What the lines of a document have in common. */
export interface LineTerms {
  purchase: boolean;
  foreign: boolean;
  amountTypes: AmountTypes;
}

const LARGEST_LINES = 40;
/** Line ids are numbered so many to a document. */
export const ROOM_FOR_LINES = 64;
const NO_TAX = 2;
const ZERO_RATED = { sale: 3, purchase: 4 };
const NO_TRACKING: number[] = [];

/** Most documents have one or two lines, a few up to forty. */
export function drawLineCount(dice: Dice): number {
  const share = dice.below(1000);
  if (share < 700) return dice.between(1, 2);
  if (share < 920) return dice.between(3, 4);
  return share < 985 ? dice.between(5, 10) : dice.between(11, LARGEST_LINES);
}

export function drawAmountTypes(dice: Dice): AmountTypes {
  const share = dice.below(100);
  if (share < 70) return 'Exclusive';
  return share < 95 ? 'Inclusive' : 'NoTax';
}

/** Draws the lines of documents and writes them out (xero-api.md §4). */
export class Lines {
  private readonly accountIds: string[];

  constructor(
    private readonly world: World,
    private readonly items: Items,
  ) {
    this.accountIds = ACCOUNTS.map((_, index) => world.ids('accounts').guid(index));
  }

  draw(dice: Dice, count: number, terms: LineTerms): LineDraft[] {
    return Array.from({ length: count }, () => this.drawOne(dice, terms));
  }

  private drawOne(dice: Dice, terms: LineTerms): LineDraft {
    const item = this.items.count > 0 && dice.chance(40) ? dice.below(this.items.count) : -1;
    const wholeQuantity = dice.chance(75);
    const quantity = wholeQuantity ? dice.between(1, 20) * 10_000 : dice.between(2_500, 99_9999);
    const draft: LineDraft = {
      text: item < 0 ? dice.pick(WORKS) : this.items.name(item),
      item,
      quantity,
      unit: this.drawUnit(dice, item, terms.purchase),
      discountPercent: !terms.purchase && dice.chance(6) ? dice.pick([5, 10, 15]) : 0,
      account: dice.pick(terms.purchase ? PURCHASE_ACCOUNTS : SALES_ACCOUNTS),
      taxRate: this.taxRate(dice, terms),
      tracking: dice.chance(25) ? TRACKING.map(({ options }) => dice.below(options.length + 1)) : NO_TRACKING,
      amount: 0,
      tax: 0,
    };
    return this.price(draft, terms.amountTypes);
  }

  private drawUnit(dice: Dice, item: number, purchase: boolean): number {
    if (item >= 0) return this.items.price(item, purchase);
    const cents = dice.chance(10) ? dice.between(50_000, 400_000) : dice.between(1_000, 30_000);
    return dice.chance(8) ? cents * 100 + dice.below(100) : cents * 100;
  }

  private taxRate(dice: Dice, terms: LineTerms): number {
    if (terms.amountTypes === 'NoTax') return NO_TAX;
    if (terms.foreign || dice.chance(4)) return terms.purchase ? ZERO_RATED.purchase : ZERO_RATED.sale;
    return terms.purchase ? 1 : 0;
  }

  /** Fills in amount and tax: each rounded to two decimals on its line. */
  price(draft: LineDraft, amountTypes: AmountTypes): LineDraft {
    const full = divideRounded(draft.quantity * draft.unit, 1_000_000);
    draft.amount = divideRounded(full * (100 - draft.discountPercent), 100);
    const { percent } = element(this.world.taxRates, draft.taxRate);
    draft.tax =
      amountTypes === 'Inclusive'
        ? divideRounded(draft.amount * percent, 100 + percent)
        : divideRounded(draft.amount * percent, 100);
    return draft;
  }

  /** A single line for `amount`, taxed and booked like another one. */
  like(other: LineDraft, amount: number, text: string, amountTypes: AmountTypes): LineDraft {
    const line = { ...other, text, item: -1, quantity: 10_000, unit: amount * 100, discountPercent: 0 };
    return this.price(line, amountTypes);
  }

  /** The lines of one document; every stream has line ids of its own. */
  rows(drafts: LineDraft[], stream: string, document: number): Row[] {
    const ids = this.world.ids(`${stream} lines`);
    return drafts.map((draft, n) => this.lineRow(draft, ids.guid(document * ROOM_FOR_LINES + n)));
  }

  private lineRow(draft: LineDraft, lineId: string): Row {
    const account = element(ACCOUNTS, draft.account);
    const item = draft.item < 0 ? undefined : draft.item;
    return {
      ItemCode: item === undefined ? undefined : this.items.code(item),
      Description: draft.text,
      UnitAmount: new UnitAmount(draft.unit),
      TaxType: element(this.world.taxRates, draft.taxRate).type,
      TaxAmount: money(draft.tax),
      LineAmount: money(draft.amount),
      AccountCode: account.code,
      Item:
        item === undefined
          ? undefined
          : { ItemID: this.items.id(item), Name: this.items.name(item), Code: this.items.code(item) },
      Tracking: this.trackingRows(draft.tracking),
      Quantity: new Decimal(draft.quantity, 4),
      DiscountRate: draft.discountPercent > 0 ? new Decimal(draft.discountPercent * 100, 2) : undefined,
      LineItemID: lineId,
      AccountID: element(this.accountIds, draft.account),
      ValidationErrors: [],
    };
  }

  private trackingRows(choices: number[]): Row[] {
    return choices.flatMap((choice, category) => (choice === 0 ? [] : [this.trackingRow(category, choice - 1)]));
  }

  private trackingRow(category: number, option: number): Row {
    const { name, options } = element(TRACKING, category);
    return {
      Name: name,
      Option: element(options, option),
      TrackingCategoryID: this.world.ids('trackingCategories').guid(category),
      TrackingOptionID: this.world.ids('trackingOptions').guid(category * 100 + option),
    };
  }
}

/** The totals of a document: sums of rounded lines. */
export function sumLines(drafts: LineDraft[], amountTypes: AmountTypes): Totals {
  let amounts = 0;
  let tax = 0;
  for (const draft of drafts) {
    amounts += draft.amount;
    tax += draft.tax;
  }
  if (amountTypes === 'Inclusive') return { subTotal: amounts - tax, tax, total: amounts };
  return { subTotal: amounts, tax, total: amounts + tax };
}
