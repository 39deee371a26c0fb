/** Previews: what would move, row by row; and exports: what was reviewed, and what became of it. */
import type { ConnectionCode, DocumentCode, PaymentCode } from '../codes.js';
import type { QueuedDocument } from '../documents/facts.js';
import type { DocumentKind } from '../documents/kinds.js';
import type { ExportState, FingerprintPart, PreviewGroup, PreviewState, RowOutcome, RowResult } from '../preview.js';
import type { DocumentError } from './documents.js';
import type { Listed, ListPage } from './lists.js';

export interface Preview {
  id: string;
  connectionId: string;
  companyId: string;
  state: PreviewState;
  /** Why it failed. */
  code: ConnectionCode | null;
  actor: string | null;
  madeAt: string;
  readyAt: string | null;
  /** How many rows there are to look at; null until they are chosen. And how many are done. */
  rows: number | null;
  planned: number;
  /** What a person excluded since counts as skipped. */
  groups: Record<PreviewGroup, GroupSums>;
}

export interface GroupSums {
  /** Rows that will be sent. */
  records: number;
  /** Rows with errors, and with warnings. */
  errors: number;
  warnings: number;
  skipped: number;
  /** Of what will be sent, by currency, tax included. */
  total: Record<string, string>;
}

/** What is shown of a row: how the document would stand in Xero. */
export interface RowBody {
  action: 'create' | 'update' | 'link' | 'void' | 'import' | null;
  number: string | null;
  date: string | null;
  dueDate: string | null;
  currency: string | null;
  /** Null for what has none. As Xero will compute it, tax included. */
  total: string | null;
  contact: RowContact | null;
  /** The external id of what a payment pays. */
  pays: string | null;
  lines: RowLine[];
}

/** What people should know of a row. */
export interface RowFinding extends Omit<DocumentError, 'code'> {
  code: DocumentCode | PaymentCode;
}

export interface RowContact {
  externalId: string;
  name: string | null;
  /** Null while it is not in Xero. */
  xeroId: string | null;
  match: ContactMatch;
}

/** How a contact of the platform's becomes one in Xero. */
export const contactMatches = ['linked', 'nameAndId', 'name', 'new', 'unknown'] as const;
export type ContactMatch = (typeof contactMatches)[number];

export interface RowLine {
  description: string;
  quantity: string;
  unitAmount: string;
  discountRate: string | null;
  item: string | null;
  account: string | null;
  taxType: string | null;
  amount: string | null;
  tax: string | null;
  tracking: string[];
}

export interface PreviewRow {
  group: PreviewGroup;
  place: number;
  kind: DocumentKind | null;
  externalId: string | null;
  /** Of a payment that was made in Xero. */
  xeroPaymentId: string | null;
  version: number | null;
  outcome: RowOutcome;
  body: RowBody;
  errors: DocumentError[];
  warnings: RowFinding[];
}

/** A document of a preview, in the version that is shown. */
export interface RowToPlan {
  place: number;
  group: PreviewGroup;
  document: QueuedDocument;
  /** Null before it was planned. */
  outcome: RowOutcome | null;
  /** The version that is the newest now, and whether a person keeps it out. */
  newest: number;
  excluded: boolean;
  /** What the planning of this row read when it was shown; null before. */
  seen: SeenByRow | null;
}

/** Digests of what the planning of one row read. */
export interface SeenByRow {
  documents: string;
  records: string;
}

/** Digests of what all rows share. */
export type SharedFingerprint = Record<Exclude<FingerprintPart, 'documents' | 'records'>, string>;

export interface PlannedRow {
  place: number;
  outcome: RowOutcome;
  body: RowBody;
  errors: readonly DocumentError[];
  warnings: readonly DocumentError[];
  seen: SeenByRow;
}

/** A payment that was made in Xero, and whether an export would bring it in. */
export interface PaymentRow {
  xeroPaymentId: string;
  outcome: RowOutcome;
  body: RowBody;
  warnings: readonly RowFinding[];
}

export interface RowFilter {
  group?: PreviewGroup;
  outcome?: RowOutcome;
}

