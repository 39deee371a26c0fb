import { heartbeat } from '@temporalio/activity';

const everyMs = 1000;

/** Does the work and heartbeats meanwhile: a worker that dies is missed in seconds, and a stop reaches the activity. */
export async function beating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
