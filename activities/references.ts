import { cancellationSignal } from '@temporalio/activity';
import { type ParentLink, parentLinks } from '../domain/parents.js';
import type { CallContext, Priority } from '../domain/ports.js';
import { MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';
import { idsPerCall, streams } from '../domain/streams.js';
import { beating } from './beating.js';
import { type Connected, callContext, connected } from './connected.js';
import { again, ended, isOurs, kindOf, notYet } from './failures.js';
import { waitAfter } from './patience.js';
import type { ReadingPorts } from './reading.js';

export interface ReadReferencesInput {
  connectionId: string;
  /** First execution run id of the run that reads. */
  runId: string;
  priority?: Priority | undefined;
}

export interface ReadReferencesResult {
  /** `sleep`: the day's calls are used up until `until`. */
  outcome: 'complete' | 'sleep';
  until: string | null;
}

/** Activities that fetch by id what records in scope refer to and the mirror lacks. */
export function createReferenceActivities(ports: ReadingPorts) {
  return {
    /**
     * Fetches the parents that lie before the Sync From Date, 40 at a time, and keeps them as reference. May be repeated:
     * what it still lacks follows from the mirror.
     * @throws ApplicationFailure as readStream does
     */
    async readReferences(input: ReadReferencesInput): Promise<ReadReferencesResult> {
      return await beating(() => readAllReferences(ports, input));
    },
  };
}

/** Without the heartbeats: for activities that beat themselves. @throws ApplicationFailure as readStream does */
export async function readAllReferences(
  ports: ReadingPorts,
  { connectionId, runId, priority = 'background' }: ReadReferencesInput,
): Promise<ReadReferencesResult> {
  const about = `connection ${connectionId}, references`;
  try {
    const connection = await connected(ports.connections, connectionId, about);
    if (connection.syncFromDate.date !== null) {
      const context = callContext(connection, runId, priority);
      for (const link of parentLinks) await readParents(ports, connection, context, link);
    }
    return { outcome: 'complete', until: null };
  } catch (error) {
    return await whatFollows(ports, error, about);
  }
}

/** An id that Xero does not answer is asked for once. */
async function readParents(
  ports: ReadingPorts,
  connection: Connected,
  context: CallContext,
  link: ParentLink,
): Promise<void> {
  const { xero, mirror } = ports;
  const { organisationId } = context;
  let after = '';
  for (;;) {
    const ids = await mirror.missingParents(organisationId, link, after, idsPerCall(streams[link.parent]));
    if (ids.length === 0) return;
    const readAt = await mirror.now();
    const { text } = await xero.readPage(context, link.parent, { ids }, cancellationSignal());
    await mirror.storeReferences(link.parent, {
      organisationId,
      text,
      readAt,
      syncFromDate: connection.syncFromDate.date,
    });
    after = ids.at(-1) as string;
  }
}

/** What an error of a fetch by id means: a sleep until the day's calls are back, or a failure that is thrown. */
export async function whatFollows(ports: ReadingPorts, error: unknown, about: string): Promise<ReadReferencesResult> {
  if (isOurs(error)) throw error;
  if (error instanceof MustWait && error.limit === 'day') {
    return { outcome: 'sleep', until: new Date(Date.parse(await ports.mirror.now()) + error.waitMs).toISOString() };
  }
  if (error instanceof MustWait) throw notYet('budgetWait', error.waitMs, `${error.message} (${about})`);
  if (error instanceof XeroRefusal) {
    throw ended(error.kind === 'authFailed' ? 'xero_auth_failed' : 'could_not_sync', `${about}: ${error.message}`);
  }
  const offline = error instanceof XeroFault && error.kind === 'offline';
  throw again('fault', waitAfter(ports.patience, 1, offline), `${kindOf(error)} (${about})`);
}
