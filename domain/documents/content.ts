/** What the platform says of a document, kind by kind: schemas that validate, type and document (api.md, Documents). */
import { z } from 'zod';
import { isStorable, line } from '../text.js';
import { type DocumentKind, type DocumentReference, documentKindNames } from './kinds.js';

const decimal = (whole: number, decimals: number) =>
  z
    .string()
    .regex(
      new RegExp(`^-?\\d{1,${whole}}(\\.\\d{1,${decimals}})?$`),
      `must be a decimal of at most ${decimals} places`,
    );

/** Money as a decimal string of the document's currency, two places. */
export const money = decimal(13, 2);
const positiveMoney = money.refine((value) => !/^-|^0+(\.0+)?$/.test(value), 'must be above zero');
const unitPrice = decimal(13, 4).describe('Four decimals at most.');
const quantity = decimal(10, 4);
const percent = decimal(3, 4).refine((value) => Number(value) >= 0 && Number(value) <= 100, 'must be from 0 to 100');
const rate = decimal(9, 10).refine((value) => Number(value) > 0, 'must be above zero');
const date = z.iso.date().describe("A calendar date in the organisation's time zone.");
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a currency code of three capitals');
const externalId = line(200).describe("The platform's own id of it.");
const xeroId = z.guid().toLowerCase().describe('Links to what Xero has already, instead of creating it.');
const text = z.string().min(1).max(4000).refine(isStorable, 'must not hold NUL or half a character');
const accountCode = line(10);
const taxType = line(50);

const tracking = z
  .array(z.guid().toLowerCase().describe("A tracking option's id in Xero."))
  .max(2)
  .describe("At most two options; absent: the location's.");

const documentLine = z.strictObject({
  description: text,
  quantity: quantity.default('1'),
  unitAmount: unitPrice,
  discountRate: percent.optional(),
  item: externalId.optional().describe('The external id of an item.'),
  projectNumber: line(30).optional().describe('Becomes an item of this code.'),
  account: accountCode.optional().describe('Absent: the account of the settings.'),
  taxType: taxType.optional().describe("Absent: the settings' tax, or the account's."),
  tracking: tracking.optional(),
});
export type DocumentLine = z.infer<typeof documentLine>;

const lines = z.array(documentLine).min(1).max(500);
const lineAmountTypes = z.enum(['exclusive', 'inclusive', 'noTax']).default('exclusive');
const common = { location: externalId.optional(), xeroId: xeroId.optional() };
const amounts = {
  currency: currency.optional().describe("Absent: the organisation's base currency."),
  currencyRate: rate.optional().describe("Absent: Xero's rate of the day, which is stored back."),
  lineAmountTypes,
  lines,
  total: money.describe('What the platform has as total, tax included: it is held against what Xero will compute.'),
};

const contact = z.strictObject({
  name: line(255),
  role: z.enum(['customer', 'supplier', 'staff']).default('customer').describe('Decides the contact group.'),
  firstName: line(255).optional(),
  lastName: line(255).optional(),
  email: z.email().max(255).optional(),
  phone: line(50).optional(),
  mobile: line(50).optional(),
  taxNumber: line(50).optional(),
  accountNumber: line(50).optional(),
  address: z
    .strictObject({
      line1: line(500).optional(),
      line2: line(500).optional(),
      city: line(255).optional(),
      region: line(255).optional(),
      postalCode: line(50).optional(),
      country: line(50).optional(),
    })
    .optional(),
  ...common,
});

const item = z.strictObject({
  code: line(200).describe('Xero takes 30 characters.'),
  name: line(200).describe('Xero takes 50 characters.').optional(),
  description: text.optional(),
  salesPrice: unitPrice.optional(),
  salesAccount: accountCode.optional(),
  purchasePrice: unitPrice.optional(),
  purchaseAccount: accountCode.optional(),
  ...common,
});

const invoice = z.strictObject({
  number: line(255).optional().describe('Absent: Xero gives one.'),
  contact: externalId,
  date,
  dueDate: date.optional().describe('Xero needs it to authorise; absent: the date.'),
  ...amounts,
  amountDue: money.optional().describe('What is open in the books of the platform; absent: the total.'),
  paid: z.boolean().optional().describe('It is settled in the books of the platform, a total of zero included.'),
  reference: line(255).optional(),
  ...common,
});

const allocation = z.strictObject({ invoice: externalId, amount: positiveMoney, date: date.optional() });

const creditNote = z.strictObject({
  number: line(255).optional(),
  contact: externalId,
  date,
  ...amounts,
  allocations: z.array(allocation).max(50).default([]),
  reference: line(255).optional(),
  ...common,
});

