import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, type Json, json } from './support.js';

const PAGED = ['Contacts', 'Invoices', 'CreditNotes', 'Payments', 'Prepayments', 'Overpayments', 'BankTransactions'];
const PAGED_TOO = ['PurchaseOrders', 'ManualJournals'];
const WHOLE = [
  'Accounts',
  'Items',
  'BatchPayments',
  'BankTransfers',
  'Users',
  'TaxRates',
  'Currencies',
  'ContactGroups',
];
const STATIC = ['TrackingCategories', 'RepeatingInvoices', 'Receipts', 'ExpenseClaims', 'BrandingThemes'];
const generous = { limits: { minute: 1e6, day: 1e6, concurrent: 100 } };

describe('reading', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.start({
      ...generous,
      organisation: { name: 'Big tier', records: 3_000, tier: 'advanced', ...generous },
    });
  });
  afterAll(() => bench.close());

  const ids = (answer: Json, collection: string, id: string): string[] =>
    answer[collection].map((row: Json) => row[id]);

  it.each([...PAGED, ...PAGED_TOO])('pages %s with a pagination block before the collection', async (name) => {
    const response = await bench.get(name, { page: '1', pageSize: '3', includeArchived: 'true' });
    const text = await response.text();
    const { pagination, [name]: rows } = JSON.parse(text);
    expect(text.indexOf('"pagination"')).toBeLessThan(text.indexOf(`"${name}"`));
    expect(rows).toHaveLength(3);
    expect(pagination).toMatchObject({ page: 1, pageSize: 3, pageCount: Math.ceil(pagination.itemCount / 3) });
  });

  it.each([...PAGED, ...PAGED_TOO])('gives every row of %s once when nobody edits', async (name) => {
    const { pagination } = await bench.read(name, { page: '1', pageSize: '1', includeArchived: 'true' });
    const seen = new Set<string>();
    for (let page = 1; page <= Math.ceil(pagination.itemCount / 100); page++) {
      const answer = await bench.read(name, { page: String(page), includeArchived: 'true' });
      for (const row of answer[name]) seen.add(JSON.stringify(row));
    }
    expect(seen.size).toBe(pagination.itemCount);
  });

  it.each([...WHOLE, ...STATIC])('gives the whole list of %s whatever the page', async (name) => {
    const first = await bench.read(name, { page: '1' });
    const second = await bench.read(name, { page: '2' });
    expect(second[name]).toEqual(first[name]);
    expect(first.pagination).toBeUndefined();
  });

  it('clamps the page size, and takes it only with a page', async () => {
    expect((await bench.read('Invoices', { page: '1', pageSize: '5000' })).pagination.pageSize).toBe(1000);
    expect((await bench.read('Invoices', { page: '1', pageSize: '0' })).pagination.pageSize).toBe(1);
    expect((await bench.read('Invoices', { page: '1' })).pagination.pageSize).toBe(100);
    expect((await bench.read('Invoices', { pageSize: '10' })).Invoices.length).toBeGreaterThan(1000);
  });

  it('sends line items only when paging, and less still for a summary', async () => {
    const [unpaged] = (await bench.read('Invoices')).Invoices;
    const [paged] = (await bench.read('Invoices', { page: '1' })).Invoices;
    const [summary] = (await bench.read('Invoices', { page: '1', summaryOnly: 'true' })).Invoices;
    expect(unpaged.LineItems).toEqual([]);
    expect(paged.LineItems.length).toBeGreaterThan(0);
    expect(summary).not.toHaveProperty('Payments');
  });

  it('writes money with its zeros, and unit prices with four decimals when asked', async () => {
    const two = await (await bench.get('Items')).text();
    const four = await (await bench.get('Items', { unitdp: '4' })).text();
    expect(two).toMatch(/"UnitPrice":\d+\.\d\d,/);
    expect(four).toMatch(/"UnitPrice":\d+\.\d{4},/);
    const invoices = await (await bench.get('Invoices', { page: '1', pageSize: '1' })).text();
    expect(invoices).toMatch(/"Total":\d+\.\d\d,"UpdatedDateUTC":"\\?\/Date\(\d+\+0000\)\\?\/"/);
  });

  it('stamps the envelope without a zone and dates with a DateString', async () => {
    const answer = await bench.read('Invoices', { page: '1', pageSize: '1' });
    expect(answer.DateTimeUTC).toMatch(/^\/Date\(\d+\)\/$/);
    expect(answer).toMatchObject({ Status: 'OK', ProviderName: 'nightledger-demo' });
    const [invoice] = answer.Invoices;
    const day = new Date(Number(/\d+/.exec(invoice.Date)?.[0])).toISOString().slice(0, 19);
    expect(invoice.DateString).toBe(day);
    expect(day).toMatch(/T00:00:00$/);
    expect(invoice.UpdatedDateUTCString).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  });

  it('orders by UpdatedDateUTC and id unless told otherwise', async () => {
    const stamped = (await bench.read('Invoices', { page: '1', pageSize: '1000' })).Invoices;
    const keys = stamped.map((row: Json) => `${/\d+/.exec(row.UpdatedDateUTC)?.[0]} ${row.InvoiceID}`);
    expect(keys).toEqual([...keys].sort());
    const byId = ids(
      await bench.read('Invoices', { page: '1', pageSize: '1000', order: 'InvoiceID ASC' }),
      'Invoices',
      'InvoiceID',
    );
    expect(byId).toEqual([...byId].sort());
    const dates = (await bench.read('Invoices', { page: '1', order: 'Date DESC' })).Invoices.map(
      (row: Json) => row.DateString,
    );
    expect(dates).toEqual([...dates].sort().reverse());
  });

  it.each([
    ['Type=="ACCREC"', (row: Json) => row.Type === 'ACCREC'],
    ['Status!="paid"', (row: Json) => row.Status !== 'PAID'],
    ['Total > 1000.00 AND Total <= 20000', (row: Json) => row.Total > 1000 && row.Total <= 20_000],
    ['Date >= DateTime(2024, 01, 01)', (row: Json) => row.DateString >= '2024-01-01'],
    ['Date < DateTime.Parse("2024-01-01")', (row: Json) => row.DateString < '2024-01-01'],
    ['InvoiceNumber.StartsWith("inv-000")', (row: Json) => row.InvoiceNumber.startsWith('INV-000')],
    ['InvoiceNumber.EndsWith("7")||InvoiceNumber.Contains("99")', (row: Json) => /7$|99/.test(row.InvoiceNumber)],
    [
      '(Type=="ACCPAY"&&Status=="DRAFT") OR CurrencyCode=="USD"',
      (row: Json) => (row.Type === 'ACCPAY' && row.Status === 'DRAFT') || row.CurrencyCode === 'USD',
    ],
    ['FullyPaidOnDate == null', (row: Json) => row.FullyPaidOnDate === undefined],
    ['!(Contact.Name.ToLower().Contains("ltd"))', (row: Json) => !row.Contact.Name.toLowerCase().includes('ltd')],
    ['SentToContact == true', (row: Json) => row.SentToContact === true],
  ])('keeps exactly the rows of where=%s', async (where, test) => {
    const all = (await bench.read('Invoices', { page: '1', pageSize: '1000' })).Invoices;
    const more = (await bench.read('Invoices', { page: '2', pageSize: '1000' })).Invoices;
    const wanted = [...all, ...more].filter(test).map((row: Json) => row.InvoiceID);
    const found: string[] = [];
    for (const page of ['1', '2'])
      found.push(...ids(await bench.read('Invoices', { page, pageSize: '1000', where }), 'Invoices', 'InvoiceID'));
    expect(wanted.length).toBeGreaterThan(0);
    expect(found.sort()).toEqual(wanted.sort());
  });

  it('finds a nested contact by Guid', async () => {
    const [{ Contact }] = (await bench.read('Invoices', { page: '1' })).Invoices;
    const where = `Contact.ContactID == Guid("${Contact.ContactID}")`;
    for (const row of (await bench.read('Invoices', { page: '1', where })).Invoices) {
      expect(row.Contact.ContactID).toBe(Contact.ContactID);
    }
  });

  it.each(['Nonsense == 1', 'Type ==', 'Type=="A" AND', 'Date > DateTime(1', 'Type~"A"', 'Name.Frobnicate("x")'])(
    'refuses where=%s as a QueryParseException',
    async (where) => {
      const response = await bench.get('Invoices', { page: '1', where });
      expect(response.status).toBe(400);
      expect(await json(response)).toMatchObject({ ErrorNumber: 16, Type: 'QueryParseException' });
    },
  );

  it('takes IDs, statuses and numbers as comma lists', async () => {
    const [a, b] = (await bench.read('Invoices', { page: '1' })).Invoices;
    const both = await bench.read('Invoices', { IDs: `${a.InvoiceID},${b.InvoiceID.toUpperCase()}`, page: '1' });
    expect(ids(both, 'Invoices', 'InvoiceID').sort()).toEqual([a.InvoiceID, b.InvoiceID].sort());
    for (const row of (await bench.read('Invoices', { page: '1', Statuses: 'DRAFT,VOIDED' })).Invoices) {
      expect(['DRAFT', 'VOIDED']).toContain(row.Status);
    }
  });

  it('ends a list of ids that makes the URL too long', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    expect((await bench.get('Invoices', { IDs: Array(40).fill(id).join(',') })).status).toBe(200);
    expect((await bench.get('Invoices', { IDs: Array(60).fill(id).join(',') })).status).toBe(404);
  });

  it('finds one row by id, number or code', async () => {
    const [invoice] = (await bench.read('Invoices', { page: '1', where: 'Type=="ACCREC"' })).Invoices;
    expect((await bench.read(`Invoices/${invoice.InvoiceID}`)).Invoices).toEqual([invoice]);
    expect((await bench.read(`Invoices/${invoice.InvoiceNumber}`)).Invoices).toEqual([invoice]);
    const [item] = (await bench.read('Items')).Items;
    expect((await bench.read(`Items/${item.Code}`)).Items).toEqual([item]);
    const contact = (await bench.read('Contacts', { page: '1' })).Contacts.find((row: Json) => row.ContactNumber);
    expect((await bench.read(`Contacts/${contact.ContactNumber}`)).Contacts).toEqual([contact]);
  });

  it('hides archived contacts unless asked for, and merged ones tell where they went only when paged', async () => {
    await bench.edit({ stream: 'contacts', op: 'merge', nth: 5 });
    const usual = await bench.read('Contacts', { page: '1', pageSize: '1000' });
    const all = await bench.read('Contacts', { page: '1', pageSize: '1000', includeArchived: 'true' });
    expect(usual.pagination.itemCount).toBeLessThan(all.pagination.itemCount);
    const merged = all.Contacts.filter((row: Json) => row.MergedToContactID);
    expect(merged.length).toBeGreaterThan(0);
    expect(merged[0].ContactStatus).toBe('ARCHIVED');
    const unpaged = await bench.read('Contacts', { includeArchived: 'true' });
    expect(unpaged.Contacts.some((row: Json) => row.MergedToContactID)).toBe(false);
    expect((await bench.read(`Contacts/${merged[0].ContactID}`)).Contacts[0].MergedToContactID).toBe(
      merged[0].MergedToContactID,
    );
  });

  it.each([[{ where: 'Status=="DRAFT"' }], [{ order: 'Date ASC' }]])(
    'refuses %o for purchase orders',
    async (query) => {
      expect((await bench.get('PurchaseOrders', { page: '1', ...query })).status).toBe(400);
    },
  );

  it('filters purchase orders and quotes by DateFrom and DateTo', async () => {
    const range = { DateFrom: '2024-01-01', DateTo: '2024-12-31' };
    for (const name of ['PurchaseOrders', 'Quotes']) {
      const rows = (await bench.read(name, { page: '1', ...range }))[name];
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row.DateString.slice(0, 4)).toBe('2024');
    }
  });

  it('ends the paging of manual journals when they are ordered', async () => {
    const { pagination } = await bench.read('ManualJournals', { page: '1', pageSize: '5' });
    const answer = await bench.read('ManualJournals', { page: '1', pageSize: '5', order: 'Date ASC' });
    expect(answer.ManualJournals).toHaveLength(pagination.itemCount);
  });

  it('gives quotes and linked transactions by the hundred without a pagination block', async () => {
    for (const name of ['Quotes', 'LinkedTransactions']) {
      const answer = await bench.read(name, { page: '1', pageSize: '1000' });
      expect(answer.pagination).toBeUndefined();
      expect(answer[name].length).toBeLessThanOrEqual(100);
    }
  });

  it('gives journals after an offset, balanced, a hundred at a time', async () => {
    const first = (await bench.read('Journals')).Journals;
    expect(first.map((row: Json) => row.JournalNumber)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    const later = (await bench.read('Journals', { offset: '250' })).Journals;
    expect(later[0].JournalNumber).toBe(251);
    for (const { JournalLines } of [...first, ...later]) {
      const sum = JournalLines.reduce((total: number, line: Json) => total + Math.round(line.NetAmount * 100), 0);
      expect(sum).toBe(0);
    }
  });

  it('keeps journals from organisations below the Advanced tier, without stopping anything else', async () => {
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { tier: 'plus' });
    const refused = await bench.get('Journals');
    expect(refused.status).toBe(401);
    expect(await json(refused)).toMatchObject({ Detail: 'AuthorizationUnsuccessful' });
    expect((await bench.get('Invoices', { page: '1' })).status).toBe(200);
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { tier: 'advanced' });
  });

  it('refuses an unfiltered list of a very large organisation', async () => {
    await bench.control('PATCH', '/settings', { highVolumeThreshold: 500 });
    const refused = await bench.get('Invoices', { page: '1' });
    expect(refused.status).toBe(400);
    const body = await json(refused);
    expect(body).toMatchObject({ ErrorNumber: 51, Type: 'HighVolumeException' });
    expect(body.Message).toContain('is not filtering Invoices efficiently');
    const where = 'Date >= DateTime(2024,01,01)';
    expect((await bench.get('Invoices', { page: '1', where })).status).toBe(200);
    await bench.control('PATCH', '/settings', { highVolumeThreshold: 100_000 });
  });
});

