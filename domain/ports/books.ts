/** Companies, connections, consents and keys. */
import type { ConnectionCode } from '../codes.js';
import type { ConnectionStatus, Direction } from '../connection.js';
import type { StreamName } from '../streams.js';
import type { Listed, ListPage } from './lists.js';
import type { ConsentedOrganisation } from './oauth.js';
import type { OrganisationFacts } from './xero.js';

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
export interface ListedApiKey extends ApiKey {
  createdAt: string;
  /** To the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
}
export interface ApiKeys {
  /**
   * Stores the hash of the secret only.
   * @returns null when there is no such company to bind it to.
   */
  create(key: ApiKey, secret: string): Promise<ListedApiKey | null>;
  /** The key in use with this secret, whose use is noted. */
  find(secret: string): Promise<ApiKey | null>;
  /** Revoked ones too. */
  get(id: string): Promise<ListedApiKey | null>;
  /** The oldest first; revoked ones too. */
  list(page: ListPage & { company?: string }): Promise<Listed<ListedApiKey>>;
  /** For good; again without harm. False for the last admin key that is bound to no company, which stays. */
  revoke(id: string): Promise<boolean>;
  any(): Promise<boolean>;
}
