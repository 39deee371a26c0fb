import type { ReadStreamResult } from '../activities/reading.js';
import type { RunCounts } from '../activities/runCounts.js';
import type { PaymentCounts, StateCounts } from '../domain/ports.js';
import { type StreamName, streamNames, streams } from '../domain/streams.js';
import type { RunState } from './contract.js';

export interface Progress {
  company: string;
  syncFromDate: { chosen: boolean; date: string | null } | null;
  doing: RunState;
  waitsFor: string | null;
  /** Minutes without a page, once they are more than a wait explains. */
  stillFor: number | null;
  /** Settings that are missing or do not fit the organisation, by field. */
  faults: string[];
  /** Further lines, as they are to be read. */
  more: string[];
  /** What stands behind a stream's name. */
  streams: Partial<Record<StreamName, string>>;
  /** Payments from Xero by state, what this run imported of them, and since when the oldest waits for a decision. */
  payments: (PaymentCounts & { importedNow: number; oldestAt: string | null }) | null;
}

const sentences: Record<RunState, string> = {
  readingContacts: 'Reading contacts; everything else comes after them.',
  readingSettings: 'Reading what documents refer to: accounts, tax rates, tracking, currencies, items.',
  awaitingSyncFromDate: 'Waiting until a person chooses the Sync From Date.',
  awaitingAccountCodes:
    'Waiting for account codes that the organisation has: PATCH /v1/connections/{id}/settings, whose "faults" name the fields.',
  awaitingLocations: 'Waiting until every location of the company is connected, or marked as not synced.',
  awaitingDate: 'Waiting for the Sync From Date to begin in the time zone of the organisation.',
  readingDocuments: 'Reading documents from the Sync From Date.',
  readingChanges: 'Reading what changed in Xero since the last reading.',
  counting: 'Counting in Xero what the mirror has, one call a stream.',
  lookingAgain: 'Reading everything once more, for what Xero does not tell of by a change.',
  fetchingEvents: 'Fetching the records that webhooks told of.',
  planning: 'Working out what would move, row by row. Nothing is sent.',
  exporting: 'Sending what was reviewed, group by group.',
  importingPayments: 'Importing payments that were made in Xero, each once.',
  sending: 'Sending to Xero what the platform saved.',
  awaitingDocuments: 'Everything is sent that can be; it waits some minutes for more, and ends.',
  lookingUp: 'Waits to look in Xero once more for what was sent and never answered; everything else goes meanwhile.',
  sleepingDailyLimit:
    'Asleep: what Xero allows a day is used up, but for the share that is kept for people. It goes on by itself.',
  stalled:
    'Stands still, and no wait explains it. The pending activities name the reason of their last attempt; if it stays, report the run.',
  paused: 'Paused by a person. It goes on when somebody resumes it.',
  completed: 'Complete.',
  failed: 'Ended without completing; the failure below says why and what to do.',
  cancelled: 'Cancelled by a person. What was read is kept.',
};

/** What an outcome of a stream's last turn means to a person. */
const outcomes: Record<ReadStreamResult['outcome'], string> = {
  complete: 'complete',
  more: 'being read',
  sleep: "waits for the next day's calls",
  unavailable: 'not available to this organisation',
  notYet: 'left to the first full read',
};

/** How far a first full read is with a stream. */
export function readSoFar({ records, expected, outcome }: ReadStreamResult): string {
  return `**${records}** of ${expected ?? '?'}, ${outcomes[outcome]}`;
}

/** What a run did to the mirror, by stream. */
export function changesOf(counts: RunCounts): Progress['streams'] {
  return Object.fromEntries(
    Object.entries(counts).map(([name, { created, changed, unchanged }]) => [
      name,
      `**${created}** new, **${changed}** changed, ${unchanged} as they were`,
    ]),
  );
}

/** What support staff read at the head of a run in the Temporal UI: markdown, our ids and counts only. */
export function runDetails(progress: Progress): string {
  const { syncFromDate, waitsFor, stillFor, faults, more } = progress;
  const from = syncFromDate?.chosen ? (syncFromDate.date ?? 'all history') : 'not chosen yet';
  const paragraphs = [
    `**${sentences[progress.doing]}**`,
    faults.length === 0 ? '' : `Settings to be corrected: ${faults.join(', ')}`,
    waitsFor === null ? '' : `Waits for: ${waitsFor}`,
    stillFor === null ? '' : `No page was stored for ${stillFor} minutes.`,
    `Company ${progress.company}, Sync From Date: ${from}`,
    ...more,
    streamNames.flatMap((name) => streamLine(name, progress.streams[name])).join('\n'),
    progress.payments === null ? '' : paymentLines(progress.payments),
  ];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

function paymentLines({ importedNow, oldestAt, ...counts }: NonNullable<Progress['payments']>): string {
  const lines = Object.entries(counts).map(([state, count]) => `- Payments ${state}: **${count}**`);
  const oldest = oldestAt === null ? [] : [`- The oldest without a decision is of ${oldestAt}`];
  return [`- Payments imported by this run: **${importedNow}**`, ...lines, ...oldest].join('\n');
}

export interface OutboxProgress {
  company: string;
  doing: RunState;
  waitsFor: string | null;
  /** Documents by the state that they came to, and what is left. */
  done: StateCounts;
  left: { queued: number; sending: number };
}

/** The same of an outbox. */
export function outboxDetails({ company, doing, waitsFor, done, left }: OutboxProgress): string {
  const came = Object.entries(done).map(([state, count]) => `${state} **${count}**`);
  const paragraphs = [
    `**${sentences[doing]}**`,
    waitsFor === null ? '' : `Waits for: ${waitsFor}`,
    came.length === 0 ? 'No document was sent yet.' : `Documents: ${came.join(', ')}`,
    `Left: ${left.queued} queued, ${left.sending} whose outcome is not known yet`,
    `Company ${company}`,
  ];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

/** A list and no table: the UI sets a table's columns against each other without a gap. */
function streamLine(name: StreamName, stream: string | undefined): string[] {
  return stream === undefined ? [] : [`- ${streams[name].title}: ${stream}`];
}
