/** What Xero has already: numbers, likely duplicates, edits by others, payments, allocations. */
import { addDays } from '../../calendar.js';
import type { StreamName } from '../../streams.js';
import { Decimal, decimalIn, sameAmount, sum } from '../amounts.js';
import { changeOf } from '../changes.js';
import { contactIdOf, shapes } from '../elements.js';
import {
  type AlikeQuestion,
  type Body,
  type PushFacts,
  type QueuedDocument,
  textOf,
  type XeroRecord,
  xeroIdOf,
  xeroTypes,
} from '../facts.js';
import { editedInXero } from '../fingerprint.js';
import { documentKinds } from '../kinds.js';
import { amountsOf, isPriced, type Priced, pricedParts } from '../lines.js';
import { dateAt, isLiving, listIn, mergedInto, numberOf, statusOf, textAt } from '../records.js';
import { allocationsLeft, asked, isNew, recordOf, updatable, wasDone } from '../standing.js';
import { currencyOf } from './books.js';
import { type Fault, none, when } from './fault.js';
import { dueOn, isAuthorised, isBefore, paidBy } from './parents.js';

/** One that a person asks for is made anew, but no payment is. */
export const endedAs =
  (status: 'VOIDED' | 'DELETED') =>
  (document: QueuedDocument, facts: PushFacts): readonly Fault[] => {
    const { stream } = documentKinds[document.kind];
    if (document.xeroId === null || (stream !== 'payments' && asked(document))) return none;
    const record = facts.record(stream, document.xeroId);
    const isGone = record === null ? facts.lookedUp(stream, 'id', document.xeroId) : !isLiving(record);
    return when(isGone && (record !== null && statusOf(record) === 'VOIDED') === (status === 'VOIDED'), null);
  };

/** A link is looked at in Xero first: without that, absence from the mirror says nothing. */
export function unknownXeroId(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const { stream } = documentKinds[document.kind];
  const xeroId = document.xeroId === null ? xeroIdOf(document) : null;
  if (xeroId === null) return none;
  const field = document.kind === 'payment' ? 'xeroPaymentId' : 'xeroId';
  if (facts.ours(stream, xeroId)) return when(true, field, 'Another document is linked with it.');
  const record = facts.record(stream, xeroId);
  if (record === null) return when(facts.lookedUp(stream, 'id', xeroId), field);
  const type = xeroTypes[document.kind];
  return when(!isLiving(record) || (type !== null && record.body.Type !== type), field);
}

/** Where a part of a document is looked for: a bill's number is its supplier's, and only there unique. */
interface Numbered {
  part: Priced;
  field: string;
  stream: StreamName;
  number: string | null;
  isSuppliers: boolean;
}

/** Parts that are to be made, or are to get another number. */
function newParts(document: QueuedDocument, facts: PushFacts): Numbered[] {
  if (!isPriced(document)) return [];
  return pricedParts(document).flatMap((part, index) => {
    const number = textOf(part.content, 'number');
    const isBill = index > 0;
    const held = isBill ? null : updatable(document, facts);
    const isMade = isBill ? wasDone(document, 'bill') : held !== null && numberOf(held) === number;
    const { stream } = documentKinds[part.kind];
    const field = isBill ? 'finished.supplierInvoiceNumber' : 'number';
    return isMade ? [] : [{ part, field, stream, number, isSuppliers: xeroTypes[part.kind] === 'ACCPAY' }];
  });
}

/** Other records of a part's number; of a supplier's number only the supplier's own. */
function sameNumber({ part, stream, number, isSuppliers }: Numbered, document: QueuedDocument, facts: PushFacts) {
  if (number === null) return [];
  const contactId = contactIdOf(part.content.contact, facts);
  return facts
    .numbered(stream, xeroTypes[part.kind], number)
    .filter(({ xeroId }) => xeroId !== updatable(document, facts)?.xeroId)
    .filter(({ body }) => !isSuppliers || textAt(body, 'Contact.ContactID') === contactId);
}

/** A draft that was deleted gives its number back; what was voided, and a deleted order, does not. */
const keepsNumber = (record: XeroRecord, stream: StreamName): boolean =>
  isLiving(record) || statusOf(record) === 'VOIDED' || stream === 'purchaseOrders';

