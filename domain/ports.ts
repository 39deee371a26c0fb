/**
 * What the domain needs from the outside: interfaces that `xero/` and `db/` fulfil and `workers/` injects.
 * Instants are ISO 8601 UTC strings, durations milliseconds, dates calendar dates (`YYYY-MM-DD`).
 */
import type { ConnectionCode } from './codes.js';
import type { ConnectionStatus, Direction } from './connection.js';
import type { ParentLink } from './parents.js';
import type { LimitName } from './problems.js';
import type { Edges, ReadingState } from './reading.js';
import type { StreamName } from './streams.js';

// ── Xero ────────────────────────────────────────────────────────────────────────────────────────────────────

/** People come first: what somebody waits for takes from the share that background work leaves untouched. */
export type Priority = 'people' | 'background';

/** Whose call it is: for the budget, the grant and the counting of calls and bytes. */
export interface CallContext {
  connectionId: string;
  /** Xero's tenant id. */
  organisationId: string;
  grantId: string;
  /** The run that the call is counted for (first execution run id), or null outside a run. */
  runId: string | null;
  priority: Priority;
}

export interface PageQuery {
  page?: number;
  /** 1..1000; Xero heeds it only together with `page`. */
  pageSize?: number;
  order?: string;
  where?: string;
  /** Instant; sent in whole seconds. */
  modifiedSince?: string;
  ids?: readonly string[];
  /** Calendar dates, both included, for endpoints that take no `where` (xero-api.md §2). */
  dateFrom?: string;
  dateTo?: string;
  /** Journals: what has a higher number. */
  offset?: number;
}

/** One answer of a list call, unparsed: the text goes to Postgres as it came. */
export interface PageAnswer {
  text: string;
  /** Xero's clock when it answered (the `Date` header). */
  answeredAt: string;
  /** From the `pagination` block; null where the answer has none. */
  itemCount: number | null;
  bytes: number;
}

export interface XeroReader {
  /**
   * Reads one page of a stream. A 304 answers as an empty list.
   * @throws MustWait, XeroFault, XeroRefusal
   */
  readPage(context: CallContext, stream: StreamName, query: PageQuery, signal?: AbortSignal): Promise<PageAnswer>;
}

export interface OrganisationFacts {
  name: string;
  baseCurrency: string;
  /** IANA name. */
  timeZone: string;
  countryCode: string | null;
}

// ── OAuth ───────────────────────────────────────────────────────────────────────────────────────────────────

export interface TokenSet {
  accessToken: string;
  refreshToken: string;
  /** When the access token ends. */
  expiresAt: string;
}

export interface ConsentRequest {
  state: string;
  codeVerifier: string;
  scopes: readonly string[];
}

export interface ConsentedOrganisation {
  /** `connections[].id` of Xero: ends this one link with DELETE /connections/{id}. */
  xeroConnectionId: string;
  tenantId: string;
  name: string;
}

export interface XeroOAuth {
  /** Where the customer's browser goes to consent. */
  consentUrl(request: ConsentRequest): Promise<string>;
  /** Trades the callback's code for tokens and the organisations of that very consent. @throws XeroFault, XeroRefusal */
  exchange(
    callbackQuery: Readonly<Record<string, string>>,
    expected: { state: string; codeVerifier: string },
  ): Promise<{ tokens: TokenSet; scopes: string[]; organisations: ConsentedOrganisation[] }>;
  /** @throws XeroFault; XeroRefusal kind `authFailed` when the refresh token is no longer good. */
  refresh(refreshToken: string): Promise<TokenSet>;
  /** Ends one link at Xero and no other. @throws XeroFault, XeroRefusal */
  endConnection(accessToken: string, xeroConnectionId: string): Promise<void>;
}

export interface StoredGrant {
  id: string;
  tokens: TokenSet;
  /** Counts saves; a save names the version it read. */
  version: number;
  alive: boolean;
}

