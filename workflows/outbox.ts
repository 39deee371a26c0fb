import {
  ActivityCancellationType,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { OutboxActivities } from '../activities/index.js';
import type { PushResult } from '../activities/outbox.js';
import { type OutboxInput, type OutboxResult, type RunState, ringSignal, searchAttributeKeys } from './contract.js';
import { type OutboxProgress, outboxDetails } from './runDetails.js';

/** A worker that dies is missed in three seconds; what it sent and did not settle is looked up, so a repeat is safe. */
const { push } = proxyActivities<OutboxActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '3 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  summary: 'send what is queued',
});

/** So long it stays after its last ring: who saves one document often saves another. */
const residentFor = '5 minutes';

const ring = defineSignal(ringSignal);

/**
 * Sends to one connection's organisation what the platform saved; nothing else writes there. What that is stands in Postgres:
 * the ring carries nothing. One at a time for a connection, by its id. It ends some minutes after the last ring, and fails
 * with a connection code as the failure's type.
 */
export async function outbox(input: OutboxInput): Promise<OutboxResult> {
  let heard = false;
  setHandler(ring, () => {
    heard = true;
  });
  const run = new OutboxRun(input);
  try {
    run.show('sending');
    for (let goesOn = true; goesOn; ) {
      // From here on a ring tells of something that the turn may not see: it turns the bell off before it looks.
      heard = false;
      goesOn = await rest(run, await run.turn(), () => heard);
      if (goesOn && run.isLong()) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof outbox>({ ...input, done: run.progress.done });
      }
    }
    // Temporal lets no run end past a message that it has not read, so no ring is lost between the last turn and this line.
    run.show('completed');
    return { outcome: 'completed', done: run.progress.done };
  } catch (error) {
    if (isCancellation(error)) run.show('cancelled');
    throw error;
  }
}

/** Waits until there is something to do again. @returns whether there is. */
async function rest(run: OutboxRun, turn: PushResult, heard: () => boolean): Promise<boolean> {
  if (turn.outcome === 'more') return true;
  if (turn.outcome === 'sleep') {
    await run.sleep(turn, heard);
    return true;
  }
  if (turn.lookAt !== null) {
    run.show('lookingUp');
    await condition(heard, untilInstant(turn.lookAt));
    return true;
  }
  run.show('awaitingDocuments');
  return await condition(heard, residentFor);
}

const untilInstant = (instant: string): number => Math.max(1, Date.parse(instant) - Date.now());

/** What people see of an outbox, and how it sleeps. */
class OutboxRun {
  readonly progress: OutboxProgress;
  private shown: RunState | null = null;
  private asleepUntil: string | null = null;

  constructor(private readonly input: OutboxInput) {
    const { companyId, done = {} } = input;
    this.progress = { company: companyId, doing: 'sending', waitsFor: null, done, left: { queued: 0, sending: 0 } };
  }

  /** One turn of sending. While it sleeps, only what somebody waits for goes. */
  async turn(): Promise<PushResult> {
    const { connectionId } = this.input;
    const awake = this.asleepUntil !== null && Date.parse(this.asleepUntil) <= Date.now();
    if (awake) this.wakeUp();
    const urgentOnly = this.asleepUntil !== null;
    const turn = await push({ connectionId, runId: workflowInfo().firstExecutionRunId, urgentOnly, awake });
    for (const [state, count] of Object.entries(turn.done) as [keyof typeof turn.done, number][]) {
      this.progress.done[state] = (this.progress.done[state] ?? 0) + count;
    }
    this.progress.left = turn.left;
    setCurrentDetails(outboxDetails(this.progress));
    return turn;
  }

  /** The day's calls are used up; where those that are kept for people are not, a ring wakes it for what somebody waits for. */
  async sleep({ until, peopleMay }: PushResult, heard: () => boolean): Promise<void> {
    const end = until as string;
    if (this.asleepUntil !== end) {
      upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: new Date(end) }]);
    }
    this.asleepUntil = end;
    this.progress.waitsFor = `daily limit of Xero, until ${end}`;
    this.show('sleepingDailyLimit');
    if (peopleMay) await condition(heard, untilInstant(end));
    else await sleep(untilInstant(end), { summary: this.progress.waitsFor });
  }

  isLong(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.input.eventsPerRun ?? Number.POSITIVE_INFINITY);
  }

  show(state: RunState): void {
    if (state !== this.shown) upsertSearchAttributes([{ key: searchAttributeKeys.state, value: state }]);
    this.shown = state;
    this.progress.doing = state;
    setCurrentDetails(outboxDetails(this.progress));
  }

  private wakeUp(): void {
    this.asleepUntil = null;
    this.progress.waitsFor = null;
    upsertSearchAttributes([{ key: searchAttributeKeys.sleepingUntil, value: null }]);
    this.show('sending');
  }
}
