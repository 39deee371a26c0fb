import type pg from 'pg';
import type { EventData } from '../domain/feed.js';
import type { Listed, ListPage, Run, RunKind, RunOutcome, Runs } from '../domain/ports.js';
import { type Tell, telling } from './feed.js';

/** Runs: how each ended, how long it slept, what it asked of Xero. All writes may be repeated without harm. */
export function createRuns(pool: pg.Pool): Runs {
  return {
    async start(run, askedBy) {
      // The run's own first activity, which does not know who asked, may have come before the API.
      const { rows } = await pool.query<{ started_at: Date; ended_at: Date | null }>(
        `INSERT INTO run (run_id, workflow_id, kind, connection_id, request_id, actor) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (run_id) DO UPDATE
            SET request_id = coalesce(run.request_id, excluded.request_id), actor = coalesce(run.actor, excluded.actor)
         RETURNING started_at, ended_at`,
        [run.runId, run.workflowId, run.kind, run.connectionId, askedBy?.requestId ?? null, askedBy?.actor ?? null],
      );
      const row = rows[0] as { started_at: Date; ended_at: Date | null };
      return { startedAt: row.started_at.toISOString(), open: row.ended_at === null };
    },

    async isOpen(runId) {
      const { rows } = await pool.query('SELECT FROM run WHERE run_id = $1 AND ended_at IS NULL', [runId]);
      return rows.length > 0;
    },

    end: (runId, outcome) =>
      telling(pool, async (client, tell) => {
        const { rows } = await client.query<EndedRun>(
          `UPDATE run SET outcome = $2, ended_at = clock_timestamp() WHERE run_id = $1 AND ended_at IS NULL
           RETURNING run_id, kind, connection_id, (SELECT company_id FROM connection WHERE id = connection_id) AS company_id`,
          [runId, outcome],
        );
        if (rows[0] && outcome === 'completed') await tellCompleted[rows[0].kind](client, tell, rows[0]);
      }),

    async beginSleep(runId, reason, until) {
      await pool.query(
        `INSERT INTO run_sleep (run_id, reason, until) VALUES ($1, $2, $3) ON CONFLICT (run_id, until) DO NOTHING`,
        [runId, reason, until],
      );
    },

    async endSleep(runId) {
      await pool.query('UPDATE run_sleep SET ended_at = clock_timestamp() WHERE run_id = $1 AND ended_at IS NULL', [
        runId,
      ]);
    },

    async isAsleep(runId) {
      const { rows } = await pool.query('SELECT FROM run_sleep WHERE run_id = $1 AND ended_at IS NULL', [runId]);
      return rows.length > 0;
    },

    async minutesWithoutPage(runId) {
      const { rows } = await pool.query<{ minutes: number }>(
        `SELECT floor(extract(epoch FROM clock_timestamp() - greatest(
                  run.started_at,
                  (SELECT max(ended_at) FROM run_sleep WHERE run_sleep.run_id = run.run_id),
                  (SELECT max(progressed_at) FROM stream_cursor WHERE connection_id = run.connection_id))) / 60)::int AS minutes
           FROM run WHERE run_id = $1`,
        [runId],
      );
      return rows[0]?.minutes ?? 0;
    },

    list: (connectionId, page) => listRuns(pool, connectionId, page),

    async get(connectionId, runId) {
      const { rows } = await pool.query<RunRow>(`${selectRun} WHERE run.connection_id = $1 AND run.run_id = $2`, [
        connectionId,
        runId,
      ]);
      return rows[0] ? toRun(rows[0]) : null;
    },

    async latest(connectionId: string, kind: RunKind) {
      const { rows } = await pool.query<RunRow>(
        `${selectRun} WHERE run.connection_id = $1 AND run.kind = $2 ORDER BY run.started_at DESC LIMIT 1`,
        [connectionId, kind],
      );
      return rows[0] ? toRun(rows[0]) : null;
    },
  };
}

interface EndedRun {
  run_id: string;
  kind: RunKind;
  connection_id: string;
  company_id: string;
}

