import { type StreamName, streams } from '../domain/streams.js';
import type { RunState } from './contract.js';

export interface Progress {
  company: string;
  syncFromDate: { chosen: boolean; date: string | null } | null;
  doing: RunState;
  waitsFor: string | null;
  /** Minutes without a page, once they are more than a wait explains. */
  stillFor: number | null;
  streams: Partial<Record<StreamName, { records: number; expected: number | null; outcome: string }>>;
}

const sentences: Record<RunState, string> = {
  readingContacts: 'Reading contacts; everything else comes after them.',
  readingSettings: 'Reading what documents refer to: accounts, tax rates, tracking, currencies, items.',
  awaitingSyncFromDate: 'Waiting until a person chooses the Sync From Date.',
  awaitingDate: 'Waiting for the Sync From Date to begin in the time zone of the organisation.',
  readingDocuments: 'Reading documents from the Sync From Date.',
  sleepingDailyLimit: 'Asleep: the calls that Xero allows a day are used up. It goes on by itself.',
  stalled:
    'Stands still, and no wait explains it. The pending activities name the reason of their last attempt; if it stays, report the run.',
  paused: 'Paused by a person. It goes on when somebody resumes it.',
  completed: 'Complete.',
  failed: 'Ended without completing; the failure below says why and what to do.',
  cancelled: 'Cancelled by a person. What was read is kept.',
};

/** What support staff read at the head of a run in the Temporal UI: markdown, our ids and counts only. */
export function runDetails(progress: Progress): string {
  const { syncFromDate } = progress;
  const from = syncFromDate?.chosen ? (syncFromDate.date ?? 'all history') : 'not chosen yet';
  const rows = Object.entries(progress.streams).map(
    ([name, stream]) =>
      `| ${streams[name as StreamName].title} | ${stream.records} | ${stream.expected ?? '?'} | ${stream.outcome} |`,
  );
  return [
    `**${sentences[progress.doing]}**`,
    progress.waitsFor ? `Waits for: ${progress.waitsFor}` : '',
    progress.stillFor ? `No page was stored for ${progress.stillFor} minutes.` : '',
    `Company ${progress.company}, Sync From Date: ${from}`,
    rows.length > 0 ? ['| stream | records | in Xero | state |', '|---|---|---|---|', ...rows].join('\n') : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
