/** What a platform and its customer do: connect, consent, and ask again where the service did not answer. */
import { setTimeout as delay } from 'node:timers/promises';
import { optionalStreams } from '../../domain/streams.js';
import { type ApiClient, ApiProblem } from '../../embedded/apiClient.js';
import { type BackfillView, consentTo } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';

/** Some thousands of records, in every stream; journals follow from the documents. */
const counts = {
  contacts: 1300,
  items: 60,
  invoices: 3300,
  payments: 2200,
  creditNotes: 1200,
  prepayments: 150,
  overpayments: 150,
  bankTransactions: 1300,
  purchaseOrders: 1200,
  manualJournals: 1200,
  quotes: 350,
  linkedTransactions: 250,
  batchPayments: 60,
  bankTransfers: 40,
};

export interface Customer {
  company: string;
  organisation: string;
  connection: string;
}

const pollMs = 300;
/** Longer than any wait that reading may have here: after faults, for the budget, for a killed reader's lease. */
const stuckAfterMs = 180_000;

/** It does not get on. */
export class Stuck extends Error {}

export async function newOrganisation(simulatorUrl: string, seed: string): Promise<string> {
  const wish = { name: `Organisation ${seed}`, seed, counts, tier: 'advanced' };
  return (await control<{ tenantId: string }>(simulatorUrl, 'POST', '/organisations', wish)).tenantId;
}

/** Repeats `step` until it answers: the API, or what it needs, may be away at any moment. @throws Stuck */
export async function persistently<T>(step: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + stuckAfterMs;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (performance.now() > deadline) throw new Stuck(`it does not answer: ${(error as Error).message}`);
      await delay(pollMs);
    }
  }
}

/** Connects an organisation over OAuth, all streams chosen; its first full read is under way when this is fulfilled. */
export async function connect(api: ApiClient, company: string, organisation: string): Promise<Customer> {
  await persistently(() => api.put(`/companies/${company}`, { name: 'A company in chaos' }));
  const connection = await persistently(() => create(api, company));
  await persistently(() => api.patch(`/connections/${connection}/settings`, { optionalStreams }));
  await persistently(() => consentUntilBound(api, connection, organisation));
  await persistently(() => startUntilRunning(api, connection));
  return { company, organisation, connection };
}

async function create(api: ApiClient, company: string): Promise<string> {
  try {
    const wish = { company, direction: 'import', syncFromDate: null };
    return (await api.post<{ id: string }>('/connections', wish)).id;
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'already_connected') return String(error.body.existing);
    throw error;
  }
}

async function consentUntilBound(api: ApiClient, connection: string, organisation: string): Promise<void> {
  const bound = async () =>
    (await api.get<{ organisation: unknown }>(`/connections/${connection}`)).organisation !== null;
  if (await bound()) return;
  const { consentUrl } = await api.post<{ consentUrl: string }>(`/connections/${connection}/reconnect`, {});
  await consentTo(consentUrl, organisation);
  if (!(await bound())) throw new Error('the consent was given and no organisation is bound');
}

async function startUntilRunning(api: ApiClient, connection: string): Promise<void> {
  const { runId } = await api.get<{ runId: string | null }>(`/connections/${connection}/backfill`);
  if (runId === null) await api.post(`/connections/${connection}/backfill`, {});
}

/** Until the first full read has ended. @throws Stuck when nothing changes for long. */
export async function followToEnd(
  api: ApiClient,
  { connection }: Customer,
  onProgress: (records: number) => void,
): Promise<BackfillView> {
  let [seen, since] = ['', performance.now()];
  for (;;) {
    const backfill = await persistently(() => api.get<BackfillView>(`/connections/${connection}/backfill`));
    const streams = Object.values(backfill.streams);
    const now = JSON.stringify([backfill.status, backfill.calls, streams]);
    if (now !== seen) [seen, since] = [now, performance.now()];
    onProgress(streams.reduce((sum, { records }) => sum + records, 0));
    if (backfill.endedAt !== null) return backfill;
    if (performance.now() - since > stuckAfterMs) throw new Stuck(`nothing moves: ${seen}`);
    await delay(pollMs);
  }
}
