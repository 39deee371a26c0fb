/**
 * The budget of calls, one truth for all workers (docs/budget.md). The rules are domain/budget.ts; here are the rows, their
 * locks and the clock: Postgres's, so that workers with wrong clocks agree.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { settle, take, view } from '../domain/budget.js';
import {
  type AppBudget,
  type BudgetOptions,
  type BudgetState,
  defaultBudgetOptions,
  newAppBudget,
  newOrganisationBudget,
  type OrganisationBudget,
} from '../domain/budgetState.js';
import type { AnsweredLimits, CallBudget, CallCount } from '../domain/ports.js';
import { createQueue, inTransaction, type Queryable } from './pool.js';

export interface CallBudgetOptions extends Partial<BudgetOptions> {
  /** Milliseconds added to Postgres's clock: tests let days pass with it. */
  testOffset?: () => number;
}

/**
 * All calls of all organisations wait for the app's row. Those of one process do so in a queue of its own: a hundred syncs
 * at once would otherwise hold every connection of its pool while they wait, and what they have read could not be stored.
 */
const transactionsAtOnce = 3;

interface LockedRow {
  organisation: OrganisationBudget;
  app: AppBudget | null;
  now: number;
}

/**
 * Locks an organisation's row and then the app's: one order for all, so nobody waits for each other in a circle.
 * Nobody else's call waits for the disk while the app's row is locked: a crash of Postgres may forget the last moment's
 * calls, which the next header puts right; the commit of the page that a call brought makes its count durable too.
 */
const lockRows = {
  name: 'budget-lock',
  text: `SELECT o.state AS organisation, a.state AS app, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now,
           set_config('synchronous_commit', 'off', true)
         FROM organisation_budget o CROSS JOIN app_budget a
         WHERE o.organisation_id = $1 FOR UPDATE`,
};

const saveRows = {
  name: 'budget-save',
  text: `WITH app AS (UPDATE app_budget SET state = $3)
         UPDATE organisation_budget SET state = $2 WHERE organisation_id = $1`,
};

/**
 * The same, and the call counted, in one statement: others wait for the rows meanwhile. A call counts when it was
 * answered; its connection may have been deleted while it was under way.
 */
const saveAndTally = {
  name: 'budget-settle',
  text: `WITH app AS (UPDATE app_budget SET state = $3),
         saved AS (UPDATE organisation_budget SET state = $2 WHERE organisation_id = $1)
         INSERT INTO call_tally AS t
           (connection_id, run_id, stream, calls, bytes, refused_minute, refused_day, refused_concurrent, refused_app_minute)
         SELECT id, $5, $6, $7, $8, $9, $10, $11, $12 FROM connection WHERE id = $4
         ON CONFLICT (connection_id, run_id, stream) DO UPDATE SET
           calls = t.calls + excluded.calls, bytes = t.bytes + excluded.bytes,
           refused_minute = t.refused_minute + excluded.refused_minute, refused_day = t.refused_day + excluded.refused_day,
           refused_concurrent = t.refused_concurrent + excluded.refused_concurrent,
           refused_app_minute = t.refused_app_minute + excluded.refused_app_minute`,
};

/**
 * The budget in Postgres. Each of `take` and `settle` is one short transaction.
 * Calls outside a run are counted under the run id '' (empty).
 * @throws pg's errors when Postgres is away.
 */
export function createCallBudget(pool: pg.Pool, options: CallBudgetOptions = {}): CallBudget {
  const { testOffset = () => 0, ...given } = options;
  const rules: BudgetOptions = { ...defaultBudgetOptions, ...given };

  const queued = createQueue(transactionsAtOnce);
  const inTurn = <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
    queued(() => inTransaction(pool, work));

  const shape = (row: LockedRow): BudgetState & { now: number } => ({
    organisation: row.organisation,
    app: row.app ?? newAppBudget(rules),
    now: row.now + testOffset(),
  });

  return {
    async take(organisationId, priority) {
      return inTurn(async (client) => {
        const { now, ...state } = shape(await lock(client, organisationId, rules));
        const asking = { organisationId, ticketId: randomUUID(), priority, now, jitter: Math.random() };
        const judged = take(rules, state, asking);
        if (judged.state !== null) await save(client, organisationId, judged.state);
        return judged.take;
      });
    },

    async settle(ticket, answered, count) {
      await inTurn(async (client) => {
        const { now, ...state } = shape(await lock(client, ticket.organisationId, rules));
        const back = { ticketId: ticket.id, answered, now, jitter: Math.random() };
        const { organisation, app } = settle(rules, state, back);
        const values = [ticket.organisationId, organisation, app, ...tallied(answered, count)];
        await client.query({ ...saveAndTally, values });
      });
    },

    async look(organisationId) {
      const { rows } = await pool.query<LockedRow>(
        `SELECT o.state AS organisation, a.state AS app, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now
         FROM app_budget a LEFT JOIN organisation_budget o ON o.organisation_id = $1`,
        [organisationId],
      );
      const row = rows[0] as LockedRow;
      const { now, ...state } = shape({ ...row, organisation: row.organisation ?? newOrganisationBudget(rules) });
      return view(rules, state, now);
    },
  };
}

async function lock(client: Queryable, organisationId: string, rules: BudgetOptions): Promise<LockedRow> {
  const { rows } = await client.query<LockedRow>({ ...lockRows, values: [organisationId] });
  const [row] = rows;
  if (row !== undefined) return row;
  await client.query(
    'INSERT INTO organisation_budget (organisation_id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [organisationId, newOrganisationBudget(rules)],
  );
  return lock(client, organisationId, rules);
}

async function save(client: Queryable, organisationId: string, { organisation, app }: BudgetState): Promise<void> {
  await client.query({ ...saveRows, values: [organisationId, organisation, app] });
}

/** A call as `call_tally` counts it, from its connection on. */
function tallied(answered: AnsweredLimits | null, count: CallCount): unknown[] {
  const refused = answered?.refused?.limit;
  const one = (yes: boolean) => (yes ? 1 : 0);
  return [
    ...[count.connectionId, count.runId ?? '', count.stream, one(answered !== null), count.bytes],
    ...[one(refused === 'minute'), one(refused === 'day'), one(refused === 'concurrent'), one(refused === 'appminute')],
  ];
}