export interface Grants {
  create(grant: { id: string; tokens: TokenSet; scopes: readonly string[] }): Promise<void>;
  load(grantId: string): Promise<StoredGrant | null>;
  /** One refresher at a time in all processes; the lease ends by itself after `leaseMs`. */
  takeRefreshLease(grantId: string, versionRead: number, leaseMs: number): Promise<'taken' | 'busy' | 'changed'>;
  /** Saves only over the version read, and ends the lease. False when somebody else saved first. */
  saveTokens(grantId: string, versionRead: number, tokens: TokenSet): Promise<boolean>;
  /** Gives the lease back without a save, after a refresh that failed. */
  endRefreshLease(grantId: string, versionRead: number): Promise<void>;
  /** The refresh token of that version is no longer good: nobody tries it again. */
  markDead(grantId: string, versionRead: number): Promise<void>;
}

// ── The budget ──────────────────────────────────────────────────────────────────────────────────────────────

/** A permission for one call. */
export interface Ticket {
  id: string;
  organisationId: string;
}

export type Take = { granted: true; ticket: Ticket } | { granted: false; limit: LimitName; waitMs: number };

/** What an answer said about the limits (xero-api.md §1). Null where a header was absent. */
export interface AnsweredLimits {
  minuteRemaining: number | null;
  dayRemaining: number | null;
  appMinuteRemaining: number | null;
  /** Set on a 429. */
  refused: { limit: LimitName; retryAfterSeconds: number | null } | null;
}

export interface CallBudget {
  /** Asks for one call now. Never waits. */
  take(organisationId: string, priority: Priority): Promise<Take>;
  /** Gives the permission back with what the answer said; null when no answer came. Also counts for the run. */
  settle(ticket: Ticket, answered: AnsweredLimits | null, count: CallCount): Promise<void>;
  /** What is known of an organisation's windows, for people to see. */
  look(organisationId: string): Promise<BudgetView>;
}

export interface CallCount {
  connectionId: string;
  runId: string | null;
  stream: string;
  bytes: number;
}

export interface WindowView {
  limit: number;
  /** Null until an answer told. */
  remaining: number | null;
  /** When the window surely has ended; null while unknown. */
  resetsAt: string | null;
}

export interface BudgetView {
  minute: WindowView;
  day: WindowView;
  appMinute: WindowView;
  inFlight: number;
}

// ── Companies, connections, keys ────────────────────────────────────────────────────────────────────────────

export interface Company {
  id: string;
  name: string;
  createdAt: string;
}

export interface Companies {
  put(id: string, name: string): Promise<{ company: Company; created: boolean }>;
  get(id: string): Promise<Company | null>;
  list(page: ListPage & { search?: string }): Promise<Listed<Company>>;
}

export interface ListPage {
  limit: number;
  cursor?: string;
}
export interface Listed<T> {
  data: T[];
  nextCursor: string | null;
}

/** The cursor of a list was not one that the list has given out. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}

export interface Connection {
  id: string;
  companyId: string;
  direction: Direction;
  status: ConnectionStatus;
  organisation: BoundOrganisation | null;
  grantId: string | null;
  /** `chosen` false: still to be chosen; `date` null when chosen: all history. */
  syncFromDate: { chosen: boolean; date: string | null };
  /** Optional streams that were chosen. */
  optionalStreams: StreamName[];
  sleepingUntil: string | null;
  lastSuccessfulSyncAt: string | null;
  lastError: { code: ConnectionCode; at: string } | null;
  createdAt: string;
  /** When the first full read was done, which happens once; set by the first move to `active`. */
  backfilledAt: string | null;
}

/** Currency, zone and country are null until they were read from Xero; id and name come with the consent. */
export interface BoundOrganisation {
  /** Xero's tenant id. */
  id: string;
  name: string;
  baseCurrency: string | null;
  /** IANA name. */
  timeZone: string | null;
  countryCode: string | null;
}

