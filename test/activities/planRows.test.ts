import { describe, expect, test } from 'vitest';
import { type Planned, planAll } from '../../activities/planRows.js';
import type { QueuedDocument } from '../../domain/documents/facts.js';
import type { RowToPlan } from '../../domain/ports.js';
import { type Books, factsOf, parent, queued, record } from '../support/pushFacts.js';

const invoiceOf = (externalId: string, more: object = {}) =>
  queued(
    'invoice',
    {
      contact: 'c-1',
      number: externalId,
      date: '2026-10-01',
      lines: [{ description: 'Ferns', quantity: '2', unitAmount: '10.00' }],
      total: '23.00',
      ...more,
    },
    { externalId },
  );
const ada = queued('contact', { name: 'Ada' }, { externalId: 'c-1' });
const held = record('contacts', { ContactID: 'x-1', ContactStatus: 'ACTIVE', Name: 'Ada', ContactNumber: 'c-1' });
const paid = queued('payment', { invoice: 'i-1', amount: '23.00', date: '2026-10-02', method: 'card' });

/** Every document of the preview is a parent that has not gone yet, unless the books hold it. */
function factsFor(documents: readonly QueuedDocument[], books: Books) {
  const known = books.parents ?? [];
  const others = documents
    .filter(({ kind, externalId }) => !known.some((each) => each.kind === kind && each.externalId === externalId))
    .map(({ kind, externalId, content }) => parent(kind, externalId, content as never, null));
  return factsOf({ ...books, parents: [...known, ...others] });
}

interface Wish {
  documents: readonly QueuedDocument[];
  books?: Books;
  excluded?: readonly string[];
}

async function planned({ documents, books = {}, excluded = [] }: Wish) {
  const rows = documents.map(
    (document, index): RowToPlan => ({
      ...{ place: index + 1, group: 'invoices', document, outcome: null, newest: document.version, seen: null },
      excluded: excluded.includes(document.externalId),
    }),
  );
  const found: Planned[] = [];
  const shared = await planAll(
    {
      previews: { toPlan: async (_, after, most) => rows.filter(({ place }) => place > after).slice(0, most) },
      pushFacts: { load: async () => factsFor(documents, books) },
      digest: () => {
        const texts: string[] = [];
        return { add: (text) => void texts.push(text), value: () => texts.join() };
      },
    },
    { connectionId: 'c', previewId: 'p' },
    async (some) => void found.push(...some),
  );
  return { shared, rows: found.map((each) => each.planned) };
}

const only = async (wish: Wish) => (await planned(wish)).rows;

