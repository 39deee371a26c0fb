/** Reading from Xero: every call through the budget, with a token that is good, and its answer translated once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallBudget, CallContext, PageAnswer, PageQuery, Ticket, XeroReader } from '../domain/ports.js';
import { MustWait, XeroRefusal } from '../domain/problems.js';
import { type Stream, type StreamName, streams } from '../domain/streams.js';
import { createHttp, type HttpAnswer, type HttpSettings } from './http.js';
import type { TokenKeeper } from './tokens.js';
import { limitsOf, outcomeOf } from './translate.js';

export interface XeroReaderDeps {
  budget: CallBudget;
  tokens: TokenKeeper;
  /** Scheme and host, `https://api.xero.com`. */
  apiUrl: string;
  http?: HttpSettings;
  /** Stands in for Xero's clock where an answer has no Date header. */
  clock?: () => Date;
}

/** A slot is not held for longer than this to wait for a call that the budget will allow (design.md, "The budget"). */
const longestWaitMs = 2000;

interface Call {
  context: CallContext;
  stream: Stream;
  query: PageQuery;
  signal: AbortSignal | undefined;
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
export function createXeroReader(deps: XeroReaderDeps): XeroReader {
  const { budget, tokens, apiUrl, clock = () => new Date() } = deps;
  const http = createHttp(deps.http);

  const send = async (call: Call, accessToken: string): Promise<HttpAnswer> => {
    const ticket = await ticketFor(budget, call);
    let answer: HttpAnswer | null = null;
    try {
      answer = await http({
        method: 'GET',
        url: urlOf(apiUrl, call),
        headers: headersOf(call, accessToken),
        signal: call.signal,
      });
    } finally {
      // Also without an answer: the slot is free again, and the call may be counted at Xero.
      await settle(budget, ticket, call, answer);
    }
    return answer;
  };

  const receive = async (call: Call): Promise<Received> => {
    const { grantId } = call.context;
    const accessToken = await tokens.accessToken(grantId);
    const first = read(await send(call, accessToken), call.stream);
    if (first !== 'staleToken') return first;
    const second = read(await send(call, await tokens.accessToken(grantId, { notThisOne: accessToken })), call.stream);
    if (second === 'staleToken') throw new XeroRefusal('authFailed', 401);
    return second;
  };

  return {
    async readPage(
      context: CallContext,
      name: StreamName,
      query: PageQuery,
      signal?: AbortSignal,
    ): Promise<PageAnswer> {
      const { text, answer } = await receive({ context, stream: streams[name], query, signal });
      return { text, answeredAt: answeredAt(answer, clock), itemCount: itemCountOf(text), bytes: answer.bytes };
    },
  };
}

async function ticketFor(budget: CallBudget, { context, signal }: Call): Promise<Ticket> {
  let waitedMs = 0;
  while (true) {
    signal?.throwIfAborted();
    const take = await budget.take(context.organisationId, context.priority);
    if (take.granted) return take.ticket;
    if (waitedMs + take.waitMs > longestWaitMs) throw new MustWait(take.limit, take.waitMs);
    waitedMs += take.waitMs;
    await delay(take.waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
  }
}

async function settle(budget: CallBudget, ticket: Ticket, call: Call, answer: HttpAnswer | null): Promise<void> {
  const { connectionId, runId } = call.context;
  await budget.settle(ticket, answer === null ? null : limitsOf(answer), {
    connectionId,
    runId,
    stream: call.stream.name,
    bytes: answer?.bytes ?? 0,
  });
}

function read(answer: HttpAnswer, stream: Stream): Received | 'staleToken' {
  const outcome = outcomeOf(answer);
  switch (outcome.kind) {
    case 'problem':
      throw outcome.problem;
    case 'staleToken':
      return 'staleToken';
    case 'unchanged':
      return { text: `{"${stream.collection}":[]}`, answer };
    case 'body':
      return { text: outcome.text, answer };
  }
}

function urlOf(apiUrl: string, { stream, query }: Call): string {
  const asked = {
    ...stream.query,
    // Only a paged list holds the lines of documents.
    page: query.page ?? (query.ids && 1),
    pageSize: query.pageSize,
    order: query.order,
    where: whereOf(stream, query),
    InvoiceNumbers: query.numbers?.join(','),
    IDs: stream.byId === 'IDs' ? query.ids?.join(',') : undefined,
    DateFrom: query.dateFrom,
    DateTo: query.dateTo,
    offset: query.offset,
  };
  const pairs = Object.entries(asked)
    .filter((pair): pair is [string, string | number] => pair[1] !== undefined)
    // Commas stay as they are: escaped, 40 ids would be too long for a URL (xero-api.md §2).
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`);
  const search = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  return `${apiUrl.replace(/\/+$/, '')}/api.xro/2.0/${stream.endpoint}${search}`;
}

/** The filter that was asked for, or one that names the ids where no list of them is taken. */
function whereOf({ byId, idField }: Stream, { where, ids }: PageQuery): string | undefined {
  if (ids === undefined || byId !== 'where') return where;
  return ids.map((id) => `${idField}==Guid("${id}")`).join(' OR ');
}

function headersOf({ context, query }: Call, accessToken: string): Record<string, string> {
  return {
    authorization: `Bearer ${accessToken}`,
    'xero-tenant-id': context.organisationId,
    accept: 'application/json',
    ...(query.modifiedSince === undefined ? {} : { 'if-modified-since': wholeSeconds(query.modifiedSince) }),
  };
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
