import { readNumbers } from '../commandLine.js';

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

/** @throws UsageError */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  return readNumbers(args, {
    what: 'backfill',
    otherwise: 'It puts "backfill" through chaos',
    numbers: { kills: 20, seed: 1 },
  });
}
