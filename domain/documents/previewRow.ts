/** A row of a preview: what the plan of a document means for the people who review it. */
import { documentCodes } from '../codes.js';
import type { DocumentError, RowBody, RowContact, RowLine } from '../ports.js';
import type { RowOutcome } from '../preview.js';
import { xeroAmounts } from './amounts.js';
import { findings } from './checks.js';
import { matchContact, xeroNameOf } from './contactMatch.js';
import { type DocumentContent, parentsOf } from './content.js';
import { type ParentDocument, type PushFacts, type QueuedDocument, textOf } from './facts.js';
import { amountsOf, isPriced, type PricedDocument, type ResolvedLine, resolveLines } from './lines.js';
import { type Plan, planDocument } from './plan.js';
import type { DocumentState } from './states.js';

export interface Row {
  outcome: RowOutcome;
  body: RowBody;
  errors: DocumentError[];
  warnings: DocumentError[];
}

/** Contacts that were looked at in the same preview, by external id. */
export type KnownContacts = Map<string, RowContact>;

/** What would become of it, and how it would stand in Xero. A contact is added to `contacts`: later rows name it. */
export function previewRow(document: QueuedDocument, facts: PushFacts, contacts: KnownContacts): Row {
  // Contact groups are Xero's to be asked for when the contact goes; whether they are there changes no row.
  const plan = planDocument(document, { ...facts, contactGroups: facts.contactGroups ?? [] });
  const found = findings(document, facts);
  const [errors, warnings] = (['error', 'warning'] as const).map((level) =>
    found.filter((each) => each.level === level).map(({ error }) => error),
  ) as [DocumentError[], DocumentError[]];
  const outcome = outcomeOf(plan);
  const body = { ...bodyOf(document, facts, contacts), action: actionOf(document, plan) };
  return { outcome, body, errors: outcome === 'error' && errors.length === 0 ? errorsOf(plan) : errors, warnings };
}

/** What the state that a plan settles a document in means for its row. */
const settled: Readonly<Record<DocumentState, RowOutcome>> = {
  waiting: 'error',
  held: 'error',
  failed: 'error',
  queued: 'send',
  sending: 'send',
  sent: 'send',
  voided: 'send',
  skipped: 'skipped',
  excluded: 'skipped',
  superseded: 'skipped',
  voidedInXero: 'skipped',
  deletedInXero: 'skipped',
};

const outcomeOf = (plan: Plan): RowOutcome => (plan.do === 'settle' ? settled[plan.state] : 'send');

function actionOf({ deleted }: QueuedDocument, plan: Plan): RowBody['action'] {
  if (outcomeOf(plan) !== 'send') return null;
  if (deleted) return 'void';
  if (plan.do === 'send') return plan.xeroId === null ? 'create' : 'update';
  return 'link';
}

/** Where the plan alone knows what is wrong. */
function errorsOf(plan: Plan): DocumentError[] {
  if (plan.do !== 'settle') return [];
  if (plan.errors.length > 0) return [...plan.errors];
  const code = plan.code ?? 'could_not_send';
  return [{ code, field: null, message: documentCodes[code].message }];
}

type Shown = Omit<RowBody, 'action'>;

const empty: Shown = {
  number: null,
  date: null,
  dueDate: null,
  currency: null,
  total: null,
  contact: null,
  pays: null,
  lines: [],
};

function bodyOf(document: QueuedDocument, facts: PushFacts, contacts: KnownContacts): Shown {
  if (document.kind === 'contact') return { ...empty, contact: contactOf(document, facts, contacts) };
  if (document.kind === 'item') return { ...empty, number: document.content.code };
  if (isPriced(document)) return pricedBody(document, facts, contacts);
  return paymentBody(document, facts, contacts);
}

