import { Context } from '@temporalio/activity';
import { ApplicationFailure, type Duration } from '@temporalio/common';
import type { BookkeepingActivities, MappingActivities, ReadingActivities } from '../../activities/index.js';
import type { ReadStreamResult } from '../../activities/reading.js';
import type { Direction } from '../../domain/connection.js';
import type { StreamName } from '../../domain/streams.js';

/**
 * Activities in memory, for what only a skipped clock can show (days of sleep): the workflow's own part. The real ones
 * are tested on Postgres and the simulator.
 */
export class FakeActivities {
  readonly log: string[] = [];
  /** What the next looks at the run's progress find, in minutes. */
  readonly still: number[] = [];
  /** What the next checks of the settings find, by field. */
  readonly mappingFaults: string[][] = [];
  /** How many locations the next looks find to be still to come. */
  readonly awaitedLocations: number[] = [];
  facts = {
    companyId: '42',
    direction: 'import' as Direction,
    syncFromDate: { chosen: true, date: null as string | null },
    backfilled: false,
    optionalStreams: [] as StreamName[],
    startsAt: null as string | null,
  };
  /** What the next readings of a stream end in, before it completes. */
  readonly next: Partial<Record<StreamName, (() => ReadStreamResult | Promise<ReadStreamResult>)[]>> = {};

  fail(type: string): () => never {
    return () => {
      throw ApplicationFailure.nonRetryable(`ended with ${type}`, type);
    };
  }

  postpone(delay: Duration): () => never {
    return () => {
      throw ApplicationFailure.create({ message: 'not yet', nextRetryDelay: delay });
    };
  }

  activities(): ReadingActivities & BookkeepingActivities & MappingActivities {
    return {
      readStream: async ({ stream }) => {
        this.log.push(`read ${stream}`);
        const planned = this.next[stream]?.shift();
        return planned ? await planned() : { outcome: 'complete', records: 10, expected: 10, until: null };
      },
      readReferences: async () => {
        this.log.push('read references');
        return { outcome: 'complete' as const, until: null };
      },
      minutesWithoutPage: async () => this.still.shift() ?? 0,
      readChanges: async () => {
        this.log.push('read changes');
        return { outcome: 'complete' as const, until: null, failed: [], counts: {} };
      },
      startRun: async () => '2026-10-01T00:00:00.000Z',
      mappingFaults: async () => this.mappingFaults.shift() ?? [],
      awaitedLocations: async () => this.awaitedLocations.shift() ?? 0,
      facts: async () => this.facts,
      learnOrganisation: async () => undefined,
      enterStatus: async (_id, status) => {
        this.log.push(`status ${status}`);
      },
      sleepBegins: async (_run, reason) => {
        this.log.push(`sleep: ${reason}`);
      },
      sleepEnds: async () => {
        this.log.push('awake');
      },
      endRun: async (_run, outcome) => {
        this.log.push(`end ${outcome}`);
      },
    };
  }
}

/** A reading that goes on until it is cancelled, and says when it has begun. */
export function heldReading() {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const reading = async (): Promise<never> => {
    begin();
    const beating = setInterval(() => Context.current().heartbeat(), 100);
    try {
      return await Context.current().cancelled;
    } finally {
      clearInterval(beating);
    }
  };
  return { begun, reading };
}
