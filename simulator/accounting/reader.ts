import { newGuid } from '../core/guid.js';
import { TextBuffer } from '../core/textBuffer.js';
import { type Row, writeJson, XeroDate } from '../core/values.js';
import type { Organisation } from '../data/organisation.js';
import type { Stream } from '../data/stream.js';
import { QueryParseError } from '../query/errors.js';
import type { LiveList } from '../query/liveList.js';
import type { SettingsValues } from '../settings.js';
import type { Endpoint } from './endpoints.js';
import { highVolume, notFound, queryParseException } from './errors.js';
import type { ListRequest } from './request.js';
import { isFiltered, select } from './selection.js';

/** The rows that answer a call; each is made only when it is written out, so that a page of them is never held. */
export interface Page {
  rows: Iterable<Row>;
  pagination?: { page: number; pageSize: number; pageCount: number; itemCount: number };
}

/** A page with the list it was cut from: where its edges are. */
export interface ListPage extends Page {
  list: LiveList;
}

/** Answers a list call, in the endpoint's own way of paging. */
export function readList(
  organisation: Organisation,
  stream: Stream,
  request: ListRequest,
  settings: SettingsValues,
): ListPage {
  refuseUnsupported(stream.endpoint, request);
  const unfiltered = stream.endpoint.paging === 'pages' && !isFiltered(request);
  if (unfiltered && stream.length > settings.highVolumeThreshold) throw highVolume(stream.endpoint.name);
  const list = selectOrRefuse(stream, request, settings);
  return { ...cut(stream, list, request, (index) => organisation.show(stream, index)), list };
}

/** Answers `GET /{Endpoint}/{key}` by id, number or code. */
export function readOne(organisation: Organisation, stream: Stream, key: string): Page {
  const index = stream.indexOf(key) ?? indexByOtherKey(stream, key);
  if (index === undefined) throw notFound();
  return { rows: [organisation.show(stream, index)] };
}

/** The JSON text of an answer: envelope, pagination, collection (R). */
export function writePage(collection: string, page: Page, provider: string, now: number, unitDecimals: number): Buffer {
  const head: Row = { Id: newGuid(), Status: 'OK', ProviderName: provider, DateTimeUTC: new XeroDate(now, false) };
  if (page.pagination) head.pagination = page.pagination;
  const text = new TextBuffer();
  text.write(`${writeJson(head).slice(0, -1)},"${collection}":[`);
  let separator = '';
  for (const row of page.rows) {
    text.write(separator + writeJson(row, unitDecimals));
    separator = ',';
  }
  text.write(']}');
  return text.finish();
}

function refuseUnsupported(endpoint: Endpoint, request: ListRequest): void {
  for (const clause of ['where', 'order'] as const) {
    if (endpoint[clause] === 'refused' && request[clause] !== undefined) {
      throw queryParseException(`The '${clause}' parameter is not supported by ${endpoint.name}`);
    }
  }
}

function selectOrRefuse(stream: Stream, request: ListRequest, settings: SettingsValues): LiveList {
  try {
    return select(stream, request, settings.switches);
  } catch (error) {
    if (error instanceof QueryParseError) throw queryParseException(error.message);
    throw error;
  }
}

function cut(stream: Stream, list: LiveList, request: ListRequest, show: (index: number) => Row): Page {
  const { endpoint } = stream;
  const { page, pageSize } = request;
  if (endpoint.paging === 'offset') return { rows: afterOffset(list, request.offset, pageSize, show) };
  const endsPaging = endpoint.order === 'endsPaging' && request.order !== undefined;
  if (page === undefined || endsPaging) {
    const omits = [...(page === undefined ? endpoint.unpagedOmits : []), ...summaryOmits(endpoint, request)];
    return { rows: view(list.slice(0, list.length), show, omits) };
  }
  const from = (page - 1) * pageSize;
  const rows = view(list.slice(from, from + pageSize), show, summaryOmits(endpoint, request));
  if (!endpoint.paginationBlock) return { rows };
  const pageCount = Math.ceil(list.length / pageSize);
  return { rows, pagination: { page, pageSize, pageCount, itemCount: list.length } };
}

/** `offset=N` gives numbers above N, ascending; rows stand in the order of their numbers. */
function afterOffset(list: LiveList, offset: number, size: number, show: (index: number) => Row): Iterable<Row> {
  const after = list.slice(0, list.length).filter((index) => index + 1 > offset);
  return view(after.sort().subarray(0, size), show, []);
}

const summaryOmits = (endpoint: Endpoint, request: ListRequest): string[] =>
  request.summaryOnly ? endpoint.summaryOmits : [];

function* view(indices: Uint32Array, show: (index: number) => Row, omits: string[]): Iterable<Row> {
  for (const index of indices) yield omits.length === 0 ? show(index) : without(show(index), omits);
}

/** Lines that an answer omits are sent as an empty list; other omitted fields are not sent. */
function without(row: Row, omits: string[]): Row {
  const rest = { ...row };
  for (const field of omits) {
    if (!(field in rest)) continue;
    rest[field] = field === 'LineItems' || field === 'JournalLines' ? [] : undefined;
  }
  return rest;
}

function indexByOtherKey(stream: Stream, key: string): number | undefined {
  const wanted = key.toLowerCase();
  for (const field of stream.endpoint.otherKeys) {
    for (let index = 0; index < stream.length; index++) {
      if (String(stream.field(index, field) ?? '').toLowerCase() === wanted) return index;
    }
  }
  return undefined;
}
