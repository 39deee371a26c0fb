/** The writes that make a document of each kind, in their order, and which of them are still to come. */

import { streams } from '../streams.js';
import { sameAmount } from './amounts.js';
import { type Change, changeOf } from './changes.js';
import { contactIdOf, isKeyed, paymentAccount, paymentElement, pricedElement, reflects, shapes } from './elements.js';
import { type Body, type PushFacts, type QueuedDocument, textOf, type XeroRecord, xeroTypes } from './facts.js';
import { groupNameOf } from './faults/contacts.js';
import { paidBy } from './faults/parents.js';
import { sendableAllocations } from './faults/standing.js';
import { type DocumentKind, documentKinds } from './kinds.js';
import { amountsOf, billOf, ownPart, type Priced, type PricedDocument } from './lines.js';
import type { Lookup } from './lookup.js';
import { isLiving, statusOf, valuesAt } from './records.js';
import { isDone, isNew, isWritten, recordOf, updatable, wasDone } from './standing.js';

/** A write: elements of one method and path go together in one call, except where there is no collection. */
export interface Call {
  method: 'PUT' | 'POST' | 'DELETE';
  /** Under /api.xro/2.0: `Invoices`, `Payments/{id}`, `CreditNotes/{id}/Allocations`. */
  path: string;
  /** The array that holds the element in body and answer, e.g. `Invoices`; null: the element is the body itself. */
  collection: string | null;
  /** Null: the call has no body. */
  element: Body | null;
  /** How it is found in Xero when no answer came. */
  lookup: Lookup;
  /** The record that it is about, where there is one already. */
  xeroId: string | null;
}

export interface Step {
  step: string;
  /** Is what Xero answers the document's own record? */
  own: boolean;
  call(): Call;
}

type Steps<Kind extends DocumentKind> = (document: QueuedDocument<Kind>, facts: PushFacts) => Step[];

const stepsOf: Readonly<{ [Kind in DocumentKind]: Steps<Kind> }> = {
  contact: (document, facts) => [
    ...recordStep(document, facts, () => ({ ContactNumber: document.externalId })),
    ...groupStep(document, facts),
  ],
  item: (document, facts) => recordStep(document, facts, () => ({ Code: document.content.code })),
  invoice: pricedStep,
  bill: pricedStep,
  staffExpense: pricedStep,
  creditNote: (document, facts) => [...pricedStep(document, facts), ...allocationSteps(document, facts)],
  purchaseOrder: orderSteps,
  payment: paymentSteps,
  billPayment: paymentSteps,
};

/** What of this version is still to be written; the next one first. */
export const stepsLeft = (document: QueuedDocument, facts: PushFacts): Step[] =>
  (stepsOf[document.kind] as Steps<DocumentKind>)(document, facts);

const step = (name: string, call: () => Call, own = true): Step => ({ step: name, own, call });

/** A known record is looked at by its id, a new one for by what it holds. */
const lookupOf = (document: QueuedDocument, fields: Partial<Lookup>): Lookup => ({
  ...{
    stream: documentKinds[document.kind].stream,
    xeroId: null,
    holds: {},
    allocation: null,
    gone: false,
    except: [],
  },
  ...fields,
});

/** PUT makes a new one, POST with the id changes the one there is (xero-api.md §3). */
function write(document: QueuedDocument, { element, record }: Change, holds: Lookup['holds']): Call {
  const { endpoint } = streams[documentKinds[document.kind].stream];
  const xeroId = record?.xeroId ?? null;
  return {
    ...{ method: xeroId === null ? 'PUT' : 'POST', path: endpoint, collection: endpoint, element, xeroId },
    lookup: lookupOf(document, xeroId === null ? { holds } : { xeroId }),
  };
}

/** The record itself, where anything of it is to be written; `holds`: by what it is found when it was made. */
function recordStep(document: QueuedDocument, facts: PushFacts, holds: () => Lookup['holds']): Step[] {
  const change = changeOf(document, facts);
  return change === null ? [] : [step('document', () => write(document, change, holds()))];
}

function pricedStep(document: PricedDocument, facts: PushFacts): Step[] {
  return recordStep(document, facts, () => madeAs(document, ownPart(document), facts));
}