/** Two bills may have one number in Xero; all else may not, whatever a person decided. */
export function numberTaken(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const rival = document.kind === 'contact' ? undefined : facts.rivals(document)[0];
  const field = document.kind === 'item' ? 'code' : 'number';
  const here = when(rival !== undefined, field, `The ${rival?.kind} ${rival?.externalId} has it.`);
  const item = document.kind === 'item' && isNew(document) ? facts.itemOfCode(document.content.code) : null;
  const isAnothers = item !== null && facts.ours('items', item.xeroId) && rival === undefined;
  const there = newParts(document, facts)
    .filter(({ isSuppliers }) => !isSuppliers)
    .flatMap((part) =>
      sameNumber(part, document, facts)
        .filter((record) => keepsNumber(record, part.stream))
        .filter((record) => document.decided || !isLiving(record) || facts.ours(part.stream, record.xeroId))
        .map((record) => ({ field: part.field, detail: `It is ${statusOf(record)} in Xero.` })),
    );
  return [...here, ...when(isAnothers, field, 'Another item here is the one of this code.'), ...there];
}

/** What is looked for among records of the same contact, date and total: of every part that is to be made. */
export function alikeQuestions(document: QueuedDocument, facts: PushFacts): AlikeQuestion[] {
  return newParts(document, facts).flatMap(({ part, stream }) => {
    const contactId = contactIdOf(part.content.contact, facts);
    if (contactId === null || (stream === documentKinds[document.kind].stream && updatable(document, facts) !== null))
      return [];
    const total = amountsOf(part, facts).total.toFixed(2);
    return [{ stream, type: xeroTypes[part.kind], contactId, date: part.content.date, total }];
  });
}

export function duplicate(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.decided) return none;
  const foreign = (stream: StreamName) => (record: XeroRecord) =>
    isLiving(record) && !facts.ours(stream, record.xeroId) && record.xeroId !== xeroIdOf(document);
  const numbered = newParts(document, facts).flatMap((part) =>
    sameNumber(part, document, facts)
      .filter(foreign(part.stream))
      .map((record) => ({ field: part.field, detail: `It is ${record.xeroId}.` })),
  );
  const alike = alikeQuestions(document, facts).flatMap((question) =>
    facts
      .alike(question)
      .filter(foreign(question.stream))
      .filter((record) => isPriced(document) && isSameCurrency(record, document.content.currency, facts))
      .map((record) => ({ field: 'total', detail: `${record.xeroId} has the same contact, date and total.` })),
  );
  return [...numbered, ...alike, ...equalPayments(document, facts)];
}

const isSameCurrency = ({ body }: XeroRecord, currency: string | undefined, { organisation }: PushFacts): boolean =>
  (textAt(body, 'CurrencyCode') ?? organisation.baseCurrency) === (currency ?? organisation.baseCurrency);

/** Days by which the dates of one payment may differ, entered here and there. */
const paymentDays = 3;

function equalPayments(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if ((document.kind !== 'payment' && document.kind !== 'billPayment') || !isNew(document)) return none;
  const paid = paidBy(document, facts)?.xeroId;
  if (paid == null) return none;
  const { amount, date } = document.content;
  const [from, to] = [addDays(date, -paymentDays), addDays(date, paymentDays)];
  return facts
    .paymentsOf(paid)
    .filter(({ xeroId, body }) => {
      const on = dateAt(body, 'Date') ?? '';
      return !facts.ours('payments', xeroId) && sameAmount(body.Amount, amount) && on >= from && on <= to;
    })
    .map(({ xeroId }) => ({ field: 'amount', detail: `${xeroId} is an equal payment.` }));
}

export function orderBilled(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  return when(isBilled(document, facts) && !wasDone(document, 'billed') && !document.decided, null);
}

export const billedOrderDeleted = (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
  when(isBilled(document, facts), null, 'Delete it in Xero, where its bill is.');

function isBilled(document: QueuedDocument, facts: PushFacts): boolean {
  const record = recordOf(document, facts);
  return record !== null && statusOf(record) === 'BILLED';
}

/** Both sides changed it since it was sent. Whoever decides, or asks for it once more, overwrites. A merge is no edit. */
export function conflict(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.xeroId === null || asked(document) || changeOf(document, facts) === null) return none;
  const record = facts.record(documentKinds[document.kind].stream, document.xeroId);
  const stands = record !== null && isLiving(record) && mergedInto(record) === null;
  return when(stands && editedInXero(document, record, facts), null);
}

