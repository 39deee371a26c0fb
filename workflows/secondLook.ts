import { ApplicationFailure, allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { AuditResult } from '../activities/secondLook.js';
import { type StreamName, streamNames, streams } from '../domain/streams.js';
import { auditStreams, booked, looks, readOptions, readStream, verifyAbsent } from './activities.js';
import type { SecondLookRequest, SecondLookResult } from './contract.js';
import { dailyLimit, outcomeOf, ReadingRun } from './readingRun.js';
import { readSoFar } from './runDetails.js';

const { facts } = booked('look the connection up');
const { waitForSpares } = looks('are there calls to spare?');
const { noteSecondLook } = looks('note that everything was looked at');

/**
 * Weekly: counts in Xero what the mirror has, one call a stream. Every four weeks, or where the counts differ, it reads
 * everything once more and asks for what no page showed by its id: that finds what Xero's stamps hide. It uses no call of a
 * day of which less than half is left.
 */
export async function secondLook(request: SecondLookRequest): Promise<SecondLookResult> {
  const look = new SecondLook(request);
  return await look.run.through(() => look.look());
}

class SecondLook {
  readonly run: ReadingRun;
  private deleted = 0;
  private readonly failed: StreamName[] = [];

  constructor(private readonly request: SecondLookRequest) {
    this.run = new ReadingRun('secondLook', request.connectionId, 'counting');
  }

  async look(): Promise<SecondLookResult> {
    const { connectionId } = this.request;
    const known = await facts(connectionId);
    this.run.progress.company = known.companyId;
    this.run.progress.syncFromDate = known.syncFromDate;
    const { left, everything } = known.backfilled ? await this.whatIsLeft() : { left: [], everything: false };
    this.run.ordinary = 'lookingAgain';
    for (const [index, stream] of left.entries()) {
      this.run.show('lookingAgain');
      await this.run.watched(() => this.readAgain(stream)).catch((error: unknown) => this.leaveOut(stream, error));
      if (workflowInfo().continueAsNewSuggested) await this.startNewRun(left.slice(index + 1), everything);
    }
    if (this.failed.length > 0) {
      throw ApplicationFailure.nonRetryable(`Not looked at: ${this.failed.join(', ')}.`, 'could_not_sync');
    }
    if (everything) await noteSecondLook(connectionId);
    await this.run.end('completed');
    return { outcome: 'completed', lookedAt: left, deleted: this.deleted };
  }

  /** A stream that cannot be read stops no other. */
  private leaveOut(stream: StreamName, error: unknown): void {
    if (!['could_not_sync', 'xero_unavailable'].includes(outcomeOf(error))) throw error;
    this.failed.push(stream);
  }

  /** A run that continues another has it from there. */
  private async whatIsLeft(): Promise<{ left: StreamName[]; everything: boolean }> {
    const { left, everything = false } = this.request;
    if (left !== undefined) return { left, everything };
    this.run.show('counting');
    const audit = await this.audit();
    this.showCounts(audit.counted);
    return { left: audit.lookAt, everything: audit.due };
  }

  private async audit(): Promise<AuditResult> {
    const { connectionId, runId } = this.run.reference;
    for (;;) {
      await this.untilSpares();
      const audit = await auditStreams({ connectionId, runId });
      if (audit.until === null) return audit;
      await this.run.nap(dailyLimit, new Date(audit.until));
    }
  }

  private showCounts(counted: AuditResult['counted']): void {
    for (const stream of streamNames) {
      const count = counted[stream];
      if (count) this.run.progress.streams[stream] = `**${count.mirror}** here, **${count.xero}** in Xero`;
    }
    this.run.show();
  }

  private async readAgain(stream: StreamName): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    const options = { ...readOptions, summary: `${streams[stream].title} once more` };
    const input = { connectionId, runId, stream, notBefore: this.run.startedAt, mode: 'full' } as const;
    for (;;) {
      await this.untilSpares();
      const turn = await readStream.executeWithOptions(options, [input]);
      this.run.progress.streams[stream] = readSoFar(turn);
      this.run.show();
      if (turn.until !== null) await this.run.nap(dailyLimit, new Date(turn.until));
      else if (turn.outcome === 'complete') return await this.verify(stream);
      else if (turn.outcome !== 'more') return;
    }
  }

  private async verify(stream: StreamName): Promise<void> {
    const { connectionId, runId } = this.run.reference;
    for (;;) {
      const verified = await verifyAbsent({ connectionId, runId, stream, since: this.run.startedAt });
      this.deleted += verified.deleted;
      if (verified.until === null) return;
      await this.run.nap(dailyLimit, new Date(verified.until));
    }
  }

  private async untilSpares(): Promise<void> {
    for (;;) {
      const until = await waitForSpares(this.request.connectionId);
      if (until === null) return;
      await this.run.nap('a day with calls to spare', new Date(until));
    }
  }

  private async startNewRun(left: StreamName[], everything: boolean): Promise<never> {
    await condition(allHandlersFinished);
    return await continueAsNew<typeof secondLook>({ connectionId: this.request.connectionId, left, everything });
  }
}
