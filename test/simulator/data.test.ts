import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuidSpace } from '../../simulator/core/guid.js';
import { Decimal, freeze, thaw, UnitAmount, writeJson, XeroDate } from '../../simulator/core/values.js';
import { planCounts } from '../../simulator/data/plan.js';
import { generatedSources } from '../../simulator/data/sources.js';
import { World } from '../../simulator/data/world.js';
import type { Json } from './support.js';

const ASOF = Date.UTC(2026, 9, 1);
const world = (seed: string, records: number) =>
  new World({ tenantId: 'tenant', seed, asOf: ASOF, baseCurrency: 'NZD', counts: planCounts(records, 'NZD') });

function everything(seed: string, records: number): Record<string, Json[]> {
  const sources = generatedSources(world(seed, records));
  return Object.fromEntries(
    Object.entries(sources).map(([stream, source]) => [
      stream,
      Array.from({ length: source.count }, (_, index) => JSON.parse(writeJson(source.row(index)))),
    ]),
  );
}
function groupBy<T, K>(list: T[], keyOf: (element: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const element of list) groups.set(keyOf(element), [...(groups.get(keyOf(element)) ?? []), element]);
  return groups;
}
const cents = (amount: number): number => Math.round(amount * 100);
const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + cents(amount), 0);

describe('generated data', () => {
  const rows = everything('seed', 4_000);
  const byId = (stream: string, id: string) => new Map((rows[stream] ?? []).map((row) => [row[id], row]));

  it('has exactly as many rows as were asked for', () => {
    for (const records of [200, 1_234, 20_000, 1_000_000]) {
      expect(Object.values(planCounts(records, 'NZD')).reduce((total, count) => total + count, 0)).toBe(records);
    }
  });

  it('follows from its seed alone', () => {
    expect(everything('a', 300)).toEqual(everything('a', 300));
    expect(everything('a', 300)).not.toEqual(everything('b', 300));
  });

  it('sums lines to documents, tax rounded on each line', () => {
    for (const row of [...(rows.invoices ?? []), ...(rows.creditNotes ?? []), ...(rows.purchaseOrders ?? [])]) {
      const tax = sum(row.LineItems.map((line: Json) => line.TaxAmount));
      const amounts = sum(row.LineItems.map((line: Json) => line.LineAmount));
      const inclusive = row.LineAmountTypes === 'Inclusive';
      expect(cents(row.TotalTax)).toBe(tax);
      expect(cents(row.SubTotal)).toBe(inclusive ? amounts - tax : amounts);
      expect(cents(row.Total)).toBe(cents(row.SubTotal) + tax);
      expect(row.LineItems.length).toBeLessThanOrEqual(40);
    }
  });

  it('counts in an invoice what its standing payments and credits say', () => {
    const payments = groupBy(
      (rows.payments ?? []).filter(({ Status }) => Status !== 'DELETED'),
      (row) => row.Invoice.InvoiceID,
    );
    for (const invoice of rows.invoices ?? []) {
      const own = payments.get(invoice.InvoiceID) ?? [];
      expect(cents(invoice.AmountPaid)).toBe(sum(own.map((row) => row.Amount)));
      expect(invoice.Payments.map((row: Json) => row.PaymentID)).toEqual(own.map((row) => row.PaymentID));
      const credits = [...invoice.CreditNotes, ...invoice.Prepayments, ...invoice.Overpayments];
      expect(cents(invoice.AmountCredited)).toBe(sum(credits.map((row) => row.AppliedAmount)));
      const ended = ['VOIDED', 'DELETED'].includes(invoice.Status);
      const due = cents(invoice.Total) - cents(invoice.AmountPaid) - cents(invoice.AmountCredited);
      expect(cents(invoice.AmountDue)).toBe(ended ? 0 : due);
      expect(invoice.Status === 'PAID').toBe(due === 0);
    }
  });

  it('refers only to what exists', () => {
    const contacts = byId('contacts', 'ContactID');
    const invoices = byId('invoices', 'InvoiceID');
    const accounts = byId('accounts', 'AccountID');
    const batches = byId('batchPayments', 'BatchPaymentID');
    for (const stream of ['invoices', 'creditNotes', 'bankTransactions', 'purchaseOrders', 'quotes', 'prepayments']) {
      for (const row of rows[stream] ?? []) expect(contacts.get(row.Contact.ContactID)?.Name).toBe(row.Contact.Name);
    }
    for (const row of rows.creditNotes ?? []) {
      for (const { Invoice } of row.Allocations) expect(invoices.get(Invoice.InvoiceID)?.CreditNotes).toHaveLength(1);
    }
    for (const row of rows.payments ?? []) {
      expect(accounts.get(row.Account.AccountID)?.Code).toBe(row.Account.Code);
      if (row.BatchPaymentID) expect(batches.has(row.BatchPaymentID)).toBe(true);
    }
    for (const row of rows.batchPayments ?? [])
      expect(cents(row.TotalAmount)).toBe(sum(row.Payments.map((one: Json) => one.Amount)));
    for (const row of rows.contacts ?? [])
      if (row.MergedToContactID) expect(contacts.has(row.MergedToContactID)).toBe(true);
  });

  it('is varied: statuses, part payments, currencies, near-same and unicode names, four decimals', () => {
    const invoices = rows.invoices ?? [];
    expect(new Set(invoices.map(({ Status }) => Status)).size).toBe(6);
    expect(new Set(invoices.map(({ CurrencyCode }) => CurrencyCode)).size).toBeGreaterThan(2);
    expect(invoices.some((row) => row.AmountPaid > 0 && row.AmountDue > 0)).toBe(true);
    expect(invoices.some((row) => row.Payments.length > 1)).toBe(true);
    const names = (rows.contacts ?? []).map(({ Name }) => String(Name));
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    expect(names.some((name) => names.includes(`${name} Ltd`) && names.includes(`${name} Limited`))).toBe(true);
    expect(names.some((name) => /[^\u0020-\u007e]/.test(name))).toBe(true);
    const lines = invoices.flatMap((row) => row.LineItems);
    expect(lines.some((line) => cents(line.UnitAmount) / 100 !== line.UnitAmount)).toBe(true);
  });

  it('leaves bulk imports: a quarter of a stream within one second', () => {
    const { invoices } = generatedSources(world('seed', 4_000));
    const seconds = Array.from({ length: invoices?.count ?? 0 }, (_, index) =>
      Math.floor((invoices?.stamp(index) ?? 0) / 1000),
    );
    const largest = Math.max(...[...groupBy(seconds, (second) => second).values()].map((group) => group.length));
    expect(largest).toBeGreaterThanOrEqual(Math.floor((invoices?.count ?? 0) / 4));
  });
});

