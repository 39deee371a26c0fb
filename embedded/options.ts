import { parseArgs } from 'node:util';
import { StartError } from './startError.js';

export interface StartOptions {
  /** Ends when the backfill ends. */
  once: boolean;
  /** Throws away what an earlier start kept. */
  fresh: boolean;
  help: boolean;
  /** Sizes the demo organisation; undefined keeps what it has. */
  records: number | undefined;
  /** Calls that the demo organisation allows a day. */
  dailyLimit: number | undefined;
  /** Shortens the minute and the day of the simulator, and tells the service. */
  speed: number;
}

export const usage = `npm start [-- options]

  --once            end when the first full read has ended; the last line is its result as JSON
  --records N       size of the demo organisation, journals not counted (default 20000; a new size needs --fresh)
  --daily-limit N   calls that the demo organisation allows a day (default 5000)
  --speed N         a day lasts 86,400/N seconds (at least 30), a minute 60/min(N,12); nothing else changes
  --fresh           throw away what an earlier start kept, and begin anew
  --help            this text

Environment: DATABASE_URL, TEMPORAL_ADDRESS, XERO_CLIENT_ID with XERO_CLIENT_SECRET each replace an embedded part;
NIGHTLEDGER_PORT, NIGHTLEDGER_TEMPORAL_PORT, NIGHTLEDGER_TEMPORAL_UI_PORT, NIGHTLEDGER_SIMULATOR_PORT,
NIGHTLEDGER_METRICS_PORT, NIGHTLEDGER_WORKER_METRICS_PORT and NIGHTLEDGER_STATE_DIR move what is embedded. All are described in .env.example.`;

/** @throws StartError naming the option that is not understood. */
export function readOptions(args: readonly string[]): StartOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        records: { type: 'string' },
        'daily-limit': { type: 'string' },
        speed: { type: 'string', default: '1' },
      },
    });
    return {
      once: values.once,
      fresh: values.fresh,
      help: values.help,
      records: whole('--records', values.records, 1),
      dailyLimit: whole('--daily-limit', values['daily-limit'], 1),
      speed: positive('--speed', values.speed),
    };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${(error as Error).message}. See npm start -- --help.`);
  }
}

function whole(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value) || Number(value) < least) {
    throw new StartError(`${name} takes a whole number from ${least}, not "${value}".`);
  }
  return Number(value);
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number >= 1) || !Number.isFinite(number))
    throw new StartError(`${name} takes a number from 1, not "${value}".`);
  return number;
}

/** Milliseconds that the two windows last at a speed; Retry-After stays in real seconds. */
export function windowsAt(speed: number): { minuteMs: number; dayMs: number } {
  return {
    minuteMs: Math.round(60_000 / Math.min(speed, 12)),
    dayMs: Math.max(30_000, Math.round(86_400_000 / speed)),
  };
}