/** Contact groups mark the kind at once: IsCustomer and IsSupplier are Xero's to set. */
function groupStep(document: QueuedDocument<'contact'>, facts: PushFacts): Step[] {
  const name = groupNameOf(document, facts);
  const group = facts.contactGroups?.find((each) => each.name === name);
  if (group === undefined || isGrouped(document, facts)) return [];
  const call = (): Call => {
    const ContactID = recordOf(document, facts)?.xeroId ?? document.xeroId ?? '';
    const lookup = lookupOf(document, { xeroId: ContactID, holds: { 'ContactGroups.ContactGroupID': group.id } });
    const path = `ContactGroups/${group.id}/Contacts`;
    return { method: 'PUT', path, collection: 'Contacts', element: { ContactID }, lookup, xeroId: ContactID };
  };
  return [step('group', call, false)];
}

/** Is the contact in the group that its role is to be in, or is there none to be in? */
export function isGrouped(document: QueuedDocument<'contact'>, facts: PushFacts): boolean {
  const name = groupNameOf(document, facts);
  const record = recordOf(document, facts);
  const held = record === null ? [] : valuesAt(record.body, 'ContactGroups.Name');
  return name === null || held.includes(name) || isDone(document, 'group');
}

/** A number of ours with what else must fit, or our key. */
function madeAs(document: PricedDocument, part: Priced, facts: PushFacts): Lookup['holds'] {
  const { numberField, url } = shapes[part.kind];
  const type = xeroTypes[part.kind];
  if (isKeyed(part)) return { ...(type !== null && { Type: type }), [url ? 'Url' : 'Reference']: document.id };
  return {
    ...(type !== null && { Type: type }),
    [numberField]: textOf(part.content, 'number') ?? '',
    'Contact.ContactID': contactIdOf(part.content.contact, facts) ?? '',
    Total: amountsOf(part, facts).total.toFixed(2),
  };
}

/** One write each: repeating it would allocate again. */
function allocationSteps(document: QueuedDocument<'creditNote'>, facts: PushFacts): Step[] {
  return sendableAllocations(document, facts).map(({ index, allocation, invoiceId }) =>
    step(
      `allocation:${index}`,
      () => {
        const noteId = document.xeroId ?? '';
        const { amount, date = document.content.date } = allocation;
        return {
          method: 'PUT',
          path: `CreditNotes/${noteId}/Allocations`,
          collection: 'Allocations',
          element: { Invoice: { InvoiceID: invoiceId }, Amount: amount, Date: date },
          lookup: lookupOf(document, {
            xeroId: noteId,
            allocation: { invoiceId: invoiceId ?? '', amount },
            except: knownAllocations(document, facts),
          }),
          xeroId: noteId,
        };
      },
      false,
    ),
  );
}

/** Those that the mirror has heard of, and those that we made. */
function knownAllocations({ xeroId, done }: QueuedDocument<'creditNote'>, facts: PushFacts): string[] {
  const note = xeroId === null ? null : facts.record('creditNotes', xeroId);
  const told = note === null ? [] : valuesAt(note.body, 'Allocations.AllocationID').map(String);
  return [
    ...new Set([...told, ...done.flatMap((each) => (each.step.startsWith('allocation:') ? (each.xeroId ?? []) : []))]),
  ];
}

/**
 * The order, then, when it is finished, its bill and at last the order as BILLED: each exactly once in its life. An order that
 * is billed stays as it is; one that lies before the Sync From Date has its bill alone.
 */
function orderSteps(document: QueuedDocument<'purchaseOrder'>, facts: PushFacts): Step[] {
  const record = updatable(document, facts);
  const isBilled = record !== null && statusOf(record) === 'BILLED';
  if (isBilled) return [];
  const from = facts.syncFromDate ?? '';
  const isOurs = !isNew(document) || document.content.date >= from;
  const order = isOurs ? pricedStep(document, facts) : [];
  const bill = billOf(document);
  if (bill === null || bill.content.date < from) return order;
  return [
    ...order,
    ...(wasDone(document, 'bill') ? [] : [step('bill', () => billCall(document, bill, facts), false)]),
    ...(isOurs && !wasDone(document, 'billed') ? [step('billed', () => billedCall(document))] : []),
  ];
}

function billCall(document: QueuedDocument<'purchaseOrder'>, bill: Priced, facts: PushFacts): Call {
  const element = pricedElement(document.id, bill, facts, null);
  const call = write(document, { element, record: null }, madeAs(document, bill, facts));
  return { ...call, path: 'Invoices', collection: 'Invoices', lookup: { ...call.lookup, stream: 'invoices' } };
}

