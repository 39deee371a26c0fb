/** Previews and exports: working out what would move, and handing over exactly what was reviewed. */
import { cancellationSignal, sleep } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ConnectionCode } from '../domain/codes.js';
import { factsWanted } from '../domain/documents/facts.js';
import { paymentRow } from '../domain/payments/previewRow.js';
import type {
  ConnectionWork,
  Export,
  Exports,
  Listed,
  PageQuery,
  PaymentImport,
  PaymentImports,
  PaymentRow,
  Previews,
  RunOutcome,
  SettingsStore,
} from '../domain/ports.js';
import type { ExportState, FingerprintPart, PreviewGroup } from '../domain/preview.js';
import { MustWait } from '../domain/problems.js';
import { idsPerCall, type StreamName, streamNames, streams } from '../domain/streams.js';
import { beating } from './beating.js';
import { type Connected, callContext, connected } from './connected.js';
import { again, ended, isOurs, kindOf } from './failures.js';
import { type Planned, type PlanningPorts, planAll } from './planRows.js';
import { type ReadingPorts, turnEnd } from './reading.js';
import { whatFollows } from './references.js';

export type ReviewPorts = ReadingPorts &
  PlanningPorts & {
    previews: Previews;
    exports: Exports;
    settings: Pick<SettingsStore, 'get'>;
    payments: Pick<PaymentImports, 'find' | 'list'>;
    work: Pick<ConnectionWork, 'ringOutbox'>;
  };

export interface PreviewReference {
  previewId: string;
  connectionId: string;
}

export interface LookUpInput extends PreviewReference {
  runId: string;
  /** The place up to which numbers were looked up. */
  after: number;
}

export interface LookUpResult {
  /** Null: all were. */
  after: number | null;
  /** The day's calls are used up until then. */
  until: string | null;
}

export interface Comparison {
  /** Null: it is as it was reviewed. */
  code: 'preview_stale' | 'preview_has_errors' | null;
  changed: FingerprintPart[];
}

/** Documents of a batch: about ten calls to Xero, so that a pause or a cancel takes effect in some seconds. */
const batch = 500;
/** How long one look waits for what is being sent, and how often it looks. */
const lookForMs = 30_000;
const lookEveryMs = 250;
/** Rows whose numbers are looked up before it is noted how far it is. */
const rowsAtOnce = 200;

/** Each may be repeated: what it does is noted with the rows, and done once for each. */
export function createReviewActivities(ports: ReviewPorts) {
  const { previews, exports } = ports;
  return guardedLong({
    /** Takes what waits to go, at one instant. @returns how many rows. */
    async chooseRows({ previewId, connectionId }: PreviewReference): Promise<number> {
      const payments = await foundPayments(ports, connectionId);
      const rows = await previews.choose(previewId);
      await previews.addPayments(previewId, payments);
      return rows + payments.length;
    },

    /** Asks Xero for the numbers that the mirror cannot know: it starts at the Sync From Date. */
    lookUpNumbers: (input: LookUpInput): Promise<LookUpResult> => lookUpNumbers(ports, input),

    /** Plans every row and shows the preview. */
    async planRows(input: PreviewReference & { runId: string }): Promise<void> {
      const shared = await planAll(ports, input, async (rows) => {
        await previews.savePlanned(
          input.previewId,
          rows.map(({ planned }) => planned),
        );
      });
      if (shared === null) throw ended('could_not_sync', `connection ${input.connectionId}, no chart`);
      await previews.ready(input.previewId, shared);
    },

    /** A preview is broken off only with its connection. */
    async failPreview(previewId: string, outcome: RunOutcome): Promise<void> {
      await previews.fail(previewId, outcome === 'cancelled' ? 'disconnected' : (outcome as ConnectionCode));
    },

    /** Holds what was reviewed against the mirror, the settings and the documents as they are now. */
    comparePreview: (input: { exportId: string; connectionId: string }): Promise<Comparison> => compare(ports, input),

    async beginExport(exportId: string): Promise<void> {
      await exports.move(exportId, ['checking'], 'running');
    },

    async pauseExport(exportId: string): Promise<void> {
      await exports.move(exportId, ['running'], 'paused');
    },

    async resumeExport(exportId: string): Promise<void> {
      await exports.move(exportId, ['paused'], 'running');
    },

    /** Hands the next batch of a group over, unless one is still on its way. @returns how many rows are. */
    async queueRows({ exportId }: { exportId: string }, group: PreviewGroup): Promise<number> {
      const { connectionId, companyId } = await exportOf(exports, exportId);
      // An attempt before this one may have died between its commit and the bell.
      const left = await exports.settle(exportId);
      const taken = left > 0 ? left : await exports.queue(exportId, group, batch);
      if (taken > 0) await ports.work.ringOutbox({ connectionId, companyId });
      return taken;
    },

    /** Waits for half a minute at most. @returns how many are still on their way. */
    awaitSent: (exportId: string): Promise<number> => awaitSent(exports, exportId),

    /** The next payments that are to be brought in; none: all were. */
    takePayments: (exportId: string): Promise<string[]> => exports.takePayments(exportId, batch),

    settlePayments: (exportId: string): Promise<void> => exports.settlePayments(exportId),

    async takeBack(exportId: string, state: ExportState): Promise<void> {
      await exports.move(exportId, ['checking', 'running', 'paused'], state);
      await exports.putBack(exportId);
    },

    async endExport(
      exportId: string,
      outcome: { state: ExportState; code?: string; changed?: FingerprintPart[] },
    ): Promise<void> {
      await exports.end(exportId, outcome);
    },
  });
}

