/** One turn of an outbox: what it sends with, and what it came to. */
import type {
  Connections,
  ContactGroups,
  Mirror,
  Outbox,
  OutboxLease,
  Priority,
  PushFactsSource,
  StateCounts,
  XeroReader,
  XeroWriter,
} from '../domain/ports.js';
import { MustWait } from '../domain/problems.js';
import type { Connected } from './connected.js';
import type { Patience } from './patience.js';

export interface OutboxPorts {
  outbox: Outbox;
  pushFacts: PushFactsSource;
  writer: XeroWriter;
  xero: XeroReader & ContactGroups;
  mirror: Pick<Mirror, 'now' | 'storeReferences' | 'markDeleted'>;
  connections: Connections;
  patience: Patience;
  /** Milliseconds of a monotonic clock. */
  elapsed: () => number;
  newId: () => string;
}

/** One turn of sending for one connection, and what it came to. */
export interface Turn {
  ports: OutboxPorts;
  connection: Connected;
  runId: string;
  lease: OutboxLease;
  /** By `elapsed`. */
  endsAt: number;
  done: StateCounts;
  /** Something was queued by what became of others: it is to be claimed. */
  anyQueued: boolean;
}

/** Adds up documents by the state they came to. */
export function count(turn: Turn, { queued = 0, ...ended }: StateCounts): void {
  turn.anyQueued ||= queued > 0;
  for (const [state, number] of Object.entries(ended) as [keyof StateCounts, number][]) {
    turn.done[state] = (turn.done[state] ?? 0) + number;
  }
}

/** No call may be made for this now; nothing was sent. */
export class BudgetWait extends Error {
  constructor(
    readonly wait: MustWait,
    readonly priority: Priority,
  ) {
    super(wait.message);
    this.name = 'BudgetWait';
  }
}

/** @throws BudgetWait in place of a wait for the budget, what it was given otherwise. */
export function waitOf(error: unknown, priority: Priority): never {
  throw error instanceof MustWait ? new BudgetWait(error, priority) : error;
}
