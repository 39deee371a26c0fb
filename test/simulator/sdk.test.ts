import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountingApi, XeroClient } from 'xero-node';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { control, READ_SCOPES } from './support.js';
import { connectedSdk } from './xeroNode.js';

type Reading = [string, (api: AccountingApi, tenantId: string) => Promise<{ body: object }>];

/** Every read endpoint, as the SDK names it. */
const READINGS: Reading[] = [
  ['organisations', (api, tenantId) => api.getOrganisations(tenantId)],
  ['contacts', (api, tenantId) => api.getContacts(tenantId, undefined, undefined, undefined, undefined, 1, true)],
  ['accounts', (api, tenantId) => api.getAccounts(tenantId)],
  ['taxRates', (api, tenantId) => api.getTaxRates(tenantId)],
  ['trackingCategories', (api, tenantId) => api.getTrackingCategories(tenantId)],
  ['currencies', (api, tenantId) => api.getCurrencies(tenantId)],
  ['items', (api, tenantId) => api.getItems(tenantId)],
  ['invoices', (api, tenantId) => api.getInvoices(tenantId)],
  ['creditNotes', (api, tenantId) => api.getCreditNotes(tenantId)],
  ['payments', (api, tenantId) => api.getPayments(tenantId)],
  ['prepayments', (api, tenantId) => api.getPrepayments(tenantId)],
  ['overpayments', (api, tenantId) => api.getOverpayments(tenantId)],
  ['bankTransactions', (api, tenantId) => api.getBankTransactions(tenantId)],
  ['purchaseOrders', (api, tenantId) => api.getPurchaseOrders(tenantId)],
  ['manualJournals', (api, tenantId) => api.getManualJournals(tenantId)],
  ['quotes', (api, tenantId) => api.getQuotes(tenantId)],
  ['linkedTransactions', (api, tenantId) => api.getLinkedTransactions(tenantId)],
  ['journals', (api, tenantId) => api.getJournals(tenantId)],
  ['batchPayments', (api, tenantId) => api.getBatchPayments(tenantId)],
  ['bankTransfers', (api, tenantId) => api.getBankTransfers(tenantId)],
  ['users', (api, tenantId) => api.getUsers(tenantId)],
  ['contactGroups', (api, tenantId) => api.getContactGroups(tenantId)],
  ['brandingThemes', (api, tenantId) => api.getBrandingThemes(tenantId)],
];
const EMPTY_READINGS: Reading[] = [
  ['repeatingInvoices', (api, tenantId) => api.getRepeatingInvoices(tenantId)],
  ['receipts', (api, tenantId) => api.getReceipts(tenantId)],
  ['expenseClaims', (api, tenantId) => api.getExpenseClaims(tenantId)],
];

describe('xero-node alone', () => {
  let simulator: Simulator;
  let xero: XeroClient;
  let tenantId: string;

  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, records: 2_000, demo: false });
    tenantId = (await control(simulator, 'POST', '/organisations', { records: 2_000, tier: 'advanced' })).tenantId;
    xero = await connectedSdk(simulator, tenantId, READ_SCOPES);
  });
  afterAll(() => simulator.close());

  it('goes through consent, verifies the id token, and holds a token set', () => {
    const tokens = xero.readTokenSet();
    expect(tokens.expired()).toBe(false);
    expect(tokens.claims()).toMatchObject({ email: 'demo.user@example.com', iss: simulator.url });
  });

  it.each(READINGS)('reads %s', async (collection, read) => {
    const { body } = await read(xero.accountingApi, tenantId);
    const rows = (body as Record<string, object[]>)[collection] ?? [];
    expect(rows.length).toBeGreaterThan(0);
    const known = Object.values(rows[0] ?? {}).filter((value) => value !== undefined);
    expect(known.length).toBeGreaterThan(1);
  });

  it.each(EMPTY_READINGS)('reads %s, of which there are none', async (collection, read) => {
    const { body } = await read(xero.accountingApi, tenantId);
    expect((body as Record<string, object[]>)[collection]).toEqual([]);
  });

  it('pages through invoices and reads dates, totals and limits', async () => {
    const since = new Date('2020-01-01T00:00:00Z');
    const where = 'Type=="ACCREC"';
    const api = xero.accountingApi;
    const args = [undefined, undefined, undefined, undefined, 1, undefined, undefined, 4, undefined, 50] as const;
    const { body, response } = await api.getInvoices(tenantId, since, where, 'InvoiceID ASC', ...args);
    expect(body.invoices).toHaveLength(50);
    expect(body.pagination).toMatchObject({ page: 1, pageSize: 50 });
    expect(body.invoices?.[0]?.lineItems?.length).toBeGreaterThan(0);
    expect(Number(response.headers['x-daylimit-remaining'])).toBeLessThan(5_000);
  });

  it('refreshes its tokens', async () => {
    const before = xero.readTokenSet().refresh_token;
    await xero.refreshToken();
    expect(xero.readTokenSet().refresh_token).not.toBe(before);
  });

  it('rejects with a JSON string that holds the recorded body', async () => {
    const failed = xero.accountingApi.getInvoices(
      tenantId,
      undefined,
      'Type ==',
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      1,
    );
    const text = await failed.then(
      () => '',
      (reason: unknown) => String(reason),
    );
    expect(JSON.parse(text).response).toMatchObject({ statusCode: 400, body: { ErrorNumber: 16 } });
  });
});