type Activity = (...args: never[]) => Promise<unknown>;

/** Heartbeats meanwhile; and whatever Postgres says may hold a customer's data: only its kind leaves the activity. */
function guardedLong<T extends Record<string, Activity>>(activities: T): T {
  const guard = (activity: Activity): Activity =>
    ((...args: never[]) =>
      beating(() => activity(...args)).catch((error: unknown) => {
        if (isOurs(error)) throw error;
        if (cancellationSignal().aborted) throw new CancelledFailure('stopped');
        throw again('fault', 1000, kindOf(error));
      })) as Activity;
  return Object.fromEntries(Object.entries(activities).map(([name, activity]) => [name, guard(activity)])) as T;
}

async function exportOf(exports: Exports, id: string): Promise<Export> {
  const found = await exports.get(id);
  if (found === null) throw ended('disconnected', `export ${id} is gone`);
  return found;
}

async function awaitSent(exports: Exports, exportId: string): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const left = await exports.settle(exportId);
    if (left === 0 || waitedMs >= lookForMs) return left;
    await sleep(lookEveryMs);
  }
}

/** What was made in Xero and fits, or would if a person looked at it; nothing where payments do not come in. */
async function foundPayments({ payments, settings }: ReviewPorts, connectionId: string): Promise<PaymentRow[]> {
  if (!(await settings.get(connectionId))?.paymentsIn) return [];
  await payments.find(connectionId);
  const rows: PaymentRow[] = [];
  for (const state of ['unmatched', 'ambiguous'] as const) {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page: Listed<PaymentImport> = await payments.list(connectionId, {
        state,
        limit: 200,
        ...(cursor && { cursor }),
      });
      rows.push(...page.data.map(paymentRow));
      cursor = page.nextCursor;
    }
  }
  return rows;
}

async function compare(ports: ReviewPorts, { exportId, connectionId }: { exportId: string; connectionId: string }) {
  const { previewId } = await exportOf(ports.exports, exportId);
  const before = await ports.previews.shared(previewId);
  const rows = new Set<FingerprintPart>();
  const now = await planAll(ports, { connectionId, previewId }, async (planned) => {
    for (const row of planned) for (const part of differences(row)) rows.add(part);
  });
  if (now === null || before === null) throw ended('could_not_sync', `connection ${connectionId}, no chart`);
  const shared = (Object.keys(now) as (keyof typeof now)[]).filter((part) => now[part] !== before[part]);
  // With other settings or another chart the rules read other things of each row: that is not what changed.
  await foundPayments(ports, connectionId);
  if ((await ports.previews.paymentsGone(previewId)) > 0) rows.add('records');
  const changed = shared.length > 0 ? shared : [...rows];
  if (changed.length > 0) return { code: 'preview_stale' as const, changed };
  const errors = await ports.previews.errors(previewId);
  return { code: errors > 0 ? ('preview_has_errors' as const) : null, changed: [] };
}

