import { readNumbers } from '../commandLine.js';

/** What is put through chaos. */
export type ChaosWork = 'backfill' | 'push';

export interface ChaosOptions {
  work: ChaosWork;
  kills: number;
  seed: number;
  help: boolean;
}

export const usage = `npm run chaos -- backfill|push [options]

  --kills N   how many processes are killed, or answers lost (default 20)
  --seed S    what the choice of victims and moments follows from (default 1)
  --help      this text

backfill: starts a Postgres, a Temporal dev server, the Xero simulator, two workers and the API of its own in a temporary folder,
connects an organisation over OAuth, and while its first full read runs kills a worker, the API, Postgres or Temporal with
SIGKILL, one after the other, each started again a little later. Where a read ends before the last kill, the next
organisation is connected. In the end every record of every stream is compared with the simulator by id and hash.

push: the same stack. While contacts, invoices and payments are saved and edited, every worker is killed before a call, after
it and before its outcome is saved, and after that; answers are lost, or Xero carries a call out when nobody waits for it any
more. In the end the simulator counts: each document is there exactly once.

Exit code 0: nothing missing, surplus, different or twice. 1: something was, or it did not get on.`;

/** @throws UsageError */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  const work: ChaosWork = args.includes('push') ? 'push' : 'backfill';
  const read = readNumbers(args, {
    what: work,
    otherwise: 'It puts "backfill" or "push" through chaos',
    numbers: { kills: 20, seed: 1 },
  });
  return { work, ...read };
}