function billedCall(document: QueuedDocument<'purchaseOrder'>): Call {
  const PurchaseOrderID = document.xeroId ?? '';
  return {
    ...{ method: 'POST', path: 'PurchaseOrders', collection: 'PurchaseOrders', xeroId: PurchaseOrderID },
    element: { PurchaseOrderID, Status: 'BILLED' },
    lookup: lookupOf(document, { xeroId: PurchaseOrderID }),
  };
}

/** Payments are never edited: another version of one takes the first back and makes another. */
function paymentSteps(document: QueuedDocument<'payment' | 'billPayment'>, facts: PushFacts): Step[] {
  if (isFromXero(document)) return [];
  if (document.xeroId === null) return [paymentStep(document, facts)];
  const isSame = document.again || isWritten(document) || isAsSent(document, facts);
  return isSame ? [] : [...voidSteps(document, facts), paymentStep(document, facts)];
}

/** What came from Xero is linked and never written, be it changed or deleted here. */
const isFromXero = ({ content }: QueuedDocument): boolean => textOf(content, 'xeroPaymentId') !== null;

/** It is compared rather than sent again. */
function isAsSent({ content, xeroId }: QueuedDocument<'payment' | 'billPayment'>, facts: PushFacts): boolean {
  const record = xeroId === null ? null : facts.record('payments', xeroId);
  const { amount, date, reference } = content;
  const isReferred = reference === undefined || record?.body.Reference === reference;
  return (
    record !== null && sameAmount(record.body.Amount, amount) && reflects({ Date: date }, record.body) && isReferred
  );
}

function paymentStep(document: QueuedDocument<'payment' | 'billPayment'>, facts: PushFacts): Step {
  return step('document', () => {
    const invoiceId = paidBy(document, facts)?.xeroId ?? '';
    const { amount, date, reference } = document.content;
    const holds = { 'Invoice.InvoiceID': invoiceId, Amount: amount, Date: date };
    const element = paymentElement(document, invoiceId, paymentAccount(document, facts) ?? '');
    const call = write(
      document,
      { element, record: null },
      { ...holds, ...(reference !== undefined && { Reference: reference }) },
    );
    return { ...call, lookup: { ...call.lookup, except: facts.paymentsOf(invoiceId).map(({ xeroId }) => xeroId) } };
  });
}

/** How what stands in Xero is taken away again, by kind; the status of an invoice or note depends on its own. */
const voidedAs: Readonly<Record<DocumentKind, (record: XeroRecord) => Body | null>> = {
  contact: ({ xeroId }) => ({ ContactID: xeroId, ContactStatus: 'ARCHIVED' }),
  item: () => null,
  invoice: (record) => ({ InvoiceID: record.xeroId, Status: voidStatus(record) }),
  bill: (record) => ({ InvoiceID: record.xeroId, Status: voidStatus(record) }),
  staffExpense: (record) => ({ InvoiceID: record.xeroId, Status: voidStatus(record) }),
  creditNote: (record) => ({ CreditNoteID: record.xeroId, Status: voidStatus(record) }),
  purchaseOrder: ({ xeroId }) => ({ PurchaseOrderID: xeroId, Status: 'DELETED' }),
  payment: () => ({ Status: 'DELETED' }),
  billPayment: () => ({ Status: 'DELETED' }),
};

const voidStatus = (record: XeroRecord): string =>
  ['DRAFT', 'SUBMITTED'].includes(statusOf(record)) ? 'DELETED' : 'VOIDED';

/** Takes away what a document is in Xero; nothing where there is nothing left to take. */
export function voidSteps(document: QueuedDocument, facts: PushFacts): Step[] {
  const record = document.xeroId === null ? null : facts.record(documentKinds[document.kind].stream, document.xeroId);
  if (record === null || !isLiving(record) || statusOf(record) === 'ARCHIVED' || isFromXero(document)) return [];
  const element = voidedAs[document.kind](record);
  const { endpoint } = streams[documentKinds[document.kind].stream];
  const single = documentKinds[document.kind].stream === 'payments' || element === null;
  const call = (): Call => ({
    method: element === null ? 'DELETE' : 'POST',
    path: single ? `${endpoint}/${record.xeroId}` : endpoint,
    collection: single ? null : endpoint,
    element,
    lookup: lookupOf(document, { xeroId: record.xeroId, gone: single }),
    xeroId: record.xeroId,
  });
  return [step('void', call)];
}
