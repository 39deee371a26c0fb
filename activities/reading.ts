import { cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type {
  CallContext,
  Connections,
  HeldStream,
  Mirror,
  PageAnswer,
  Priority,
  ReaderLease,
  StoredPage,
  XeroReader,
} from '../domain/ports.js';
import { LeaseLost } from '../domain/ports.js';
import { MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';
import {
  afterPage,
  afterRefusedOrder,
  afterRefusedVolume,
  beginAnew,
  beginFull,
  beginNext,
  nextCalls,
  type PageCall,
  type ReadingState,
  type SyncMode,
} from '../domain/reading.js';
import { type Stream, type StreamName, streams } from '../domain/streams.js';
import { beating } from './beating.js';
import { type Connected, callContext, connected } from './connected.js';
import { again, ended, isOurs, kindOf, notYet } from './failures.js';
import { pageQuery } from './pageQuery.js';
import { type Patience, waitAfter } from './patience.js';

export interface ReadingPorts {
  xero: XeroReader;
  mirror: Mirror;
  connections: Connections;
  patience: Patience;
  /** Milliseconds of a monotonic clock. */
  elapsed: () => number;
}

export interface ReadStreamInput {
  connectionId: string;
  stream: StreamName;
  /** First execution run id of the run that reads. */
  runId: string;
  /** Any complete reading that began at this instant or later will do; absent: any at all. */
  notBefore?: string;
  /** How a new reading begins that follows a complete one; what changed since, unless said otherwise. */
  mode?: SyncMode;
  /** Whose share of the budget it takes; that of background work unless somebody waits for it. */
  priority?: Priority | undefined;
}

export interface ReadStreamResult {
  /**
   * `more`: call again; `sleep`: the day's calls are used up until `until`; `notYet`: the first full read has not come to
   * it, and a sync leaves it to that.
   */
  outcome: 'complete' | 'more' | 'sleep' | 'unavailable' | 'notYet';
  /** Records of the stream in the mirror, in scope. */
  records: number;
  /** What Xero said there is; null until it said. */
  expected: number | null;
  until: string | null;
}

/** An activity reads for up to a minute, so that a million records need few events of history. */
const turnMs = 60_000;
/** Longer than a call may take, so that a reader that lives never loses its stream. */
const leaseMs = 90_000;
const busyWaitMs = 2000;
/** Xero allows five calls in flight to an organisation (xero-api.md §1). */
const mostInFlight = 5;
/** Taken off Xero's clock when a reading's start is noted: its servers need not agree to the second. */
const overlapMs = 10_000;

/** Activities that read Xero into the mirror. All may be repeated: what counts is committed with its cursor. */
export function createReadingActivities(ports: ReadingPorts) {
  return {
    /**
     * Reads a stream from where its cursor stands, for up to a minute, committing at each page.
     * @throws ApplicationFailure: `budgetWait`, `streamBusy` and faults are retried by Temporal; a connection code ends it.
     */
    async readStream(input: ReadStreamInput): Promise<ReadStreamResult> {
      try {
        return await beating(() => readForATurn(ports, input, turnEnd(ports)));
      } catch (error) {
        throw isOurs(error) ? error : again('fault', ports.patience.firstWaitMs, kindOf(error));
      }
    },
  };
}

/** When a turn that begins now ends, on the monotonic clock. */
export function turnEnd(ports: Pick<ReadingPorts, 'elapsed'>): number {
  return ports.elapsed() + turnMs;
}

/** Reads a stream until `endsAt`, or to its end. @throws ApplicationFailure as readStream does */
export async function readForATurn(
  ports: ReadingPorts,
  input: ReadStreamInput,
  endsAt: number,
): Promise<ReadStreamResult> {
  const about = `connection ${input.connectionId}, stream ${input.stream}`;
  const connection = await connected(ports.connections, input.connectionId, about);
  if (await isLeftToFirstRead(ports, connection, input)) return result(ports, input, 'notYet');
  const held = await ports.mirror.acquire(input.connectionId, input.stream, input.runId, leaseMs);
  if (!held) throw notYet('streamBusy', busyWaitMs, `another reader has the stream (${about})`);
  const done = withoutReading(held, input);
  if (done !== null) {
    await ports.mirror.release(held.lease);
    if (done === 'failed') throw ended('could_not_sync', about);
    return result(ports, input, done);
  }
  const state = await stateToReadFrom(ports, connection, held, input);
  const { runId, mode = 'incremental', priority = 'background' } = input;
  const turn = new Turn(ports, connection, held.lease, runId, mode, endsAt, state, priority);
  try {
    await turn.read();
    if (turn.done) await ports.mirror.finish(held.lease, 'complete', null);
    else await ports.mirror.release(held.lease);
    // A reading that another run began and left is done by now; what was asked for may be younger.
    return result(ports, input, turn.done && isYoung(held, input) ? 'complete' : 'more');
  } catch (error) {
    return await whatFollows(ports, input, held.lease, error, about);
  }
}

/** Asked before the stream is taken: a sync would otherwise wait for the first full read, or stand in its way. */
async function isLeftToFirstRead(
  { mirror }: ReadingPorts,
  { backfilledAt }: Connected,
  { connectionId, stream, notBefore }: ReadStreamInput,
): Promise<boolean> {
  if (notBefore === undefined || backfilledAt !== null) return false;
  const all = await mirror.progress(connectionId);
  return all.every((each) => each.stream !== stream || each.completedAt === null);
}

/** What is known without a call; null when there is something to read. */
function withoutReading(held: HeldStream, input: ReadStreamInput): 'complete' | 'unavailable' | 'failed' | null {
  const isSync = input.notBefore !== undefined;
  const over = held.status === 'complete' || (isSync && (held.status === 'failed' || held.status === 'unavailable'));
  return over && isYoung(held, input) ? (held.status as 'complete' | 'unavailable' | 'failed') : null;
}

function isYoung({ beganAt }: HeldStream, { notBefore }: ReadStreamInput): boolean {
  return notBefore === undefined || (beganAt !== null && beganAt >= notBefore);
}

/** The reading in hand goes on; where the last one is complete a new one begins, and `held` says so. */
async function stateToReadFrom(
  ports: ReadingPorts,
  { syncFromDate }: Connected,
  held: HeldStream,
  input: ReadStreamInput,
): Promise<ReadingState> {
  const stream = streams[input.stream];
  if (held.state !== null && held.state.pass !== null) return held.state;
  const begin = input.mode === 'full' ? beginAnew : beginNext;
  const state =
    held.state === null ? beginFull(stream, syncFromDate.date) : begin(stream, held.state, syncFromDate.date);
  held.beganAt = await ports.mirror.begin(held.lease, state);
  return state;
}

async function result(
  ports: ReadingPorts,
  input: ReadStreamInput,
  outcome: ReadStreamResult['outcome'],
  until: string | null = null,
): Promise<ReadStreamResult> {
  const all = await ports.mirror.progress(input.connectionId);
  const own = all.find((each) => each.stream === input.stream);
  return { outcome, records: own?.records ?? 0, expected: own?.expected ?? null, until };
}

/** Pages in flight, each stored as it comes; the first error stops new calls, and what is in flight is still stored. */
class Turn {
  private readonly inFlight = new Map<number, Promise<void>>();
  private readonly stream: Stream;
  private readonly context: CallContext;
  private failure: unknown = null;

  constructor(
    private readonly ports: ReadingPorts,
    private readonly connection: Connected,
    private readonly lease: ReaderLease,
    private readonly runId: string,
    private readonly mode: SyncMode,
    private readonly endsAt: number,
    private state: ReadingState,
    priority: Priority,
  ) {
    this.stream = streams[lease.stream];
    this.context = callContext(connection, runId, priority);
  }

  get done(): boolean {
    return this.state.pass === null;
  }

  async read(): Promise<void> {
    for (;;) {
      if (this.failure === null && this.ports.elapsed() < this.endsAt) this.launch();
      if (this.inFlight.size === 0) break;
      await Promise.race(this.inFlight.values());
    }
    if (this.failure !== null) throw this.failure;
  }

  private launch(): void {
    for (const call of nextCalls(this.stream, this.state, [...this.inFlight.keys()], mostInFlight)) {
      const reading = this.readPage(call)
        .catch((error: unknown) => {
          if (!this.mayWaitItsTurn(error)) this.failure ??= error;
        })
        .finally(() => this.inFlight.delete(call.page));
      this.inFlight.set(call.page, reading);
    }
  }

  /** Somebody else's calls fill Xero's five places: this page is asked for again when one of ours has come. */
  private mayWaitItsTurn(error: unknown): boolean {
    return error instanceof MustWait && error.limit === 'concurrent' && this.inFlight.size > 1;
  }

  private async readPage(call: PageCall): Promise<void> {
    const readAt = await this.ports.mirror.now();
    const began = this.ports.elapsed();
    const answer = await this.ask(call);
    if (answer === null) return;
    const asOf = new Date(Date.parse(answer.answeredAt) - (this.ports.elapsed() - began) - overlapMs).toISOString();
    const mirrored =
      call.pass === 'audit' ? await this.ports.mirror.countInScope(this.context.organisationId, this.stream.name) : 0;
    const page = {
      organisationId: this.context.organisationId,
      runId: this.runId,
      text: answer.text,
      readAt,
      syncFromDate: this.connection.syncFromDate.date,
      complete: call.pass === 'list',
      seen: this.mode === 'full',
    };
    const advance = (state: ReadingState, stored: StoredPage): ReadingState =>
      afterPage(
        this.stream,
        state,
        call,
        { ...stored, rows: stored.seen, itemCount: answer.itemCount, asOf },
        mirrored,
      );
    this.state = await this.ports.mirror.storePage(this.lease, page, advance, leaseMs);
  }

  /** Null when Xero would not answer it this way: the state says by then how to ask instead. */
  private async ask(call: PageCall): Promise<PageAnswer | null> {
    try {
      const query = pageQuery(this.stream, call);
      return await this.ports.xero.readPage(this.context, this.stream.name, query, cancellationSignal());
    } catch (error) {
      const other = error instanceof XeroRefusal ? await this.otherWay(call, error) : null;
      if (other === null) throw error;
      this.state = other;
      await this.ports.mirror.saveState(this.lease, this.state);
      return null;
    }
  }

  private async otherWay(call: PageCall, refusal: XeroRefusal): Promise<ReadingState | null> {
    if (refusal.kind === 'badRequest' && call.orderById) return afterRefusedOrder(this.state);
    if (refusal.kind !== 'highVolume' || this.inFlight.size > 1) return null;
    const today = (await this.ports.mirror.now()).slice(0, 10);
    return afterRefusedVolume(this.stream, this.state, today);
  }
}

/** What an error means for the stream and for Temporal: a result, or a failure that is thrown. */
async function whatFollows(
  ports: ReadingPorts,
  input: ReadStreamInput,
  lease: ReaderLease,
  error: unknown,
  about: string,
): Promise<ReadStreamResult> {
  if (cancellationSignal().aborted) {
    await ports.mirror.release(lease);
    throw isOurs(error) ? error : new CancelledFailure('the reading was stopped');
  }
  if (isOurs(error)) throw error;
  if (error instanceof LeaseLost) throw notYet('streamBusy', busyWaitMs, `${kindOf(error)} (${about})`);
  if (error instanceof MustWait) return await waitForBudget(ports, input, lease, error, about);
  if (error instanceof XeroRefusal) return await refused(ports, input, lease, error, about);
  return await faulted(ports, lease, error, about);
}

async function waitForBudget(
  ports: ReadingPorts,
  input: ReadStreamInput,
  lease: ReaderLease,
  wait: MustWait,
  about: string,
): Promise<ReadStreamResult> {
  await ports.mirror.release(lease);
  if (wait.limit !== 'day') throw notYet('budgetWait', wait.waitMs, `${wait.message} (${about})`);
  const until = new Date(Date.parse(await ports.mirror.now()) + wait.waitMs).toISOString();
  return await result(ports, input, 'sleep', until);
}

async function refused(
  ports: ReadingPorts,
  input: ReadStreamInput,
  lease: ReaderLease,
  refusal: XeroRefusal,
  about: string,
): Promise<ReadStreamResult> {
  if (refusal.kind === 'authFailed') {
    await ports.mirror.release(lease);
    throw ended('xero_auth_failed', about);
  }
  if (refusal.kind === 'scopeMissing') {
    await ports.mirror.finish(lease, 'unavailable', 'not_available');
    return await result(ports, input, 'unavailable');
  }
  await ports.mirror.finish(lease, 'failed', 'could_not_sync');
  throw ended('could_not_sync', `${about}: ${refusal.message}`);
}

/** Faults are counted in Postgres, not by Temporal's attempts, because waits for the budget are attempts too. */
async function faulted(ports: ReadingPorts, lease: ReaderLease, error: unknown, about: string): Promise<never> {
  const said = `${kindOf(error)} (${about})`;
  const faults = await ports.mirror.countFault(lease).catch(() => 1);
  if (faults >= ports.patience.mostFaults) {
    const code = error instanceof XeroFault ? 'xero_unavailable' : 'could_not_sync';
    await ports.mirror.finish(lease, 'failed', code);
    throw ended(code, said);
  }
  await ports.mirror.release(lease).catch(() => undefined);
  const offline = error instanceof XeroFault && error.kind === 'offline';
  throw again('fault', waitAfter(ports.patience, faults, offline), said);
}
