/** Reading a month of Xero's page by page and holding it against the mirror. */
import { dateFilter } from '../domain/dateFilter.js';
import type { CallContext, ComparedRecord, PageQuery, ReconciledSet, ReconciledSide } from '../domain/ports.js';
import { type Stream, streams } from '../domain/streams.js';
import type { ApiDeps } from './deps.js';
import { invalid, Problem } from './problems.js';

/** Pages of Xero's that one request may read: a third of a minute's calls. */
const mostPages = 20;
/** Ids that are named, of all that differ. */
const mostIds = 1000;
/** After which a month that was changed while it was read may be asked for again. */
const changedSeconds = 5;

export interface Reconciled {
  /** Xero's clock when its answer began. */
  asOf: string;
  here: ReconciledSide;
  xero: ReconciledSide;
  differing: Record<'missingHere' | 'missingInXero' | 'different', string[]>;
  more: boolean;
}

/**
 * Reads all of the set that Xero has and compares it; writes nothing.
 * @throws MustWait, XeroFault, XeroRefusal; Problem 422 for too large a month, 503 for one that was changed meanwhile.
 */
export async function reconcile(
  { xero, reconciliation }: Pick<ApiDeps, 'xero' | 'reconciliation'>,
  context: CallContext,
  set: ReconciledSet,
  signal: AbortSignal,
): Promise<Reconciled> {
  const stream = streams[set.stream];
  const counts: (number | null)[] = [];
  const records = new Map<string, ComparedRecord>();
  let asOf: string | null = null;
  for (let page = 1, more = true; more; page++) {
    const answer = await xero.readPage(context, set.stream, queryFor(stream, set, page), signal);
    const compared = await reconciliation.comparePage(set, answer.text);
    for (const record of compared) records.set(record.id, record);
    asOf ??= answer.answeredAt;
    counts.push(answer.itemCount);
    more = isFollowed(stream, page, compared.length, answer.itemCount);
    if (more) refuseTooLarge(stream, page, answer.itemCount);
  }
  refuseUnproven(counts, records.size);
  const { missingInXero, ...sides } = await reconciliation.sides(set, [...records.values()]);
  const standing = (wanted: ComparedRecord['standing']) =>
    [...records.values()]
      .filter((record) => record.standing === wanted)
      .map(({ id }) => id)
      .sort();
  const all = { missingHere: standing('missingHere'), missingInXero, different: standing('different') };
  return { asOf: asOf as string, ...sides, ...named(all) };
}

/** In the order of the ids, which no edit changes, where Xero sorts by them. */
function queryFor(stream: Stream, { range, type }: ReconciledSet, page: number): PageQuery {
  const order = stream.way === 'orderedPages' ? `${stream.idField} ASC` : undefined;
  return { page, pageSize: stream.pageSize, order, ...dateFilter(stream, range, type) };
}

function isFollowed({ pageSize }: Stream, page: number, rows: number, itemCount: number | null): boolean {
  return itemCount === null ? rows === pageSize : page * pageSize < itemCount;
}

function refuseTooLarge({ pageSize }: Stream, page: number, itemCount: number | null): void {
  const most = mostPages * pageSize;
  if (page < mostPages && (itemCount ?? 0) <= most) return;
  const message = `holds more than the ${most} records that are compared at once: POST /v1/connections/{id}/sync with {"mode":"full"} reads and compares everything`;
  throw invalid({ field: 'month', message });
}

/** What came into the month, left it or was edited between two pages may have pushed another record past us unseen. */
function refuseUnproven(counts: readonly (number | null)[], seen: number): void {
  const proven = counts.every((count) => count === null || count === seen);
  if (proven || counts.length === 1) return;
  const detail = 'Records of this month were changed in Xero while it was read.';
  throw new Problem(503, 'unavailable', { detail, retryAfterSeconds: changedSeconds });
}

function named(all: Reconciled['differing']): Pick<Reconciled, 'differing' | 'more'> {
  const { missingHere, missingInXero, different } = all;
  const list = (ids: readonly string[], taken: number) => ids.slice(0, Math.max(0, mostIds - taken));
  return {
    differing: {
      missingHere: list(missingHere, 0),
      missingInXero: list(missingInXero, missingHere.length),
      different: list(different, missingHere.length + missingInXero.length),
    },
    more: missingHere.length + missingInXero.length + different.length > mostIds,
  };
}
