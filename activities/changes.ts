import { cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Priority, Runs } from '../domain/ports.js';
import type { SyncMode } from '../domain/reading.js';
import { type Stage, type StreamName, stages, streamsOf } from '../domain/streams.js';
import { beating } from './beating.js';
import { connected } from './connected.js';
import { again, isOurs, kindOf } from './failures.js';
import { type ReadingPorts, type ReadStreamResult, readForATurn, turnEnd } from './reading.js';
import { readAllReferences } from './references.js';
import { type RunCounts, runCounts } from './runCounts.js';

export interface ReadChangesInput {
  connectionId: string;
  /** First execution run id of the run that reads. */
  runId: string;
  /** A reading of a stream that began at this instant or later will do. */
  notBefore: string;
  mode: SyncMode;
  /** Those that are asked for; null for all that the connection reads. */
  streams: StreamName[] | null;
  /** Whose share of the budget it takes; that of background work unless somebody waits for it. */
  priority?: Priority | undefined;
}

export interface ReadChangesResult {
  /** `more`: call again; `sleep`: the day's calls are used up until `until`. */
  outcome: 'complete' | 'more' | 'sleep';
  until: string | null;
  /** Streams that could not be read, whoever tries again now. */
  failed: StreamName[];
  /** What the run has done to the mirror so far. */
  counts: RunCounts;
}

export type ChangesPorts = ReadingPorts & { runs: Pick<Runs, 'get'> };

/** Activities that bring the mirror up to date. */
export function createChangesActivities(ports: ChangesPorts) {
  return {
    /**
     * Reads what changed in every stream, a stage after the other and the streams of a stage side by side, for up to a
     * minute: one activity for a quiet organisation, where one a stream would cost a history twenty times as long. May be
     * repeated: a stream whose reading is done is not asked for again.
     * @throws ApplicationFailure as readStream does; a stream that cannot be read stops no other.
     */
    async readChanges(input: ReadChangesInput): Promise<ReadChangesResult> {
      try {
        return await beating(() => readStages(ports, input));
      } catch (error) {
        throw isOurs(error) ? error : again('fault', ports.patience.firstWaitMs, kindOf(error));
      }
    },
  };
}

async function readStages(ports: ChangesPorts, input: ReadChangesInput): Promise<ReadChangesResult> {
  const about = `connection ${input.connectionId}`;
  const { optionalStreams } = await connected(ports.connections, input.connectionId, about);
  const endsAt = turnEnd(ports);
  const failed: StreamName[] = [];
  for (const stage of stages) {
    const names = wanted(stage, optionalStreams, input.streams);
    const outcome = await readStage(ports, input, names, endsAt, failed);
    if (outcome.outcome !== 'complete') return await resultOf(ports, input, outcome, failed);
    // Without the contacts nothing else is read: documents name them.
    if (failed.includes('contacts')) break;
    if (stage !== 'documents') continue;
    const references = await readAllReferences(ports, input);
    if (references.outcome === 'sleep') return await resultOf(ports, input, references, failed);
  }
  return await resultOf(ports, input, { outcome: 'complete', until: null }, failed);
}

function wanted(stage: Stage, chosen: readonly StreamName[], asked: readonly StreamName[] | null): StreamName[] {
  const names = streamsOf(stage, chosen).map(({ name }) => name);
  return asked === null ? names : names.filter((name) => asked.includes(name));
}

type StageOutcome = Pick<ReadChangesResult, 'outcome' | 'until'>;

/** @throws what stops the whole run, or, when all streams have ended their turn, what one of them is to be tried again for. */
async function readStage(
  ports: ChangesPorts,
  { connectionId, runId, notBefore, mode, priority }: ReadChangesInput,
  names: readonly StreamName[],
  endsAt: number,
  failed: StreamName[],
): Promise<StageOutcome> {
  const turns = await Promise.allSettled(
    names.map((stream) => readForATurn(ports, { connectionId, stream, runId, notBefore, mode, priority }, endsAt)),
  );
  const read: ReadStreamResult[] = [];
  const errors: unknown[] = [];
  for (const [index, turn] of turns.entries()) {
    if (turn.status === 'fulfilled') read.push(turn.value);
    else if (endsStreamOnly(turn.reason)) failed.push(names[index] as StreamName);
    else errors.push(turn.reason);
  }
  const [first] = errors.toSorted((a, b) => Number(isFinal(b)) - Number(isFinal(a)));
  if (first !== undefined) throw first;
  const asleep = read.find(({ outcome }) => outcome === 'sleep');
  if (asleep) return { outcome: 'sleep', until: asleep.until };
  return { outcome: read.some(({ outcome }) => outcome === 'more') ? 'more' : 'complete', until: null };
}

function endsStreamOnly(error: unknown): boolean {
  if (!(error instanceof ApplicationFailure) || error.nonRetryable !== true) return false;
  return ['could_not_sync', 'xero_unavailable'].includes(error.type ?? '');
}

/** A stop, or what no repetition mends: it goes before what a repetition may mend. */
function isFinal(error: unknown): boolean {
  return cancellationSignal().aborted || (error instanceof ApplicationFailure && error.nonRetryable === true);
}

async function resultOf(
  { runs }: ChangesPorts,
  { connectionId, runId }: ReadChangesInput,
  { outcome, until }: StageOutcome,
  failed: StreamName[],
): Promise<ReadChangesResult> {
  return { outcome, until, failed, counts: await runCounts(runs, connectionId, runId) };
}