/** Only what would be sent is compared: what was excluded since, or had errors, does not go. */
function differences({ row, planned }: Planned): FingerprintPart[] {
  if (row.outcome !== 'send' || row.excluded) return [];
  const isOther = row.seen?.documents !== planned.seen.documents || row.newest !== row.document.version;
  // What it stands on is another document: its records are others too.
  if (isOther) return ['documents'];
  return row.seen?.records === planned.seen.records ? [] : ['records'];
}

async function lookUpNumbers(ports: ReviewPorts, input: LookUpInput): Promise<LookUpResult> {
  const about = `connection ${input.connectionId}, numbers`;
  const connection = await connected(ports.connections, input.connectionId, about);
  if (connection.syncFromDate.date === null) return { after: null, until: null };
  const endsAt = turnEnd(ports);
  let { after } = input;
  try {
    while (ports.elapsed() < endsAt) {
      const rows = await ports.previews.toPlan(input.previewId, after, rowsAtOnce);
      const last = rows.at(-1);
      if (last === undefined) return { after: null, until: null };
      const documents = rows.map(({ document }) => document).filter(({ sentVersion }) => sentVersion === null);
      await fetchRecords(ports, connection, input.runId, await unknownTo(ports, connection, documents));
      after = last.place;
    }
    return { after, until: null };
  } catch (error) {
    // What was asked is not asked again: the wait for the budget is that of the next call.
    if (error instanceof MustWait && error.limit !== 'day' && after > input.after) return { after, until: null };
    return { after, until: (await whatFollows(ports, error, about)).until };
  }
}

type Documents = Parameters<typeof factsWanted>[0];

/** What these documents name by number or are linked with by id, and the mirror does not have. */
async function unknownTo(ports: ReviewPorts, { id }: Connected, documents: Documents): Promise<Asked[]> {
  const settings = await ports.settings.get(id);
  const facts = documents.length === 0 ? null : await ports.pushFacts.load(id, documents, [], null);
  if (settings === null || facts === null) return [];
  const { numbers, records } = factsWanted(documents, settings);
  return [
    ...numbers
      .filter(({ stream, type, number }) => facts.numbered(stream, type, number).length === 0)
      .map(({ stream, number }) => ({ stream, by: 'numbers' as const, value: number })),
    ...records
      .filter(({ stream, xeroId }) => facts.record(stream, xeroId) === null)
      .map(({ stream, xeroId }) => ({ stream, by: 'ids' as const, value: xeroId })),
  ];
}

interface Asked {
  stream: StreamName;
  by: 'numbers' | 'ids';
  value: string;
}

interface Call {
  stream: StreamName;
  query: PageQuery;
}

/** As few calls as Xero takes; it takes no list of orders or items. */
function callsFor(asked: readonly Asked[]): Call[] {
  return streamNames.flatMap((stream) =>
    (['numbers', 'ids'] as const).flatMap((by): Call[] => {
      const own = asked.filter((each) => each.stream === stream && each.by === by);
      const values = [...new Set(own.map(({ value }) => value))];
      if (streams[stream].byId === null) return values.map((one) => ({ stream, query: { one } }));
      return chunksOf(values, idsPerCall(streams[stream])).map((part) => ({ stream, query: { [by]: part } }));
    }),
  );
}

const chunksOf = <T>(values: readonly T[], most: number): T[][] =>
  Array.from({ length: Math.ceil(values.length / most) }, (_, index) => values.slice(index * most, (index + 1) * most));

async function fetchRecords(
  { xero, mirror }: ReviewPorts,
  connection: Connected,
  runId: string,
  asked: readonly Asked[],
): Promise<void> {
  const context = callContext(connection, runId, 'people');
  const { organisationId } = context;
  for (const { stream, query } of callsFor(asked)) {
    const readAt = await mirror.now();
    const { text } = await xero.readPage(context, stream, query, cancellationSignal());
    const syncFromDate = connection.syncFromDate.date;
    await mirror.storeReferences(stream, { organisationId, text, readAt, syncFromDate });
  }
}
