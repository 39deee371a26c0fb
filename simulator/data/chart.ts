/** The settings of an organisation: chart of accounts, tax rates, currencies, tracking (xero-api.md §4). */

export interface TaxRegime {
  country: string;
  sales: string;
  purchases: string;
  percent: number;
}

const NO_TAX_REGIME: TaxRegime = { country: 'US', sales: 'OUTPUT', purchases: 'INPUT', percent: 0 };
const REGIMES: Record<string, TaxRegime> = {
  NZD: { country: 'NZ', sales: 'OUTPUT2', purchases: 'INPUT2', percent: 15 },
  AUD: { country: 'AU', sales: 'OUTPUT', purchases: 'INPUT', percent: 10 },
  GBP: { country: 'GB', sales: 'OUTPUT2', purchases: 'INPUT2', percent: 20 },
};

/** The tax that an organisation of this base currency charges. */
export const regimeOf = (baseCurrency: string): TaxRegime => REGIMES[baseCurrency] ?? NO_TAX_REGIME;

export interface AccountSpec {
  code: string;
  name: string;
  type: string;
  class: 'ASSET' | 'EQUITY' | 'EXPENSE' | 'LIABILITY' | 'REVENUE';
  tax: 'sales' | 'purchases' | 'none';
  takesPayments?: boolean;
  system?: string;
  archived?: boolean;
}

const account = (
  code: string,
  name: string,
  type: string,
  accountClass: AccountSpec['class'],
  tax: AccountSpec['tax'],
  more: Partial<AccountSpec> = {},
): AccountSpec => ({ code, name, type, class: accountClass, tax, ...more });

