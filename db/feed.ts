/**
 * The feed in Postgres. A position comes from the one row of `feed_counter`, taken by the last statement of the transaction
 * that tells: whoever comes second waits for that row until the first has committed, so the order of positions is the order
 * of commits, and a reader who has seen a position has seen all before it. (Numbers of a sequence are given out before the
 * commit: a reader passes over those that are committed late.) A transaction that is rolled back gives its positions back.
 * The row is taken last because all writers share it: it is held for one insert and the commit, not for the work before.
 * The insert also holds the company's row, by its foreign key; so a transaction that keeps that row from others (to make or
 * to take back a connection) does not tell, or two of them could wait for each other.
 */
import type { Pool, PoolClient } from 'pg';
import type { EventType, NewEvent } from '../domain/feed.js';
import { type Feed, type FeedEvent, type FeedPage, type FeedQuery, PositionGone } from '../domain/ports.js';
import { inTransaction } from './pool.js';

/** The channel on which an append rings; its payload is the company's id. Nobody is rung before the commit. */
export const feedChannel = 'nightledger_feed';

/** Events that one call of `forget` removes at most. */
const batch = 10_000;

/** Notes an event of the transaction in hand, to be appended at its end. */
export type Tell = (event: NewEvent) => void;

/**
 * Runs `work` in one transaction and appends what it told, in that order, as the last thing before the commit.
 * @throws what `work` throws; then nothing was told.
 */
export function telling<T>(pool: Pool, work: (client: PoolClient, tell: Tell) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    const events: NewEvent[] = [];
    const answer = await work(client, (event) => events.push(event));
    await append(client, events);
    return answer;
  });
}

/** The last statement of the caller's transaction, or nothing where nothing happened: then the row stays free. */
export async function append(client: PoolClient, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await client.query({
    name: 'append-to-feed',
    text: `
      WITH counter AS (
        UPDATE feed_counter SET newest = newest + jsonb_array_length($1)
        RETURNING newest - jsonb_array_length($1) AS before, clock_timestamp() AS at
      ),
      appended AS (
        INSERT INTO feed_event (position, type, at, company_id, connection_id, kind, external_id, xero_id, data)
        SELECT before + place, type, at, "companyId", "connectionId", kind, "externalId", "xeroId", data
          FROM counter, ROWS FROM (jsonb_to_recordset($1) AS
               (type text, "companyId" text, "connectionId" uuid, kind text, "externalId" text, "xeroId" text, data jsonb))
               WITH ORDINALITY AS event (type, "companyId", "connectionId", kind, "externalId", "xeroId", data, place)
        RETURNING company_id
      )
      SELECT pg_notify('${feedChannel}', company_id) FROM (SELECT DISTINCT company_id FROM appended) AS told`,
    values: [JSON.stringify(events)],
  });
}

export function createFeed(pool: Pool): Feed {
  return {
    read: (query) => read(pool, query),

    async newest() {
      const { rows } = await pool.query<{ newest: string }>('SELECT newest FROM feed_counter');
      return (rows[0] as { newest: string }).newest;
    },

    forget: (olderThanMs) => inTransaction(pool, (client) => forget(client, olderThanMs)),
  };
}

interface Row {
  position: string;
  type: EventType;
  at: Date;
  company_id: string;
  connection_id: string | null;
  kind: string | null;
  external_id: string | null;
  xero_id: string | null;
  data: Record<string, unknown>;
}

/** One statement, so that the newest position and the events are of one moment: what is passed over is really behind. */
async function read(pool: Pool, { after, limit, company }: FeedQuery): Promise<FeedPage> {
  const { rows } = await pool.query<{ start: string; newest: string; removed_to: string } & (Row | { position: null })>(
    `SELECT counter.newest, counter.removed_to, counter.start, event.*
       FROM (SELECT *, coalesce($1, removed_to) AS start FROM feed_counter) AS counter
       LEFT JOIN LATERAL (
         SELECT position, type, at, company_id, connection_id, kind, external_id, xero_id, data
           FROM feed_event
          WHERE position > start AND ($2::text IS NULL OR company_id = $2) ORDER BY position LIMIT $3) AS event ON true
      ORDER BY position`,
    [after ?? null, company ?? null, limit],
  );
  const { newest, removed_to, start } = rows[0] as (typeof rows)[number];
  if (BigInt(start) < BigInt(removed_to) || BigInt(start) > BigInt(newest)) throw new PositionGone();
  const events = rows.flatMap((row) => (row.position === null ? [] : [eventOf(row)]));
  return { events, next: events.length < limit ? newest : (events.at(-1) as FeedEvent).position };
}

/** The counter last, as an append does: both may be under way. */
async function forget(client: PoolClient, olderThanMs: number): Promise<number> {
  const { rows } = await client.query<{ removed: string; last: string | null }>(
    `WITH removed AS (
       DELETE FROM feed_event WHERE position IN (
         SELECT position FROM feed_event WHERE at < clock_timestamp() - $1 * interval '1 millisecond'
          ORDER BY position LIMIT ${batch})
       RETURNING position)
     SELECT count(*) AS removed, max(position) AS last FROM removed`,
    [olderThanMs],
  );
  const { removed, last } = rows[0] as { removed: string; last: string | null };
  if (last !== null) await client.query('UPDATE feed_counter SET removed_to = greatest(removed_to, $1)', [last]);
  return Number(removed);
}

function eventOf(row: Row): FeedEvent {
  return {
    position: row.position,
    type: row.type,
    at: row.at.toISOString(),
    companyId: row.company_id,
    connectionId: row.connection_id,
    kind: row.kind,
    externalId: row.external_id,
    xeroId: row.xero_id,
    data: row.data,
  };
}