describe('values', () => {
  it('turn an index into an id and back, in the order of ranks', () => {
    const space = new GuidSpace('seed', 'invoices');
    fc.assert(
      fc.property(fc.nat(0xffff_fff), fc.nat(0xffff_fff), (a, b) => {
        expect(space.index(space.guid(a))).toBe(a);
        expect(space.index(space.guid(a).toUpperCase())).toBe(a);
        expect(Math.sign(space.rank(a) - space.rank(b))).toBe(
          Math.sign(space.guid(a) < space.guid(b) ? -1 : a === b ? 0 : 1),
        );
      }),
    );
    expect(space.index('00000000-0000-0000-0000-000000000000')).toBeUndefined();
    expect(space.index('nonsense')).toBeUndefined();
  });

  it('write every digit of a decimal, and read it back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.integer({ min: 0, max: 6 }), (units, scale) => {
        const text = new Decimal(units, scale).toString();
        expect(Number(text)).toBeCloseTo(units / 10 ** scale, 6);
        expect(Decimal.parse(text, scale).toString()).toBe(text.replace(/^-(0(\.0+)?)$/, '$1'));
      }),
    );
    expect(writeJson({ Total: new Decimal(11_500, 2), UnitAmount: new UnitAmount(12_345) }, 2)).toBe(
      '{"Total":115.00,"UnitAmount":1.23}',
    );
    expect(writeJson({ Date: new XeroDate(0), Now: new XeroDate(5, false) })).toBe(
      '{"Date":"/Date(0+0000)/","Now":"/Date(5)/"}',
    );
  });

  it('write any text as JSON.stringify does', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => writeJson(text) === JSON.stringify(text)));
    expect(writeJson('\ud800')).toBe(JSON.stringify('\ud800'));
  });

  it('survive the journal', () => {
    const row = { A: new UnitAmount(5), B: [new Decimal(1, 2), null], C: { D: new XeroDate(7) }, E: 'x', F: true };
    expect(thaw(JSON.parse(JSON.stringify(freeze(row))))).toEqual(row);
  });
});
