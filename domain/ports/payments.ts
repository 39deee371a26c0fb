/** Payments made in Xero that come to the platform. */
import type { PaymentCode } from '../codes.js';
import type { AttemptOutcome, PaymentImportState, ShownPaymentState } from '../payments/imports.js';
import type { Candidate } from '../payments/matching.js';
import type { Listed, ListPage } from './lists.js';

export interface PaymentImport {
  xeroPaymentId: string;
  xeroInvoiceId: string | null;
  state: ShownPaymentState;
  code: PaymentCode | null;
  amount: string;
  currency: string | null;
  date: string | null;
  /** The external id of the invoice that it pays, or would. */
  invoice: string | null;
  candidates: Candidate[];
  foundAt: string;
  claimedAt: string | null;
  settledAt: string | null;
  /** What a person decided. */
  resolution: { outcome: 'applied' | 'ignored'; note: string; actor: string; at: string } | null;
  /** When it was seen that it was deleted in Xero after it was imported. */
  deletedInXeroAt: string | null;
}

export type PaymentCounts = Partial<Record<PaymentImportState, number>>;

/** What nobody has decided about yet. */
export interface Unreconciled {
  count: number;
  /** Xero's stamp of the oldest, or when it was found; null where there is none. */
  oldestAt: string | null;
  /** How many are older than a day. */
  overdue: number;
}

/** A payment that is this caller's to attempt, once. */
export interface ClaimedPayment {
  xeroPaymentId: string;
  xeroInvoiceId: string | null;
  /** The platform's external id. */
  invoice: string;
  companyId: string;
  amount: string;
  currency: string | null;
  date: string;
}

/** Who imports. */
export interface ImportingRun {
  connectionId: string;
  /** First execution run id. */
  runId: string;
}

export interface PaymentResolution {
  outcome: 'applied' | 'ignored';
  /** External id; needed to apply one that no invoice is known of. */
  invoice?: string;
  note: string;
  actor: string;
}

export interface PaymentImports {
  /**
   * Looks anew at every payment of the mirror that nobody has decided about, notes what fits, and tells of what changed in
   * Xero: payments deleted after their import, balances that moved by something that is no payment. May be repeated.
   */
  find(connectionId: string): Promise<PaymentCounts>;
  /** Matched payments that a run may claim, the oldest first. */
  claimable(connectionId: string, limit: number): Promise<string[]>;
  /** In a transaction of its own; null where it is not to be attempted, because it was, or does not fit any more. */
  claim(run: ImportingRun, xeroPaymentId: string): Promise<ClaimedPayment | null>;
  /**
   * Notes how the attempt ended, with the platform's books and the feed in the same transaction. False where the claim was
   * settled meanwhile: then nothing was done. @param calledBack the platform was told of it by its callback.
   */
  settle(run: ImportingRun, xeroPaymentId: string, outcome: AttemptOutcome, calledBack: boolean): Promise<boolean>;
  /** Claims that nobody has in hand are failed as `outcome_unknown`; `all` those of this run too. Answers how many. */
  settleLost(run: ImportingRun, which: 'ofOthers' | 'all'): Promise<number>;
  /** A person decides. @throws ResolutionRefused; null where there is none. */
  resolve(connectionId: string, xeroPaymentId: string, resolution: PaymentResolution): Promise<PaymentImport | null>;
  list(connectionId: string, page: ListPage & { state?: ShownPaymentState }): Promise<Listed<PaymentImport>>;
  get(connectionId: string, xeroPaymentId: string): Promise<PaymentImport | null>;
  counts(connectionId: string): Promise<PaymentCounts>;
  unreconciled(connectionId: string): Promise<Unreconciled>;
}

/** `settled`: it was imported or resolved; `inHand`: it is being attempted; `invoiceMissing`, `invoiceUnknown`: say which. */
export class ResolutionRefused extends Error {
  constructor(readonly reason: 'settled' | 'inHand' | 'invoiceMissing' | 'invoiceUnknown') {
    super(reason);
    this.name = 'ResolutionRefused';
  }
}

/** Where the platform wants to be told of payments, and what signs the calls. */
export interface CallbackTarget {
  url: string;
  secret: string;
}

export type CallbackAnswer = 'accepted' | 'refused' | 'unreachable' | 'unknown';

/** The platform's callback. */
export interface PaymentCallback {
  /**
   * One signed POST, never repeated. `unreachable`: nothing was sent; `unknown`: it was, and no answer came in time.
   * Does not throw.
   */
  post(target: CallbackTarget, body: object): Promise<CallbackAnswer>;
  /** May a callback be there, as far as can be told without a look-up? */
  allows(url: string): boolean;
}

/** The secrets that sign calls to callbacks. */
export interface CallbackSecrets {
  /** A new one takes the place of the old; false where there is no such connection. */
  replace(connectionId: string, secret: string): Promise<boolean>;
  /** Null while none was made. */
  open(connectionId: string): Promise<string | null>;
}
