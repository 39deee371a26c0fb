import { readNumbers } from '../commandLine.js';

export interface ChaosOptions {
  /** Undefined where only help is asked for. */
  what: 'backfill' | 'push' | 'payments' | undefined;
  kills: number;
  seed: number;
  payments: number;
  help: boolean;
}

export const usage = `npm run chaos -- backfill | push | payments [options]

  --kills N     how many processes are killed, or answers lost (default 20)
  --seed S      what the choice of victims and moments follows from (default 1)
  --payments N  how many payments are imported (default 2000)
  --help        this text

Starts a Postgres, a Temporal dev server, the Xero simulator, two workers and the API of its own in a temporary folder,
connects an organisation over OAuth, and while work runs kills a worker, the API, Postgres or Temporal with SIGKILL, one
after the other, each started again a little later.

backfill: the work is the first full read. Where a read ends before the last kill, the next
organisation is connected. In the end every record of every stream is compared with the simulator by id and hash.

push: while contacts, invoices and payments are saved and edited, every worker is killed before a call, after it and before
its outcome is saved, and after that; answers are lost, or Xero carries a call out when nobody waits for it any more. In the
end the simulator counts: each document is there exactly once.

payments: the work is the import of payments that were made in Xero, each told to a callback that counts. In the end no
payment was sent twice, and each is imported, in the books once, or failed with the reason that nobody knows its outcome.

Exit code 0: nothing missing, surplus, different or twice. 1: something was, or it did not get on.`;

/** @throws UsageError */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  return readNumbers(args, {
    what: ['backfill', 'push', 'payments'],
    otherwise: 'It puts "backfill", "push" or "payments" through chaos',
    numbers: { kills: 20, seed: 1, payments: 2000 },
  });
}