const payment = z
  .strictObject({
    invoice: externalId,
    amount: positiveMoney,
    date,
    account: accountCode.optional(),
    method: line(50).optional().describe('A name of the settings accounts.payments.'),
    reference: line(255).optional(),
    location: externalId.optional(),
    xeroPaymentId: z.guid().toLowerCase().optional().describe('It came from Xero: it is linked and never sent.'),
  })
  .refine(({ account, method, xeroPaymentId }) => account ?? method ?? xeroPaymentId, {
    path: ['account'],
    error: 'is needed, or method: where the money went',
  });

const { paid: _paid, ...purchase } = invoice.shape;
const bill = z.strictObject({ ...purchase, number: line(255).optional().describe("The supplier's number.") });

const billPayment = z
  .strictObject({
    bill: externalId,
    amount: positiveMoney,
    date,
    account: accountCode.optional(),
    method: line(50).optional(),
    reference: line(255).optional(),
    location: externalId.optional(),
  })
  .refine(({ account, method }) => account ?? method, { path: ['account'], error: 'is needed, or method' });

const purchaseOrder = z.strictObject({
  number: line(255).optional(),
  contact: externalId,
  date,
  deliveryDate: date.optional(),
  ...amounts,
  reference: line(255).optional(),
  finished: z
    .strictObject({
      date: date.describe('Of the bill.'),
      dueDate: date.optional(),
      supplierInvoiceNumber: line(255).optional(),
      lines: lines.optional().describe('What was received; absent: what was ordered.'),
      total: money.optional().describe("Of the bill; absent: the order's."),
    })
    .optional()
    .describe('The goods have come: the bill is made, then the order is BILLED.'),
  ...common,
});

const expenseLine = documentLine
  .omit({ item: true, projectNumber: true })
  .extend({ expenseType: line(100).optional().describe('A name of the settings accounts.expenseTypes.') });

const staffExpense = z.strictObject({
  number: line(255).optional(),
  contact: externalId.describe('The staff member.'),
  date,
  dueDate: date.optional(),
  ...amounts,
  lines: z.array(expenseLine).min(1).max(500),
  reference: line(255).optional(),
  ...common,
});

/** What a save holds, by kind. */
export const documentSchemas = {
  contact,
  item,
  invoice,
  creditNote,
  payment,
  bill,
  billPayment,
  purchaseOrder,
  staffExpense,
} as const satisfies Record<DocumentKind, z.ZodType>;

export type DocumentContent = { [Kind in DocumentKind]: z.infer<(typeof documentSchemas)[Kind]> };

/** A document's content with its kind. */
export type Content = { [Kind in DocumentKind]: { kind: Kind; content: DocumentContent[Kind] } }[DocumentKind];

/** The external id under which the item of a project number is kept: each location may have books, and items, of its own. */
export const projectItem = (projectNumber: string, location?: string): string =>
  location === undefined ? `project:${projectNumber}` : `project:${projectNumber}@${location}`;

/** The items that a document's lines make by naming a project number, each once. */
export function projectItems(content: DocumentContent[DocumentKind]): (DocumentReference & {
  content: DocumentContent['item'];
})[] {
  const { location } = content;
  const numbers = linesOf(content).flatMap(({ projectNumber }) => projectNumber ?? []);
  return [...new Set(numbers)].map((code) => ({
    kind: 'item',
    externalId: projectItem(code, location),
    content: { code, ...(location !== undefined && { location }) },
  }));
}

/** A document's lines, and those of the goods received. */
function linesOf(content: DocumentContent[DocumentKind]): DocumentLine[] {
  const named = content as { lines?: DocumentLine[]; finished?: { lines?: DocumentLine[] } };
  return [...(named.lines ?? []), ...(named.finished?.lines ?? [])];
}

/** What a document stands on, each once: it is sent after these. */
export function parentsOf(kind: DocumentKind, content: DocumentContent[DocumentKind]): DocumentReference[] {
  const named: Partial<Record<string, unknown>> = content;
  const of = (parent: DocumentKind, id: unknown): DocumentReference[] =>
    typeof id === 'string' ? [{ kind: parent, externalId: id }] : [];
  const items = linesOf(content).flatMap((each) => [
    ...of('item', each.item),
    ...(each.projectNumber === undefined ? [] : of('item', projectItem(each.projectNumber, content.location))),
  ]);
  const allocations = kind === 'creditNote' ? (content as DocumentContent['creditNote']).allocations : [];
  const all = [
    ...of('contact', named.contact),
    ...items,
    ...of('invoice', named.invoice),
    ...of('bill', named.bill),
    ...allocations.flatMap((each) => of('invoice', each.invoice)),
  ];
  return [...new Map(all.map((parent) => [`${parent.kind} ${parent.externalId}`, parent])).values()];
}

export const isDocumentKind = (name: string): name is DocumentKind => documentKindNames.includes(name as DocumentKind);