export const ACCOUNTS: readonly AccountSpec[] = [
  account('090', 'Business Bank Account', 'BANK', 'ASSET', 'none'),
  account('091', 'Business Savings Account', 'BANK', 'ASSET', 'none'),
  account('092', 'Foreign Currency Account', 'BANK', 'ASSET', 'none'),
  account('200', 'Sales', 'REVENUE', 'REVENUE', 'sales'),
  account('210', 'Contract Works', 'REVENUE', 'REVENUE', 'sales'),
  account('220', 'Materials On-charged', 'REVENUE', 'REVENUE', 'sales'),
  account('230', 'Freight Recovered', 'REVENUE', 'REVENUE', 'sales'),
  account('260', 'Other Revenue', 'OTHERINCOME', 'REVENUE', 'sales'),
  account('270', 'Interest Income', 'OTHERINCOME', 'REVENUE', 'none'),
  account('300', 'Purchases', 'DIRECTCOSTS', 'EXPENSE', 'purchases'),
  account('310', 'Cost of Goods Sold', 'DIRECTCOSTS', 'EXPENSE', 'purchases'),
  account('320', 'Subcontractors', 'DIRECTCOSTS', 'EXPENSE', 'purchases'),
  account('400', 'Advertising', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('404', 'Bank Fees', 'EXPENSE', 'EXPENSE', 'none'),
  account('408', 'Cleaning', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('412', 'Consulting & Accounting', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('416', 'Depreciation', 'DEPRECIATN', 'EXPENSE', 'none'),
  account('420', 'Entertainment', 'EXPENSE', 'EXPENSE', 'none'),
  account('425', 'Freight & Courier', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('429', 'General Expenses', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('433', 'Insurance', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('437', 'Interest Expense', 'EXPENSE', 'EXPENSE', 'none'),
  account('441', 'Legal expenses', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('445', 'Light, Power, Heating', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('449', 'Motor Vehicle Expenses', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('453', 'Office Expenses', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('461', 'Printing & Stationery', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('469', 'Rent', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('473', 'Repairs and Maintenance', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('477', 'Wages and Salaries', 'WAGESEXPENSE', 'EXPENSE', 'none'),
  account('485', 'Subscriptions', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('489', 'Telephone & Internet', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('493', 'Travel - National', 'EXPENSE', 'EXPENSE', 'purchases'),
  account('498', 'Unrealised Currency Gains', 'EXPENSE', 'EXPENSE', 'none', { system: 'UNREALISEDCURRENCYGAIN' }),
  account('610', 'Accounts Receivable', 'CURRENT', 'ASSET', 'none', { system: 'DEBTORS' }),
  account('620', 'Prepayments', 'CURRENT', 'ASSET', 'none'),
  account('630', 'Inventory', 'INVENTORY', 'ASSET', 'none'),
  account('650', 'Petty Cash', 'CURRENT', 'ASSET', 'none', { takesPayments: true }),
  account('710', 'Office Equipment', 'FIXED', 'ASSET', 'purchases'),
  account('800', 'Accounts Payable', 'CURRLIAB', 'LIABILITY', 'none', { system: 'CREDITORS' }),
  account('820', 'GST', 'CURRLIAB', 'LIABILITY', 'none', { system: 'GST' }),
  account('825', 'Employee Deductions', 'CURRLIAB', 'LIABILITY', 'none', { archived: true }),
  account('860', 'Rounding', 'CURRLIAB', 'LIABILITY', 'none', { system: 'ROUNDING' }),
  account('877', 'Tracking Transfers', 'CURRLIAB', 'LIABILITY', 'none', { system: 'TRACKINGTRANSFERS' }),
  account('880', 'Owner A Drawings', 'EQUITY', 'EQUITY', 'none', { takesPayments: true }),
  account('960', 'Retained Earnings', 'EQUITY', 'EQUITY', 'none', { system: 'RETAINEDEARNINGS' }),
];

const indicesWhere = (test: (spec: AccountSpec) => boolean): number[] =>
  ACCOUNTS.flatMap((spec, index) => (test(spec) ? [index] : []));

export const BANK_ACCOUNTS = indicesWhere((spec) => spec.type === 'BANK');
export const SALES_ACCOUNTS = indicesWhere((spec) => spec.type === 'REVENUE');
export const PURCHASE_ACCOUNTS = indicesWhere((spec) => spec.tax === 'purchases' && spec.class === 'EXPENSE');
export const accountIndex = (code: string): number => ACCOUNTS.findIndex((spec) => spec.code === code);
export const systemAccountCode = (system: string): string =>
  ACCOUNTS.find((spec) => spec.system === system)?.code ?? '';

export interface TaxRateSpec {
  type: string;
  name: string;
  percent: number;
}

/** The tax rates of an organisation, its own first. */
export function taxRatesOf(regime: TaxRegime): TaxRateSpec[] {
  return [
    { type: regime.sales, name: `${regime.percent}% GST on Income`, percent: regime.percent },
    { type: regime.purchases, name: `${regime.percent}% GST on Expenses`, percent: regime.percent },
    { type: 'NONE', name: 'No GST', percent: 0 },
    { type: 'ZERORATEDOUTPUT', name: 'Zero Rated', percent: 0 },
    { type: 'ZERORATEDINPUT', name: 'Zero Rated - Expenses', percent: 0 },
    { type: 'GSTONIMPORTS', name: 'GST on Imports', percent: 0 },
  ];
}

const CURRENCY_NAMES: Record<string, string> = {
  NZD: 'New Zealand Dollar',
  AUD: 'Australian Dollar',
  USD: 'United States Dollar',
  GBP: 'British Pound',
  EUR: 'Euro',
};
const DOLLARS_PER_UNIT: Record<string, number> = { NZD: 0.6, AUD: 0.66, USD: 1, GBP: 1.27, EUR: 1.09 };

/** The currencies an organisation is subscribed to, its base currency first. */
export function currenciesOf(baseCurrency: string): { code: string; name: string }[] {
  const codes = [baseCurrency, ...Object.keys(CURRENCY_NAMES).filter((code) => code !== baseCurrency)];
  return codes.map((code) => ({ code, name: CURRENCY_NAMES[code] ?? code }));
}

/** About how many units of `currency` one unit of the base currency buys. */
export const usualRate = (baseCurrency: string, currency: string): number =>
  (DOLLARS_PER_UNIT[baseCurrency] ?? 1) / (DOLLARS_PER_UNIT[currency] ?? 1);

export const TRACKING: readonly { name: string; options: readonly string[] }[] = [
  { name: 'Region', options: ['Eastside', 'North', 'South', 'West Coast'] },
  { name: 'Department', options: ['Field', 'Office', 'Workshop'] },
];
