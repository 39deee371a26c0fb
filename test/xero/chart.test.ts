import { describe, expect, it } from 'vitest';
import type { Mirror, MirroredRecord } from '../../domain/ports.js';
import type { StreamName } from '../../domain/streams.js';
import { createCharts } from '../../xero/chart.js';

const connection = {
  id: 'c1',
  organisation: { id: 'o1', name: 'A', baseCurrency: null, timeZone: null, countryCode: null },
};

type Bodies = Partial<Record<StreamName, object[]>>;
const times: Partial<Record<StreamName, string | null>> = {
  organisation: '2026-11-02T00:00:00.000Z',
  accounts: '2026-11-01T00:00:00.000Z',
  taxRates: '2026-11-03T00:00:00.000Z',
  trackingCategories: '2026-11-03T00:00:00.000Z',
  currencies: '2026-11-03T00:00:00.000Z',
};

/** A mirror that holds these bodies and answers two of them at once. */
function charts(bodies: Bodies, completed = times, deleted: readonly string[] = []) {
  const mirror: Pick<Mirror, 'progress' | 'records'> = {
    progress: async () =>
      Object.entries(completed).map(([stream, completedAt]) => ({
        stream: stream as StreamName,
        status: 'reading' as const,
        records: 0,
        expected: null,
        setAside: 0,
        lastError: null,
        completedAt,
      })),
    records: async (_organisation, stream, { cursor }) => {
      const from = Number(cursor ?? 0);
      const all = bodies[stream] ?? [];
      const data = all.slice(from, from + 2).map((body, index): MirroredRecord => {
        const xeroId = String(from + index);
        const deletedAt = deleted.includes(`${stream} ${xeroId}`) ? '2026-11-01T00:00:00.000Z' : null;
        return { xeroId, body: JSON.stringify(body), updatedAt: null, outsideWindow: false, deletedAt };
      });
      return { data, nextCursor: from + 2 < all.length ? String(from + 2) : null };
    },
  };
  return createCharts(mirror);
}

const organisation = [{ Name: 'A', BaseCurrency: 'NZD' }];

describe('the chart of an organisation', () => {
  it('is as old as the oldest of its streams, also while one is read again', async () => {
    expect(await charts({ organisation }).of(connection)).toMatchObject({
      asOf: '2026-11-01T00:00:00.000Z',
      baseCurrency: 'NZD',
    });
  });

  it('is not known before each of its streams was read, nor without an organisation', async () => {
    expect(await charts({ organisation }, { ...times, taxRates: null }).of(connection)).toBeNull();
    const { accounts, ...others } = times;
    expect(await charts({ organisation }, others).of(connection)).toBeNull();
    expect(await charts({ organisation }).of({ id: 'c1', organisation: null })).toBeNull();
  });

  it('holds all pages of the mirror, without what was deleted and what has no code', async () => {
    const accounts = ['1', '2', '', '4', '5'].map((Code) => ({ Code, Status: 'ACTIVE' }));
    const chart = await charts({ organisation, accounts: [...accounts, {}] }, times, ['accounts 1']).of(connection);
    expect(chart?.accounts.map(({ code }) => code)).toEqual(['1', '4', '5']);
  });

  it('reads accounts as Xero sends them, fields that are absent or empty too', async () => {
    const accounts = [
      {
        Code: '090',
        Name: 'Bank',
        Type: 'BANK',
        Class: 'ASSET',
        Status: 'ACTIVE',
        CurrencyCode: 'NZD',
        SystemAccount: '',
      },
      { Code: '610', Type: 'CURRENT', Class: 'OTHER', Status: 'ARCHIVED', SystemAccount: 'DEBTORS', TaxType: 'NONE' },
    ];
    expect((await charts({ organisation, accounts }).of(connection))?.accounts).toEqual([
      {
        code: '090',
        name: 'Bank',
        type: 'BANK',
        class: 'ASSET',
        system: null,
        active: true,
        enablePayments: false,
        currency: 'NZD',
        taxType: null,
      },
      {
        code: '610',
        name: '610',
        type: 'CURRENT',
        class: null,
        system: 'DEBTORS',
        active: false,
        enablePayments: false,
        currency: null,
        taxType: 'NONE',
      },
    ]);
  });

  it('lets a tax rate apply to what Xero does not except', async () => {
    const taxRates = [
      {
        TaxType: 'A',
        Name: 'a',
        Status: 'ACTIVE',
        EffectiveRate: 12.5,
        CanApplyToRevenue: false,
        CanApplyToAssets: true,
      },
      { TaxType: 'B', Status: 'DELETED' },
    ];
    expect((await charts({ organisation, taxRates }).of(connection))?.taxRates).toEqual([
      { taxType: 'A', name: 'a', rate: '12.5', active: true, appliesTo: ['ASSET', 'EQUITY', 'EXPENSE', 'LIABILITY'] },
      {
        taxType: 'B',
        name: 'B',
        rate: null,
        active: false,
        appliesTo: ['ASSET', 'EQUITY', 'EXPENSE', 'LIABILITY', 'REVENUE'],
      },
    ]);
  });

  it('knows what of tracking is archived', async () => {
    const trackingCategories = [
      {
        TrackingCategoryID: 'R',
        Name: 'Region',
        Status: 'ARCHIVED',
        Options: [
          { TrackingOptionID: 'AB', Name: 'North', Status: 'ACTIVE' },
          { TrackingOptionID: 'CD', Name: 'South', Status: 'ARCHIVED' },
        ],
      },
      { TrackingCategoryID: 'D', Name: 'Department', Status: 'ACTIVE' },
    ];
    expect((await charts({ organisation, trackingCategories }).of(connection))?.trackingCategories).toEqual([
      {
        id: 'R',
        name: 'Region',
        active: false,
        options: [
          { id: 'ab', name: 'North', active: true },
          { id: 'cd', name: 'South', active: false },
        ],
      },
      { id: 'D', name: 'Department', active: true, options: [] },
    ]);
  });
});
