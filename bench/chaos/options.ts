import { parseArgs } from 'node:util';

export interface ChaosOptions {
  kills: number;
  seed: number;
  help: boolean;
}

export const usage = `npm run chaos -- backfill [options]

  --kills N   how many processes are killed (default 20)
  --seed S    what the choice of victims and moments follows from (default 1)
  --help      this text

Starts a Postgres, a Temporal dev server, the Xero simulator, two workers and the API of its own in a temporary folder,
connects an organisation over OAuth, and while its first full read runs kills a worker, the API, Postgres or Temporal with
SIGKILL, one after the other, each started again a little later. Where a read ends before the last kill, the next
organisation is connected. In the end every record of every stream is compared with the simulator by id and hash.
Exit code 0: nothing missing, surplus, different or twice. 1: something was, or it did not get on.`;

/** The command line was not understood; the message says which part. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  const { values, positionals } = parse(args);
  const [what, ...more] = positionals;
  if (!values.help && (what !== 'backfill' || more.length > 0)) {
    throw new UsageError(`It puts "backfill" through chaos, not "${positionals.join(' ')}". See --help.`);
  }
  return { kills: whole('--kills', values.kills), seed: whole('--seed', values.seed), help: values.help };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        kills: { type: 'string', default: '20' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`);
  }
}

function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`${name} takes a whole number, not "${value}". See --help.`);
  return Number(value);
}
