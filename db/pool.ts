/** The pool of connections to Postgres that a process shares. */
import pg from 'pg';

/** What the repositories ask of Postgres: a pool, or one client of it. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** What became of a connection nobody was using at that moment; the pool opens another one when it needs it. */
export type IdleFault = (error: Error) => void;

/**
 * @param max connections at once.
 * @param onIdleFault told of connections that broke while idle; without a listener they would end the process.
 */
export function createPool(databaseUrl: string, max = 10, onIdleFault: IdleFault = () => undefined): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'nightledger',
    max,
    // Whoever asks while Postgres is away is told so in seconds, and may come back.
    connectionTimeoutMillis: 5000,
  });
  pool.on('error', onIdleFault);
  return pool;
}

/**
 * Runs `work` in one transaction: committed when it answers, rolled back when it throws.
 * @throws what `work` throws, or pg's error when Postgres is away.
 */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const answer = await work(client);
    await client.query('COMMIT');
    return answer;
  } catch (error) {
    await client.query('ROLLBACK').catch((fault: Error) => {
      broken = fault;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Runs at most `most` works at once; the others wait in this process, in the order in which they came. */
export function createQueue(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running++;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
