/** What of a record was ours, as one short text: when it is another one later, somebody else edited the record. */
import { decimalIn } from './amounts.js';
import { followed } from './contactMatch.js';
import type { DocumentContent } from './content.js';
import type { Body, PushFacts, QueuedDocument, XeroRecord } from './facts.js';
import type { DocumentKind } from './kinds.js';
import { dateAt, listIn, mergedInto, textAt, valuesAt } from './records.js';

/**
 * Payments and credits change nothing of it, and neither does an approval. Of contacts and items only the fields that the
 * content has are ours. The contact of a document stands behind the colon: it may have been merged since.
 */
export function fingerprintOf<Kind extends DocumentKind>(
  kind: Kind,
  content: DocumentContent[Kind],
  { body }: Pick<XeroRecord, 'body'>,
): string {
  const ours = JSON.stringify(ourPart[kind](body, content));
  return `${hash(ours)}:${textAt(body, 'Contact.ContactID') ?? ''}`;
}

/** Did somebody else edit what we sent, as far as the record shows? Never, where nothing was sent yet. */
export function editedInXero(document: QueuedDocument, record: XeroRecord, facts: Pick<PushFacts, 'record'>): boolean {
  if (document.fingerprint === null) return false;
  const [sent, sentContact = ''] = document.fingerprint.split(':');
  const [now, contact = ''] = fingerprintOf(document.kind, document.sentContent ?? document.content, record).split(':');
  return sent !== now || !isSameContact(sentContact, contact, facts);
}

function isSameContact(sent: string, now: string, facts: Pick<PushFacts, 'record'>): boolean {
  const record = sent === now ? null : facts.record('contacts', sent);
  return sent === now || (record !== null && mergedInto(record) !== null && followed(record, facts).xeroId === now);
}

type OurPart = (body: Body, content: object) => unknown;

const amount = (value: unknown): string => decimalIn(value).toString();
const text = (body: Body, path: string): string => (textAt(body, path) ?? '').trim();

const line = (body: Body): unknown => [
  ...['Description', 'AccountCode', 'TaxType', 'ItemCode'].map((field) => text(body, field)),
  ...['Quantity', 'UnitAmount', 'DiscountRate', 'LineAmount'].map((field) => amount(body[field])),
  valuesAt(body, 'Tracking.TrackingOptionID'),
];

const priced: OurPart = (body) => [
  ...['Type', 'InvoiceNumber', 'CreditNoteNumber', 'PurchaseOrderNumber', 'Reference'].map((field) =>
    text(body, field),
  ),
  ...['CurrencyCode', 'LineAmountTypes'].map((field) => text(body, field)),
  ...['Date', 'DueDate', 'DeliveryDate'].map((field) => dateAt(body, field)),
  amount(body.Total),
  listIn(body, 'LineItems').map(line),
];

const payment: OurPart = (body) => [
  text(body, 'Invoice.InvoiceID'),
  dateAt(body, 'Date'),
  amount(body.Amount),
  text(body, 'Reference'),
];

/** Fields of a body, each only where the content has the field behind it. */
function fields(table: Readonly<Record<string, (body: Body) => unknown>>): OurPart {
  return (body, content) =>
    Object.entries(table)
      .filter(([field]) => (content as Body)[field] !== undefined)
      .map(([field, value]) => [field, value(body)]);
}

const textOf = (path: string) => (body: Body) => text(body, path);
const amountOf = (path: string) => (body: Body) => amount(valuesAt(body, path)[0]);
const phone = (type: string) => (body: Body) =>
  listIn(body, 'Phones')
    .filter(({ PhoneType }) => PhoneType === type)
    .map((each) => text(each, 'PhoneNumber'));

const address = (body: Body): unknown =>
  listIn(body, 'Addresses')
    .filter(({ AddressType }) => AddressType === 'POBOX')
    .map((each) =>
      ['AddressLine1', 'AddressLine2', 'City', 'Region', 'PostalCode', 'Country'].map((field) => text(each, field)),
    );

const ourPart: Readonly<Record<DocumentKind, OurPart>> = {
  contact: fields({
    name: textOf('Name'),
    firstName: textOf('FirstName'),
    lastName: textOf('LastName'),
    email: textOf('EmailAddress'),
    accountNumber: textOf('AccountNumber'),
    taxNumber: textOf('TaxNumber'),
    phone: phone('DEFAULT'),
    mobile: phone('MOBILE'),
    address,
  }),
  item: fields({
    code: textOf('Code'),
    name: textOf('Name'),
    description: textOf('Description'),
    salesPrice: amountOf('SalesDetails.UnitPrice'),
    salesAccount: textOf('SalesDetails.AccountCode'),
    purchasePrice: amountOf('PurchaseDetails.UnitPrice'),
    purchaseAccount: textOf('PurchaseDetails.AccountCode'),
  }),
  invoice: priced,
  bill: priced,
  staffExpense: priced,
  purchaseOrder: priced,
  creditNote: priced,
  payment,
  billPayment: payment,
};

/** It tells edits apart, it keeps no secret: FNV-1a from two beginnings, 64 bits together. */
const hash = (value: string): string =>
  [0x811c9dc5, 0x9dc5811c].map((seed) => fnv1a(value, seed).toString(36)).join('.');

function fnv1a(value: string, seed: number): number {
  let mixed = seed;
  for (let index = 0; index < value.length; index++) {
    mixed = Math.imul(mixed ^ value.charCodeAt(index), 0x01000193);
  }
  return mixed >>> 0;
}
