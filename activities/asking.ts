/** What the outbox asks of Xero before and after it writes: records by id or number, and what changed since. */
import { cancellationSignal } from '@temporalio/activity';
import type { Body, XeroRecord } from '../domain/documents/facts.js';
import type { FetchPlan } from '../domain/documents/plan.js';
import type { PageQuery, Priority } from '../domain/ports.js';
import { idsPerCall, type StreamName, streams } from '../domain/streams.js';
import { callContext } from './connected.js';
import { type Turn, waitOf } from './pushTurn.js';

/** Records of a page. */
const pageSize = 1000;

/** One call; the answer goes into the mirror, wherever its dates lie, and is given back parsed. */
async function ask(turn: Turn, stream: StreamName, query: PageQuery, priority: Priority): Promise<XeroRecord[]> {
  const { ports, connection, runId } = turn;
  const readAt = await ports.mirror.now();
  const context = callContext(connection, runId, priority);
  const { text } = await ports.xero
    .readPage(context, stream, query, cancellationSignal())
    .catch((error) => waitOf(error, priority));
  const { id: organisationId } = connection.organisation;
  const page = { organisationId, text, readAt, syncFromDate: connection.syncFromDate.date, seen: false };
  await ports.mirror.storeReferences(stream, page);
  const records = recordsIn(text, stream);
  const absent = (query.ids ?? []).filter((id) => !records.some(({ xeroId }) => xeroId === id));
  if (absent.length > 0) await ports.mirror.markDeleted(organisationId, stream, absent, readAt);
  return records;
}

function recordsIn(text: string, stream: StreamName): XeroRecord[] {
  const { collection, idField } = streams[stream];
  const bodies = ((JSON.parse(text) as Body)[collection] ?? []) as Body[];
  return bodies.map((body) => ({ xeroId: String(body[idField]), body, outsideWindow: false, deleted: false }));
}

/** Records by what names them, in as few calls as Xero takes. */
export async function fetchRecords(
  turn: Turn,
  stream: StreamName,
  by: FetchPlan['by'],
  values: readonly string[],
  priority: Priority,
): Promise<XeroRecord[]> {
  const found: XeroRecord[] = [];
  for (const query of queriesFor(stream, by, [...new Set(values)])) {
    found.push(...(await ask(turn, stream, query, priority)));
  }
  return found;
}

/** Orders and items take neither a list of ids nor a filter that is sure: each is asked for by its address. */
function queriesFor(stream: StreamName, by: FetchPlan['by'], values: readonly string[]): PageQuery[] {
  if (streams[stream].byId === null) return values.map((one) => ({ one }));
  const most = idsPerCall(streams[stream]);
  const parts = Array.from({ length: Math.ceil(values.length / most) }, (_, index) =>
    values.slice(index * most, (index + 1) * most),
  );
  return parts.map((part) => (by === 'id' ? { ids: part } : { numbers: part }));
}

/** All records of a stream that changed at or after an instant. */
export async function changedSince(
  turn: Turn,
  stream: StreamName,
  modifiedSince: string,
  priority: Priority,
): Promise<XeroRecord[]> {
  const found: XeroRecord[] = [];
  const paged = streams[stream].way !== 'wholeList';
  for (let page = 1; ; page++) {
    const query = paged ? { modifiedSince, page, pageSize } : { modifiedSince };
    const records = await ask(turn, stream, query, priority);
    found.push(...records);
    if (!paged || records.length < pageSize) return found;
  }
}
