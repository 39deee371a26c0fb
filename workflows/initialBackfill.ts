import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ConnectionStatus } from '../domain/connection.js';
import { type Stage, type StreamName, streams, streamsOf } from '../domain/streams.js';
import { booked, readChanges, readOptions, readReferences, readStream } from './activities.js';
import {
  type BackfillInput,
  type BackfillResult,
  type Carried,
  connectionChangedSignal,
  type RunState,
} from './contract.js';
import { createPauses } from './pauses.js';
import { dailyLimit, outcomeOf, ReadingRun } from './readingRun.js';
import { readSoFar } from './runDetails.js';

const { facts } = booked('look the connection up');
const { learnOrganisation } = booked('note time zone and currency');
const { enterStatus } = booked('show the new state');
const { mappingFaults } = booked('check the account codes');
const { awaitedLocations } = booked('look for locations to come');

/** A message may be lost while Temporal is away, so whoever waits for a person also looks by itself. */
const lookAgainEvery = '1 hour';

const connectionChanged = defineSignal(connectionChangedSignal);

/**
 * The first full read of a connection, once ever: contacts, then what documents refer to, then, from the Sync From
 * Date, the documents. Each wait is a visible state that ends by itself; what was read stays read.
 * Fails with a connection code (domain/codes.ts) as the failure's type.
 */
export async function initialBackfill(input: BackfillInput): Promise<BackfillResult> {
  const backfill = new Backfill(input);
  return await backfill.run.through(() => backfill.read());
}

/** What the account codes are checked against: it is read again as often as they are found wanting. */
const chart: StreamName[] = ['accounts', 'taxRates', 'trackingCategories'];

/** What the documents wait for, in this order (rules.md, "The first sync"). */
type Wait = 'awaitingSyncFromDate' | 'awaitingAccountCodes' | 'awaitingLocations' | 'awaitingDate';

class Backfill {
  readonly run: ReadingRun;
  private readonly records: Partial<Record<StreamName, number>> = {};
  private optionalStreams: StreamName[] = [];
  private changed = false;
  private status: ConnectionStatus = 'syncingContacts';
  private readonly carried: Carried;
  private readonly unlessPaused = createPauses(
    () => this.hold(),
    () => this.enter(this.run.ordinary, this.status),
  );

  constructor(private readonly input: BackfillInput) {
    this.run = new ReadingRun('backfill', input.connectionId, 'readingContacts');
    this.carried = input.carried ?? { stagesDone: [], failed: [] };
    setHandler(connectionChanged, () => {
      this.changed = true;
    });
  }

  async read(): Promise<BackfillResult> {
    await this.learn();
    await this.enter('readingContacts', 'syncingContacts');
    await this.run.watched(() => this.readStage('contacts'));
    await this.enter('readingSettings', 'syncingContacts');
    await this.readStage('settings');
    await learnOrganisation(this.input.connectionId);
    await this.awaitAll();
    await this.enter('readingDocuments', 'backfilling');
    await this.run.watched(() => this.readDocuments());
    const { failed } = this.carried;
    if (failed.length > 0) {
      throw ApplicationFailure.nonRetryable(`Not read to the end: ${failed.join(', ')}.`, 'could_not_sync');
    }
    await this.run.end('completed');
    return { outcome: 'completed', records: this.records as Record<string, number> };
  }

  private async readDocuments(): Promise<void> {
    await this.readStage('documents');
    await this.readReferences();
    await this.readStage('extras');
  }

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
    const { connectionId, runId } = this.run.reference;
    const options = { ...readOptions, summary: streams[stream].title };
    do {
      const turn = await this.unlessPaused(() =>
        readStream.executeWithOptions(options, [{ connectionId, stream, runId }]),
      );
      this.records[stream] = turn.records;
      this.run.progress.streams[stream] = readSoFar(turn);
      this.run.show();
      if (turn.outcome === 'complete' || turn.outcome === 'unavailable') return true;
      if (turn.outcome === 'sleep' && turn.until) await this.run.nap(dailyLimit, new Date(turn.until));
    } while (!this.wantsNewRun());
    return false;
  }

  /** What documents in scope refer to and lies before the Sync From Date. */
  private async readReferences(): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    const options = { ...readOptions, summary: 'what documents refer to' };
    for (;;) {
      const turn = await this.unlessPaused(() => readReferences.executeWithOptions(options, [{ connectionId, runId }]));
      if (turn.outcome === 'complete' || turn.until === null) return;
      await this.run.nap(dailyLimit, new Date(turn.until));
    }
  }

  /** Waits for whatever comes first in the order of the waits, until nothing is left to wait for. */
  private async awaitAll(): Promise<void> {
    for (;;) {
      this.changed = false;
      const { startsAt, ...known } = await this.learn();
      const wait = await this.nextWait(known, startsAt);
      if (wait === null) return;
      await this.enter(wait, wait);
      if (wait === 'awaitingDate') await this.run.nap('Sync From Date not reached', new Date(startsAt as string));
      else await condition(() => this.changed, lookAgainEvery);
      if (wait === 'awaitingAccountCodes') await this.readChartAgain();
      if (this.wantsNewRun()) await this.startNewRun();
    }
  }

  private async nextWait(
    { syncFromDate, direction }: Pick<Awaited<ReturnType<typeof facts>>, 'syncFromDate' | 'direction'>,
    startsAt: string | null,
  ): Promise<Wait | null> {
    const { connectionId } = this.input;
    if (!syncFromDate.chosen) return 'awaitingSyncFromDate';
    this.run.progress.faults = direction === 'two-way' ? await mappingFaults(connectionId) : [];
    if (this.run.progress.faults.length > 0) return 'awaitingAccountCodes';
    if ((await awaitedLocations(connectionId)) > 0) return 'awaitingLocations';
    return startsAt !== null && Date.parse(startsAt) > Date.now() ? 'awaitingDate' : null;
  }

  private async readChartAgain(): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    const notBefore = new Date(Date.now()).toISOString();
    const options = { ...readOptions, summary: 'the chart of accounts once more' };
    await readChanges.executeWithOptions(options, [
      { connectionId, runId, notBefore, mode: 'incremental', streams: chart },
    ]);
  }

  private async learn() {
    const known = await facts(this.input.connectionId);
    this.run.progress.company = known.companyId;
    this.run.progress.syncFromDate = known.syncFromDate;
    this.optionalStreams = known.optionalStreams;
    return known;
  }

  private async enter(state: RunState, status: ConnectionStatus): Promise<void> {
    this.run.ordinary = state;
    this.status = status;
    this.run.show(state);
    await enterStatus(this.run.reference, status);
  }

  private async hold(): Promise<void> {
    this.run.show('paused');
    await enterStatus(this.run.reference, 'paused');
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
