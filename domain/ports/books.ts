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
  /** Null while the company is being deleted. */
  put(id: string, name: string): Promise<{ company: Company; created: boolean } | null>;
  /** Null also while it is being deleted. */
  get(id: string): Promise<Company | null>;
  list(page: ListPage & { search?: string }): Promise<Listed<Company>>;
  /** From now on nobody sees it and nothing new is made for it. False when there is none; true as often as it is asked. */
  beginDeletion(id: string): Promise<boolean>;
}

/** A site of a company. */
export interface Location {
  id: string;
  name: string;
  /** False: it has no books in Xero, and the company's first reads do not wait for it. */
  synced: boolean;
  /** The connection that covers it. */
  connectionId: string | null;
}

export interface Locations {
  put(
    companyId: string,
    location: Pick<Location, 'id' | 'name' | 'synced'>,
  ): Promise<{ location: Location; created: boolean }>;
  get(companyId: string, id: string): Promise<Location | null>;
  list(companyId: string, page: ListPage): Promise<Listed<Location>>;
  /** `connected` when a connection covers it: then nothing is removed. */
  remove(companyId: string, id: string): Promise<'removed' | 'connected' | 'unknown'>;
  /** Those of these ids that the company has no location of. */
  unknown(companyId: string, ids: readonly string[]): Promise<string[]>;
  /** Ids of locations with books of their own that no bound connection covers; empty where the company syncs as a whole. */
  awaited(companyId: string): Promise<string[]>;
}

export interface Connection {
  id: string;
  companyId: string;
  direction: Direction;
  /** As the work has it; what people see also says whether a person paused it (`shownStatus`). */
  status: ConnectionStatus;
  /** Does a person hold what is sent to Xero? Reading goes on. */
  paused: boolean;
  /** The locations it covers; null where it covers the whole company. */
  locations: string[] | null;
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
  /** When everything was last read once more from end to end. */
  secondLookAt: string | null;
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

/** Why a connection was not made. */
export type NotCreated =
  | { created: false; existingId: string }
  /** The company, or one location, syncs the other way already, or did before it was deleted. */
  | { created: false; because: 'otherWay' }
  | { created: false; because: 'unknownLocations'; locations: string[] }
  | { created: false; because: 'companyGone' }
  /** Another date was set for it before it was deleted. */
  | { created: false; because: 'otherSyncFromDate' };

/** A link of Xero's that is to be ended there, with the grant that can do it. */
export interface LinkToEnd {
  connectionId: string;
  xeroConnectionId: string;
  grantId: string;
}

export interface Connections {
  /**
   * @param connection.locations those it covers; null for the whole company.
   * @returns the id of the existing connection when the company, or one of the locations, has one.
   */
  create(connection: {
    id: string;
    companyId: string;
    direction: Direction;
    locations: readonly string[] | null;
    syncFromDate: { chosen: boolean; date: string | null };
  }): Promise<{ created: true } | NotCreated>;
  get(id: string): Promise<Connection | null>;
  list(
    page: ListPage & { company?: string; status?: ConnectionStatus; lastError?: string; attention?: boolean },
  ): Promise<Listed<Connection>>;
  /** The ids of a company's connections. */
  ofCompany(companyId: string): Promise<string[]>;
  /**
   * Moves the status because a run got on, if the state machine allows it and the run has not ended meanwhile, be it that
   * a disconnect or a new consent ended it. Answers whether it did.
   */
  moveByRun(id: string, runId: string, to: ConnectionStatus): Promise<boolean>;
  /** Xero no longer accepts the connection by this grant; a newer consent is not touched. Answers whether it moved. */
  refused(id: string, grantId: string): Promise<boolean>;
  /** Removes it while nothing is bound, with its consents, offers and a grant that nobody else uses. */
  removeUnbound(id: string): Promise<boolean>;
  /** Ends it here, and every run of it; the data stay. False before anything was bound. May be repeated. */
  disconnect(id: string): Promise<boolean>;
  /** Links of disconnected connections that Xero still holds; `id` null for all. */
  linksToEnd(id: string | null): Promise<LinkToEnd[]>;
  /** The link is ended at Xero: forgets it, and its grant where nobody else uses it. */
  linkEnded(link: LinkToEnd): Promise<void>;
  /** Holds or lets go what is sent to Xero. */
  setPaused(id: string, paused: boolean): Promise<void>;
  /** Bound connections whose first full read nobody started since: their process died in between. */
  withoutBackfill(): Promise<Connection[]>;
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
  /** Is a connection bound by this link of Xero's, or offered it to choose? Such a link is not to be ended. */
  usesXeroConnection(xeroConnectionId: string): Promise<boolean>;
  saveOrganisationFacts(organisationId: string, facts: OrganisationFacts): Promise<void>;
  /** Shown to people while a run sleeps; null when it woke. */
  setSleeping(id: string, until: string | null): Promise<void>;
  recordError(id: string, code: ConnectionCode): Promise<void>;
  recordSuccess(id: string): Promise<void>;
  /** Everything was read once more, to its end. */
  noteSecondLook(id: string): Promise<void>;
}

/** Removing everything that a company has here. Each step may be repeated. */
export interface Deletion {
  /** Leaves the tombstone, by which the company and its organisations stay bound for good. */
  bury(companyId: string): Promise<void>;
  /** The links that Xero holds for the company. */
  links(companyId: string): Promise<LinkToEnd[]>;
  /** The tables, in the order in which they are emptied. */
  tables: readonly string[];
  /** Removes a batch of the company's rows. @returns how many; 0 when none is left. */
  empty(companyId: string, table: string): Promise<number>;
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
  /** Deletes those that ended longer ago; answers how many. */
  forgetEnded(endedMsAgo: number): Promise<number>;
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
