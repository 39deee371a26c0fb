import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { OutboxLost, type StateCounts } from '../domain/ports.js';
import { XeroFault, XeroRefusal } from '../domain/problems.js';
import { beating } from './beating.js';
import { connected } from './connected.js';
import { again, ended, isOurs, kindOf, notYet } from './failures.js';
import { lookUp, nextLook } from './lookingUp.js';
import { waitAfter } from './patience.js';
import { planBatch } from './planning.js';
import { BudgetWait, type OutboxPorts, type Turn } from './pushTurn.js';
import { sendPlans } from './sending.js';

export interface PushInput {
  connectionId: string;
  /** First execution run id of the run that sends. */
  runId: string;
  /** The calls of the day that bulk may use are used up: only what somebody waits for is sent. */
  urgentOnly: boolean;
  /** A sleep until the next day's calls has ended. */
  awake: boolean;
}

export interface PushResult {
  /** `idle`: nothing more can be sent now; `more`: call again; `sleep`: the day's calls are used up until `until`. */
  outcome: 'idle' | 'more' | 'sleep';
  until: string | null;
  /** What somebody waits for may still be sent meanwhile. */
  peopleMay: boolean;
  /** When an outcome that is not known is looked up once more; null: there is none. */
  lookAt: string | null;
  /** What the turn brought documents to. */
  done: StateCounts;
  /** What is left. */
  left: { queued: number; sending: number };
}

/** Elements of one call (xero-api.md §3). */
const batch = 50;
/** A turn ends after so long, so that the run shows what it does and a later save has a turn of its own. */
const turnMs = 20_000;
/** Longer than a turn, and the longest call at its end. */
const leaseMs = 120_000;
/** A turn of another run of this outbox, which was ended from outside, goes on for a while. */
const busyMs = 2000;

/** The activity that sends: the only one that writes to Xero. */
export function createOutboxActivities(ports: OutboxPorts) {
  return {
    /**
     * Sends what is queued, for up to twenty seconds: what somebody waits for first, then in the order in which documents
     * stand on each other, fifty of one stream a call. Before that it looks up what was sent and never answered.
     * May be repeated, and end at any moment: a call is noted before it is sent, and what is noted and not settled is looked
     * up and not sent again.
     * @throws ApplicationFailure: waits for the budget and faults are retried by Temporal; a connection code ends it.
     */
    async push(input: PushInput): Promise<PushResult> {
      const about = `connection ${input.connectionId}, outbox`;
      const done: StateCounts = {};
      return await beating(async () => {
        try {
          return await pushOnce(ports, input, done, about);
        } catch (error) {
          return await whatFollows(ports, input, error, about);
        }
      });
    },
  };
}

async function pushOnce(ports: OutboxPorts, input: PushInput, done: StateCounts, about: string): Promise<PushResult> {
  const { connectionId, runId, urgentOnly, awake } = input;
  if (awake) await ports.connections.setSleeping(connectionId, null);
  const connection = await connected(ports.connections, connectionId, about);
  const lease = await ports.outbox.acquire(connectionId, runId, leaseMs);
  if (lease === null) throw notYet('outboxBusy', busyMs, `another run sends (${about})`);
  const turn = { ports, connection, runId, lease, endsAt: ports.elapsed() + turnMs, done, anyQueued: false };
  let end: End;
  try {
    end = await sendForATurn(turn, urgentOnly).catch((error) => afterBudgetWait(ports, connectionId, error, about));
  } catch (error) {
    await ports.outbox.release(lease);
    throw error;
  }
  const left = await ports.outbox.release(lease);
  const lookAt = left.sending === 0 ? null : nextLook(ports.patience, await ports.outbox.open(connectionId));
  return { ...end, lookAt, done, left };
}

type End = Pick<PushResult, 'outcome' | 'until' | 'peopleMay'>;

async function sendForATurn(turn: Turn, urgentOnly: boolean): Promise<End> {
  const { ports, lease } = turn;
  if (lease.anyOpen) await lookUp(turn);
  while (ports.elapsed() < turn.endsAt) {
    if (cancellationSignal().aborted) throw new CancelledFailure('the sending was stopped');
    turn.anyQueued = false;
    const { documents, urgent, left } = await ports.outbox.claim(lease, { most: batch, urgentOnly });
    if (documents.length === 0) return turnEnd('idle');
    const plans = await planBatch(turn, documents, urgent ? 'people' : 'background');
    const allSent = await sendPlans(turn, plans, urgent ? 'people' : 'background');
    if (allSent && left === 0 && !turn.anyQueued) return turnEnd('idle');
  }
  return turnEnd('more');
}

const turnEnd = (outcome: 'idle' | 'more'): End => ({ outcome, until: null, peopleMay: true });

async function whatFollows(ports: OutboxPorts, input: PushInput, error: unknown, about: string): Promise<never> {
  if (isOurs(error)) throw error;
  if (cancellationSignal().aborted) throw new CancelledFailure('the sending was stopped');
  if (error instanceof OutboxLost) throw notYet('outboxBusy', busyMs, `${error.message} (${about})`);
  if (error instanceof XeroRefusal && error.kind === 'authFailed') {
    const { grantId } = (await ports.connections.get(input.connectionId)) ?? {};
    await ports.connections.recordError(input.connectionId, 'xero_auth_failed');
    if (grantId) await ports.connections.refused(input.connectionId, grantId);
    throw ended('xero_auth_failed', about);
  }
  const offline = error instanceof XeroFault && error.kind === 'offline';
  throw again('fault', waitAfter(ports.patience, activityInfo().attempt, offline), `${kindOf(error)} (${about})`);
}

/** The end of the day's calls ends the turn well; a shorter wait is Temporal's, and anything else is no wait. */
async function afterBudgetWait(ports: OutboxPorts, connectionId: string, error: unknown, about: string): Promise<End> {
  if (!(error instanceof BudgetWait)) throw error;
  const { wait, priority } = error;
  if (wait.limit !== 'day') throw notYet('budgetWait', wait.waitMs, `${wait.message} (${about})`);
  const until = new Date(Date.parse(await ports.mirror.now()) + wait.waitMs).toISOString();
  await ports.connections.setSleeping(connectionId, until);
  return { outcome: 'sleep', until, peopleMay: priority === 'background' };
}
