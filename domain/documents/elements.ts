/** Contents as Xero's elements (xero-api.md §4). Decimals go as text, so that no digit passes through a float. */
import type { Settings } from '../settings.js';
import { Decimal, lineAmount, sameAmount } from './amounts.js';
import { followed } from './contactMatch.js';
import type { DocumentContent } from './content.js';
import { type Body, type PushFacts, type QueuedDocument, textOf, type XeroRecord, xeroTypes } from './facts.js';
import { amountsOf, type Priced, type PricedKind, type ResolvedLine, resolveLines } from './lines.js';
import { listIn, statusOf, textAt } from './records.js';

/** By which what we made is found again. Urls must not hold the word "xero". */
export const keyOf = (documentId: string): string => `nightledger:${documentId}`;
const urlOf = (documentId: string): string => `https://nightledger.invalid/${documentId}`;

const longestReference = 255;

/** Fields that have a value: what is empty here never overwrites what Xero has. */
function present(fields: Readonly<Record<string, unknown>>): Body {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
}

export function contactElement(document: QueuedDocument<'contact'>, name: string, record: XeroRecord | null): Body {
  const { content, externalId } = document;
  const held = record === null ? null : textOf(record.body, 'ContactNumber');
  const phones = [
    { PhoneType: 'DEFAULT', PhoneNumber: content.phone },
    { PhoneType: 'MOBILE', PhoneNumber: content.mobile },
  ].filter(({ PhoneNumber }) => PhoneNumber !== undefined);
  return present({
    ContactID: record?.xeroId,
    Name: name,
    // Of a contact that ours was merged into, it is another one's.
    ContactNumber: held === null || held === externalId ? externalId : undefined,
    FirstName: content.firstName,
    LastName: content.lastName,
    EmailAddress: content.email,
    AccountNumber: content.accountNumber,
    TaxNumber: content.taxNumber,
    Phones: phones.length === 0 ? undefined : phones,
    Addresses: content.address && [addressElement(content.address)],
  });
}

const addressElement = (address: NonNullable<DocumentContent['contact']['address']>): Body =>
  present({
    AddressType: 'POBOX',
    AddressLine1: address.line1,
    AddressLine2: address.line2,
    City: address.city,
    Region: address.region,
    PostalCode: address.postalCode,
    Country: address.country,
  });

export function itemElement({ content }: QueuedDocument<'item'>, record: XeroRecord | null): Body {
  const sales = present({ UnitPrice: content.salesPrice, AccountCode: content.salesAccount });
  const purchases = present({ UnitPrice: content.purchasePrice, AccountCode: content.purchaseAccount });
  return present({
    ItemID: record?.xeroId,
    Code: content.code,
    Name: content.name,
    Description: content.description,
    SalesDetails: Object.keys(sales).length === 0 ? undefined : sales,
    PurchaseDetails: Object.keys(purchases).length === 0 ? undefined : purchases,
  });
}

interface Shape {
  idField: string;
  numberField: string;
  /** The field of the second date. */
  until: 'DueDate' | 'DeliveryDate' | null;
  /** Has it a Url, a line discount? */
  url: boolean;
  discounts: boolean;
  status(settings: Settings): string;
}

const sale = (settings: Settings): string => settings.invoiceStatus.toUpperCase();
const purchase = (settings: Settings): string => settings.billStatus.toUpperCase();
const invoice = { idField: 'InvoiceID', numberField: 'InvoiceNumber', until: 'DueDate', url: true } as const;

export const shapes: Readonly<Record<PricedKind, Shape>> = {
  invoice: { ...invoice, discounts: true, status: sale },
  bill: { ...invoice, discounts: false, status: purchase },
  staffExpense: { ...invoice, discounts: false, status: purchase },
  creditNote: {
    ...{ idField: 'CreditNoteID', numberField: 'CreditNoteNumber', until: null, url: false, discounts: false },
    status: sale,
  },
  purchaseOrder: {
    ...{ idField: 'PurchaseOrderID', numberField: 'PurchaseOrderNumber', until: 'DeliveryDate', url: false },
    discounts: true,
    // An order that is not authorised cannot be billed.
    status: () => 'AUTHORISED',
  },
};

