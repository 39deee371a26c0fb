import { parseArgs } from 'node:util';
import { startSimulator } from './index.js';

const HELP = `A Xero on this machine: OAuth 2, the accounting API, limits, faults and webhooks.

Usage: simulator [options]

  --port N          port to listen on (4400)
  --host NAME       loopback address to listen on (127.0.0.1)
  --records N       rows of the demo organisation, journals not counted (20000)
  --seed TEXT       what the generated data follows from (1)
  --daily-limit N   calls a day of the demo organisation (5000)
  --speed N         shortens the windows: a day lasts 86400/N s (at least 30 s), a minute 60/min(N,12) s
  --state DIR       keeps everything in DIR over restarts
  --help            this text
`;

const SHORTEST_DAY_MS = 30_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const LARGEST_MINUTE_SPEED = 12;

interface Flags {
  port?: string;
  host?: string;
  records?: string;
  seed?: string;
  'daily-limit'?: string;
  speed?: string;
  state?: string;
  help?: boolean;
}

class UsageError extends Error {}

function readFlags(): Flags {
  const text = { type: 'string' } as const;
  const options = { port: text, host: text, records: text, seed: text, 'daily-limit': text, speed: text, state: text };
  try {
    return parseArgs({ options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(flags: Flags, name: 'port' | 'records' | 'daily-limit'): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name} must be a whole number, not '${text}'`);
  return Number(text);
}

/** The two windows that `--speed` shortens; nothing else changes. */
function windows(text = '1'): { minuteMs: number; dayMs: number } {
  const speed = Number(text);
  if (!(speed > 0)) throw new UsageError(`--speed must be a positive number, not '${text}'`);
  return {
    minuteMs: MINUTE_MS / Math.max(1, Math.min(speed, LARGEST_MINUTE_SPEED)),
    dayMs: Math.max(SHORTEST_DAY_MS, DAY_MS / speed),
  };
}

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.help) {
    process.stdout.write(HELP);
    return;
  }
  const day = whole(flags, 'daily-limit');
  const records = whole(flags, 'records');
  const port = whole(flags, 'port');
  const simulator = await startSimulator({
    ...(port !== undefined && { port }),
    ...(records !== undefined && { records }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(day !== undefined && { limits: { day } }),
    ...(flags.state !== undefined && { stateDir: flags.state }),
    ...windows(flags.speed),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close().then(() => process.exit(0)));
  }
  process.stdout.write(`Xero simulator listening on ${simulator.url}\n`);
}

function explain(error: NodeJS.ErrnoException & { port?: number }): string {
  if (error instanceof UsageError) return `${error.message}. See --help.`;
  if (error.code === 'EADDRINUSE')
    return `Port ${error.port} is taken: stop what uses it, or choose another with --port.`;
  return error.message;
}

main().catch((error: NodeJS.ErrnoException) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