export interface Connections {
  /** @returns the id of the company's existing connection when it has one. */
  create(connection: {
    id: string;
    companyId: string;
    direction: Direction;
    syncFromDate: { chosen: boolean; date: string | null };
  }): Promise<{ created: true } | { created: false; existingId: string }>;
  get(id: string): Promise<Connection | null>;
  list(
    page: ListPage & { company?: string; status?: ConnectionStatus; lastError?: string },
  ): Promise<Listed<Connection>>;
  /** Moves the status if the state machine allows it; answers whether it did. */
  move(id: string, to: ConnectionStatus): Promise<boolean>;
  /** Once. False when it was chosen already. */
  chooseSyncFromDate(id: string, date: string | null): Promise<boolean>;
  /** Keeps a consent that covers several organisations until one is chosen; false when none is to be chosen. */
  offerOrganisations(id: string, grantId: string, organisations: readonly ConsentedOrganisation[]): Promise<boolean>;
  offeredOrganisations(id: string): Promise<ConsentedOrganisation[]>;
  /**
   * Binds an organisation to a pending connection, or a new grant to one that had it; refuses one that belongs elsewhere.
   * One transaction; a refused grant that serves no connection is forgotten in it, and so is the offer.
   */
  bindOrganisation(
    id: string,
    organisation: { tenantId: string; name: string; xeroConnectionId: string },
    grantId: string,
  ): Promise<'bound' | ConnectionCode>;
  /** Is a connection bound by this link of Xero's, or one but `id` about to be? Such a link is not to be ended. */
  usesXeroConnection(xeroConnectionId: string, id: string): Promise<boolean>;
  /** Which optional streams are read from now on. */
  chooseOptionalStreams(id: string, chosen: readonly StreamName[]): Promise<void>;
  saveOrganisationFacts(organisationId: string, facts: OrganisationFacts): Promise<void>;
  /** Shown to people while a run sleeps; null when it woke. */
  setSleeping(id: string, until: string | null): Promise<void>;
  recordError(id: string, code: ConnectionCode): Promise<void>;
  recordSuccess(id: string): Promise<void>;
}

/** One consent under way: `state` is stored only as a hash, is good once, and ends after ten minutes. */
export interface Consents {
  open(consent: {
    state: string;
    codeVerifier: string;
    connectionId: string;
    returnUrl: string | null;
    lifetimeMs: number;
  }): Promise<void>;
  /** Uses the state up. Null for one that is unknown, used or too old. */
  use(state: string): Promise<{ connectionId: string; codeVerifier: string; returnUrl: string | null } | null>;
}

export type Role = 'viewer' | 'standard' | 'adviser' | 'admin';
export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  companyId: string | null;
}
export interface ApiKeys {
  /** Stores the hash of the secret only. */
  create(key: ApiKey, secret: string): Promise<void>;
  find(secret: string): Promise<ApiKey | null>;
  any(): Promise<boolean>;
}

// ── Runs ────────────────────────────────────────────────────────────────────────────────────────────────────

export type RunKind = 'backfill' | 'sync';
export type RunOutcome = 'running' | 'completed' | 'cancelled' | ConnectionCode;

export interface Run {
  workflowId: string;
  /** First execution run id: the same through every continue-as-new. */
  runId: string;
  kind: RunKind;
  connectionId: string;
  outcome: RunOutcome;
  startedAt: string;
  endedAt: string | null;
  calls: number;
  bytes: number;
  rateLimited: { minute: number; day: number; concurrent: number; appMinute: number };
  sleeps: { reason: string; seconds: number }[];
  streams: Record<string, { calls: number }>;
}

export interface Runs {
  start(run: { workflowId: string; runId: string; kind: RunKind; connectionId: string }): Promise<void>;
  end(runId: string, outcome: RunOutcome): Promise<void>;
  /** A sleep begins, and ends when the next one begins or `endSleep` is called; replays change nothing. */
  beginSleep(runId: string, reason: string, until: string): Promise<void>;
  endSleep(runId: string): Promise<void>;
  /** Whole minutes in which the run stored no page; its sleeps do not count. */
  minutesWithoutPage(runId: string): Promise<number>;
  /** Latest first. */
  list(connectionId: string, page: ListPage): Promise<Listed<Run>>;
  get(connectionId: string, runId: string): Promise<Run | null>;
  latest(connectionId: string, kind: RunKind): Promise<Run | null>;
}

// ── Reading into the mirror ─────────────────────────────────────────────────────────────────────────────────

export type StreamStatus = 'waiting' | 'reading' | 'complete' | 'unavailable' | 'failed';

export interface StreamProgress {
  stream: StreamName;
  status: StreamStatus;
  /** Records of this stream in the mirror that are in scope. */
  records: number;
  /** What Xero said there is; null until it said. */
  expected: number | null;
  setAside: number;
  lastError: string | null;
  completedAt: string | null;
}