/** Payments, and what credits were used, by the fields of a record that list them. */
const settledBy = {
  Payments: 'PaymentID',
  CreditNotes: 'CreditNoteID',
  Prepayments: 'PrepaymentID',
  Overpayments: 'OverpaymentID',
  Allocations: 'AllocationID',
};

/** What is paid or credited on a record, one entry each. */
function settlements({ body }: XeroRecord): string[] {
  return Object.entries(settledBy).flatMap(([field, idField]) =>
    listIn(body, field)
      .filter((each) => each.IsDeleted !== true && textAt(each, 'Status') !== 'DELETED')
      .map((each) => `${field} ${textAt(each, idField) ?? ''} of ${amountIn(each).toFixed(2)}`),
  );
}

const amountIn = (each: Body): Decimal => decimalIn(each.Amount ?? each.AppliedAmount);

/** Payments are never deleted to make way: whatever is settled keeps the document as it is. */
export function hasPayments(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const record = document.xeroId === null ? null : recordOf(document, facts);
  if (record === null || !isLiving(record)) return none;
  const paid = settlements(record);
  const isPaid =
    paid.length > 0 || sum([record.body.AmountPaid, record.body.AmountCredited].map(decimalIn)).greaterThan(0);
  const isTouched = document.deleted || changeOf(document, facts) !== null;
  const takenBack = document.kind === 'creditNote' && allocationsLeft(document, facts).unwanted.length > 0;
  return [
    ...when(isPaid && isTouched, null, paid.length === 0 ? undefined : `There is: ${paid.join('; ')}.`),
    ...when(takenBack && !document.deleted, 'allocations', 'An allocation that stands is taken back in Xero only.'),
  ];
}

/** The allocations of a note that go, with the invoices that they go to. */
export function sendableAllocations(document: QueuedDocument<'creditNote'>, facts: PushFacts) {
  return allocationsLeft(document, facts).wanted.flatMap((wanted) => {
    const invoice = facts.parent({ kind: 'invoice', externalId: wanted.allocation.invoice });
    return invoice !== null && isAllocatable(document, invoice, facts) ? [{ ...wanted, invoice }] : [];
  });
}

type Invoice = NonNullable<ReturnType<PushFacts['parent']>>;

/** Both must be authorised, and the invoice in Xero by us. */
function isAllocatable(document: QueuedDocument<'creditNote'>, invoice: Invoice, facts: PushFacts): boolean {
  const record = recordOf(document, facts);
  const status = record === null ? shapes.creditNote.status(facts.settings) : statusOf(record);
  return !isBefore(invoice) && ['AUTHORISED', 'PAID'].includes(status) && isAuthorised(invoice, facts);
}

/** What waits or fails because of its invoice says so itself. */
export function allocationNotSent(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind !== 'creditNote') return none;
  return allocationsLeft(document, facts).wanted.flatMap(({ index, allocation }) => {
    const invoice = facts.parent({ kind: 'invoice', externalId: allocation.invoice });
    const stays = invoice !== null && (invoice.comes || isBefore(invoice)) && !isAllocatable(document, invoice, facts);
    return when(stays, `allocations.${index}`);
  });
}

export function allocationExceeds(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind !== 'creditNote') return none;
  const { allocations, total } = document.content;
  const all = sum(allocations.map(({ amount }) => amount));
  const above = when(all.greaterThan(total), 'allocations', `Together they are ${all.toFixed(2)}, the note ${total}.`);
  const single = sendableAllocations(document, facts).flatMap(({ index, allocation, invoice }) => {
    const due = dueOn(invoice, facts);
    const detail = `${allocation.amount} is above ${due.toFixed(2)}, which is due.`;
    return when(new Decimal(allocation.amount).greaterThan(due), `allocations.${index}.amount`, detail);
  });
  return [...above, ...single];
}

/** Two of the platform's may be one in Xero; as long as neither is there, they are two. */
function isSameContact(one: string, other: string, facts: PushFacts): boolean {
  const contactId = contactIdOf(one, facts);
  return one === other || (contactId !== null && contactId === contactIdOf(other, facts));
}

export function allocationMismatch(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind !== 'creditNote') return none;
  const { content } = document;
  return sendableAllocations(document, facts).flatMap(({ index, invoice }) => {
    const otherContact =
      'contact' in invoice.content && !isSameContact(invoice.content.contact, content.contact, facts);
    const otherCurrency = currencyOf(invoice.record, invoice.content, facts) !== currencyOf(null, content, facts);
    return when(otherContact || otherCurrency, `allocations.${index}.invoice`);
  });
}
