import type { ServerResponse } from 'node:http';

/** Aborted when the time is up, or the client goes away: then its wait is over. */
export function stopAfter(waitMs: number, response: ServerResponse): AbortSignal {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), waitMs);
  response.once('close', () => {
    clearTimeout(timer);
    stop.abort();
  });
  return stop.signal;
}