/** An invoice, bill, credit note or order; `record` is what it is in Xero already. */
export function pricedElement(documentId: string, priced: Priced, facts: PushFacts, record: XeroRecord | null): Body {
  const { kind, content } = priced;
  const shape = shapes[kind];
  return present({
    [shape.idField]: record?.xeroId,
    Type: xeroTypes[kind],
    [shape.numberField]: textOf(content, 'number'),
    // Of a contact the id alone: whatever else stood here would change the contact.
    Contact: { ContactID: contactIdOf(content.contact, facts) },
    Date: content.date,
    ...(shape.until !== null && { [shape.until]: untilOf(priced) }),
    LineAmountTypes: lineAmountTypes[content.lineAmountTypes],
    CurrencyCode: content.currency ?? facts.organisation.baseCurrency,
    CurrencyRate: content.currencyRate,
    Status: statusToSend(shape.status(facts.settings), record),
    Reference: referenceOf(documentId, priced),
    Url: shape.url && isKeyed(priced) ? urlOf(documentId) : undefined,
    LineItems: lineItems(priced, facts, record),
  });
}

const lineAmountTypes = { exclusive: 'Exclusive', inclusive: 'Inclusive', noTax: 'NoTax' } as const;

function untilOf({ content }: Priced): string | null {
  if ('deliveryDate' in content) return content.deliveryDate ?? null;
  return 'finished' in content ? null : (textOf(content, 'dueDate') ?? content.date);
}

/** What is authorised stays so; a draft is raised to what the settings say. */
export function statusToSend(wanted: string, record: XeroRecord | null): string | undefined {
  if (record === null) return wanted;
  return statusOf(record) === 'DRAFT' || statusOf(record) === 'SUBMITTED' ? wanted : undefined;
}

/** Nothing else of it is unique in Xero: it has no number, or one that another supplier may have too. */
export const isKeyed = ({ kind, content }: Pick<Priced, 'kind' | 'content'>): boolean =>
  xeroTypes[kind] === 'ACCPAY' || textOf(content, 'number') === null;

function referenceOf(documentId: string, priced: Priced): string | undefined {
  const { reference } = priced.content;
  if (!isKeyed(priced) || xeroTypes[priced.kind] === 'ACCPAY') return reference;
  const key = keyOf(documentId);
  return reference === undefined ? key : `${reference.slice(0, longestReference - key.length - 1)} ${key}`;
}

/** The contact of a document in Xero; null while it is not there. */
export function contactIdOf(externalId: string, facts: PushFacts): string | null {
  const parent = facts.parent({ kind: 'contact', externalId });
  return parent?.record ? followed(parent.record, facts).xeroId : (parent?.xeroId ?? null);
}

function lineItems(priced: Priced, facts: PushFacts, record: XeroRecord | null): Body[] {
  const { rounding } = amountsOf(priced, facts);
  const lines = [...resolveLines(priced, facts), ...(rounding === null ? [] : [rounding])];
  const items = lines.map((line) => lineItem(line, shapes[priced.kind].discounts, facts));
  const ids = lineItemIds(items, record === null ? [] : listIn(record.body, 'LineItems'));
  return items.map((item, index) => present({ LineItemID: ids[index], ...item }));
}

function lineItem(line: ResolvedLine, discounts: boolean, facts: PushFacts): Body {
  return present({
    Description: line.description,
    ...(discounts && hasTwoDecimals(line.discountRate) ? plainPrice(line) : discountedPrice(line)),
    AccountCode: line.account,
    TaxType: line.taxType,
    ItemCode: line.itemCode,
    Tracking: line.tracking.length === 0 ? undefined : line.tracking.flatMap((id) => trackingElement(id, facts)),
  });
}

/** Xero's discounts have two decimals. */
const hasTwoDecimals = (rate = '0'): boolean => new Decimal(rate).decimalPlaces() <= 2;

const plainPrice = ({ quantity, unitAmount, discountRate }: ResolvedLine) => ({
  Quantity: quantity,
  UnitAmount: unitAmount,
  DiscountRate: discountRate,
});