describe('the plan of a preview', () => {
  test('counts what goes before a document as sent: contact, invoice and payment go together', async () => {
    expect(await only({ documents: [ada, invoiceOf('i-1'), paid] })).toMatchObject([
      { outcome: 'send', body: { action: 'create', contact: { name: 'Ada', match: 'new', xeroId: null } } },
      { outcome: 'send', body: { action: 'create', number: 'i-1', contact: { match: 'new' }, total: '23.00' } },
      { outcome: 'send', body: { action: 'create', number: 'i-1', total: '23.00', contact: { name: 'Ada' } } },
    ]);
  });

  test('shows the lines with their accounts and tax as Xero will compute them, the rounding line too', async () => {
    const [, row] = await only({ documents: [ada, invoiceOf('i-1', { total: '23.02' })] });
    expect(row).toMatchObject({
      outcome: 'send',
      body: {
        total: '23.02',
        currency: 'NZD',
        lines: [
          { description: 'Ferns', account: '200', taxType: 'OUTPUT2', amount: '20.00', tax: '3.00' },
          { description: 'Rounding', account: '860', unitAmount: '0.02', tax: '0.00' },
        ],
      },
      warnings: [{ code: 'rounding_line' }],
    });
  });

  test('says how a contact was matched: by name alone with a warning, by both without', async () => {
    const unnumbered = record('contacts', { ContactID: 'x-1', ContactStatus: 'ACTIVE', Name: 'Ada' });
    expect(await only({ documents: [ada, invoiceOf('i-1')], books: { records: [unnumbered] } })).toMatchObject([
      {
        body: { action: 'update', contact: { match: 'name', xeroId: 'x-1' } },
        warnings: [{ code: 'matched_by_name' }],
      },
      { body: { contact: { match: 'name', xeroId: 'x-1' } } },
    ]);
    const both = await only({ documents: [ada], books: { records: [held] } });
    expect(both).toMatchObject([{ body: { action: 'link', contact: { match: 'nameAndId' } }, warnings: [] }]);
  });

  test('holds back what stands on something that has errors, was excluded, or is not there', async () => {
    const wrong = invoiceOf('i-1', { total: '99.00' });
    expect(await only({ documents: [ada, wrong, paid] })).toMatchObject([
      { outcome: 'send' },
      { outcome: 'error', body: { action: null }, errors: [{ code: 'totals_disagree' }] },
      { outcome: 'error', errors: [{ code: 'parent_not_sent' }] },
    ]);
    expect(await only({ documents: [ada, invoiceOf('i-1'), paid], excluded: ['i-1'] })).toMatchObject([
      { outcome: 'send' },
      { outcome: 'skipped' },
      { outcome: 'error' },
    ]);
    expect(await only({ documents: [paid] })).toMatchObject([
      { outcome: 'error', errors: [{ code: 'parent_not_sent' }] },
    ]);
  });

  test('skips what by the rules is not sent, with a warning and no error', async () => {
    const zero = invoiceOf('i-1', { lines: [{ description: 'Gift', unitAmount: '0' }], total: '0.00' });
    const early = invoiceOf('i-2', { date: '2026-03-31' });
    expect(await only({ documents: [ada, zero, early] })).toMatchObject([
      { outcome: 'send' },
      { outcome: 'skipped', errors: [], warnings: [{ code: 'zero_total' }] },
      { outcome: 'skipped', errors: [], warnings: [{ code: 'before_sync_from_date' }] },
    ]);
  });

  test('is different in records where a record that its checks read is, and in nothing else', async () => {
    const documents = [ada, invoiceOf('i-1')];
    const before = await planned({ documents, books: { records: [held] } });
    const renamed = { ...held, body: { ...held.body, EmailAddress: 'ada@example.com' } };
    const after = await planned({ documents, books: { records: [renamed] } });
    const seen = ({ rows }: typeof before) => rows.map((row) => row.seen);
    expect(seen(after).map(({ records }) => records)).not.toEqual(seen(before).map(({ records }) => records));
    expect(seen(after).map((each) => each.documents)).toEqual(seen(before).map((each) => each.documents));
    expect(after.shared).toEqual(before.shared);
    const other = record('contacts', { ContactID: 'x-2', ContactStatus: 'ACTIVE', Name: 'Somebody else' });
    expect(await planned({ documents, books: { records: [held, other] } })).toEqual(before);
  });

  test('is different by name where settings, chart, tax rates or locks are', async () => {
    const documents = [ada];
    const { shared: before } = await planned({ documents });
    const differing = async (books: Books) => {
      const { shared } = await planned({ documents, books });
      return Object.entries(shared ?? {}).flatMap(([part, value]) =>
        value === before?.[part as keyof typeof before] ? [] : [part],
      );
    };
    const { chart, organisation } = factsOf();
    expect(await differing({ settings: { invoiceStatus: 'draft' } })).toEqual(['settings']);
    expect(await differing({ facts: { chart: { ...chart, accounts: [] } } })).toEqual(['chart']);
    expect(await differing({ facts: { chart: { ...chart, taxRates: [] } } })).toEqual(['taxRates']);
    expect(await differing({ facts: { chart: { ...chart, asOf: 'later' } } })).toEqual([]);
    const locked = { ...organisation, periodLockDate: '2026-09-30' };
    expect(await differing({ facts: { organisation: locked } })).toEqual(['locks']);
  });
});
