/** Reading from Xero: every call through the budget, with a token that is good, and its answer translated once. */
import type { ContactGroup } from '../domain/documents/facts.js';
import type { CallContext, ContactGroups, PageAnswer, PageQuery, XeroReader } from '../domain/ports.js';
import { XeroRefusal } from '../domain/problems.js';
import { type Stream, type StreamName, streams } from '../domain/streams.js';
import { type CallerDeps, createCaller } from './caller.js';
import { createHttp, type HttpAnswer, type HttpSettings } from './http.js';
import { outcomeOf } from './translate.js';

export interface XeroReaderDeps extends Omit<CallerDeps, 'http'> {
  http?: HttpSettings;
  /** Stands in for Xero's clock where an answer has no Date header. */
  clock?: () => Date;
}

/** One answer worth using. */
interface Received {
  text: string;
  answer: HttpAnswer;
}

/**
 * @throws (its calls) MustWait, XeroFault, XeroRefusal; the reason of the caller's signal once that is aborted; what the
 *   budget throws when Postgres is away.
 */
export function createXeroReader(deps: XeroReaderDeps): XeroReader & ContactGroups {
  const { clock = () => new Date() } = deps;
  const call = createCaller({ ...deps, http: createHttp(deps.http) });
  return {
    async readPage(
      context: CallContext,
      name: StreamName,
      query: PageQuery,
      signal?: AbortSignal,
    ): Promise<PageAnswer> {
      const stream = streams[name];
      const request = {
        method: 'GET',
        path: pathOf(stream, query),
        headers: headersOf(query),
        stream: name,
        signal,
      } as const;
      const { text, answer } = read(await call(context, request), stream, query);
      return { text, answeredAt: answeredAt(answer, clock), itemCount: itemCountOf(text), bytes: answer.bytes };
    },

    async contactGroups(context, signal) {
      const answer = await call(context, { method: 'GET', path: 'ContactGroups', stream: 'contacts', signal });
      return groupsIn(read(answer, streams.contacts, {}).text);
    },
  };
}

function read(answer: HttpAnswer, stream: Stream, { one }: PageQuery): Received {
  const nothing = { text: `{"${stream.collection}":[]}`, answer };
  // What is asked for by its address and is not there is answered by a page in HTML (xero-api.md §3).
  if (one !== undefined && answer.status === 404) return nothing;
  const outcome = outcomeOf(answer);
  switch (outcome.kind) {
    case 'problem':
      throw outcome.problem;
    case 'staleToken':
      throw new XeroRefusal('authFailed', answer.status);
    case 'unchanged':
      return nothing;
    case 'body':
      return { text: outcome.text, answer };
  }
}

function pathOf(stream: Stream, query: PageQuery): string {
  const asked = {
    ...stream.query,
    // Only a paged list holds the lines of documents.
    page: query.page ?? ((query.ids ?? query.numbers) && 1),
    pageSize: query.pageSize,
    order: query.order,
    where: whereOf(stream, query),
    IDs: stream.byId === 'IDs' ? query.ids?.join(',') : undefined,
    InvoiceNumbers: stream.name === 'invoices' ? query.numbers?.join(',') : undefined,
    DateFrom: query.dateFrom,
    DateTo: query.dateTo,
    offset: query.offset,
  };
  const pairs = Object.entries(asked)
    .filter((pair): pair is [string, string | number] => pair[1] !== undefined)
    // Commas stay as they are: escaped, 40 ids would be too long for a URL (xero-api.md §2).
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`);
  const search = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  const one = query.one === undefined ? '' : `/${encodeURIComponent(query.one)}`;
  return `${stream.endpoint}${one}${search}`;
}

/** The filter that was asked for, or one that names the records where no list of them is taken. */
function whereOf({ name, byId, idField, numberedBy }: Stream, { where, ids, numbers }: PageQuery): string | undefined {
  if (ids !== undefined && byId === 'where') return ids.map((id) => `${idField}==Guid("${id}")`).join(' OR ');
  if (numbers === undefined || name === 'invoices') return where;
  return numbers.map((number) => `${numberedBy}==${JSON.stringify(number)}`).join(' OR ');
}

function headersOf({ modifiedSince }: PageQuery): Record<string, string> {
  return modifiedSince === undefined ? {} : { 'if-modified-since': wholeSeconds(modifiedSince) };
}

/** `yyyy-mm-ddThh:mm:ss` in UTC, rounded down: rather one record twice than one never. */
function wholeSeconds(instant: string): string {
  return new Date(instant).toISOString().slice(0, 19);
}

function answeredAt({ headers }: HttpAnswer, clock: () => Date): string {
  const told = Date.parse(headers.get('date') ?? '');
  return (Number.isNaN(told) ? clock() : new Date(told)).toISOString();
}

/**
 * `itemCount` of the pagination block, without parsing the page. Inside a record's text the quotes are escaped, so the
 * block's name cannot be mistaken for a customer's words.
 */
export function itemCountOf(text: string): number | null {
  const start = text.indexOf('"pagination"');
  if (start === -1) return null;
  const found = /^"pagination"\s*:\s*\{[^{}]*?"itemCount"\s*:\s*(\d+)/.exec(text.slice(start, start + 500));
  return found === null ? null : Number(found[1]);
}

function groupsIn(text: string): ContactGroup[] {
  const { ContactGroups = [] } = JSON.parse(text) as {
    ContactGroups?: { ContactGroupID: string; Name: string; Status?: string }[];
  };
  return ContactGroups.filter(({ Status }) => Status !== 'DELETED').map(({ ContactGroupID: id, Name: name }) => ({
    id,
    name,
  }));
}
