import { DAY_MS, parseDay } from '../core/calendar.js';
import { XeroDate } from '../core/values.js';
import type { Stream } from '../data/stream.js';
import { QueryParseError } from '../query/errors.js';
import { LiveList } from '../query/liveList.js';
import { orderOf } from '../query/order.js';
import { parseWhere } from '../query/where.js';
import type { Switches } from '../settings.js';
import type { ListParameter } from './endpoints.js';
import type { ListRequest } from './request.js';

type Test = (index: number) => boolean;

/** Which rows a list call is about, in its order. */
export function select(stream: Stream, request: ListRequest, switches: Switches): LiveList {
  const { where, order, modifiedSince, includeArchived, parameters } = request;
  const inclusive = switches.ifModifiedSinceInclusive;
  const deleted = switches.deletedPaymentsComeBack;
  const name = JSON.stringify([where, order, modifiedSince, includeArchived, parameters, inclusive, deleted]);
  return stream.list(name, () => makeList(stream, request, switches));
}

/** Whether a call narrows its list at all: very large organisations refuse one that does not. */
export function isFiltered({ where, modifiedSince, parameters }: ListRequest): boolean {
  return where !== undefined || modifiedSince !== undefined || Object.keys(parameters).length > 0;
}

function makeList(stream: Stream, request: ListRequest, switches: Switches): LiveList {
  const tests = [
    ...sinceTest(stream, request.modifiedSince, switches.ifModifiedSinceInclusive),
    ...archivedTest(stream, request.includeArchived),
    ...deletedPaymentTest(stream, switches.deletedPaymentsComeBack),
    ...parameterTests(stream, request.parameters),
    ...whereTest(stream, request.where),
  ];
  const accepts: Test = (index) => tests.every((test) => test(index));
  const candidates = namedRows(stream, request.parameters);
  return new LiveList(
    candidates ?? allRows(stream.length),
    candidates?.length ?? stream.length,
    accepts,
    orderOf(stream, request.order),
  );
}

function* allRows(length: number): Iterable<number> {
  for (let index = 0; index < length; index++) yield index;
}

/** `IDs=` names its rows, so nothing else needs to be looked at. */
function namedRows(stream: Stream, parameters: Record<string, string>): number[] | undefined {
  if (parameters.IDs === undefined) return undefined;
  const found = splitList(parameters.IDs).map((id) => stream.indexOf(id));
  return [...new Set(found)].filter((index) => index !== undefined);
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter(Boolean);

function sinceTest(stream: Stream, since: number | undefined, inclusive: boolean): Test[] {
  if (since === undefined) return [];
  const from = inclusive ? since : since + 1000;
  return [(index) => stream.stamp(index) >= from];
}

function archivedTest(stream: Stream, includeArchived: boolean): Test[] {
  const { archived } = stream.endpoint;
  if (!archived || includeArchived) return [];
  return [(index) => stream.field(index, archived.field) !== archived.value];
}

function deletedPaymentTest(stream: Stream, comeBack: boolean): Test[] {
  if (stream.endpoint.name !== 'Payments' || comeBack) return [];
  return [(index) => stream.field(index, 'Status') !== 'DELETED'];
}

function parameterTests(stream: Stream, parameters: Record<string, string>): Test[] {
  return Object.entries(parameters).flatMap(([name, text]) => {
    const parameter = stream.endpoint.parameters[name];
    return parameter ? [parameterTest(stream, parameter, text)] : [];
  });
}

function parameterTest(stream: Stream, { field, keeps }: ListParameter, text: string): Test {
  if (keeps === 'from' || keeps === 'to') return dateTest(stream, field, keeps, text);
  const wanted = new Set(keeps === 'oneOf' ? splitList(text) : [text.trim().toLowerCase()]);
  return (index) => wanted.has(String(stream.field(index, field) ?? '').toLowerCase());
}

function dateTest(stream: Stream, field: string, keeps: 'from' | 'to', text: string): Test {
  const day = parseDay(text);
  if (day === undefined) throw new QueryParseError(`The date '${text}' is not valid`);
  const bound = day * DAY_MS;
  return (index) => {
    const value = stream.field(index, field);
    if (!(value instanceof XeroDate)) return false;
    return keeps === 'from' ? value.ms >= bound : value.ms <= bound;
  };
}

function whereTest(stream: Stream, text: string | undefined): Test[] {
  if (text === undefined) return [];
  const where = parseWhere(text);
  for (const path of where.paths) {
    if (path !== 'UpdatedDateUTC' && !stream.knowsField(path))
      throw QueryParseError.unknownField(path, stream.endpoint);
  }
  return [(index) => where.accepts((path) => stream.field(index, path))];
}
