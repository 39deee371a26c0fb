/** Accounts, tax, tracking, currencies, totals and locks of the organisation. */
import type { DocumentCode } from '../../codes.js';
import { accountOf, takesLines, takesPayments } from '../../mappings.js';
import type { ChartAccount } from '../../ports/chart.js';
import { paymentAccount, shapes, statusToSend } from '../elements.js';
import { type PushFacts, type QueuedDocument, textOf, type XeroRecord } from '../facts.js';
import { amountsOf, isPriced, type Priced, pricedParts, type ResolvedLine, resolveLines } from '../lines.js';
import { dateAt, statusOf, textAt } from '../records.js';
import { isWritten, recordOf } from '../standing.js';
import { type Fault, none, when } from './fault.js';
import { paidBy } from './parents.js';

/** An account that is needed, where it is named, and what it must be able to. */
interface Needed {
  field: string;
  code: string | null;
  fits(account: ChartAccount): boolean;
}

export const accountFault =
  (code: DocumentCode) =>
  (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
    needed(document, facts)
      .filter((each) => accountVerdict(each, facts) === code)
      .map((each) => ({ field: each.field, ...(each.code !== null && { detail: `It is account ${each.code}.` }) }));

function accountVerdict({ code, fits }: Needed, { chart }: PushFacts): DocumentCode | null {
  const account = code === null ? undefined : accountOf(chart, code);
  if (account === undefined) return 'account_missing';
  if (!account.active) return 'account_archived';
  return fits(account) ? null : 'account_type_wrong';
}

function needed(document: QueuedDocument, facts: PushFacts): Needed[] {
  if (document.kind === 'payment' || document.kind === 'billPayment') {
    if (document.kind === 'payment' && document.content.xeroPaymentId !== undefined) return [];
    const field = document.content.account === undefined ? 'method' : 'account';
    return [{ field, code: paymentAccount(document, facts), fits: takesPayments }];
  }
  if (document.kind === 'item') return itemAccounts(document);
  return linesOf(document, facts).map(({ field, account }) => ({
    ...{ field: `${field}.account`, code: account, fits: takesLines },
  }));
}

const itemAccounts = ({ content }: QueuedDocument<'item'>): Needed[] =>
  (['salesAccount', 'purchaseAccount'] as const).flatMap((field) => {
    const code = content[field];
    return code === undefined ? [] : [{ field, code, fits: takesLines }];
  });

/** All lines of a document and its bill, the rounding included. */
function linesOf(document: QueuedDocument, facts: PushFacts): ResolvedLine[] {
  if (!isPriced(document)) return [];
  return pricedParts(document).flatMap((part) => {
    const { rounding } = amountsOf(part, facts);
    return [...resolveLines(part, facts), ...(rounding === null ? [] : [rounding])];
  });
}

export function taxType(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  return linesOf(document, facts)
    .filter((line) => line.taxType !== null && !isUsable(line.taxType, line.account, facts))
    .map((line) => ({ field: `${line.field}.taxType`, detail: `It is ${line.taxType} on account ${line.account}.` }));
}

function isUsable(type: string, code: string | null, { chart }: PushFacts): boolean {
  const rate = chart.taxRates.find((each) => each.taxType === type);
  const account = code === null ? undefined : accountOf(chart, code);
  if (rate === undefined || !rate.active) return false;
  return account?.class == null || rate.appliesTo.includes(account.class);
}

export function tracking(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const active = new Set(
    facts.chart.trackingCategories
      .filter((category) => category.active)
      .flatMap(({ options }) => options.filter((option) => option.active).map(({ id }) => id)),
  );
  return linesOf(document, facts)
    .filter((line) => line.tracking.some((id) => !active.has(id)))
    .map(({ field }) => ({ field: `${field}.tracking` }));
}

export function currency(document: QueuedDocument, { chart, organisation }: PushFacts): readonly Fault[] {
  if (!isPriced(document)) return none;
  const { currency: code = organisation.baseCurrency } = document.content;
  const known = code === organisation.baseCurrency || chart.currencies.some((each) => each.code === code);
  return when(!known, 'currency', `It is ${code}.`);
}

export function paymentCurrency(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  if (document.kind !== 'payment' && document.kind !== 'billPayment') return none;
  const { baseCurrency } = facts.organisation;
  const code = paymentAccount(document, facts);
  const account = code === null ? undefined : accountOf(facts.chart, code);
  const parent = paidBy(document, facts);
  if (account?.currency == null || parent === null) return none;
  const paid = currencyOf(parent.record, parent.content, facts);
  return when(
    ![paid, baseCurrency].includes(account.currency),
    document.content.account === undefined ? 'method' : 'account',
    `The account has ${account.currency}, the invoice ${paid}.`,
  );
}

/** The currency of a record, or of the content it will be made from. */
export function currencyOf(record: XeroRecord | null, content: object, { organisation }: PushFacts): string {
  const held = record === null ? null : textAt(record.body, 'CurrencyCode');
  return held ?? textOf(content, 'currency') ?? organisation.baseCurrency;
}

export const totalsDisagree = (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
  totals(document, facts, 'beyond', ({ total, computed }) => `It is ${total}, and Xero will compute ${computed}.`);

export const roundingLine = (document: QueuedDocument, facts: PushFacts): readonly Fault[] =>
  totals(document, facts, 'rounding', ({ total, computed }) => `It is ${total} against ${computed}.`);

function totals(
  document: QueuedDocument,
  facts: PushFacts,
  kind: 'beyond' | 'rounding',
  say: (figures: { total: string; computed: string }) => string,
): readonly Fault[] {
  if (!isPriced(document)) return none;
  return pricedParts(document).flatMap((part, index) => {
    const amounts = amountsOf(part, facts);
    const figures = { total: part.content.total, computed: amounts.computed.toFixed(2) };
    return when(amounts.kind === kind, index === 0 ? 'total' : 'finished.total', say(figures));
  });
}

/** Drafts and submitted ones pass, and so do orders: they are in nobody's ledger. */
export function periodLocked(document: QueuedDocument, facts: PushFacts): readonly Fault[] {
  const { periodLockDate, endOfYearLockDate } = facts.organisation;
  const locked = [periodLockDate ?? '', endOfYearLockDate ?? ''].sort().at(-1) as string;
  const dates = document.deleted ? datesOfRecord(document, facts) : bookedDates(document, facts);
  return dates
    .filter(({ date }) => date <= locked)
    .map(({ field, date }) => ({ field, detail: `It is ${date}, and ${locked} and before is locked.` }));
}

interface Dated {
  field: string;
  date: string;
}

function bookedDates(document: QueuedDocument, facts: PushFacts): Dated[] {
  const own = datesOfRecord(document, facts);
  if (document.kind === 'payment' || document.kind === 'billPayment') {
    return isWritten(document) ? [] : [...own, { field: 'date', date: document.content.date }];
  }
  if (!isPriced(document)) return [];
  const booked = pricedParts(document)
    .map((part, index) => ({
      part,
      field: index === 0 ? 'date' : 'finished.date',
      record: index === 0 ? recordOf(document, facts) : null,
    }))
    .filter(({ part, record }) => part.kind !== 'purchaseOrder' && isBooked(part, facts, record))
    .map(({ part, field }) => ({ field, date: part.content.date }));
  const dates = [...own, ...booked];
  return document.kind === 'creditNote' && dates.length > 0 ? [...dates, ...allocationDates(document)] : dates;
}

const isBooked = (part: Priced, { settings }: PushFacts, record: XeroRecord | null): boolean => {
  const status = shapes[part.kind].status(settings);
  return (statusToSend(status, record) ?? (record === null ? status : statusOf(record))) === 'AUTHORISED';
};

const allocationDates = ({ content }: QueuedDocument<'creditNote'>): Dated[] =>
  content.allocations.flatMap(({ date }, index) =>
    date === undefined ? [] : [{ field: `allocations.${index}.date`, date }],
  );

/** The date that the record has in Xero's ledger now: it is moved, or voided, there. */
function datesOfRecord(document: QueuedDocument, facts: PushFacts): Dated[] {
  const record = document.xeroId === null ? null : recordOf(document, facts);
  const date = record === null ? null : dateAt(record.body, 'Date');
  const booked = record !== null && ['AUTHORISED', 'PAID'].includes(statusOf(record));
  return booked && date !== null && document.kind !== 'purchaseOrder' ? [{ field: 'date', date }] : [];
}
