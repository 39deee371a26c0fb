import { cancellationSignal } from '@temporalio/activity';
import { type AttemptOutcome, mostFailuresInARow } from '../domain/payments/imports.js';
import type {
  CallbackAnswer,
  CallbackSecrets,
  CallbackTarget,
  ClaimedPayment,
  Connections,
  ImportingRun,
  PaymentCallback,
  PaymentCounts,
  PaymentImports,
  SettingsStore,
  Unreconciled,
} from '../domain/ports.js';
import { beating } from './beating.js';
import { guarded } from './failures.js';

export interface PaymentPorts {
  connections: Pick<Connections, 'get'>;
  settings: Pick<SettingsStore, 'get'>;
  payments: PaymentImports;
  callback: Pick<PaymentCallback, 'post'>;
  callbackSecrets: Pick<CallbackSecrets, 'open'>;
  /** Milliseconds of a monotonic clock. */
  elapsed: () => number;
}

export interface FoundPayments {
  counts: PaymentCounts;
  unreconciled: Unreconciled;
  /** Whether what fits is imported now; `callbackFails`: the platform does not answer, so nothing is to be claimed. */
  goOn: 'import' | 'onlyFind' | 'callbackFails';
}

export interface ImportTurnInput extends ImportingRun {
  /** Attempts that failed, one after the other, before this turn. */
  failuresInARow: number;
  /** What was reviewed; null: all that fits. */
  reviewed: string[] | null;
}

export interface ImportTurn {
  /** `more`: call again; `stopped`: too many attempts failed in a row, and what is unclaimed waits. */
  outcome: 'complete' | 'more' | 'stopped';
  imported: number;
  failed: number;
  failuresInARow: number;
}

/** An activity imports for so long, so that thousands of payments need few events of history. */
const turnMs = 20_000;
const perLook = 100;

const outcomes: Record<CallbackAnswer, AttemptOutcome> = {
  accepted: 'imported',
  refused: 'callback_refused',
  unreachable: 'callback_unreachable',
  unknown: 'outcome_unknown',
};

/** Activities that bring payments made in Xero to the platform. */
export function createPaymentActivities(ports: PaymentPorts) {
  return guarded({
    /** Claims whose attempt nobody has in hand any more are failed for good. May be repeated. */
    async settleLostPayments(run: ImportingRun, which: 'ofOthers' | 'all'): Promise<number> {
      return await ports.payments.settleLost(run, which);
    },

    /** Looks at all that nobody decided about, and asks the callback whether it is there. May be repeated. */
    async findPayments({ connectionId }: ImportingRun, reviewed: boolean): Promise<FoundPayments> {
      return await beating(async () => {
        const counts = await ports.payments.find(connectionId);
        const unreconciled = await ports.payments.unreconciled(connectionId);
        return { counts, unreconciled, goOn: await whetherToImport(ports, connectionId, reviewed) };
      });
    },

    /**
     * Imports what fits, each payment by itself: claimed in a transaction of its own, attempted once, settled for good.
     * Never to be repeated by Temporal; what it leaves claimed when it dies is `settleLostPayments`'s.
     */
    async importPayments(input: ImportTurnInput): Promise<ImportTurn> {
      return await beating(() => importForATurn(ports, input));
    },
  });
}

async function whetherToImport(
  ports: PaymentPorts,
  connectionId: string,
  reviewed: boolean,
): Promise<FoundPayments['goOn']> {
  const settings = await ports.settings.get(connectionId);
  if (!settings?.paymentsIn || (settings.exportMode === 'reviewed' && !reviewed)) return 'onlyFind';
  const target = await targetOf(ports, connectionId);
  if (target === null) return 'import';
  if (target === 'noSecret') return 'callbackFails';
  const answer = await ports.callback.post(target, { type: 'ping', connection: connectionId });
  return answer === 'accepted' ? 'import' : 'callbackFails';
}

/** Null where the platform wants no call. */
async function targetOf(ports: PaymentPorts, connectionId: string): Promise<CallbackTarget | 'noSecret' | null> {
  const url = (await ports.settings.get(connectionId))?.callbackUrl ?? null;
  if (url === null) return null;
  const secret = await ports.callbackSecrets.open(connectionId);
  return secret === null ? 'noSecret' : { url, secret };
}

async function importForATurn(ports: PaymentPorts, input: ImportTurnInput): Promise<ImportTurn> {
  const { connectionId, reviewed } = input;
  const turn: ImportTurn = { outcome: 'more', imported: 0, failed: 0, failuresInARow: input.failuresInARow };
  const endsAt = ports.elapsed() + turnMs;
  const settings = await ports.settings.get(connectionId);
  const target = await targetOf(ports, connectionId);
  const active = (await ports.connections.get(connectionId))?.status === 'active';
  // Switched off meanwhile, by a person.
  if (!active || !settings?.paymentsIn || target === 'noSecret') return { ...turn, outcome: 'complete' };
  const ids = reviewed ?? (await ports.payments.claimable(connectionId, perLook));
  for (const id of ids) {
    // A stop comes between two payments, never into one.
    if (cancellationSignal().aborted || ports.elapsed() >= endsAt) return turn;
    await importOne(ports, input, target, id, turn);
    if (turn.failuresInARow >= mostFailuresInARow) return { ...turn, outcome: 'stopped' };
  }
  return { ...turn, outcome: reviewed === null && ids.length === perLook ? 'more' : 'complete' };
}

async function importOne(
  { payments, callback }: PaymentPorts,
  run: ImportTurnInput,
  target: CallbackTarget | null,
  id: string,
  turn: ImportTurn,
): Promise<void> {
  const claimed = await payments.claim({ connectionId: run.connectionId, runId: run.runId }, id);
  if (claimed === null) return;
  const answer = target === null ? 'accepted' : await callback.post(target, messageOf(run.connectionId, claimed));
  await payments.settle(run, id, outcomes[answer], target !== null);
  turn[answer === 'accepted' ? 'imported' : 'failed']++;
  turn.failuresInARow = answer === 'accepted' ? 0 : turn.failuresInARow + 1;
}

/** What the platform is told. Its id is good for a key: no payment is ever sent twice. */
function messageOf(connectionId: string, { companyId, ...payment }: ClaimedPayment): object {
  return { type: 'payment', id: payment.xeroPaymentId, company: companyId, connection: connectionId, ...payment };
}
