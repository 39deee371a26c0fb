/** Documents are saved while workers die and answers go astray; in the end each is in Xero exactly once. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { createPool } from '../../db/pool.js';
import { consentTo, type Usage } from '../../test/support/books.js';
import { contentOf } from '../../test/support/platform.js';
import { seeded } from '../../test/support/readingModel.js';
import { eventually } from '../../test/support/waiting.js';
import { control } from '../../test/xero/support.js';
import { type PushPoint, type PushWorld, pushPoints } from './pushPoints.js';
import type { Stack } from './stack.js';

const company = 'company-push';
/** Longer than all that a document may wait for: a second look, the budget's minute. */
const settledWithinMs = 240_000;
/** Between two events the outbox has moments like those of a quiet day. */
const mostCalmMs = 1500;

interface Saved {
  contacts: string[];
  invoices: string[];
  payments: number;
}

/** @returns whether nothing was wrong. */
export async function ragePush(
  stack: Stack,
  { kills, seed }: { kills: number; seed: number },
  say: (line: string) => void,
): Promise<boolean> {
  const began = performance.now();
  const random = seeded(seed);
  const pool = createPool(stack.databaseUrl);
  try {
    const { organisation, connection } = await connectBothWays(stack);
    const saved: Saved = { contacts: [], invoices: [], payments: 0 };
    const world: PushWorld = {
      ...{ pool, simulatorUrl: stack.simulatorUrl, organisation, connection },
      save: () => saveSome(stack, saved),
      kill: async () => void (await Promise.all(stack.victims.worker.map((worker) => worker.kill()))),
      start: async () => void (await Promise.all(stack.victims.worker.map((worker) => worker.start()))),
    };
    const tally = Object.fromEntries(Object.keys(pushPoints).map((point) => [point, 0])) as Record<PushPoint, number>;
    const points = Object.keys(pushPoints) as PushPoint[];
    for (let number = 1; number <= kills; number++) {
      // Each in turn first, so that few kills meet all of them.
      const point = (
        number <= points.length ? points[number - 1] : points[Math.floor(random() * points.length)]
      ) as PushPoint;
      await pushPoints[point](world);
      tally[point]++;
      const at = ((performance.now() - began) / 1000).toFixed(1);
      say(
        `${String(number).padStart(4)}  ${at.padStart(6)} s  ${point.padEnd(10)}  ${saved.invoices.length} invoices saved`,
      );
      await delay(random() * mostCalmMs);
    }
    await control(stack.simulatorUrl, 'DELETE', '/faults');
    const complaints = await auditPush(pool, stack, organisation, saved);
    for (const complaint of complaints) say(complaint);
    say(await summary(pool, tally, saved, complaints, performance.now() - began));
    return complaints.length === 0;
  } finally {
    await pool.end();
  }
}

async function connectBothWays({ api, simulatorUrl }: Stack): Promise<{ organisation: string; connection: string }> {
  const wish = { name: 'Organisation push', seed: '1', counts: { contacts: 5, items: 3 } };
  const { tenantId } = await control<{ tenantId: string }>(simulatorUrl, 'POST', '/organisations', wish);
  await api.put(`/companies/${company}`, { name: 'A company in chaos' });
  const made = await api.post<{ id: string; consentUrl: string }>('/connections', {
    ...{ company, direction: 'two-way', syncFromDate: null },
  });
  await consentTo(made.consentUrl, tenantId);
  await api.patch(`/connections/${made.id}/settings`, { accounts: { sales: '200', purchases: '300' } });
  await eventually(
    'the first read is done',
    () => api.get<{ status: string }>(`/connections/${made.id}`),
    ({ status }) => status === 'active',
  );
  return { organisation: tenantId, connection: made.id };
}

