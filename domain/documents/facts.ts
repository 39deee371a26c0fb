/**
 * What the rules know when they decide about documents: all of it is here, so that planning asks nobody. A batch's facts are
 * loaded together (db/pushFacts.ts); the preview and the immediate push read the same ones.
 */
import type { DocumentCode } from '../codes.js';
import type { Direction } from '../connection.js';
import type { Chart } from '../ports/chart.js';
import type { Settings } from '../settings.js';
import type { StreamName } from '../streams.js';
import { type DocumentContent, parentsOf } from './content.js';
import { type DocumentKind, type DocumentReference, documentKinds } from './kinds.js';
import type { DocumentState } from './states.js';

/** A step of a document that is done: it was sent, in whichever version. */
export interface DoneStep {
  /** `document`, `group`, `allocation:0`, `bill`, `billed`, `void`. */
  step: string;
  version: number;
  /** The element as it was sent. */
  sent: Body | null;
  /** What it became in Xero. */
  xeroId: string | null;
}

interface Queued<Kind extends DocumentKind> {
  id: string;
  companyId: string;
  kind: Kind;
  externalId: string;
  location: string | null;
  /** The version that is to go, its content, and whether the platform deleted it. */
  version: number;
  content: DocumentContent[Kind];
  deleted: boolean;
  /** A person decided that this version is to be sent all the same. */
  decided: boolean;
  /** A person asked for this version once more, although it was sent or refused (resync). */
  again: boolean;
  /** The record it is in Xero; null where there is none yet. */
  xeroId: string | null;
  /** The version that stands in Xero, and its content. */
  sentVersion: number | null;
  sentContent: DocumentContent[Kind] | null;
  /** What of the record was ours when it was sent last (fingerprint.ts). */
  fingerprint: string | null;
  /** Every step that was sent, of this version and of earlier ones. */
  done: readonly DoneStep[];
}

/** A document that is to go, as the claim reads it. */
export type QueuedDocument<Kind extends DocumentKind = DocumentKind> = { [K in Kind]: Queued<K> }[Kind];

/** A record's body as Xero sent it. */
export type Body = Readonly<Record<string, unknown>>;

export interface XeroRecord {
  xeroId: string;
  body: Body;
  /** Kept for reference only: it lies before the Sync From Date. */
  outsideWindow: boolean;
  /** A complete reading did not find it any more. */
  deleted: boolean;
}

/** A document that another one stands on. */
export type ParentDocument = { [Kind in DocumentKind]: Parent<Kind> }[DocumentKind];
interface Parent<Kind extends DocumentKind> {
  kind: Kind;
  externalId: string;
  state: DocumentState;
  code: DocumentCode | null;
  excluded: boolean;
  deleted: boolean;
  content: DocumentContent[Kind];
  xeroId: string | null;
  /** Its record in the mirror. */
  record: XeroRecord | null;
  /** It stands in Xero, or (in a preview) will by the time its children go. */
  comes: boolean;
}

export interface OrganisationFacts {
  baseCurrency: string;
  /** Inclusive; null where nothing is locked. */
  periodLockDate: string | null;
  endOfYearLockDate: string | null;
}

/** What was asked of Xero itself since the planning began. */
export type LookedUpBy = 'id' | 'number';

export interface ContactGroup {
  id: string;
  name: string;
}

export interface AlikeQuestion {
  stream: StreamName;
  /** Xero's Type of an invoice or credit note; null for orders. */
  type: string | null;
  contactId: string;
  date: string;
  total: string;
}

export interface PushFacts {
  settings: Settings;
  chart: Chart;
  direction: Direction;
  /** Null: all history. */
  syncFromDate: string | null;
  organisation: OrganisationFacts;

  /** One record of the mirror, deleted ones too; null where it has none. */
  record(stream: StreamName, xeroId: string): XeroRecord | null;
  /** Was Xero itself asked about it just now? What is updated is looked at first. */
  lookedUp(stream: StreamName, by: LookedUpBy, value: string): boolean;
  /** Xero's contact groups; null where they were not read yet. They are no stream: whoever needs them asks Xero. */
  contactGroups: readonly ContactGroup[] | null;

