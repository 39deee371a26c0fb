import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type Json } from './support.js';

const generous = { minute: 1e6, day: 1e6, concurrent: 100 };

function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical(value[key])]),
  );
}
const hash = (row: Json): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(row)))
    .digest('hex');

describe('edits', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.start({ records: 1_500, limits: generous });
  });
  afterEach(() => bench.close());

  const one = async (endpoint: string, id: string | undefined): Promise<Json> =>
    (await bench.read(`${endpoint}/${id}`))[endpoint][0];

  it('move the stamp of the row, so that If-Modified-Since sees it', async () => {
    const since = new Date(Date.now() - 1_000).toISOString();
    const [id] = await bench.edit({
      stream: 'invoices',
      op: 'edit',
      nth: 3,
      set: { Reference: 'changed', Total: 12.5 },
    });
    const answer = await bench.get('Invoices', { page: '1' }, { 'if-modified-since': since });
    const text = await answer.text();
    expect(JSON.parse(text).Invoices.map((row: Json) => row.InvoiceID)).toEqual([id]);
    expect(text).toContain('"Total":12.50');
    expect(JSON.parse(text).Invoices[0].Reference).toBe('changed');
  });

  it('add believable rows, dated today', async () => {
    const before = (await bench.truth()).streams.invoices.count;
    const [id] = await bench.edit({ stream: 'invoices', op: 'add' });
    const invoice = await one('Invoices', id);
    expect(invoice.Status).toBe('AUTHORISED');
    expect(invoice.DateString.slice(0, 10)).toBe(new Date().toISOString().slice(0, 10));
    expect((await bench.truth()).streams.invoices.count).toBe(before + 1);
  });

  it.each([
    'contacts',
    'items',
    'accounts',
    'taxRates',
    'payments',
    'creditNotes',
    'bankTransactions',
    'quotes',
    'batchPayments',
  ])('add to %s a row that the list then holds', async (stream) => {
    const [id] = await bench.edit({ stream, op: 'add' });
    const { records, count } = await bench.truth(stream);
    expect(records).toHaveLength(count);
    expect(records.map((record: Json) => record.id)).toContain(id);
  });

  it('archive and merge contacts', async () => {
    const [target] = await bench.edit({ stream: 'contacts', op: 'edit', nth: 0 });
    const [archived] = await bench.edit({ stream: 'contacts', op: 'archive', nth: 1 });
    const [merged] = await bench.edit({ stream: 'contacts', op: 'merge', nth: 2, into: target });
    expect((await one('Contacts', archived)).ContactStatus).toBe('ARCHIVED');
    expect(await one('Contacts', merged)).toMatchObject({ ContactStatus: 'ARCHIVED', MergedToContactID: target });
  });

  it('pay an invoice in parts, and take a payment back', async () => {
    const where = 'Status=="AUTHORISED" AND AmountPaid==0 AND AmountDue>10';
    const [{ InvoiceID: id, AmountDue: due }] = (await bench.read('Invoices', { page: '1', where })).Invoices;
    const [part] = await bench.edit({ stream: 'invoices', op: 'pay', id, amount: 4.25 });
    expect(await one('Invoices', id)).toMatchObject({ AmountPaid: 4.25, Status: 'AUTHORISED' });
    expect(await one('Payments', part)).toMatchObject({ Amount: 4.25, Invoice: { InvoiceID: id } });
    await bench.edit({ stream: 'invoices', op: 'pay', id });
    expect(await one('Invoices', id)).toMatchObject({ AmountDue: 0, Status: 'PAID' });
    await bench.edit({ stream: 'payments', op: 'delete', id: part });
    expect(await one('Invoices', id)).toMatchObject({ AmountDue: 4.25, Status: 'AUTHORISED' });
    expect((await one('Invoices', id)).AmountPaid).toBeCloseTo(due - 4.25);
    const tooMuch = await bench.control('POST', `/organisations/${bench.tenantId}/edits`, [
      { stream: 'invoices', op: 'pay', id, amount: 5 },
    ]);
    expect(tooMuch.error).toBe('Payment amount exceeds the amount outstanding on this document');
  });

  it('void and delete documents, which come back with their status', async () => {
    const [voided] = await bench.edit({ stream: 'invoices', op: 'void', nth: 7 });
    const [deleted] = await bench.edit({ stream: 'purchaseOrders', op: 'delete', nth: 0 });
    expect(await one('Invoices', voided)).toMatchObject({ Status: 'VOIDED', AmountDue: 0 });
    expect((await one('PurchaseOrders', deleted)).Status).toBe('DELETED');
  });

  it('move dates, with their strings', async () => {
    const [id] = await bench.edit({ stream: 'invoices', op: 'moveDate', nth: 1, date: '2001-02-03' });
    expect(await one('Invoices', id)).toMatchObject({
      DateString: '2001-02-03T00:00:00',
      Date: '/Date(981158400000+0000)/',
    });
    const { count } = await bench.truth('invoices', '2001-02-04');
    expect(count).toBe((await bench.truth('invoices')).count - 1);
  });

  it('hide the due date of a part-paid invoice from the stamp, and whatever is said to be silent', async () => {
    const where = 'AmountPaid > 0 AND AmountDue > 0';
    const [invoice] = (await bench.read('Invoices', { page: '1', where })).Invoices;
    await bench.edit({ stream: 'invoices', op: 'edit', id: invoice.InvoiceID, set: { DueDate: '2030-01-01' } });
    const changed = await one('Invoices', invoice.InvoiceID);
    expect(changed.DueDateString).toBe('2030-01-01T00:00:00');
    expect(changed.UpdatedDateUTC).toBe(invoice.UpdatedDateUTC);
    await bench.edit({ stream: 'invoices', op: 'edit', id: invoice.InvoiceID, set: { Reference: 'x' }, silent: true });
    expect((await one('Invoices', invoice.InvoiceID)).UpdatedDateUTC).toBe(invoice.UpdatedDateUTC);
  });

  it.each([true, false])('show a new contact name in older documents: %s', async (contactNamesFollow) => {
    await bench.control('PATCH', '/settings', { switches: { contactNamesFollow } });
    const [{ InvoiceID, Contact }] = (await bench.read('Invoices', { page: '1' })).Invoices;
    await bench.edit({ stream: 'contacts', op: 'edit', id: Contact.ContactID, set: { Name: 'Renamed Ltd' } });
    expect((await one('Invoices', InvoiceID)).Contact.Name === 'Renamed Ltd').toBe(contactNamesFollow);
  });

  it('tell the truth: the hash of every row as a paged list with unitdp=4 sends it', async () => {
    await bench.edit({ stream: 'invoices', op: 'edit', nth: 4 }, { stream: 'contacts', op: 'merge', nth: 4 });
    for (const [stream, endpoint, id] of [
      ['invoices', 'Invoices', 'InvoiceID'],
      ['contacts', 'Contacts', 'ContactID'],
      ['items', 'Items', 'ItemID'],
      ['payments', 'Payments', 'PaymentID'],
    ] as const) {
      const query = { page: '1', pageSize: '1000', includeArchived: 'true', unitdp: '4' };
      const rows: Json[] = (await bench.read(endpoint, query))[endpoint];
      const { records } = await bench.truth(stream);
      const sent = rows.map((row) => ({ id: row[id], hash: hash(row) }));
      expect(records.map(({ id, hash }: Json) => ({ id, hash }))).toEqual(sent);
    }
  });

  it('lose rows for who reads page after page in the default order while rows are edited', async () => {
    const wish = { stream: 'invoices', edits: { edit: 2, add: 1 }, at: 'edge', when: 'after', seed: 7 };
    await bench.control('POST', `/organisations/${bench.tenantId}/whileReading`, wish);
    const before = (await bench.truth('invoices')).records.map((record: Json) => record.id);
    const seen = new Set<string>();
    for (let page = 1; page <= 8; page++) {
      for (const row of (await bench.read('Invoices', { page: String(page) })).Invoices) seen.add(row.InvoiceID);
    }
    const { edits } = await bench.control('DELETE', `/organisations/${bench.tenantId}/whileReading`);
    expect(edits).toBe(24);
    expect(before.filter((id: string) => !seen.has(id)).length).toBeGreaterThan(0);
  });

  it('make every kind of edit while a list is read, as often as was asked', async () => {
    const edits = { edit: 1, archive: 1, merge: 1, add: 1 };
    const wish = { stream: 'contacts', edits, everyCalls: 2, times: 1, at: 'anywhere', when: 'before' };
    await bench.control('POST', `/organisations/${bench.tenantId}/whileReading`, wish);
    for (let call = 0; call < 6; call++) await bench.read('Contacts', { page: '1' });
    expect((await bench.control('DELETE', `/organisations/${bench.tenantId}/whileReading`)).edits).toBe(4);
    await bench.control('POST', `/organisations/${bench.tenantId}/whileReading`, {
      stream: 'invoices',
      edits: { moveDateOut: 2, moveDateIn: 1 },
    });
    const where = 'Date >= DateTime(2020,01,01)';
    const first = (await bench.read('Invoices', { page: '1', where })).pagination.itemCount;
    expect((await bench.truth('invoices')).count - first).toBe(2);
  });
});

describe('journals', () => {
  it('follow what is written: a void is reversed, a new document posted', async () => {
    const bench = await Bench.start({ demo: false, organisation: { records: 800, tier: 'advanced' } });
    const last = (await bench.truth()).streams.journals.count;
    const where = 'Status=="AUTHORISED" AND AmountPaid==0';
    const [invoice] = (await bench.read('Invoices', { page: '1', where })).Invoices;
    await bench.edit({ stream: 'invoices', op: 'void', id: invoice.InvoiceID }, { stream: 'invoices', op: 'add' });
    const { Journals } = await bench.read('Journals', { offset: String(last) });
    expect(Journals.map((row: Json) => row.JournalNumber)).toEqual([last + 1, last + 2]);
    expect(Journals[0]).toMatchObject({ SourceID: invoice.InvoiceID, SourceType: invoice.Type });
    await bench.close();
  });
});
