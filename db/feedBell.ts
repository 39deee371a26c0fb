/**
 * Wakes those of this process who wait for the feed. One connection of its own listens for all of them, from the first one
 * on; while it is lost, and where something between us and Postgres swallows what it says, a look at the counter now and then
 * finds what it missed. Whoever waits for one company is woken for no other, so a wait costs one reading at its begin and
 * one at its end, however busy others are.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Feed, FeedBell, FeedListener } from '../domain/ports.js';
import { feedChannel } from './feed.js';

export interface FeedBellTimes {
  /** Between two tries to listen. */
  retryMs: number;
  /** Between two looks at the counter. */
  lookMs: number;
}

const usualTimes: FeedBellTimes = { retryMs: 1000, lookMs: 10_000 };
/** Postgres is away, or it answers by then. */
const connectWithinMs = 5000;

export function createFeedBell(feed: Pick<Feed, 'newest'>, databaseUrl: string, times = usualTimes): FeedBell {
  const waiting = new Set<Waiter>();
  const closing = new AbortController();
  let work: Promise<unknown> | undefined;

  const ring = (company?: string) => {
    for (const waiter of waiting) if (waiter.hears(company)) waiter.ring();
  };
  const nap = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);

  const keepListening = async () => {
    while (!closing.signal.aborted) {
      await listenUntilLost(databaseUrl, ring, closing.signal).catch(() => undefined);
      await nap(times.retryMs);
    }
  };
  const keepLooking = async () => {
    for (let seen = ''; !closing.signal.aborted; await nap(times.lookMs)) {
      if (waiting.size === 0) continue;
      const newest = await feed.newest().catch(() => seen);
      if (newest !== seen) ring();
      seen = newest;
    }
  };

  return {
    listen(company) {
      work ??= Promise.all([keepListening(), keepLooking()]);
      const waiter = new Waiter(company, () => waiting.delete(waiter));
      waiting.add(waiter);
      if (closing.signal.aborted) waiter.close();
      return waiter;
    },

    async close() {
      closing.abort();
      for (const waiter of waiting) waiter.close();
      await work;
    },
  };
}

class Waiter implements FeedListener {
  private rang = false;
  private closed = false;
  private wake = () => {};

  constructor(
    private readonly company: string | undefined,
    readonly end: () => void,
  ) {}

  /** @param company none: it may be any. */
  hears(company: string | undefined): boolean {
    return company === undefined || this.company === undefined || this.company === company;
  }

  ring(): void {
    this.rang = true;
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.wake();
  }

  async rung(signal: AbortSignal): Promise<boolean> {
    if (!this.rang && !this.closed && !signal.aborted) await this.wokenOr(signal);
    const { rang } = this;
    this.rang = false;
    return rang;
  }

  private async wokenOr(signal: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    signal.addEventListener('abort', this.wake, { once: true });
    await woken;
    signal.removeEventListener('abort', this.wake);
  }
}

/** @throws pg's error when there is no connection to be had. */
async function listenUntilLost(databaseUrl: string, ring: (company?: string) => void, stop: AbortSignal) {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'nightledger feed',
    connectionTimeoutMillis: connectWithinMs,
    keepAlive: true,
  });
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  client.once('end', end);
  client.on('error', end);
  stop.addEventListener('abort', end, { once: true });
  client.on('notification', ({ payload }) => ring(payload));
  try {
    await client.connect();
    await client.query(`LISTEN ${feedChannel}`);
    // What was told while nobody listened.
    ring();
    await ended;
  } finally {
    stop.removeEventListener('abort', end);
    await client.end().catch(() => undefined);
  }
}