export interface Previews {
  create(preview: { id: string; connectionId: string; actor: string | null }): Promise<void>;
  get(id: string): Promise<Preview | null>;
  /** In the order in which they would be sent. */
  rows(id: string, page: ListPage & RowFilter): Promise<Listed<PreviewRow>>;
  /**
   * Takes every document of the connection that is not in Xero as it stands here, each in its newest version, at one instant.
   * Repeated, it takes anew what there is then. @returns how many.
   */
  choose(id: string): Promise<number>;
  /** Adds payments to what was chosen. */
  addPayments(id: string, rows: readonly PaymentRow[]): Promise<void>;
  /** Payments that would be brought in and do not fit any more. */
  paymentsGone(id: string): Promise<number>;
  /** The next rows after that place, in their order. */
  toPlan(id: string, after: number, most: number): Promise<RowToPlan[]>;
  savePlanned(id: string, rows: readonly PlannedRow[]): Promise<void>;
  ready(id: string, shared: SharedFingerprint): Promise<void>;
  fail(id: string, code: ConnectionCode): Promise<void>;
  shared(id: string): Promise<SharedFingerprint | null>;
  /** Rows with errors that nobody excluded since. */
  errors(id: string): Promise<number>;
  /** Those made longer ago that no run has taken up. */
  unstarted(madeMsAgo: number): Promise<{ id: string; connectionId: string; companyId: string }[]>;
  /** Deletes those made longer ago, with their exports; answers how many. */
  forget(madeMsAgo: number): Promise<number>;
}

export interface Export {
  id: string;
  previewId: string;
  connectionId: string;
  companyId: string;
  state: ExportState;
  /** Why it failed: `preview_stale`, `preview_has_errors`, or a connection code. */
  code: string | null;
  /** What is different from what was reviewed, where it is stale. */
  changed: FingerprintPart[];
  actor: string;
  startedAt: string;
  endedAt: string | null;
  groups: Record<PreviewGroup, Partial<Record<RowResult, number>>>;
}

export interface ExportRow extends PreviewRow {
  result: RowResult;
  code: DocumentCode | PaymentCode | null;
  /** What refused it, Xero's own words included. */
  refusals: DocumentError[];
  xeroId: string | null;
  settledAt: string | null;
}

export interface Exports {
  /** `inHand`: the connection has one; `exported`: the preview was exported before. */
  create(wish: {
    id: string;
    previewId: string;
    connectionId: string;
    actor: string;
  }): Promise<{ kind: 'created' } | { kind: 'inHand' | 'exported'; id: string }>;
  get(id: string): Promise<Export | null>;
  rows(id: string, page: ListPage & RowFilter & { result?: RowResult }): Promise<Listed<ExportRow>>;
  /** Moves it, where it stands in one of `from`. Answers whether it did. */
  move(id: string, from: readonly ExportState[], to: ExportState): Promise<boolean>;
  /**
   * Hands up to `most` documents of the group to the outbox, each in the version that was reviewed, in one transaction.
   * @returns how many rows it took; then the connection's outbox is to be rung for.
   */
  queue(id: string, group: PreviewGroup, most: number): Promise<number>;
  /** Notes what became of the documents that are queued. @returns how many are still on their way. */
  settle(id: string): Promise<number>;
  /** The next payments that are to be brought in, those of a run that died among them. */
  takePayments(id: string, most: number): Promise<string[]>;
  /** Notes what became of those. */
  settlePayments(id: string): Promise<void>;
  /** Takes back from the outbox what it has not begun to send. */
  putBack(id: string): Promise<void>;
  /** Ends it; again without harm. What is not settled is put back. */
  end(id: string, outcome: { state: ExportState; code?: string; changed?: readonly FingerprintPart[] }): Promise<void>;
  /** Those begun longer ago that no run has taken up. */
  unstarted(begunMsAgo: number): Promise<{ id: string; connectionId: string; companyId: string }[]>;
  /** Previews and exports of the connection that are in hand. */
  inHand(connectionId: string): Promise<{ previews: string[]; exports: string[] }>;
}
