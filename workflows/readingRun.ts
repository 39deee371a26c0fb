import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  condition,
  isCancellation,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunCounts } from '../activities/runCounts.js';
import type { RunKind, RunOutcome } from '../domain/ports.js';
import { booked } from './activities.js';
import { type RunState, searchAttributeKeys } from './contract.js';
import { createNap } from './nap.js';
import { changesOf, type Progress, runDetails } from './runDetails.js';
import { watched } from './watched.js';

const { startRun } = booked('note the start');
const { sleepBegins } = booked('show that it sleeps');
const { sleepEnds } = booked('show that it is awake');
const { minutesWithoutPage } = booked('look when the last page came');
const { endRun } = booked('note the end');

const lookEveryMs = 600_000;
/** The longest wait between two attempts is a quarter of an hour, for an organisation that is offline (patience.ts). */
const stillAfterMinutes = 20;

export const dailyLimit = 'daily limit of Xero';

/** What every run that reads has in common: how it is noted, what people see of it, how it sleeps and how it ends. */
export class ReadingRun {
  readonly reference: { workflowId: string; runId: string; kind: RunKind; connectionId: string };
  readonly progress: Progress;
  /** The state that it comes back to after a sleep, a pause or a standstill. */
  ordinary: RunState;
  /** By Postgres's clock. */
  startedAt = '';
  private shown: RunState | null = null;
  /** Sleeps, and is seen to sleep. */
  readonly nap = createNap(
    (reason, until) => this.fallAsleep(reason, until),
    () => this.wakeUp(),
  );

  /** @param runId noted as the run: that of the first execution, unless each of the chain is to be noted by itself. */
  constructor(
    kind: RunKind,
    connectionId: string,
    begins: RunState,
    runId: string = workflowInfo().firstExecutionRunId,
  ) {
    const { workflowId } = workflowInfo();
    this.reference = { workflowId, runId, kind, connectionId };
    this.ordinary = begins;
    this.progress = {
      company: '',
      syncFromDate: null,
      doing: begins,
      waitsFor: null,
      stillFor: null,
      faults: [],
      more: [],
      streams: {},
      payments: null,
    };
  }

  /**
   * Notes the run, does the work and notes how it ended.
   * @throws ApplicationFailure with a connection code (domain/codes.ts) as its type; what the cancellation throws.
   */
  async through<T>(work: () => Promise<T>): Promise<T> {
    try {
      const startedAt = await startRun(this.reference);
      if (startedAt === null) throw ApplicationFailure.nonRetryable('The connection was disconnected.', 'disconnected');
      this.startedAt = startedAt;
      return await work();
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      const outcome = outcomeOf(error);
      await CancellationScope.nonCancellable(() => this.end(outcome));
      throw isCancellation(error) ? error : failureOf(error, outcome);
    }
  }

  /** Does the work and says by itself when it stands still for longer than its waits explain. */
  watched<T>(work: () => Promise<T>): Promise<T> {
    return watched(lookEveryMs, this.lookForProgress, work);
  }

  show(state: RunState = this.progress.doing): void {
    if (state !== this.shown) upsertSearchAttributes([{ key: searchAttributeKeys.state, value: state }]);
    this.shown = state;
    this.progress.doing = state;
    setCurrentDetails(runDetails(this.progress));
  }

  /** Shows what the run has done to the mirror so far. */
  showChanges(counts: RunCounts): void {
    this.progress.streams = changesOf(counts);
    this.show();
  }

  async end(outcome: RunOutcome): Promise<void> {
    this.progress.waitsFor = null;
    this.show(outcome === 'completed' || outcome === 'cancelled' ? outcome : 'failed');
    await endRun(this.reference, outcome);
  }

  private readonly lookForProgress = async (): Promise<void> => {
    const waits = (): boolean => this.progress.waitsFor !== null || this.progress.doing === 'paused';
    // No look falls into a wait: a day's sleep would fill the history with them.
    if (waits()) return await condition(() => !waits());
    const minutes = await minutesWithoutPage(this.reference.runId);
    const still = minutes >= stillAfterMinutes;
    this.progress.stillFor = still ? minutes : null;
    this.show(still ? 'stalled' : this.ordinary);
  };

  private async fallAsleep(reason: string, until: Date): Promise<void> {
    this.progress.waitsFor = `${reason}, until ${until.toISOString()}`;
    upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: until }]);
    this.show(reason === dailyLimit ? 'sleepingDailyLimit' : this.ordinary);
    await sleepBegins(this.reference, reason, until.toISOString());
  }

  private async wakeUp(): Promise<void> {
    this.progress.waitsFor = null;
    upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: null }]);
    this.show(this.ordinary);
    await sleepEnds(this.reference);
  }
}

/** What a run ends in when this was thrown. */
export function outcomeOf(error: unknown): RunOutcome {
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.nonRetryable ? (cause.type as RunOutcome) : 'could_not_sync';
}

function failureOf(error: unknown, outcome: RunOutcome): ApplicationFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return ApplicationFailure.nonRetryable(cause instanceof Error ? cause.message : outcome, outcome);
}