/** A contact, three invoices of which one has no number, a payment of the first, and an edit of an earlier one. */
async function saveSome({ api }: Stack, saved: Saved): Promise<void> {
  const contact = `contact-${saved.contacts.length}`;
  const earlier = saved.invoices.at(-2);
  const names = [0, 1, 2].map((index) => `invoice-${saved.invoices.length + index}`);
  const [first] = names as [string];
  const documents = [
    { kind: 'contact', externalId: contact, ...contentOf.contact(contact) },
    ...names.map((name, index) => ({
      ...{ kind: 'invoice', externalId: name },
      ...contentOf.invoice(contact, { reference: name, ...(index < 2 && { number: name }) }),
    })),
    { kind: 'payment', externalId: `payment-${first}`, ...contentOf.payment(first) },
  ];
  await api.post(`/companies/${company}/documents`, { documents });
  saved.contacts.push(contact);
  saved.invoices.push(...names);
  saved.payments++;
  if (earlier === undefined) return;
  const [owner] = saved.contacts.slice(-2) as [string];
  const edited = contentOf.invoice(owner, { number: earlier, reference: `${earlier}, edited` });
  await api.put(`/companies/${company}/documents/invoice/${earlier}`, edited);
}

/** What is wrong, a sentence each. */
async function auditPush(
  pool: pg.Pool,
  { simulatorUrl }: Stack,
  organisation: string,
  saved: Saved,
): Promise<string[]> {
  const complaints: string[] = [];
  await eventually(
    'every document has come to an end',
    () => statesOf(pool),
    (states) => Object.keys(states).every((state) => !['queued', 'sending', 'waiting'].includes(state)),
    settledWithinMs,
  ).catch((error: Error) => complaints.push(error.message));
  const states = await statesOf(pool);
  const all = saved.contacts.length + saved.invoices.length + saved.payments;
  if (states.sent !== all) complaints.push(`${all} documents were saved and the states are ${JSON.stringify(states)}`);
  const truth = await control<Usage>(simulatorUrl, 'GET', `/organisations/${organisation}/truth`);
  const inXero = (stream: string) => truth.streams[stream]?.count ?? 0;
  if (inXero('invoices') !== saved.invoices.length) {
    complaints.push(`${saved.invoices.length} invoices were saved and Xero has ${inXero('invoices')}`);
  }
  if (inXero('payments') !== saved.payments) {
    complaints.push(`${saved.payments} payments were saved and Xero has ${inXero('payments')}`);
  }
  for (const contact of saved.contacts) {
    const query = new URLSearchParams({ field: 'ContactNumber', value: contact });
    const path = `/organisations/${organisation}/truth/contacts/matching?${query}`;
    const { count } = await control<{ count: number }>(simulatorUrl, 'GET', path);
    if (count !== 1) complaints.push(`${contact} is ${count} times in Xero`);
  }
  return complaints;
}

async function statesOf(pool: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ state: string; count: number }>(
    'SELECT state, count(*)::int AS count FROM document WHERE company_id = $1 GROUP BY state',
    [company],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

async function summary(
  pool: pg.Pool,
  tally: Record<PushPoint, number>,
  saved: Saved,
  complaints: readonly string[],
  ms: number,
): Promise<string> {
  const { rows } = await pool.query<{ absent: number; attempts: number }>(
    `SELECT count(*)::int AS attempts, count(*) FILTER (WHERE outcome = 'absent')::int AS absent FROM push_attempt`,
  );
  const { attempts = 0, absent = 0 } = rows[0] ?? {};
  const points = Object.entries(tally).map(([point, count]) => `${point} ${count}`);
  const events = Object.values(tally).reduce((sum, count) => sum + count, 0);
  const documents = saved.contacts.length + saved.invoices.length + saved.payments;
  return [
    `${events} kills and lost answers (${points.join(', ')})`,
    `${documents} documents, ${attempts} attempts, of which ${absent} never arrived`,
    complaints.length === 0 ? 'each in Xero exactly once' : `${complaints.length} complaints`,
    `${(ms / 1000).toFixed(0)} s`,
  ].join('; ');
}
