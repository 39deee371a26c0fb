import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { RecordToFetch, Runs, WebhookEvents } from '../domain/ports.js';
import { MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';
import { idsPerCall, type StreamName, streams } from '../domain/streams.js';
import { beating } from './beating.js';
import { type Connected, callContext, connected } from './connected.js';
import { again, ended, isOurs, kindOf, notYet } from './failures.js';
import { waitAfter } from './patience.js';
import { type ReadingPorts, turnEnd } from './reading.js';
import { type RunCounts, runCounts } from './runCounts.js';

export interface FetchEventsInput {
  connectionId: string;
  /** The run that fetches. */
  runId: string;
}

export interface FetchEventsResult {
  /** `more`: call again; `sleep`: the day's calls are used up until `until`. */
  outcome: 'complete' | 'more' | 'sleep';
  until: string | null;
  /** What the run has done to the mirror so far. */
  counts: RunCounts;
}

export type WebhookPorts = ReadingPorts & { webhookEvents: WebhookEvents; runs: Pick<Runs, 'get'> };

/** Records of one claim: 25 calls, which the minute's limit of 60 leaves room for. */
const recordsPerClaim = 1000;

/** Activities that bring what webhooks told of into the mirror. */
export function createWebhookActivities(ports: WebhookPorts) {
  return {
    /**
     * Fetches by id what the organisation's webhooks told of and the mirror does not have, 40 records a call, for up to a
     * minute. May be repeated: an event is settled when its record is stored, and what is not settled is claimed again.
     * @throws ApplicationFailure: `budgetWait` and faults are retried by Temporal; a connection code ends it.
     */
    async fetchWebhookEvents(input: FetchEventsInput): Promise<FetchEventsResult> {
      const about = `connection ${input.connectionId}, webhooks`;
      return await beating(async () => {
        try {
          const connection = await connected(ports.connections, input.connectionId, about);
          return await resultOf(ports, input, await fetchForATurn(ports, connection, input.runId));
        } catch (error) {
          return await whatFollows(ports, input, error, about);
        }
      });
    },
  };
}

/** `more` when something is left, be it that the turn or the claim was too small for it. */
async function fetchForATurn(ports: WebhookPorts, connection: Connected, runId: string): Promise<'complete' | 'more'> {
  const endsAt = turnEnd(ports);
  const claimed = await ports.webhookEvents.claim(connection.id, recordsPerClaim);
  for (const call of callsFor(claimed)) {
    if (ports.elapsed() >= endsAt) return 'more';
    await fetchRecords(ports, connection, runId, call);
  }
  return claimed.length === recordsPerClaim ? 'more' : 'complete';
}

interface FetchCall {
  stream: StreamName;
  records: RecordToFetch[];
}

/** As few calls as the ids fit into. */
function callsFor(claimed: readonly RecordToFetch[]): FetchCall[] {
  const calls: FetchCall[] = [];
  for (const record of claimed) {
    const last = calls.at(-1);
    if (last?.stream === record.stream && last.records.length < idsPerCall(streams[record.stream]))
      last.records.push(record);
    else calls.push({ stream: record.stream, records: [record] });
  }
  return calls;
}

/**
 * The stream's lease is not taken: another reader of it is not disturbed. Both store under the mirror's rule, that of two
 * equal stamps the read that started later wins, so the older answer never replaces the newer one, whoever stores last; and
 * the other's cursor is moved by its own pages only, so it skips nothing because of this one.
 */
async function fetchRecords(
  ports: WebhookPorts,
  connection: Connected,
  runId: string,
  { stream, records }: FetchCall,
): Promise<void> {
  const { xero, mirror, webhookEvents } = ports;
  // At once, but nobody waits for it: what is kept for people stays theirs.
  const context = callContext(connection, runId, 'background');
  const eventIds = records.flatMap((record) => record.eventIds);
  const readAt = await mirror.now();
  try {
    const query = { ids: records.map(({ resourceId }) => resourceId) };
    const { text } = await xero.readPage(context, stream, query, cancellationSignal());
    const { organisationId } = context;
    const syncFromDate = connection.syncFromDate.date;
    await mirror.storeFetched(connection.id, stream, { organisationId, runId, text, readAt, syncFromDate });
    await webhookEvents.settle(eventIds, 'fetched');
  } catch (error) {
    if (!(error instanceof XeroRefusal) || error.kind === 'authFailed') throw error;
    // One stream that is not to be had stops no other; the night asks for it in its own way.
    await webhookEvents.settle(eventIds, 'refused');
  }
}

async function resultOf(
  ports: WebhookPorts,
  { connectionId, runId }: FetchEventsInput,
  outcome: FetchEventsResult['outcome'],
  until: string | null = null,
): Promise<FetchEventsResult> {
  return { outcome, until, counts: await runCounts(ports.runs, connectionId, runId) };
}

async function whatFollows(
  ports: WebhookPorts,
  input: FetchEventsInput,
  error: unknown,
  about: string,
): Promise<FetchEventsResult> {
  if (isOurs(error)) throw error;
  if (cancellationSignal().aborted) throw new CancelledFailure('the fetch was stopped');
  if (error instanceof MustWait && error.limit === 'day') {
    const until = new Date(Date.parse(await ports.mirror.now()) + error.waitMs).toISOString();
    return await resultOf(ports, input, 'sleep', until);
  }
  if (error instanceof MustWait) throw notYet('budgetWait', error.waitMs, `${error.message} (${about})`);
  if (error instanceof XeroRefusal) throw ended('xero_auth_failed', about);
  const offline = error instanceof XeroFault && error.kind === 'offline';
  throw again('fault', waitAfter(ports.patience, activityInfo().attempt, offline), `${kindOf(error)} (${about})`);
}