/** The one reader a stream has; `fence` makes a writer that lost its lease harmless. */
export interface ReaderLease {
  connectionId: string;
  stream: StreamName;
  fence: number;
}

export interface PageToStore {
  organisationId: string;
  text: string;
  /** The instant (Postgres's clock) before the call was sent: at equal stamps the later read wins. */
  readAt: string;
  syncFromDate: string | null;
  /** A complete answer: what is absent from it is deleted. */
  complete: boolean;
}

export interface StoredPage {
  /** Records the page held, those set aside included. */
  seen: number;
  created: number;
  changed: number;
  unchanged: number;
  setAside: number;
  /** Records before the Sync From Date that the page held. */
  outOfScope: number;
  /** Were the rows in ascending order of UpdatedDateUTC, over at least two stamps? */
  ascendingByStamp: boolean;
  /** The latest UpdatedDateUTC on the page; null where records have none. */
  newestStamp: string | null;
  /** The ids of the first and the last record; null on an empty page. */
  edges: Edges | null;
  /** Numbered streams: the highest number on the page; null elsewhere. */
  lastNumber: number | null;
}

export interface Mirror {
  /** Takes the stream for one reader; null while another holds it. The same holder may take it again. */
  acquire(
    connectionId: string,
    stream: StreamName,
    holder: string,
    leaseMs: number,
  ): Promise<{ lease: ReaderLease; state: ReadingState | null; status: StreamStatus } | null>;
  release(lease: ReaderLease): Promise<void>;
  /** Postgres's clock. */
  now(): Promise<string>;
  /**
   * Stores a page and the reading's new state in one transaction, and renews the lease. Pages of one reader may be
   * stored at the same time: `advance` is given the state as it is by then, and what the page did.
   * @throws LeaseLost when another reader has taken over; XeroFault `badAnswer` when the text is no JSON.
   */
  storePage(
    lease: ReaderLease,
    page: PageToStore,
    advance: (state: ReadingState, stored: StoredPage) => ReadingState,
    leaseMs: number,
  ): Promise<ReadingState>;
  /** Ids, in ascending order after `after`, that records in scope refer to and the mirror lacks. */
  missingParents(organisationId: string, link: ParentLink, after: string, most: number): Promise<string[]>;
  /** Stores records because others refer to them, wherever their dates lie. */
  storeReferences(stream: StreamName, page: Omit<PageToStore, 'complete'>): Promise<void>;
  /** Records of a stream in the mirror that are in scope and not deleted there. */
  countInScope(organisationId: string, stream: StreamName): Promise<number>;
  /** Saves a state that changed without a page, a new reading's first one too. @throws LeaseLost */
  saveState(lease: ReaderLease, state: ReadingState): Promise<void>;
  finish(lease: ReaderLease, status: 'complete' | 'unavailable' | 'failed', code: string | null): Promise<void>;
  /** Counts a fault; answers how many came in a row without a stored page between them. */
  countFault(lease: ReaderLease): Promise<number>;
  progress(connectionId: string): Promise<StreamProgress[]>;
  records(organisationId: string, stream: StreamName, page: ListPage & RecordFilter): Promise<Listed<MirroredRecord>>;
  record(organisationId: string, stream: StreamName, xeroId: string): Promise<MirroredRecord | null>;
  setAside(organisationId: string, stream: StreamName, page: ListPage): Promise<Listed<SetAsideRecord>>;
}

/** A record that could not be stored as one, as the text that came. */
export interface SetAsideRecord {
  body: string;
  readAt: string;
}

export interface RecordFilter {
  updatedAfter?: string;
  ids?: readonly string[];
  number?: string;
  contact?: string;
}

export interface MirroredRecord {
  xeroId: string;
  /** The record as JSON text, every digit as Xero sent it. */
  body: string;
  updatedAt: string | null;
  outsideWindow: boolean;
  deletedAt: string | null;
}

/** Another reader has the stream now; what this one would have written is the other's to write. */
export class LeaseLost extends Error {
  constructor(readonly lease: ReaderLease) {
    super(`the reading of ${lease.stream} was taken over by another reader`);
    this.name = 'LeaseLost';
  }
}
