/** What by the rules is not sent (rules.md, "Not sent" and "Which date decides"). */
import { decimalIn } from '../amounts.js';
import { type PushFacts, type QueuedDocument, textOf } from '../facts.js';
import { isPriced } from '../lines.js';
import { isNew, wasDone } from '../standing.js';
import { type Fault, none, when } from './fault.js';

export const importOnly = (_: QueuedDocument, { direction }: PushFacts): readonly Fault[] =>
  when(direction === 'import', null);

/** One that came from Xero is linked all the same. */
export const paymentsOff = (document: QueuedDocument, { settings }: PushFacts): readonly Fault[] =>
  when(!settings.paymentsOut && textOf(document.content, 'xeroPaymentId') === null, null);

export const ordersOff = (_: QueuedDocument, { settings }: PushFacts): readonly Fault[] =>
  when(!settings.purchaseOrders, null);

/** On the date counts; once sent it stays ours, wherever its date moves. Of an order also the date of its bill decides. */
export function beforeSyncFromDate(document: QueuedDocument, { syncFromDate }: PushFacts): readonly Fault[] {
  const date = textOf(document.content, 'date');
  if (syncFromDate === null || date === null || !isNew(document) || wasDone(document, 'document')) return none;
  const billDate = document.kind === 'purchaseOrder' ? document.content.finished?.date : undefined;
  return when(
    [date, billDate ?? date].every((each) => each < syncFromDate),
    'date',
  );
}

/** The platform's own figure decides: where Xero's is another, that is a fault. What is in Xero already may become zero. */
export function zeroTotal(document: QueuedDocument): readonly Fault[] {
  if (!isPriced(document) || !isNew(document)) return none;
  const paid = document.kind === 'invoice' && document.content.paid === true;
  return when(!paid && decimalIn(document.content.total).isZero(), 'total');
}

export const negativeTotal = ({ content }: QueuedDocument): readonly Fault[] =>
  when(decimalIn(textOf(content, 'total')).lessThan(0), 'total');

export const negativeBalance = ({ content }: QueuedDocument): readonly Fault[] =>
  when(decimalIn(textOf(content, 'amountDue')).lessThan(0), 'amountDue');
