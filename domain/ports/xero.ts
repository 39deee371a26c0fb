/** Reading from Xero. */
import type { ContactGroup } from '../documents/facts.js';
import type { StreamName } from '../streams.js';

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
  /** What people call the records: the stream's `numberedBy`. */
  numbers?: readonly string[];
  /** One record by its id or number, in the address; an empty list where there is none. For streams that take no list. */
  one?: string;
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

export interface ContactGroups {
  /** Those in use; they are no stream. @throws MustWait, XeroFault, XeroRefusal */
  contactGroups(context: CallContext, signal?: AbortSignal): Promise<ContactGroup[]>;
}

export interface OrganisationFacts {
  name: string;
  baseCurrency: string;
  /** IANA name. */
  timeZone: string;
  countryCode: string | null;
}