/** Where Xero knows no discount, the price has it in it; where that does not give the line's amount, the line is of one. */
function discountedPrice(line: ResolvedLine): Body {
  if (line.discountRate === undefined) return plainPrice(line);
  const amount = lineAmount(line);
  const kept = new Decimal(100).minus(line.discountRate).dividedBy(100);
  const price = new Decimal(line.unitAmount).times(kept).toDecimalPlaces(4).toString();
  const fits = lineAmount({ quantity: line.quantity, unitAmount: price }).equals(amount);
  return fits ? { Quantity: line.quantity, UnitAmount: price } : { Quantity: '1', UnitAmount: amount.toFixed(2) };
}

function trackingElement(id: string, { chart }: PushFacts): Body[] {
  return chart.trackingCategories.flatMap((category) =>
    category.options
      .filter((option) => option.id === id)
      .map((option) => ({
        ...{ Name: category.name, Option: option.name },
        ...{ TrackingCategoryID: category.id, TrackingOptionID: id },
      })),
  );
}

/**
 * Which line of the record each line is: the first of the same words and account that is left, else the one in its place if
 * no other line is that. A line that is none of them is a new one.
 */
function lineItemIds(items: readonly Body[], held: readonly Body[]): (string | undefined)[] {
  const left = new Set(held);
  const take = (line: Body | undefined): string | undefined => {
    if (line === undefined || !left.delete(line)) return undefined;
    return textAt(line, 'LineItemID') ?? undefined;
  };
  const alike = items.map((item) =>
    take([...left].find((line) => line.Description === item.Description && line.AccountCode === item.AccountCode)),
  );
  return alike.map((id, index) => id ?? take(held[index]));
}

/** Ids of what it pays and where the money went are the caller's to find. */
export function paymentElement(
  { content }: QueuedDocument<'payment' | 'billPayment'>,
  invoiceId: string,
  account: string,
): Body {
  return present({
    Invoice: { InvoiceID: invoiceId },
    Account: { Code: account },
    Date: content.date,
    Amount: content.amount,
    Reference: content.reference,
  });
}

/** The account that a payment goes to: its own, or its method's; null where the settings have none for that. */
export function paymentAccount(
  { content }: QueuedDocument<'payment' | 'billPayment'>,
  { settings }: PushFacts,
): string | null {
  if (content.account !== undefined) return content.account;
  return content.method === undefined ? null : (settings.accounts.payments[content.method] ?? null);
}

/** Does a record hold all that an element says? Ids of lines aside: Xero may have made new ones. */
export function reflects(sent: unknown, held: unknown, field = ''): boolean {
  if (field === 'LineItemID') return true;
  if (Array.isArray(sent)) {
    const isWhole = field !== 'LineItems' || sent.length === (held as unknown[] | undefined)?.length;
    return Array.isArray(held) && isWhole && sent.every((each, index) => matches(each, held, index));
  }
  if (typeof sent === 'object' && sent !== null) {
    const body = (held ?? {}) as Body;
    return Object.entries(sent).every(([name, value]) => reflects(value, heldAt(body, name), name));
  }
  if (field === 'Status' && sent === 'AUTHORISED') return ['AUTHORISED', 'PAID', 'BILLED'].includes(String(held));
  if (field.endsWith('Date')) return String(held).slice(0, 10) === sent;
  return sent === held || (isNumber(sent) && isNumber(held) && sameAmount(sent, held));
}

/** Typed entries (phones, addresses) are found by their type, lines by their place. */
function matches(sent: unknown, held: readonly unknown[], index: number): boolean {
  const type = ['PhoneType', 'AddressType'].find((name) => (sent as Body)[name] !== undefined);
  if (type === undefined) return reflects(sent, held[index]);
  return held.some((each) => (each as Body)[type] === (sent as Body)[type] && reflects(sent, each));
}

const heldAt = (body: Body, field: string): unknown =>
  field.endsWith('Date') ? (body[`${field}String`] ?? body[field]) : body[field];

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
