import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackfillView, Books, ConnectionView, Usage } from '../support/books.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';
import { eventually } from '../support/waiting.js';

/** Xero's windows, shortened for both sides alike. */
const minuteMs = 8000;
const dayMs = 8000;

let system: System;
beforeAll(async () => {
  system = await startSystem({ minuteMs, dayMs });
  system.startWorker();
});
afterAll(() => system?.stop());

describe('a first full read that needs several days of calls', () => {
  let books: Books;
  let asleep: ConnectionView;
  let found: string[];
  let ended: BackfillView;
  let usage: Usage;
  let began: number;

  beforeAll(async () => {
    began = Date.now();
    const organisation = await system.organisation({
      counts: { contacts: 300, invoices: 6200 },
      limits: { day: 7 },
      dayPhaseMs: began % dayMs,
    });
    books = await system.connect(organisation);
    asleep = await eventually(
      'it sleeps',
      () => books.connection(),
      ({ sleepingUntil }) => sleepingUntil !== null,
    );
    found = await eventually('the search finds it', sleepers, (ids) => ids.length > 0);
    ended = await books.ended();
    usage = await books.usage();
  });

  async function sleepers(): Promise<string[]> {
    const ids: string[] = [];
    const query = `NightledgerState = 'sleepingDailyLimit' AND NightledgerConnection = '${books.id}'`;
    for await (const { workflowId } of system.client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  }

  test('sleeps through the ends of the days and is complete', async () => {
    expect(ended).toMatchObject({ outcome: 'completed', status: 'active', sleepingUntil: null });
    expect(ended.sleeps.length).toBeGreaterThanOrEqual(2);
    for (const { reason } of ended.sleeps) expect(reason).toBe('daily limit of Xero');
    expect(await books.compare('invoices')).toEqual(allEqual(6200));
    expect(usage.calls.byEndpoint).toMatchObject({ Contacts: 1, Invoices: 7 });
  });

  test('sleeps on timers of Temporal that say why and until when', async () => {
    const { events } = await books.run.fetchHistory();
    const sleeps = (events ?? [])
      .filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes)
      .map(({ userMetadata }) => Buffer.from(userMetadata?.summary?.data ?? []).toString())
      .filter((summary) => /daily limit of Xero, until \d{4}-\d\d-\d\dT/.test(summary));
    expect(sleeps.length).toBeGreaterThanOrEqual(2);
  });

  test('shows while it sleeps: at the connection until when, and in a search of the runs', () => {
    expect(Date.parse(asleep.sleepingUntil ?? '')).toBeGreaterThan(began);
    expect(found).toEqual([ended.workflowId]);
  });

  test('is refused at most once a day', () => {
    const days = Math.ceil((Date.parse(ended.endedAt ?? '') - began) / dayMs) + 1;
    expect(usage.refusals.day).toBeLessThanOrEqual(days);
    expect(usage.refusals.minute).toBe(0);
  });
});

test('the minute limit costs waiting, and one refusal at most', async () => {
  const limits = { minute: 12 };
  const books = await system.connect(await system.organisation({ counts: { contacts: 30, invoices: 3400 }, limits }));
  expect(await books.ended()).toMatchObject({ outcome: 'completed', status: 'active', sleeps: [] });
  expect(await books.compare('invoices')).toEqual(allEqual(3400));
  const { calls, refusals } = await books.usage();
  expect(calls.byEndpoint).toMatchObject({ Contacts: 1, Invoices: 4 });
  expect(refusals.minute).toBeLessThanOrEqual(1);
  expect(refusals).toMatchObject({ day: 0, concurrent: 0, appminute: 0 });
});