  /** Contacts of this unique id: ContactNumber, or AccountNumber where that is empty. Archived ones too. */
  contactsNumbered(uniqueId: string): readonly XeroRecord[];
  /** Contacts of this name, compared as `normalisedName` gives it. Archived ones too. */
  contactsNamed(name: string): readonly XeroRecord[];
  itemOfCode(code: string): XeroRecord | null;
  /** Invoices, credit notes and orders of this number, in every status. */
  numbered(stream: StreamName, type: string | null, number: string): readonly XeroRecord[];
  /** Living records of the same contact, date and total. */
  alike(question: AlikeQuestion): readonly XeroRecord[];
  /** Living payments on an invoice. */
  paymentsOf(invoiceId: string): readonly XeroRecord[];
  /** Was the record pushed by us, or linked? */
  ours(stream: StreamName, xeroId: string): boolean;
  /** The document that another one names; null where it is not saved. */
  parent(reference: DocumentReference): ParentDocument | null;
  /**
   * Documents that come before this one and claim the same number (invoices, notes, orders) or the same name in Xero
   * (contacts) in the same organisation: sent ones first, then in the order in which they were saved.
   */
  rivals(document: QueuedDocument): readonly DocumentReference[];
  /** What earlier payments of ours that are still to go will take of what a payment pays. */
  promised(document: QueuedDocument<'payment' | 'billPayment'>): string;
}

/** Names are the same contact's when this is the same: trimmed, blanks collapsed, without case. */
export const normalisedName = (name: string): string => name.trim().replace(/\s+/g, ' ').toLowerCase();

/** The name under which a contact goes to Xero. */
export function contactName(template: string, contact: { name: string; externalId: string }): string {
  return template.replace(/\{(name|externalId)\}/g, (_, field: 'name' | 'externalId') => contact[field]);
}

/** Xero's Type of what goes to Invoices or CreditNotes; null elsewhere. */
export const xeroTypes: Readonly<Record<DocumentKind, string | null>> = {
  contact: null,
  item: null,
  invoice: 'ACCREC',
  bill: 'ACCPAY',
  staffExpense: 'ACCPAY',
  purchaseOrder: null,
  creditNote: 'ACCRECCREDIT',
  payment: null,
  billPayment: null,
};

/** What a loader is to fetch for a batch; each once. */
export interface WantedFacts {
  contactNumbers: readonly string[];
  /** Normalised. */
  contactNames: readonly string[];
  itemCodes: readonly string[];
  records: readonly { stream: StreamName; xeroId: string }[];
  numbers: readonly { stream: StreamName; type: string | null; number: string }[];
  parents: readonly DocumentReference[];
}

/**
 * What planning these documents asks of the mirror and of the other documents. What follows from the answers (records of
 * parents, where a contact was merged into, what is alike) is up to the loader.
 */
export function factsWanted(documents: readonly QueuedDocument[], settings: Settings): WantedFacts {
  const contacts = documents.filter((each): each is QueuedDocument<'contact'> => each.kind === 'contact');
  return {
    contactNumbers: distinct(contacts.map(({ externalId }) => externalId)),
    contactNames: distinct(
      contacts.flatMap(({ content, externalId }) => [
        normalisedName(content.name),
        normalisedName(contactName(settings.contactNameTemplate, { name: content.name, externalId })),
      ]),
    ),
    itemCodes: distinct(documents.flatMap((each) => (each.kind === 'item' ? [each.content.code] : []))),
    records: distinctBy(documents.flatMap(recordsOf), ({ stream, xeroId }) => `${stream} ${xeroId}`),
    numbers: distinctBy(documents.flatMap(numbersOf), ({ stream, type, number }) => `${stream} ${type} ${number}`),
    parents: distinctBy(
      documents.flatMap(({ kind, content }) => parentsOf(kind, content)),
      ({ kind, externalId }) => `${kind} ${externalId}`,
    ),
  };
}

/** A text field of a document's content (or of a record's body), where it has it and it is not empty. */
export function textOf(content: object, field: string): string | null {
  const value = (content as Body)[field];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The record a document is, or is to be linked with. */
export function xeroIdOf(document: QueuedDocument): string | null {
  if (document.xeroId !== null) return document.xeroId;
  return textOf(document.content, 'xeroId') ?? textOf(document.content, 'xeroPaymentId');
}

function recordsOf(document: QueuedDocument): { stream: StreamName; xeroId: string }[] {
  const xeroId = xeroIdOf(document);
  return xeroId === null ? [] : [{ stream: documentKinds[document.kind].stream, xeroId }];
}

function numbersOf(document: QueuedDocument): { stream: StreamName; type: string | null; number: string }[] {
  const number = textOf(document.content, 'number');
  const { stream } = documentKinds[document.kind];
  const own = number === null ? [] : [{ stream, type: xeroTypes[document.kind], number }];
  if (document.kind !== 'purchaseOrder') return own;
  const billNumber = document.content.finished?.supplierInvoiceNumber;
  return billNumber === undefined ? own : [...own, { stream: 'invoices', type: xeroTypes.bill, number: billNumber }];
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)];

function distinctBy<Value>(values: readonly Value[], key: (value: Value) => string): Value[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
