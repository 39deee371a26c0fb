/** `npm run bench -- preview`: what a preview of many pending documents takes beyond the sync that it begins with. */
import { randomUUID } from 'node:crypto';
import { workflowIds } from '../../domain/names.js';
import { consentTo } from '../../test/support/books.js';
import { eventually } from '../../test/support/waiting.js';
import { type Figure, median, spread } from '../figures.js';
import { newOrganisation, warmUp } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

const contacts = 1000;
const invoices = 8000;
const payments = 1000;
const documents = contacts + invoices + payments;
const rounds = 3;
const aimSeconds = 5;
const perCall = 500;

export async function* benchPreview(stack: Stack): AsyncGenerator<Figure> {
  await stack.startWorker();
  await warmUp(stack);
  const { connectionId, company } = await connect(stack);
  await save(stack, company);
  const beyond: number[] = [];
  const calls: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const sync = await ran(stack, connectionId, 'sync');
    const preview = await ran(stack, connectionId, 'preview');
    beyond.push(preview.seconds - sync.seconds);
    calls.push(preview.calls - sync.calls);
  }
  yield {
    what: `${documents} documents, beyond the sync`,
    value: `${spread(beyond, 2)} s in ${rounds} rounds`,
    aim: `< ${aimSeconds} s`,
    met: median(beyond) < aimSeconds,
  };
  yield {
    what: 'calls beyond those of the sync',
    value: spread(calls),
    aim: '0: all history is mirrored, so no number is to be looked up',
    met: calls.every((count) => count === 0),
  };
}

async function connect(stack: Stack): Promise<{ connectionId: string; company: string }> {
  const organisation = await newOrganisation(stack, { records: 20_000 });
  const company = randomUUID();
  await stack.api.put(`/companies/${company}`, { name: 'A company' });
  const wish = { company, direction: 'two-way', syncFromDate: null };
  const { id, consentUrl } = await stack.api.post<{ id: string; consentUrl: string }>('/connections', wish);
  await stack.api.patch(`/connections/${id}/settings`, {
    exportMode: 'reviewed',
    accounts: { sales: '200', purchases: '300', payments: { card: '090' } },
  });
  await consentTo(consentUrl, organisation);
  await stack.temporal.workflow.getHandle(workflowIds.backfill(id)).result();
  return { connectionId: id, company };
}

async function save({ api }: Stack, company: string): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const lines = [{ description: 'Ferns', quantity: '2', unitAmount: '10.00' }];
  const invoice = { kind: 'invoice', date, dueDate: date, lineAmountTypes: 'noTax', lines, total: '20.00' };
  const all = [
    ...numbered(contacts).map((n) => ({ kind: 'contact', externalId: `c-${n}`, name: `Customer ${n}` })),
    ...numbered(invoices).map((n) => ({
      ...{ ...invoice, externalId: `i-${n}`, number: `B-${n}`, contact: `c-${n % contacts}` },
    })),
    ...numbered(payments).map((n) => ({
      ...{ kind: 'payment', externalId: `p-${n}`, invoice: `i-${n}`, amount: '20.00', date, method: 'card' },
    })),
  ];
  for (let at = 0; at < all.length; at += perCall) {
    await api.post(`/companies/${company}/documents`, { documents: all.slice(at, at + perCall) });
  }
}

const numbered = (count: number): number[] => [...Array(count).keys()];

interface Run {
  outcome: string;
  startedAt: string;
  endedAt: string | null;
  calls: number;
}

async function ran({ api }: Stack, connectionId: string, kind: 'sync' | 'preview') {
  const path = `/connections/${connectionId}`;
  const { runId } = await api.post<{ runId: string }>(`${path}/${kind === 'sync' ? 'sync' : 'previews'}`, {});
  const run = await eventually(
    `the ${kind} has ended`,
    () => api.get<Run>(`${path}/runs/${runId}`),
    ({ endedAt }) => endedAt !== null,
  );
  if (run.outcome !== 'completed') throw new Error(`the ${kind} ended as ${run.outcome}`);
  return { seconds: (Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt)) / 1000, calls: run.calls };
}
