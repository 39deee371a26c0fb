import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { PaymentActivities } from '../activities/index.js';
import type { FoundPayments, ImportTurn } from '../activities/payments.js';
import type { StreamName } from '../domain/streams.js';
import { lookedUp, readChanges } from './activities.js';
import type { PaymentImportInput, PaymentImportResult } from './contract.js';
import { dailyLimit, ReadingRun } from './readingRun.js';

const { facts } = lookedUp('look the connection up');

const bookkeeping = (summary: string) =>
  proxyActivities<PaymentActivities>({
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '6 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    summary,
  });
const { settleLostPayments } = bookkeeping('settle what was claimed and has no outcome');
const { findPayments } = bookkeeping('look which payments fit');

/** Once: whatever it leaves claimed has an outcome that nobody knows. A stop lets the payment in hand end. */
const { importPayments } = proxyActivities<PaymentActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '3 seconds',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  summary: 'import payments, each once',
});

/** What payments are held against. */
const streamsRead: StreamName[] = ['contacts', 'invoices', 'payments'];
/** Turns that failed one after the other without leaving anything claimed: then it is no crash that passes. */
const mostLostTurns = 20;

/**
 * Brings payments made in Xero to the platform, each at most once ever: that holds by a key in Postgres, not by this run.
 * One at a time for a connection, by its id. Fails with a connection code as the failure's type.
 */
export async function paymentImport(input: PaymentImportInput): Promise<PaymentImportResult> {
  const run = new ReadingRun('paymentImport', input.connectionId, 'readingChanges');
  const importing = new Importing(run, input);
  return await run.through(() => importing.all());
}

class Importing {
  private readonly done: PaymentImportResult;

  constructor(
    private readonly run: ReadingRun,
    private readonly input: PaymentImportInput,
  ) {
    this.done = { outcome: 'completed', imported: 0, failed: 0, ...input.carried };
  }

  async all(): Promise<PaymentImportResult> {
    const { run, input } = this;
    const { companyId, syncFromDate } = await facts(input.connectionId);
    run.progress.company = companyId;
    run.progress.syncFromDate = syncFromDate;
    run.show();
    await settleLostPayments(run.reference, 'ofOthers');
    await run.watched(() => this.readToEnd());
    run.ordinary = 'importingPayments';
    run.show(run.ordinary);
    const found = await findPayments(run.reference, input.reviewed !== null);
    this.show(found);
    if (found.goOn === 'callbackFails') throw callbackFails();
    if (found.goOn === 'import') await this.importAll();
    this.show(await findPayments(run.reference, input.reviewed !== null));
    await run.end('completed');
    return this.done;
  }

  private async readToEnd(): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    const { priority } = this.input;
    const wish = { connectionId, runId, streams: streamsRead, mode: 'incremental', priority } as const;
    for (;;) {
      const turn = await readChanges({ ...wish, notBefore: this.run.startedAt });
      this.run.showChanges(turn.counts);
      if (turn.failed.length > 0) {
        throw ApplicationFailure.nonRetryable(`Not read to the end: ${turn.failed.join(', ')}.`, 'could_not_sync');
      }
      if (turn.outcome === 'complete') return;
      if (turn.until !== null) await this.run.nap(dailyLimit, new Date(turn.until));
      if (workflowInfo().continueAsNewSuggested) await this.startNewRun(0);
    }
  }

  /** A turn that died left one payment claimed at most: it is settled before the next turn begins. */
  private async importAll(): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    const { reviewed } = this.input;
    let failuresInARow = this.input.failuresInARow;
    for (let lostTurns = 0; ; ) {
      const turn = await importPayments({ connectionId, runId, failuresInARow, reviewed }).catch(nullWhereItDied);
      if (turn === null) {
        const lost = await settleLostPayments(this.run.reference, 'all');
        this.done.failed += lost;
        lostTurns = lost > 0 ? 0 : lostTurns + 1;
        if (lostTurns > mostLostTurns) throw ApplicationFailure.nonRetryable('No turn ends.', 'could_not_sync');
        await sleep('1 second', { summary: 'before the next turn' });
      } else {
        lostTurns = 0;
        failuresInARow = turn.failuresInARow;
        this.done.imported += turn.imported;
        this.done.failed += turn.failed;
        if (turn.outcome === 'stopped') throw callbackFails();
        if (turn.outcome === 'complete') return;
      }
      if (workflowInfo().continueAsNewSuggested) await this.startNewRun(failuresInARow);
    }
  }

  private show({ counts, unreconciled }: FoundPayments): void {
    this.run.progress.payments = { ...counts, importedNow: this.done.imported, oldestAt: unreconciled.oldestAt };
    this.run.show();
  }

  private async startNewRun(failuresInARow: number): Promise<never> {
    await condition(allHandlersFinished);
    const { imported, failed } = this.done;
    return await continueAsNew<typeof paymentImport>({
      ...this.input,
      failuresInARow,
      carried: { imported, failed },
    });
  }
}

/** Its worker was killed, or Postgres went away: nobody knows from here what it had done. */
function nullWhereItDied(error: unknown): ImportTurn | null {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  return null;
}

const callbackFails = (): ApplicationFailure =>
  ApplicationFailure.nonRetryable('The callback of the platform fails.', 'callback_failed');
