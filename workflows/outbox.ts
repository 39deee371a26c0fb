import {
  ActivityCancellationType,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { OutboxActivities, PushResult } from '../activities/index.js';
import { type OutboxInput, type OutboxResult, type RunState, ringSignal, searchAttributeKeys } from './contract.js';
import { outboxDetails } from './runDetails.js';

/** A worker that dies is missed in three seconds; what it sent and did not settle is looked up, so a repeat is safe. */
const { push } = proxyActivities<OutboxActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '3 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  summary: 'send what is queued',
});

/** So long a run stays after its last ring: who saves one document often saves another. */
const residentMs = 300_000;

const ring = defineSignal(ringSignal);

/**
 * Sends to one connection's organisation what the platform saved; nothing else writes there. What that is stands in Postgres:
 * the ring carries nothing. One at a time for a connection, by its id. It ends some minutes after the last ring, and fails
 * with a connection code as the failure's type.
 */
export async function outbox(input: OutboxInput): Promise<OutboxResult> {
  let heard = true;
  setHandler(ring, () => {
    heard = true;
  });
  const run = new OutboxRun(input);
  let restingSince = Date.now();
  for (;;) {
    heard = false;
    const turn = await push({ connectionId: input.connectionId, runId: run.runId, urgentOnly: run.isAsleep() });
    run.add(turn);
    if (run.isLong()) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof outbox>({ ...input, done: run.done });
    }
    if (turn.outcome === 'more') continue;
    if (turn.outcome === 'sleep') {
      await run.sleep(turn, () => heard);
      continue;
    }
    if (turn.lookAt !== null) {
      run.show('lookingUp', turn);
      await condition(() => heard, Math.max(1, Date.parse(turn.lookAt) - Date.now()));
      continue;
    }
    run.show('awaitingDocuments', turn);
    if (await condition(() => heard, residentMs)) continue;
    // Temporal lets no run end past a message that it has not read, so no ring is lost here.
    break;
  }
}