function contactOf(document: QueuedDocument<'contact'>, facts: PushFacts, contacts: KnownContacts): RowContact {
  const found = matchContact(document, facts);
  const contact: RowContact = {
    externalId: document.externalId,
    name: xeroNameOf(document, facts),
    xeroId: 'record' in found ? (found.record?.xeroId ?? null) : null,
    match: matches[found.match],
  };
  contacts.set(document.externalId, contact);
  return contact;
}

const matches = {
  linked: 'linked',
  idAndName: 'nameAndId',
  nameOnly: 'name',
  none: 'new',
  fault: 'unknown',
} as const satisfies Record<ReturnType<typeof matchContact>['match'], RowContact['match']>;

function pricedBody(document: PricedDocument, facts: PushFacts, contacts: KnownContacts): Shown {
  const { kind, location, content } = document;
  const priced = { kind, location, content, field: 'lines' };
  const lines = resolveLines(priced, facts);
  const { total, rounding } = amountsOf(priced, facts);
  const all = rounding === null ? lines : [...lines, rounding];
  const amounts = xeroAmounts(all, content.lineAmountTypes);
  return {
    ...empty,
    number: textOf(content, 'number'),
    date: content.date,
    dueDate: textOf(content, 'dueDate'),
    currency: content.currency ?? facts.organisation.baseCurrency,
    total: total.toFixed(2),
    contact: contactNamed(content.contact, facts, contacts),
    lines: all.map((line, index) => lineOf(line, amounts.lines[index])),
  };
}

function lineOf(line: ResolvedLine, amounts: ReturnType<typeof xeroAmounts>['lines'][number] | undefined): RowLine {
  return {
    description: line.description,
    quantity: line.quantity,
    unitAmount: line.unitAmount,
    discountRate: line.discountRate ?? null,
    item: line.itemCode,
    account: line.account,
    taxType: line.taxType,
    amount: amounts?.amount.toFixed(2) ?? null,
    tax: amounts?.tax.toFixed(2) ?? null,
    tracking: [...line.tracking],
  };
}

/** A contact that stands in Xero is no row of the preview. */
function contactNamed(externalId: string, facts: PushFacts, contacts: KnownContacts): RowContact {
  const known = contacts.get(externalId);
  if (known !== undefined) return known;
  const parent = facts.parent({ kind: 'contact', externalId });
  const name = parent === null ? null : (textOf(parent.record?.body ?? {}, 'Name') ?? textOf(parent.content, 'name'));
  const xeroId = parent?.xeroId ?? null;
  return { externalId, name, xeroId, match: xeroId === null ? 'unknown' : 'linked' };
}

function paymentBody(
  document: QueuedDocument<'payment' | 'billPayment'>,
  facts: PushFacts,
  contacts: KnownContacts,
): Shown {
  const { content } = document;
  const [paid] = parentsOf(document.kind, content);
  const parent = paid === undefined ? null : facts.parent(paid);
  const payer = parent === null ? null : textOf(parent.content, 'contact');
  return {
    ...empty,
    number: numberOf(parent),
    date: content.date,
    currency: parent === null ? null : (textOf(parent.content, 'currency') ?? facts.organisation.baseCurrency),
    total: content.amount,
    contact: payer === null ? null : contactNamed(payer, facts, contacts),
    pays: paid?.externalId ?? null,
    lines: [paymentLine(content, facts)],
  };
}

/** Of what it pays: as Xero has it, or as it will be sent. */
function numberOf(parent: ParentDocument | null): string | null {
  if (parent === null) return null;
  return textOf(parent.record?.body ?? {}, 'InvoiceNumber') ?? textOf(parent.content, 'number');
}

function paymentLine(
  { amount, account, method, reference }: DocumentContent['payment'] | DocumentContent['billPayment'],
  { settings }: PushFacts,
): RowLine {
  return {
    description: reference ?? 'Payment',
    quantity: '1',
    unitAmount: amount,
    discountRate: null,
    item: null,
    account: account ?? (method === undefined ? null : (settings.accounts.payments[method] ?? null)),
    taxType: null,
    amount,
    tax: null,
    tracking: [],
  };
}
