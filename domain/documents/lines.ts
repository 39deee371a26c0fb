/** Lines with all that settings, items and chart add to them: what checks, amounts and elements are made from. */
import { accountOf } from '../mappings.js';
import type { ChartAccount } from '../ports/chart.js';
import { type Decimal, difference, type LineAmountTypes, sameAmount, xeroAmounts } from './amounts.js';
import { type DocumentContent, projectItem } from './content.js';
import type { PushFacts, QueuedDocument } from './facts.js';
import type { DocumentKind } from './kinds.js';

/** Kinds whose amounts are lines. */
export const pricedKinds = ['invoice', 'bill', 'staffExpense', 'creditNote', 'purchaseOrder'] as const;
export type PricedKind = (typeof pricedKinds)[number];
export type PricedDocument = QueuedDocument<PricedKind>;

export const isPriced = (document: QueuedDocument): document is PricedDocument =>
  (pricedKinds as readonly DocumentKind[]).includes(document.kind);

/** What of a document has lines: the document itself, or the bill of a finished order. */
export interface Priced {
  kind: PricedKind;
  location: string | null;
  content: DocumentContent[PricedKind];
  /** Where its lines lie in the content that was saved, e.g. `lines`. */
  field: string;
}

export interface ResolvedLine {
  /** e.g. `lines.0` */
  field: string;
  description: string;
  quantity: string;
  unitAmount: string;
  discountRate: string | undefined;
  /** Null where nothing names one. */
  account: string | null;
  /** Null: none is sent. */
  taxType: string | null;
  /** Percent. */
  taxRate: string;
  itemCode: string | null;
  /** Tracking options. */
  tracking: readonly string[];
}

/** The bill of an order: what was received, under the supplier's number. */
export function billOf({ content, location }: QueuedDocument<'purchaseOrder'>): Priced | null {
  const { finished, deliveryDate: _, number: __, ...order } = content;
  if (finished === undefined) return null;
  const { supplierInvoiceNumber: number, lines = order.lines, total = order.total, date, dueDate } = finished;
  const own = finished.lines === undefined ? 'lines' : 'finished.lines';
  return { kind: 'bill', location, content: { ...order, date, dueDate, number, lines, total }, field: own };
}

/** What becomes the document's own record. */
export const ownPart = ({ kind, location, content }: PricedDocument): Priced => ({
  ...{ kind, location, content, field: 'lines' },
});

/** The document itself and, where it is a finished order, its bill. */
export function pricedParts(document: PricedDocument): Priced[] {
  const bill = document.kind === 'purchaseOrder' ? billOf(document) : null;
  return [ownPart(document), ...(bill === null ? [] : [bill])];
}

export const isSale = (kind: PricedKind): boolean => kind === 'invoice' || kind === 'creditNote';

/** Checks, amounts and elements ask for the same of the same facts in a row: it is worked out once. */
function once<Value>(
  workOut: (priced: Priced, facts: PushFacts) => Value,
): (priced: Priced, facts: PushFacts) => Value {
  const kept = new WeakMap<object, { facts: PushFacts; location: string | null; value: Value }>();
  return (priced, facts) => {
    const held = kept.get(priced.content);
    if (held?.facts === facts && held.location === priced.location) return held.value;
    const value = workOut(priced, facts);
    kept.set(priced.content, { facts, location: priced.location, value });
    return value;
  };
}

/** The lines of a document or bill, in their order. */
export const resolveLines = once(({ kind, location, content, field }, facts): readonly ResolvedLine[] => {
  const { settings, chart } = facts;
  const side = isSale(kind) ? 'sales' : 'purchases';
  const lines: readonly AnyLine[] = content.lines;
  return lines.map((line, index) => {
    const account = accountCode(line, settings.accounts[side], settings.accounts.expenseTypes);
    const held = account === null ? undefined : accountOf(chart, account);
    const taxType = taxTypeOf(content.lineAmountTypes, line.taxType ?? settings.taxCodes[side], held);
    return {
      field: `${field}.${index}`,
      ...{ description: line.description, quantity: line.quantity, unitAmount: line.unitAmount },
      ...{ discountRate: line.discountRate, account, taxType, taxRate: rateOf(taxType, facts) },
      itemCode: itemCodeOf(line, location, facts),
      tracking: line.tracking ?? trackingOf(location, facts),
    };
  });
});

type AnyLine = DocumentContent['invoice']['lines'][number] & { expenseType?: string | undefined };

function accountCode(line: AnyLine, usual: string | null, expenseTypes: Readonly<Record<string, string>>) {
  if (line.account !== undefined) return line.account;
  return line.expenseType === undefined ? usual : (expenseTypes[line.expenseType] ?? null);
}

function taxTypeOf(types: LineAmountTypes, chosen: string | null, account: ChartAccount | undefined): string | null {
  return types === 'noTax' ? null : (chosen ?? account?.taxType ?? null);
}

function rateOf(taxType: string | null, { chart }: PushFacts): string {
  return chart.taxRates.find((rate) => rate.taxType === taxType)?.rate ?? '0';
}

/** A project's number is the code of its item; an item's code is what its document says. */
function itemCodeOf({ item, projectNumber }: AnyLine, location: string | null, facts: PushFacts): string | null {
  const externalId = projectNumber === undefined ? item : projectItem(projectNumber, location ?? undefined);
  if (externalId === undefined) return null;
  const parent = facts.parent({ kind: 'item', externalId });
  return parent?.kind === 'item' ? parent.content.code : null;
}

function trackingOf(location: string | null, { settings }: PushFacts): string[] {
  const option = location === null ? undefined : settings.locationTracking[location];
  return option === undefined ? [] : [option];
}

/** What Xero will compute, and the line that makes up a difference of a few cents. */
export interface PricedAmounts {
  /** Tax included, the rounding in it where it is a line. */
  total: Decimal;
  /** Of the lines alone. */
  computed: Decimal;
  totalTax: Decimal;
  kind: 'none' | 'rounding' | 'beyond';
  rounding: ResolvedLine | null;
}

export const amountsOf = once((priced, facts): PricedAmounts => {
  const amounts = xeroAmounts(resolveLines(priced, facts), priced.content.lineAmountTypes);
  const { kind, amount } = difference(priced.content.total, amounts.total);
  const { rounding: account } = facts.settings.accounts;
  const bridged = kind === 'rounding' && account !== null;
  return {
    total: bridged ? amounts.total.plus(amount) : amounts.total,
    computed: amounts.total,
    totalTax: amounts.totalTax,
    kind: kind === 'rounding' && account === null ? 'beyond' : kind,
    rounding: bridged ? roundingLine(priced, amount, account, facts) : null,
  };
});

function roundingLine({ content, field }: Priced, amount: Decimal, account: string, facts: PushFacts): ResolvedLine {
  return {
    field,
    description: 'Rounding',
    quantity: '1',
    unitAmount: amount.toFixed(2),
    discountRate: undefined,
    account,
    taxType: content.lineAmountTypes === 'noTax' ? null : untaxed(account, facts),
    taxRate: '0',
    itemCode: null,
    tracking: [],
  };
}

/** Xero's own NONE where it may be used, else another rate of nothing. */
function untaxed(account: string, { chart }: PushFacts): string | null {
  const held = accountOf(chart, account);
  const free = chart.taxRates.filter(
    ({ active, rate, appliesTo }) =>
      active && rate !== null && sameAmount(rate, '0') && held?.class != null && appliesTo.includes(held.class),
  );
  return (free.find(({ taxType }) => taxType === 'NONE') ?? free[0])?.taxType ?? null;
}
