import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMirror } from '../../db/mirror.js';
import { LeaseLost, type Mirror, type PageToStore, type ReaderLease } from '../../domain/ports.js';
import { beginFull, type ReadingState } from '../../domain/reading.js';
import { streams } from '../../domain/streams.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

const leaseMs = 60_000;
const keep = (state: ReadingState): ReadingState => state;

let database: FreshDatabase;
let mirror: Mirror;
let connectionId: string;
let organisationId: string;

beforeAll(async () => {
  database = await freshDatabase();
  mirror = createMirror(database.pool);
});
afterAll(() => database.drop());

beforeEach(async () => {
  [connectionId, organisationId] = [randomUUID(), randomUUID()];
  const company = `company-${connectionId}`;
  await database.pool.query("INSERT INTO company (id, name, sync_by) VALUES ($1, 'Test', 'company')", [company]);
  await database.pool.query("INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Test')", [
    organisationId,
    company,
  ]);
  await database.pool.query(
    "INSERT INTO connection (id, company_id, direction, organisation_id) VALUES ($1, $2, 'import', $3)",
    [connectionId, company, organisationId],
  );
});

async function reader(stream: 'invoices' | 'accounts' = 'invoices'): Promise<ReaderLease> {
  const held = await mirror.acquire(connectionId, stream, 'a run', leaseMs);
  if (!held) throw new Error('the stream is held');
  await mirror.begin(held.lease, beginFull(streams[stream], null));
  return held.lease;
}

const invoice = (id: string, stampMs: number, more = ''): string =>
  `{"InvoiceID":"${id}","DateString":"2026-05-01T00:00:00","UpdatedDateUTC":"/Date(${stampMs}+0000)/"${more}}`;

const page = (text: string, more: Partial<PageToStore> = {}): PageToStore => ({
  organisationId,
  runId: 'a run',
  text: `{"Id":"x","Invoices":[${text}]}`,
  readAt: '2026-11-01T00:00:00.000Z',
  syncFromDate: null,
  complete: false,
  seen: false,
  ...more,
});

async function bodies(): Promise<Record<string, string>> {
  const { data } = await mirror.records(organisationId, 'invoices', { limit: 100 });
  return Object.fromEntries(data.map((record) => [record.xeroId, record.body]));
}

