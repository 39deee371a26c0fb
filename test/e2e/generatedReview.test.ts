import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentKinds } from '../../domain/documents/kinds.js';
import { type Generated, generated } from '../support/generatedDocuments.js';
import { connectBothWays, type Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { Reviewer, type RowView } from '../support/reviewer.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

/** Documents; `npm run test:review` takes 2,000. */
const most = Number(process.env.REVIEWED_DOCUMENTS ?? 200);
const withinMs = 60_000 + most * 300;

quietWorkers();
let system: System;
let platform: Platform;
let reviewer: Reviewer;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({ deadlineMs: 5000, patience: { absentAfterMs: 4000, firstWaitMs: 50 } });
  platform = await connectBothWays(system, { limits: { minute: 100_000, day: 1_000_000 }, baseCurrency: 'NZD' });
  await system.api.patch(`/connections/${platform.books.id}/settings`, {
    exportMode: 'reviewed',
    accounts: { rounding: '860', payments: { card: '090' } },
  });
  reviewer = new Reviewer(system, platform);
});
afterAll(() => system?.stop());

/** Errors that another document brings about, which may be well when it is let go later. */
const aboutOthers: ReadonlySet<string> = new Set([
  ...['parent_not_sent', 'parent_failed', 'payment_exceeds_due', 'allocation_exceeds', 'number_taken'],
  'contact_name_taken',
]);

const nameOf = ({ kind, externalId }: Pick<RowView, 'kind' | 'externalId'>): string => `${kind} ${externalId}`;

async function saveAll(documents: readonly Generated[]): Promise<void> {
  for (let at = 0; at < documents.length; at += 200) await platform.saveAll(documents.slice(at, at + 200));
}

/** Every row, by the document's name; what has errors is excluded, as often as it takes for what stands on it too. */
async function reviewedRows(): Promise<{ id: string; rows: Map<string, RowView>; wrong: Map<string, RowView> }> {
  const wrong = new Map<string, RowView>();
  for (;;) {
    const { id, groups } = await reviewer.preview();
    const rows: RowView[] = [];
    for (const group of Object.keys(groups)) rows.push(...(await reviewer.rows(id, group)));
    const failing = rows.filter(({ outcome }) => outcome === 'error');
    if (failing.length === 0) return { id, rows: new Map(rows.map((row) => [nameOf(row), row])), wrong };
    for (const row of failing) {
      wrong.set(nameOf(row), row);
      await platform.wish(row.kind as Generated['kind'], row.externalId, 'exclude');
    }
  }
}

/** What the export made of each row that it was to send, held against what the preview said. */
async function differences(rows: Map<string, RowView>, exportId: string): Promise<string[]> {
  const outcomes = new Map((await reviewer.exportRows(exportId)).map((row) => [nameOf(row), row]));
  return [...rows].flatMap(([name, { outcome }]) => {
    const { result, code } = outcomes.get(name) ?? {};
    const expected = outcome === 'send' ? 'sent' : 'skipped';
    return result === expected ? [] : [`${name}: ${outcome} in the preview, then ${result} ${code ?? ''}`];
  });
}

test(
  'what a preview says is what happens, row by row, over documents in all states',
  async () => {
    const documents = generated(most, 7);
    const earlier = documents.filter((_, index) => index % 3 === 0);
    await saveAll(earlier);
    const first = await reviewedRows();
    expect(first.rows.size).toBeGreaterThan(0);
    const sent = await reviewer.exported(await reviewer.send(first.id));
    expect(await differences(first.rows, sent.id)).toEqual([]);

    // What stands is edited or deleted, what was wrong comes again, and the rest is new.
    await saveAll(documents);
    const edited = earlier.filter(({ kind }, index) => index % 4 === 0 && 'lines' in documentsOf(kind));
    await saveAll(edited.map((each) => ({ ...each, content: { ...each.content, reference: 'edited' } })));
    for (const { kind, externalId } of earlier.filter((_, index) => index % 11 === 5)) {
      await platform.remove(kind, externalId);
    }
    const second = await reviewedRows();
    const done = await reviewer.exported(await reviewer.send(second.id));
    expect(done.state).toBe('completed');
    expect(await differences(second.rows, done.id)).toEqual([]);

    // What had errors of its own, let go by itself, is refused for one of those.
    const wrong = new Map([...first.wrong, ...second.wrong]);
    for (const { kind, externalId } of byRank(wrong)) {
      await platform.wish(kind as Generated['kind'], externalId, 'include');
    }
    await system.api.patch(`/connections/${platform.books.id}/settings`, { exportMode: 'immediate' });
    await system.api.post(`/connections/${platform.books.id}/sync`, {});
    await eventually(
      'nothing is on its way',
      () => platform.states(),
      (states) => (states.queued ?? 0) + (states.sending ?? 0) === 0,
      withinMs,
    );
    const surprises: string[] = [];
    for (const [name, { kind, externalId, errors }] of second.wrong) {
      const codes = errors.map(({ code }) => code);
      if (codes.some((code) => aboutOthers.has(code))) continue;
      const { state, errors: told } = await platform.document(kind as Generated['kind'], externalId);
      if (['failed', 'held', 'waiting'].includes(state) && told.some(({ code }) => codes.includes(code))) continue;
      surprises.push(`${name}: ${codes.join()} in the preview, then ${state} ${told.map(({ code }) => code).join()}`);
    }
    expect(surprises).toEqual([]);
  },
  withinMs * 3,
);

const documentsOf = (kind: Generated['kind']): object =>
  ['contact', 'item', 'payment', 'billPayment'].includes(kind) ? {} : { lines: [] };

const byRank = (rows: Map<string, RowView>): RowView[] => [...rows.values()].sort((a, b) => rankOf(a) - rankOf(b));
const rankOf = ({ kind }: RowView): number => documentKinds[kind as Generated['kind']].rank;
