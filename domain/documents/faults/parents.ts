/** What a document stands on, and what of it is open. */
import type { DocumentCode } from '../../codes.js';
import { Decimal, decimalIn, sum } from '../amounts.js';
import { parentsOf } from '../content.js';
import { shapes } from '../elements.js';
import type { ParentDocument, PushFacts, QueuedDocument } from '../facts.js';
import type { DocumentKind } from '../kinds.js';
import { isLiving, listIn, statusOf, textAt } from '../records.js';
import { isWritten } from '../standing.js';
import type { DocumentState } from '../states.js';
import { type Fault, none, when } from './fault.js';

const onTheWay: ReadonlySet<DocumentState> = new Set(['waiting', 'queued', 'sending', 'superseded']);

export const parentFault =
  (code: DocumentCode) =>
  (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
    parentsOf(document.kind, document.content)
      .filter((reference) => verdict(document.kind, facts.parent(reference)) === code)
      .map(({ kind, externalId }) => ({ field: fieldOf(kind, document.kind), detail: `It is ${kind} ${externalId}.` }));

/** A credit note goes without the allocation to an invoice that lies before the Sync From Date. */
function verdict(kind: DocumentKind, parent: ParentDocument | null): DocumentCode | null {
  if (parent?.comes) return null;
  if (parent === null) return 'parent_not_sent';
  if (isBefore(parent)) return kind === 'creditNote' ? null : 'parent_before_sync_from_date';
  return onTheWay.has(parent.state) && !parent.excluded && !parent.deleted ? 'parent_not_sent' : 'parent_failed';
}

export const isBefore = ({ state, code }: ParentDocument): boolean =>
  state === 'skipped' && code === 'before_sync_from_date';

function fieldOf(parent: DocumentKind, child: DocumentKind): string {
  if (parent === 'item') return 'lines';
  return child === 'creditNote' && parent === 'invoice' ? 'allocations' : parent;
}

/** What a payment pays; null while it is not saved. */
export function paidBy(document: QueuedDocument, facts: PushFacts): ParentDocument | null {
  if (document.kind === 'payment') return facts.parent({ kind: 'invoice', externalId: document.content.invoice });
  if (document.kind === 'billPayment') return facts.parent({ kind: 'bill', externalId: document.content.bill });
  return null;
}

/** Xero's status of an invoice or bill; while it is not there, the one it will have. */
function statusWhenThere({ kind, record }: ParentDocument, { settings }: PushFacts): string {
  if (record !== null) return statusOf(record);
  return kind === 'invoice' || kind === 'bill' ? shapes[kind].status(settings) : '';
}

/** Can it be paid, and credited? PAID says so too: nothing is due then. */
export const isAuthorised = (parent: ParentDocument, facts: PushFacts): boolean =>
  ['AUTHORISED', 'PAID'].includes(statusWhenThere(parent, facts));

/** A payment that is in Xero is not made again; another version of it takes the first one back. */
const isToBePaid = (document: QueuedDocument): boolean =>
  document.xeroId === null || !(document.again || isWritten(document));

export function parentNotAuthorised(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const parent = isToBePaid(document) ? paidBy(document, facts) : null;
  const standing = parent?.comes === true && (parent.record === null || isLiving(parent.record));
  if (parent === null || !standing) return none;
  return when(!isAuthorised(parent, facts), parent.kind, `Its status is ${statusWhenThere(parent, facts)}.`);
}

/** What is due on an invoice or bill: as Xero said last, less the payments that the mirror has heard of since. */
export function dueOn(parent: ParentDocument, facts: PushFacts): Decimal {
  const { record } = parent;
  if (record === null) return decimalIn('total' in parent.content ? parent.content.total : '0');
  const told = new Set(listIn(record.body, 'Payments').map((each) => textAt(each, 'PaymentID')));
  const since = facts.paymentsOf(record.xeroId).filter(({ xeroId }) => !told.has(xeroId));
  return decimalIn(record.body.AmountDue).minus(sum(since.map(({ body }) => decimalIn(body.Amount))));
}

export function exceedsDue(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const parent = isToBePaid(document) ? paidBy(document, facts) : null;
  if (!parent?.comes || (document.kind !== 'payment' && document.kind !== 'billPayment')) return none;
  const first = document.xeroId === null ? null : facts.record('payments', document.xeroId);
  const takenBack = first !== null && isLiving(first) ? decimalIn(first.body.Amount) : new Decimal(0);
  const due = dueOn(parent, facts).plus(takenBack).minus(facts.promised(document));
  const { amount } = document.content;
  return when(new Decimal(amount).greaterThan(due), 'amount', `${amount} is above ${due.toFixed(2)}, which is due.`);
}
