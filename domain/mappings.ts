/** What the settings of a connection must find in its organisation's books, and what there is to choose from. */
import type { Direction } from './connection.js';
import type { AccountClass, Chart, ChartAccount } from './ports/chart.js';
import type { SettingFault, Settings } from './settings.js';

export interface MappingFault extends SettingFault {
  /** The setting without the platform's own names in it: `accounts.payments` of `accounts.payments.card`. */
  setting: string;
}

/** A setting that holds one code, or a code for each of the platform's names, and what is wrong with one of them. */
interface Mapping {
  setting: string;
  codes(settings: Settings): string | null | Readonly<Record<string, string>>;
  /** Null where the code fits. */
  fault(code: string, chart: Chart, settings: Settings): string | null;
}

const mappings: readonly Mapping[] = [
  { setting: 'accounts.sales', codes: ({ accounts }) => accounts.sales, fault: lineFault },
  { setting: 'accounts.purchases', codes: ({ accounts }) => accounts.purchases, fault: lineFault },
  { setting: 'accounts.rounding', codes: ({ accounts }) => accounts.rounding, fault: lineFault },
  { setting: 'accounts.payments', codes: ({ accounts }) => accounts.payments, fault: paymentFault },
  { setting: 'accounts.expenseTypes', codes: ({ accounts }) => accounts.expenseTypes, fault: lineFault },
  {
    setting: 'taxCodes.sales',
    codes: ({ taxCodes }) => taxCodes.sales,
    fault: (code, chart, { accounts }) => taxFault(code, chart, classOf(chart, accounts.sales) ?? 'REVENUE'),
  },
  {
    setting: 'taxCodes.purchases',
    codes: ({ taxCodes }) => taxCodes.purchases,
    fault: (code, chart, { accounts }) => taxFault(code, chart, classOf(chart, accounts.purchases) ?? 'EXPENSE'),
  },
  { setting: 'locationTracking', codes: (settings) => settings.locationTracking, fault: trackingFault },
];

/** Nothing can be written to the books without these. */
const required = ['sales', 'purchases'] as const;

/**
 * What is missing from the settings or does not fit the organisation's books. A connection that only imports needs none.
 * Without a chart only what is missing altogether is a fault. Messages hold no words of Xero's, only the code that was set.
 */
export function mappingFaults(settings: Settings, direction: Direction, chart: Chart | null): MappingFault[] {
  if (direction === 'import') return [];
  return [...missing(settings), ...(chart === null ? [] : misfits(settings, chart))];
}

function missing({ accounts }: Settings): MappingFault[] {
  const message = 'is needed by a two-way connection: set the code of an account that mapping-options lists';
  return required
    .filter((name) => accounts[name] === null)
    .map((name) => ({ setting: `accounts.${name}`, field: `accounts.${name}`, message }));
}

function misfits(settings: Settings, chart: Chart): MappingFault[] {
  return mappings.flatMap(({ setting, codes, fault }) =>
    fieldsOf(setting, codes(settings)).flatMap(({ field, code }) => {
      const message = fault(code, chart, settings);
      return message === null ? [] : [{ setting, field, message }];
    }),
  );
}

function fieldsOf(setting: string, codes: ReturnType<Mapping['codes']>): { field: string; code: string }[] {
  if (codes === null) return [];
  if (typeof codes === 'string') return [{ field: setting, code: codes }];
  return Object.entries(codes).map(([name, code]) => ({ field: `${setting}.${name}`, code }));
}

/** Xero's accounts of what is owed: it books them itself and refuses them on lines ("not a valid code for this document"). */
const bookedByXero: ReadonlySet<string> = new Set(['DEBTORS', 'CREDITORS']);

/** Can it stand on a line of a sale or a purchase? Not a bank account, which only payments move. */
export function takesLines({ type, system }: ChartAccount): boolean {
  return type !== 'BANK' && !(system !== null && bookedByXero.has(system));
}

/** Can a payment be made into it? Xero-api.md §4: a bank account, or one that payments are enabled for. */
export function takesPayments({ type, enablePayments }: ChartAccount): boolean {
  return type === 'BANK' || enablePayments;
}

function lineFault(code: string, chart: Chart): string | null {
  return accountFault(
    code,
    chart,
    takesLines,
    'which cannot stand on a line (a bank account, receivables or payables): choose another',
  );
}

function paymentFault(code: string, chart: Chart): string | null {
  return accountFault(
    code,
    chart,
    takesPayments,
    'which takes no payments: enable payments to it in Xero, or choose a bank account',
  );
}

function accountFault(code: string, chart: Chart, fits: (account: ChartAccount) => boolean, otherwise: string) {
  const account = accountOf(chart, code);
  const names = `names account ${code}, `;
  if (account === undefined) return `${names}which Xero did not have when its accounts were last read: ${chooseListed}`;
  if (!account.active) return `${names}which is archived in Xero: restore it there or choose another`;
  return fits(account) ? null : `${names}${otherwise}`;
}

const chooseListed = 'choose one that mapping-options lists';

/** The account of a code, the active one where an archived one has it too. */
export function accountOf({ accounts }: Chart, code: string): ChartAccount | undefined {
  const named = accounts.filter((account) => account.code === code);
  return named.find(({ active }) => active) ?? named[0];
}

function classOf(chart: Chart, code: string | null): AccountClass | null {
  return code === null ? null : (accountOf(chart, code)?.class ?? null);
}

function taxFault(code: string, { taxRates }: Chart, accountClass: AccountClass): string | null {
  const rate = taxRates.find(({ taxType }) => taxType === code);
  const names = `names tax type ${code}, `;
  if (rate === undefined) return `${names}which Xero did not have when its tax rates were last read: ${chooseListed}`;
  if (!rate.active) return `${names}which is not active in Xero: restore it there or choose another`;
  if (rate.appliesTo.includes(accountClass)) return null;
  return `${names}which Xero does not apply to accounts of the class ${accountClass}: choose one that applies to it`;
}

function trackingFault(id: string, { trackingCategories }: Chart): string | null {
  const category = trackingCategories.find(({ options }) => options.some((option) => option.id === id));
  const option = category?.options.find((one) => one.id === id);
  const names = `names tracking option ${id}, `;
  if (category === undefined || option === undefined) {
    return `${names}which Xero did not have when its tracking categories were last read: ${chooseListed}`;
  }
  if (category.active && option.active) return null;
  return `${names}which is archived in Xero, or its category is: restore it there or choose another`;
}

/** What can be chosen: active things only, accounts in the order of their codes. */
export function mappingOptions(chart: Chart) {
  const active = chart.accounts.filter((account) => account.active);
  const accounts = active.toSorted((one, other) => (one.code < other.code ? -1 : 1));
  return {
    asOf: chart.asOf,
    baseCurrency: chart.baseCurrency,
    accounts: accounts.map((account) => ({
      code: account.code,
      name: account.name,
      type: account.type,
      class: account.class,
      taxType: account.taxType,
      takesLines: takesLines(account),
    })),
    paymentAccounts: accounts.filter(takesPayments).map(({ code, name, type, currency }) => ({
      code,
      name,
      type,
      currency,
    })),
    taxRates: chart.taxRates
      .filter(({ active }) => active)
      .map(({ taxType, name, rate, appliesTo }) => ({ taxType, name, rate, appliesTo: [...appliesTo] })),
    trackingCategories: chart.trackingCategories
      .filter(({ active }) => active)
      .map(({ id, name, options }) => ({
        id,
        name,
        options: options.filter(({ active }) => active).map((option) => ({ id: option.id, name: option.name })),
      })),
    currencies: [...chart.currencies],
  };
}
