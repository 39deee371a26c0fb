import { describe, expect, it } from 'vitest';
import { mappingFaults, mappingOptions } from '../../domain/mappings.js';
import { accountClasses, type Chart, type ChartAccount } from '../../domain/ports.js';
import { changed, type SettingsPatch, settingsOf } from '../../domain/settings.js';

const account = (code: string, more: Partial<ChartAccount> = {}): ChartAccount => ({
  code,
  name: `Account ${code} of Hinemoa`,
  type: 'REVENUE',
  class: 'REVENUE',
  system: null,
  active: true,
  enablePayments: false,
  currency: null,
  taxType: null,
  ...more,
});

const north = '11111111-2222-4333-8444-555555555501';
const closed = '11111111-2222-4333-8444-555555555502';
const oldRegion = '11111111-2222-4333-8444-555555555503';

const chart: Chart = {
  asOf: '2026-11-01T00:00:00.000Z',
  baseCurrency: 'NZD',
  accounts: [
    account('090', { type: 'BANK', class: 'ASSET', currency: 'NZD' }),
    account('200'),
    account('300', { type: 'DIRECTCOSTS', class: 'EXPENSE' }),
    account('429', { type: 'EXPENSE', class: 'EXPENSE' }),
    account('610', { type: 'CURRENT', class: 'ASSET', system: 'DEBTORS' }),
    account('650', { type: 'CURRENT', class: 'ASSET', enablePayments: true }),
    account('825', { active: false }),
    account('860', { type: 'CURRLIAB', class: 'LIABILITY', system: 'ROUNDING' }),
    account('900', { active: false }),
    account('900'),
  ],
  taxRates: [
    { taxType: 'OUTPUT2', name: 'On income', rate: '15', active: true, appliesTo: ['REVENUE', 'LIABILITY'] },
    { taxType: 'INPUT2', name: 'On expenses', rate: '15', active: true, appliesTo: ['EXPENSE'] },
    { taxType: 'OLD', name: 'Before 2010', rate: '12.5', active: false, appliesTo: [...accountClasses] },
  ],
  trackingCategories: [
    {
      id: 'region',
      name: 'Region',
      active: true,
      options: [
        { id: north, name: 'North', active: true },
        { id: closed, name: 'Closed', active: false },
      ],
    },
    { id: 'old', name: 'Old', active: false, options: [{ id: oldRegion, name: 'Old', active: true }] },
  ],
  currencies: [{ code: 'NZD', name: 'New Zealand Dollar' }],
};

const good: SettingsPatch = { accounts: { sales: '200', purchases: '300' } };
const faults = (patch: SettingsPatch, on: Chart | null = chart) =>
  mappingFaults(settingsOf(changed(changed({}, good), patch)), 'two-way', on);

