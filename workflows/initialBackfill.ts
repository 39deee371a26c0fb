import {
  ActivityCancellationType,
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  ContinueAsNew,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BookkeepingActivities, ReadingActivities } from '../activities/index.js';
import type { ConnectionStatus } from '../domain/connection.js';
import type { RunOutcome } from '../domain/ports.js';
import { type Stage, type StreamName, streams, streamsOf } from '../domain/streams.js';
import {
  type BackfillInput,
  type BackfillResult,
  type Carried,
  type RunState,
  searchAttributeKeys,
  syncFromDateChosenSignal,
} from './contract.js';
import { createNap } from './nap.js';
import { createPauses } from './pauses.js';
import { type Progress, runDetails } from './runDetails.js';
import { watched } from './watched.js';

/** Reads are repeated until they succeed or end with a code; the activity counts the faults itself (patience.ts). */
const readOptions: ActivityOptions = {
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '6 seconds',
  // Never longer: a wait for the budget is an attempt too, and what should wait longer after a fault says so itself.
  retry: { initialInterval: '1 second', backoffCoefficient: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};
const { readStream, readReferences } = proxyActivities<ReadingActivities>(readOptions);

/** Short transactions of our own, each with a word for the timeline in the UI. */
const booked = (summary: string) =>
  proxyActivities<BookkeepingActivities>({
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });
const { startRun } = booked('note the start');
const { facts } = booked('look the connection up');
const { learnOrganisation } = booked('note time zone and currency');
const { enterStatus } = booked('show the new state');
const { sleepBegins } = booked('show that it sleeps');
const { sleepEnds } = booked('show that it is awake');
const { minutesWithoutPage } = booked('look when the last page came');
const { endRun } = booked('note the end');

const lookEveryMs = 600_000;
/** The longest wait between two attempts is a quarter of an hour, for an organisation that is offline (patience.ts). */
const stillAfterMinutes = 20;

const syncFromDateChosen = defineSignal(syncFromDateChosenSignal);

/**
 * The first full read of a connection, once ever: contacts, then what documents refer to, then, from the Sync From
 * Date, the documents. Each wait is a visible state that ends by itself; what was read stays read.
 * Fails with a connection code (domain/codes.ts) as the failure's type.
 */
export async function initialBackfill(input: BackfillInput): Promise<BackfillResult> {
  const backfill = new Backfill(input);
  try {
    return await backfill.run();
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const outcome = outcomeOf(error);
    await CancellationScope.nonCancellable(() => backfill.end(outcome));
    throw isCancellation(error) ? error : failureOf(error, outcome);
  }
}

class Backfill {
  private readonly reference = {
    workflowId: workflowInfo().workflowId,
    runId: workflowInfo().firstExecutionRunId,
    kind: 'backfill' as const,
    connectionId: '',
  };
  private readonly progress: Progress = {
    company: '',
    syncFromDate: null,
    doing: 'readingContacts',
    waitsFor: null,
    stillFor: null,
    streams: {},
  };
  private shown: RunState | null = null;
  private optionalStreams: StreamName[] = [];
  private chosen = false;
  private readonly carried: Carried;
  private readonly nap = createNap(
    (reason, until) => this.fallAsleep(reason, until),
    () => this.wakeUp(),
  );
  private readonly unlessPaused = createPauses(
    () => this.enter('paused', 'paused'),
    () => this.enter(this.before.state, this.before.status),
  );
  private before: { state: RunState; status: ConnectionStatus } = {
    state: 'readingContacts',
    status: 'syncingContacts',
  };

  constructor(private readonly input: BackfillInput) {
    this.reference.connectionId = input.connectionId;
    this.carried = input.carried ?? { stagesDone: [], failed: [] };
    setHandler(syncFromDateChosen, () => {
      this.chosen = true;
    });
  }

  async run(): Promise<BackfillResult> {
    await startRun(this.reference);
    await this.learn();
    await this.enter('readingContacts', 'syncingContacts');
    await watched(lookEveryMs, this.lookForProgress, () => this.readStage('contacts'));
    await this.enter('readingSettings', 'syncingContacts');
    await this.readStage('settings');
    await learnOrganisation(this.input.connectionId);
    await this.awaitSyncFromDate();
    await this.awaitDate();
    await this.enter('readingDocuments', 'backfilling');
    await watched(lookEveryMs, this.lookForProgress, () => this.readDocuments());
    const { failed } = this.carried;
    const outcome = failed.length > 0 ? 'could_not_sync' : 'completed';
    await this.end(outcome);
    if (failed.length > 0) throw ApplicationFailure.nonRetryable(`Not read to the end: ${failed.join(', ')}.`, outcome);
    const records = Object.entries(this.progress.streams).map(([name, stream]) => [name, stream.records]);
    return { outcome, records: Object.fromEntries(records) };
  }

  private async readDocuments(): Promise<void> {
    await this.readStage('documents');
    await this.readReferences();
    await this.readStage('extras');
  }

  /** A run that stands still for longer than its waits explain says so by itself, and says when it gets on again. */
  private readonly lookForProgress = async (): Promise<void> => {
    const waits = (): boolean => this.progress.waitsFor !== null || this.progress.doing === 'paused';
    // No look falls into a wait: a day's sleep would fill the history with them.
    if (waits()) return await condition(() => !waits());
    const minutes = await minutesWithoutPage(this.reference.runId);
    const still = minutes >= stillAfterMinutes;
    this.progress.stillFor = still ? minutes : null;
    this.show(still ? 'stalled' : this.before.state);
  };

  /** Reads the streams of a stage side by side. One that fails stops no other; without contacts nothing else is read. */
  private async readStage(stage: Stage): Promise<void> {
    if (this.carried.stagesDone.includes(stage)) return;
    const names = streamsOf(stage, this.optionalStreams).map((stream) => stream.name);
    const results = await Promise.allSettled(names.map((name) => this.readToEnd(name)));
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      const streamOnly = ['could_not_sync', 'xero_unavailable'].includes(outcomeOf(result.reason));
      if (!streamOnly || stage === 'contacts') throw result.reason;
      this.carried.failed.push(names[index] as StreamName);
    }
    const unfinished = results.some((result) => result.status === 'fulfilled' && !result.value);
    if (unfinished) await this.startNewRun();
    this.carried.stagesDone.push(stage);
  }

  /** At least one turn a run, so that every run gets on. Answers whether the stream was read to its end. */
  private async readToEnd(stream: StreamName): Promise<boolean> {
    do {
      const { connectionId } = this.input;
      const summary = streams[stream].title;
      const turn = await this.unlessPaused(() =>
        readStream.executeWithOptions({ ...readOptions, summary }, [
          { connectionId, stream, runId: this.reference.runId },
        ]),
      );
      this.progress.streams[stream] = { records: turn.records, expected: turn.expected, outcome: turn.outcome };
      this.show();
      if (turn.outcome === 'complete' || turn.outcome === 'unavailable') return true;
      if (turn.outcome === 'sleep' && turn.until) await this.nap('daily limit of Xero', new Date(turn.until));
    } while (!this.wantsNewRun());
    return false;
  }

  /** What documents in scope refer to and lies before the Sync From Date. */
  private async readReferences(): Promise<void> {
    const { connectionId } = this.input;
    const summary = 'what documents refer to';
    for (;;) {
      const turn = await this.unlessPaused(() =>
        readReferences.executeWithOptions({ ...readOptions, summary }, [{ connectionId, runId: this.reference.runId }]),
      );
      if (turn.outcome === 'complete' || turn.until === null) return;
      await this.nap('daily limit of Xero', new Date(turn.until));
    }
  }

  private async awaitSyncFromDate(): Promise<void> {
    while (!(await this.learn()).syncFromDate.chosen) {
      await this.enter('awaitingSyncFromDate', 'awaitingSyncFromDate');
      await condition(() => this.chosen);
      this.chosen = false;
    }
  }

  private async awaitDate(): Promise<void> {
    const { startsAt } = await this.learn();
    if (startsAt === null || Date.parse(startsAt) <= Date.now()) return;
    await this.enter('awaitingDate', 'awaitingDate');
    await this.nap('Sync From Date not reached', new Date(startsAt));
  }

  private async learn() {
    const known = await facts(this.input.connectionId);
    this.progress.company = known.companyId;
    this.progress.syncFromDate = known.syncFromDate;
    this.optionalStreams = known.optionalStreams;
    return known;
  }

  private async enter(state: RunState, status: ConnectionStatus): Promise<void> {
    if (state !== 'paused') this.before = { state, status };
    this.show(state);
    await enterStatus(this.input.connectionId, status);
  }

  private async fallAsleep(reason: string, until: Date): Promise<void> {
    this.progress.waitsFor = `${reason}, until ${until.toISOString()}`;
    upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: until }]);
    this.show(reason === 'daily limit of Xero' ? 'sleepingDailyLimit' : this.before.state);
    await sleepBegins(this.reference, reason, until.toISOString());
  }

  private async wakeUp(): Promise<void> {
    this.progress.waitsFor = null;
    upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: null }]);
    this.show(this.before.state);
    await sleepEnds(this.reference);
  }

  async end(outcome: RunOutcome): Promise<void> {
    this.progress.waitsFor = null;
    this.show(outcome === 'completed' || outcome === 'cancelled' ? outcome : 'failed');
    await endRun(this.reference, outcome);
  }

  private show(state: RunState = this.progress.doing): void {
    if (state !== this.shown) upsertSearchAttributes([{ key: searchAttributeKeys.state, value: state }]);
    this.shown = state;
    this.progress.doing = state;
    setCurrentDetails(runDetails(this.progress));
  }

  private wantsNewRun(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength > (this.input.eventsPerRun ?? Number.POSITIVE_INFINITY);
  }

  private async startNewRun(): Promise<never> {
    await condition(allHandlersFinished);
    return await continueAsNew<typeof initialBackfill>({ ...this.input, carried: this.carried });
  }
}

function outcomeOf(error: unknown): RunOutcome {
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.nonRetryable ? (cause.type as RunOutcome) : 'could_not_sync';
}

function failureOf(error: unknown, outcome: RunOutcome): ApplicationFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return ApplicationFailure.nonRetryable(cause instanceof Error ? cause.message : outcome, outcome);
}
