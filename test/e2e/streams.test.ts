import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optionalStreams, type StreamName, streamNames } from '../../domain/streams.js';
import { Books, consentTo } from '../support/books.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';

let system: System;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  await system.startWorkerHere({});
});
afterAll(() => system?.stop());

/** Connected with its optional streams chosen before the consent, which so asks for all that they need. */
async function read(organisation: string, chosen: readonly StreamName[], syncFromDate: string | null = null) {
  const { api, client, xeroUrl } = system;
  const company = randomUUID();
  await api.put(`/companies/${company}`, { name: 'A company' });
  const { id } = await api.post<{ id: string }>('/connections', { company, direction: 'import', syncFromDate });
  await api.patch(`/connections/${id}/settings`, { optionalStreams: chosen });
  const { consentUrl } = await api.post<{ consentUrl: string }>(`/connections/${id}/reconnect`, {});
  await consentTo(consentUrl, organisation);
  const books = new Books(id, organisation, { api, client, pool: system.database.pool, xeroUrl });
  await books.ended();
  return books;
}

async function expectComplete(books: Books, names: readonly StreamName[], from: string | null = null): Promise<void> {
  const { streams } = await books.backfill();
  for (const name of names) {
    const comparison = await books.compare(name, { from });
    expect({ [name]: comparison }).toEqual({ [name]: allEqual(comparison.equal) });
    expect({ [name]: streams[name] }).toMatchObject({ [name]: { status: 'complete', records: comparison.equal } });
  }
}

describe('optional streams', () => {
  test('are all read on the Advanced tier where they were chosen', async () => {
    const books = await read(await system.organisation({ records: 600, tier: 'advanced' }), optionalStreams);
    expect(await books.backfill()).toMatchObject({ outcome: 'completed' });
    await expectComplete(books, streamNames);
    expect((await books.backfill()).streams.journals.records).toBeGreaterThan(0);
  });

  test('that the tier does not give are unavailable with the reason, and all others are complete', async () => {
    const books = await read(await system.organisation({ records: 600, tier: 'plus' }), optionalStreams);
    const { outcome, status, streams } = await books.backfill();
    expect({ outcome, status }).toEqual({ outcome: 'completed', status: 'active' });
    expect(streams.journals).toMatchObject({ status: 'unavailable', records: 0, lastError: 'not_available' });
    await expectComplete(
      books,
      streamNames.filter((name) => name !== 'journals'),
    );
  });
});

test('an organisation too large for one list is read in slices, and nothing is missing', async () => {
  const counts = { contacts: 700, invoices: 1300, payments: 800, creditNotes: 500, bankTransactions: 450 };
  const large = { ...counts, purchaseOrders: 450, manualJournals: 450 };
  const organisation = await system.organisation({ counts: large });
  await system.xero('PATCH', '/settings', { highVolumeThreshold: 400 });
  const books = await read(organisation, []);
  await system.xero('PATCH', '/settings', { highVolumeThreshold: 100_000 });
  expect(await books.backfill()).toMatchObject({ outcome: 'completed' });
  await expectComplete(
    books,
    streamNames.filter((name) => !optionalStreams.includes(name)),
  );
  const { byEndpoint } = (await books.usage()).calls;
  for (const endpoint of ['Invoices', 'Payments', 'PurchaseOrders', 'ManualJournals', 'Contacts']) {
    expect({ [endpoint]: byEndpoint[endpoint] }).not.toEqual({ [endpoint]: 1 });
  }
});

describe('an endpoint that ignores paging does not loop', () => {
  test.each([
    ['Quotes', 'quotes', 'QuoteID', 100],
    ['ManualJournals', 'manualJournals', 'ManualJournalID', 1000],
    ['ManualJournals', 'manualJournals', 'ManualJournalID', 1100],
  ] as const)('%s: the same page of %s again and again (%s, %i rows)', async (endpoint, stream, idField, rows) => {
    const organisation = await system.organisation({ counts: { contacts: 5 } });
    const row = () => ({
      [idField]: randomUUID(),
      Date: '/Date(1780000000000+0000)/',
      UpdatedDateUTC: '/Date(1780000000000+0000)/',
    });
    const body = JSON.stringify({ [endpoint]: Array.from({ length: rows }, row) });
    const match = { tenantId: organisation, path: `/${endpoint}` };
    await system.xero('POST', '/faults', [{ match, kind: 'status', status: 200, body }]);
    const books = await read(organisation, ['quotes']);
    const [struck] = await system.xero<{ hits: number }[]>('GET', '/faults');
    await system.xero('DELETE', '/faults');
    expect(await books.backfill()).toMatchObject({
      outcome: 'completed',
      streams: { [stream]: { status: 'complete', records: rows } },
    });
    expect(struck?.hits).toBeLessThanOrEqual(3);
  });
});

test('a record that cannot be stored is set aside, counted and listed, and all others are there', async () => {
  const organisation = await system.organisation({ counts: { contacts: 40, invoices: 20 } });
  const [edited] = await system.xero<string[]>('POST', `/organisations/${organisation}/edits`, [
    { stream: 'contacts', op: 'edit', nth: 7, set: { AccountNumber: 'zero\u0000byte' } },
  ]);
  const books = await read(organisation, []);
  expect(await books.backfill()).toMatchObject({
    outcome: 'completed',
    streams: { contacts: { status: 'complete', records: 39, setAside: 1 }, invoices: { records: 20, setAside: 0 } },
  });
  expect(await books.compare('contacts')).toEqual({ equal: 39, missing: [edited], surplus: [], different: [] });
  const { data } = await system.api.get<{ data: { text: string }[] }>(
    `/connections/${books.id}/records/contacts?setAside=true`,
  );
  expect(data).toHaveLength(1);
  expect(JSON.parse(data[0]?.text ?? '')).toMatchObject({ ContactID: edited, AccountNumber: 'zero\u0000byte' });
});

test('what payments in scope have paid before the Sync From Date is fetched by id and marked as outside', async () => {
  const from = new Date(Date.now() - 400 * 86_400_000).toISOString().slice(0, 10);
  const organisation = await system.organisation({ counts: { contacts: 30, invoices: 900, payments: 800 } });
  const books = await read(organisation, [], from);
  expect(await books.backfill()).toMatchObject({ outcome: 'completed' });
  await expectComplete(books, ['invoices', 'payments'], from);
  const { rows } = await system.database.pool.query<{ id: string; outside: boolean | null }>(
    `SELECT p.body #>> '{Invoice,InvoiceID}' AS id, i.outside_window AS outside
       FROM record p LEFT JOIN record i ON i.organisation_id = p.organisation_id AND i.stream = 'invoices'
        AND i.xero_id = p.body #>> '{Invoice,InvoiceID}'
      WHERE p.organisation_id = $1 AND p.stream = 'payments' AND NOT p.outside_window`,
    [organisation],
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter(({ outside }) => outside === null)).toEqual([]);
  const parent = rows.find(({ outside }) => outside);
  expect(await system.api.get(`/connections/${books.id}/records/invoices/${parent?.id}`)).toMatchObject({
    xeroId: parent?.id,
    outsideWindow: true,
  });
});