describe('If-Modified-Since', () => {
  let bench: Bench;
  let second: string;

  beforeAll(async () => {
    bench = await Bench.start(generous);
    const last = (await bench.read('Invoices', { page: '1', order: 'UpdatedDateUTC DESC', pageSize: '1' })).Invoices[0];
    second = last.UpdatedDateUTCString;
  });
  afterAll(() => bench.close());

  const since = (value: string) => bench.get('Invoices', { page: '1' }, { 'if-modified-since': value });
  const switches = (values: object) => bench.control('PATCH', '/settings', { switches: values });

  it.each([true, false])('includes the very second it names: %s', async (inclusive) => {
    await switches({ ifModifiedSinceInclusive: inclusive });
    const found = (await json(await since(second))).Invoices;
    expect(found.length > 0).toBe(inclusive);
  });

  it('reads ISO with and without fractions, and RFC 1123', async () => {
    await switches({ ifModifiedSinceInclusive: true });
    const date = new Date(`${second}Z`);
    for (const form of [second, `${second}Z`, date.toISOString(), date.toUTCString()]) {
      expect((await json(await since(form))).Invoices.length).toBeGreaterThan(0);
    }
  });

  it('answers no change with an empty list, or with 304 and no body', async () => {
    const later = new Date(Date.now() + 86_400_000).toISOString();
    expect((await json(await since(later))).Invoices).toEqual([]);
    await switches({ notModifiedAs304: true });
    const unchanged = await since(later);
    expect(unchanged.status).toBe(304);
    expect(await unchanged.text()).toBe('');
    await switches({ notModifiedAs304: false });
  });

  it('is ignored where Xero ignores it', async () => {
    const headers = { 'if-modified-since': new Date(Date.now() + 86_400_000).toISOString() };
    expect((await bench.read('TaxRates', {}, headers)).TaxRates.length).toBeGreaterThan(0);
  });

  it.each([true, false])('brings deleted payments back: %s', async (comeBack) => {
    await switches({ deletedPaymentsComeBack: comeBack });
    const answer = await bench.read('Payments', { page: '1', pageSize: '1000' });
    expect(answer.Payments.some((row: Json) => row.Status === 'DELETED')).toBe(comeBack);
  });
});