describe('settings against the books', () => {
  it('fit when every code is there, active and of the right kind', () => {
    const all: SettingsPatch = {
      accounts: {
        rounding: '860',
        payments: { card: '090', cash: '650' },
        expenseTypes: { fuel: '429' },
      },
      taxCodes: { sales: 'OUTPUT2', purchases: 'INPUT2' },
      locationTracking: { 'site-1': north },
    };
    expect(faults(all)).toEqual([]);
  });

  it('are never at fault for a connection that only imports', () => {
    const wrong = settingsOf(changed({}, { accounts: { payments: { card: 'nothing' } } }));
    expect(mappingFaults(wrong, 'import', chart)).toEqual([]);
  });

  it('need codes for sales and purchases, and say so before the chart is known too', () => {
    const none = settingsOf({});
    for (const known of [chart, null]) {
      expect(mappingFaults(none, 'two-way', known).map(({ field }) => field)).toEqual([
        'accounts.sales',
        'accounts.purchases',
      ]);
    }
  });

  it('are not judged by a chart that is not known', () => {
    expect(faults({ accounts: { sales: '999' } }, null)).toEqual([]);
  });

  it.each<[string, SettingsPatch, string, RegExp]>([
    [
      'an account that is not there',
      { accounts: { sales: '999' } },
      'accounts.sales',
      /account 999, which Xero did not/,
    ],
    ['an archived account', { accounts: { purchases: '825' } }, 'accounts.purchases', /archived in Xero/],
    ['a bank account for sales', { accounts: { sales: '090' } }, 'accounts.sales', /cannot stand on a line/],
    ['receivables for rounding', { accounts: { rounding: '610' } }, 'accounts.rounding', /cannot stand on a line/],
    [
      'a bank account for an expense',
      { accounts: { expenseTypes: { fuel: '090' } } },
      'accounts.expenseTypes.fuel',
      /line/,
    ],
    [
      'an account that takes no payments',
      { accounts: { payments: { card: '200' } } },
      'accounts.payments.card',
      /no payments/,
    ],
    ['a tax that is not there', { taxCodes: { sales: 'VAT' } }, 'taxCodes.sales', /tax type VAT, which Xero did not/],
    ['a tax that is over', { taxCodes: { purchases: 'OLD' } }, 'taxCodes.purchases', /not active/],
    ['a tax of expenses for sales', { taxCodes: { sales: 'INPUT2' } }, 'taxCodes.sales', /class REVENUE/],
    [
      'an option that is not there',
      { locationTracking: { a: oldRegion.replace('03', '09') } },
      'locationTracking.a',
      /did not/,
    ],
    ['an archived option', { locationTracking: { a: closed } }, 'locationTracking.a', /archived/],
    ['an option of an archived category', { locationTracking: { a: oldRegion } }, 'locationTracking.a', /archived/],
  ])('are at fault by field for %s', (_what, patch, field, message) => {
    expect(faults(patch)).toEqual([{ setting: expect.any(String), field, message: expect.stringMatching(message) }]);
  });

  it('take the tax that goes with the class of the account that was chosen', () => {
    expect(faults({ accounts: { sales: '860' }, taxCodes: { sales: 'OUTPUT2' } })).toEqual([]);
    expect(faults({ accounts: { sales: '300' }, taxCodes: { sales: 'INPUT2' } })).toEqual([]);
  });

  it('take the active account where an archived one has the same code', () => {
    expect(faults({ accounts: { sales: '900' } })).toEqual([]);
  });

  it("are at fault in words that hold none of Xero's and none of the platform's names", () => {
    const everything = faults({
      accounts: { payments: { 'Marama card': '825', b: '200' }, expenseTypes: { a: '999', b: '090' } },
      taxCodes: { sales: 'OLD', purchases: 'OUTPUT2' },
      locationTracking: { 'Marama Street': closed },
    });
    expect(everything).toHaveLength(7);
    for (const { message } of everything) expect(message).not.toMatch(/Marama|Hinemoa|Closed|Before/);
    expect(new Set(everything.map(({ setting }) => setting))).toEqual(
      new Set([
        'accounts.payments',
        'accounts.expenseTypes',
        'taxCodes.sales',
        'taxCodes.purchases',
        'locationTracking',
      ]),
    );
  });
});

describe('what can be chosen', () => {
  it('is active, and what can be chosen for payments takes them', () => {
    const options = mappingOptions({ ...chart, accounts: chart.accounts.toReversed() });
    expect(options.accounts.map(({ code }) => code)).toEqual(['090', '200', '300', '429', '610', '650', '860', '900']);
    expect(options.paymentAccounts.map(({ code }) => code)).toEqual(['090', '650']);
    expect(options.taxRates.map(({ taxType }) => taxType)).toEqual(['OUTPUT2', 'INPUT2']);
    expect(options.trackingCategories).toEqual([
      { id: 'region', name: 'Region', options: [{ id: north, name: 'North' }] },
    ]);
    expect(options).toMatchObject({ asOf: chart.asOf, baseCurrency: 'NZD', currencies: chart.currencies });
  });

  it('fits when it is chosen', () => {
    const { accounts, paymentAccounts } = mappingOptions(chart);
    for (const { code, takesLines } of accounts) {
      expect(faults({ accounts: { sales: code } })).toHaveLength(takesLines ? 0 : 1);
    }
    for (const { code } of paymentAccounts) expect(faults({ accounts: { payments: { card: code } } })).toEqual([]);
  });
});