/** What the feed says of a run that is completed. */
const tellCompleted: Record<RunKind, (client: pg.PoolClient, tell: Tell, run: EndedRun) => Promise<void>> = {
  async backfill(client, tell, { connection_id: connectionId, company_id: companyId }) {
    const { rows } = await client.query<{ streams: EventData['backfill.completed']['streams'] }>(
      `SELECT coalesce(jsonb_object_agg(stream, records), '{}') AS streams
         FROM stream_cursor WHERE connection_id = $1 AND status = 'complete'`,
      [connectionId],
    );
    for (const data of rows) tell({ type: 'backfill.completed', companyId, connectionId, data });
  },

  async sync(client, tell, { run_id, connection_id: connectionId, company_id: companyId }) {
    const { rows } = await client.query<{ streams: EventData['sync.completed']['streams'] }>(
      `SELECT coalesce(jsonb_object_agg(stream, jsonb_build_object(
                'created', created, 'changed', changed, 'unchanged', unchanged)), '{}') AS streams
         FROM record_tally WHERE connection_id = $1 AND run_id = $2`,
      [connectionId, run_id],
    );
    for (const data of rows) tell({ type: 'sync.completed', companyId, connectionId, data });
  },

  /** What these found is told record by record. */
  secondLook: async () => undefined,
  webhook: async () => undefined,
  /** A look changes nothing, and what an export sends is told document by document. */
  preview: async () => undefined,
  export: async () => undefined,
  paymentImport: async () => undefined,
};

interface Tally {
  stream: string;
  calls: number;
  bytes: number;
  refused_minute: number;
  refused_day: number;
  refused_concurrent: number;
  refused_app_minute: number;
}

interface RecordTally {
  stream: string;
  created: number;
  changed: number;
  unchanged: number;
}

interface RunRow {
  run_id: string;
  workflow_id: string;
  kind: RunKind;
  connection_id: string;
  outcome: RunOutcome;
  started_at: Date;
  ended_at: Date | null;
  request_id: string | null;
  actor: string | null;
  tallies: Tally[];
  records: RecordTally[];
  sleeps: { reason: string; seconds: number }[];
}

const selectRun = `
  SELECT run.run_id, run.workflow_id, run.kind, run.connection_id, run.outcome, run.started_at, run.ended_at,
         run.request_id, run.actor,
         (SELECT coalesce(json_agg(tally ORDER BY stream), '[]') FROM call_tally tally
           WHERE tally.connection_id = run.connection_id AND tally.run_id = run.run_id) AS tallies,
         (SELECT coalesce(json_agg(tally ORDER BY stream), '[]') FROM record_tally tally
           WHERE tally.connection_id = run.connection_id AND tally.run_id = run.run_id) AS records,
         (SELECT coalesce(json_agg(json_build_object('reason', reason, 'seconds',
                   round(extract(epoch FROM coalesce(ended_at, clock_timestamp()) - began_at))::int) ORDER BY began_at), '[]')
            FROM run_sleep WHERE run_sleep.run_id = run.run_id) AS sleeps
    FROM run`;

function toRun(row: RunRow): Run {
  const sum = (field: Exclude<keyof Tally, 'stream'>): number =>
    row.tallies.reduce((total, tally) => total + Number(tally[field]), 0);
  return {
    workflowId: row.workflow_id,
    runId: row.run_id,
    kind: row.kind,
    connectionId: row.connection_id,
    outcome: row.outcome,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    requestId: row.request_id,
    actor: row.actor,
    calls: sum('calls'),
    bytes: sum('bytes'),
    rateLimited: {
      minute: sum('refused_minute'),
      day: sum('refused_day'),
      concurrent: sum('refused_concurrent'),
      appMinute: sum('refused_app_minute'),
    },
    sleeps: row.sleeps,
    streams: streamTallies(row),
  };
}

function streamTallies({ tallies, records }: RunRow): Run['streams'] {
  const names = new Set([...tallies, ...records].map(({ stream }) => stream));
  return Object.fromEntries(
    [...names].map((name) => {
      const { created = 0, changed = 0, unchanged = 0 } = records.find(({ stream }) => stream === name) ?? {};
      const calls = tallies.find(({ stream }) => stream === name)?.calls ?? 0;
      return [name, { calls, created, changed, unchanged }];
    }),
  );
}

/** The cursor is the start of the last run of the page before, with its id where two began at one instant. */
async function listRuns(pool: pg.Pool, connectionId: string, page: ListPage): Promise<Listed<Run>> {
  const [before, beforeId] = page.cursor?.split('~') ?? [null, null];
  const { rows } = await pool.query<RunRow>(
    `${selectRun} WHERE run.connection_id = $1
        AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', run.started_at), run.run_id) < ($2, $3))
      ORDER BY date_trunc('milliseconds', run.started_at) DESC, run.run_id DESC LIMIT $4`,
    [connectionId, before, beforeId, page.limit + 1],
  );
  const data = rows.slice(0, page.limit).map(toRun);
  const last = data.at(-1);
  return { data, nextCursor: rows.length > page.limit && last ? `${last.startedAt}~${last.runId}` : null };
}