describe('the mirror', () => {
  it('keeps every digit that Xero sent', async () => {
    const digits = ',"CurrencyRate":0.123456789012345678901234567890,"Total":115.00,"SubTotal":100000000000000000.01';
    await mirror.storePage(await reader(), page(invoice('a', 1, digits)), keep, leaseMs);
    const { a } = await bodies();
    expect(a).toContain('0.123456789012345678901234567890');
    expect(a).toContain('115.00');
    expect(a).toContain('100000000000000000.01');
  });

  it('lets the newer stamp win, and at equal stamps the read that started later', async () => {
    const lease = await reader();
    await mirror.storePage(lease, page(invoice('a', 2000, ',"Reference":"second"')), keep, leaseMs);
    await mirror.storePage(lease, page(invoice('a', 1000, ',"Reference":"first"')), keep, leaseMs);
    expect((await bodies()).a).toContain('second');
    const later = { readAt: '2026-11-01T00:00:05.000Z' };
    await mirror.storePage(lease, page(invoice('a', 2000, ',"Reference":"read later"'), later), keep, leaseMs);
    await mirror.storePage(lease, page(invoice('a', 2000, ',"Reference":"read earlier"')), keep, leaseMs);
    expect((await bodies()).a).toContain('read later');
  });

  it('counts what a page created, changed and left unchanged', async () => {
    const lease = await reader();
    const seen: unknown[] = [];
    const note = (state: ReadingState, stored: unknown): ReadingState => {
      seen.push(stored);
      return state;
    };
    await mirror.storePage(lease, page([invoice('a', 1), invoice('b', 1)].join()), note, leaseMs);
    await mirror.storePage(lease, page([invoice('a', 1), invoice('b', 2), invoice('c', 2)].join()), note, leaseMs);
    expect(seen).toMatchObject([
      { seen: 2, created: 2, changed: 0, unchanged: 0 },
      { seen: 3, created: 1, changed: 1, unchanged: 1, ascendingByStamp: true },
    ]);
  });

  it('sets aside, as text, what jsonb refuses, and stores the rest of the page', async () => {
    const bad = [',"Reference":"a\\u0000b"', ',"Reference":"\\ud800 alone"'].map((field, n) =>
      invoice(`bad${n}`, 1, field),
    );
    const lease = await reader();
    let setAside = 0;
    const note = (state: ReadingState, stored: { setAside: number }): ReadingState => {
      setAside = stored.setAside;
      return state;
    };
    await mirror.storePage(lease, page([invoice('a', 1), ...bad, invoice('c', 1)].join()), note, leaseMs);
    expect(Object.keys(await bodies())).toEqual(['a', 'c']);
    expect(setAside).toBe(2);
    const { rows } = await database.pool.query('SELECT body FROM set_aside WHERE organisation_id = $1 ORDER BY body', [
      organisationId,
    ]);
    expect(rows.map((row: { body: string }) => row.body)).toEqual([...bad].sort());
  });

  it('answers a page that is no JSON as a bad answer and stores nothing', async () => {
    const broken = page('', { text: '{"Id":"x","Invoices":[{"InvoiceID":"a"},{"Invo' });
    await expect(mirror.storePage(await reader(), broken, keep, leaseMs)).rejects.toMatchObject({ kind: 'badAnswer' });
    expect(await bodies()).toEqual({});
  });

  it('leaves out what lies before the Sync From Date, but keeps what it has when that moves before it', async () => {
    const lease = await reader();
    const from = { syncFromDate: '2026-05-01' };
    const earlier = (id: string, stamp: number): string => invoice(id, stamp).replace('2026-05-01', '2026-04-30');
    await mirror.storePage(lease, page([invoice('on the day', 1), earlier('before', 1)].join(), from), keep, leaseMs);
    expect(Object.keys(await bodies())).toEqual(['on the day']);
    await mirror.storePage(lease, page(earlier('on the day', 2), from), keep, leaseMs);
    expect(await mirror.record(organisationId, 'invoices', 'on the day')).toMatchObject({ outsideWindow: true });
    expect(await mirror.countInScope(organisationId, 'invoices')).toBe(0);
  });

  it('deletes what is absent from a list that was read whole', async () => {
    const lease = await reader('accounts');
    const list = (ids: string[], readAt: string): PageToStore => ({
      ...page('', { readAt, complete: true }),
      text: `{"Accounts":[${ids.map((id) => `{"AccountID":"${id}"}`).join()}]}`,
    });
    await mirror.storePage(lease, list(['a', 'b'], '2026-11-01T00:00:00Z'), keep, leaseMs);
    await mirror.storePage(lease, list(['b'], '2026-11-02T00:00:00Z'), keep, leaseMs);
    expect(await mirror.countInScope(organisationId, 'accounts')).toBe(1);
    await mirror.storePage(lease, list(['a', 'b'], '2026-11-03T00:00:00Z'), keep, leaseMs);
    expect(await mirror.countInScope(organisationId, 'accounts')).toBe(2);
  });

  it('gives a stream to one reader at a time', async () => {
    await reader();
    expect(await mirror.acquire(connectionId, 'invoices', 'another run', leaseMs)).toBeNull();
  });

  it('refuses what a reader writes after another has taken over, and keeps nothing of it', async () => {
    const old = await reader();
    const taken = await mirror.acquire(connectionId, 'invoices', 'a run', leaseMs);
    expect(taken?.lease.fence).toBeGreaterThan(old.fence);
    await expect(mirror.storePage(old, page(invoice('late', 1)), keep, leaseMs)).rejects.toBeInstanceOf(LeaseLost);
    expect(await bodies()).toEqual({});
  });

  it('stores pages side by side, each advancing the state that the other left', async () => {
    const lease = await reader();
    const count = (state: ReadingState): ReadingState => ({ ...state, expected: (state.expected ?? 0) + 1 });
    const texts = Array.from({ length: 8 }, (_, n) => [invoice(`shared`, 1), invoice(`own${n}`, 1)].join());
    await Promise.all(texts.map((text) => mirror.storePage(lease, page(text), count, leaseMs)));
    const [progress] = (await mirror.progress(connectionId)).filter((each) => each.stream === 'invoices');
    expect(progress).toMatchObject({ expected: 8, records: 9 });
  });
});
