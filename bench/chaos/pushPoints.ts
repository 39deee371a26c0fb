/** The moments of a push at which its worker dies, and the answers that go astray: each set up from outside. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { eventually } from '../../test/support/waiting.js';
import { control } from '../../test/xero/support.js';

export interface PushWorld {
  pool: pg.Pool;
  simulatorUrl: string;
  organisation: string;
  connection: string;
  /** Saves what makes the outbox send. */
  save(): Promise<void>;
  /** kill -9 of every worker. */
  kill(): Promise<void>;
  /** Starts them again. */
  start(): Promise<void>;
}

export type PushPoint = keyof typeof pushPoints;

/** For so long an answer is held back: a worker is killed meanwhile. */
const heldMs = 3000;
/** So much later a write is carried out that nobody waits for any more; shorter than what a second look waits for. */
const lateMs = 4000;

/**
 * - `beforeCall`: the call is noted and not sent. The budget's row is locked from outside, which holds the worker there.
 * - `afterCall`: Xero has carried it out, its answer is on the way.
 * - `afterSave`: the outcome is stored, and nothing that follows it was done.
 * - `answerLost`, `answerLate`: nobody is killed at first; Xero's connection breaks after it has carried out the call, or
 *   Xero carries it out when its worker is dead and another one has looked already.
 */
export const pushPoints = {
  async beforeCall(world: PushWorld): Promise<void> {
    // A look-up asks the budget too, and is no call that writes.
    await eventually(
      'nothing is under way',
      () => underWay(world),
      (count) => count === 0,
    );
    const client = await world.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM organisation_budget WHERE organisation_id = $1 FOR UPDATE', [world.organisation]);
      const before = await newestCall(world);
      await world.save();
      await eventually(
        'a call is noted',
        () => newestCall(world),
        (now) => now !== before,
      );
      await world.kill();
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    await world.start();
  },

  async afterCall(world: PushWorld): Promise<void> {
    await struck(world, { kind: 'lateAnswer', ms: heldMs });
    await world.kill();
    await world.start();
  },

  async afterSave(world: PushWorld): Promise<void> {
    const before = await newestSettled(world);
    await world.save();
    await eventually(
      'an outcome is stored',
      () => newestSettled(world),
      (now) => now !== before,
    );
    await world.kill();
    await world.start();
  },

  async answerLost(world: PushWorld): Promise<void> {
    await struck(world, { kind: 'lostAnswer' });
  },

  async answerLate(world: PushWorld): Promise<void> {
    await struck(world, { kind: 'commitLate', ms: lateMs });
    await world.kill();
    await world.start();
  },
} as const;

/** Sets a fault on the next write, saves, and waits until it has struck. */
async function struck({ simulatorUrl, organisation, save }: PushWorld, fault: object): Promise<void> {
  await control(simulatorUrl, 'DELETE', '/faults');
  const match = { tenantId: organisation, method: 'PUT' };
  await control(simulatorUrl, 'POST', '/faults', [{ ...fault, match, times: 1 }]);
  await save();
  const hits = async () => {
    const [first] = await control<{ hits: number }[]>(simulatorUrl, 'GET', '/faults');
    return first?.hits ?? 0;
  };
  await eventually('the fault has struck', hits, (now) => now > 0);
  // It is noted when the call comes in; what it carries out follows at once.
  await delay(50);
}

async function underWay({ pool }: PushWorld): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM document WHERE state IN ('queued', 'sending', 'waiting')`,
  );
  return rows[0]?.count ?? 0;
}

async function newestCall({ pool, connection }: PushWorld): Promise<string> {
  const { rows } = await pool.query<{ at: string | null }>(
    'SELECT max(written_at)::text AS at FROM push_call WHERE connection_id = $1',
    [connection],
  );
  return rows[0]?.at ?? '';
}

async function newestSettled({ pool, connection }: PushWorld): Promise<string> {
  const { rows } = await pool.query<{ at: string | null }>(
    'SELECT max(settled_at)::text AS at FROM push_call WHERE connection_id = $1',
    [connection],
  );
  return rows[0]?.at ?? '';
}
