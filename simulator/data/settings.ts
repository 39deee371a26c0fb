import { calendarDate } from '../core/calendar.js';
import { element } from '../core/lookup.js';
import { Decimal, type Row, XeroDate } from '../core/values.js';
import { ACCOUNTS, currenciesOf, TRACKING } from './chart.js';
import { GROUP_NAMES } from './contacts.js';
import type { Source, World } from './world.js';

/** The profile that the Organisation endpoint shows. */
export interface OrganisationFacts {
  tenantId: string;
  name: string;
  tier: string;
  timezone: string;
  periodLockDay?: number;
  endOfYearLockDay?: number;
}

/** A short list made once: settings do not grow. */
class ListSource implements Source {
  readonly count: number;
  readonly columns = {};

  constructor(
    private readonly rows: Row[],
    private readonly changed: number,
  ) {
    this.count = rows.length;
  }

  stamp(): number {
    return this.changed;
  }

  row(index: number): Row {
    const row = this.rows[index];
    return row ? { ...row } : this.another(index);
  }

  /** A new row is like the first one, under a name and code of its own. */
  private another(index: number): Row {
    const like = this.rows[0] ?? {};
    return {
      ...like,
      ...('Code' in like && { Code: `N${index + 1}` }),
      ...('Name' in like && { Name: `${String(like.Name)} ${index + 1}` }),
    };
  }
}

/** The sources of the whole-list settings of an organisation. */
export function settingSources(world: World): Record<string, Source> {
  const changed = world.asOf - 400 * 86_400_000;
  const list = (rows: Row[]) => new ListSource(rows, changed);
  return {
    accounts: list(ACCOUNTS.map((_, index) => accountRow(world, index, changed))),
    taxRates: list(taxRateRows(world)),
    trackingCategories: list(trackingRows(world)),
    currencies: list(currenciesOf(world.baseCurrency).map(({ code, name }) => ({ Code: code, Description: name }))),
    users: list(userRows(world, changed)),
    contactGroups: list(contactGroupRows(world)),
    brandingThemes: list(brandingThemeRows(world, changed)),
    repeatingInvoices: list([]),
    receipts: list([]),
    expenseClaims: list([]),
  };
}

/** The one row of the Organisation endpoint, always made anew from the profile. */
export function organisationRow(world: World, facts: OrganisationFacts): Row {
  const { country } = world.regime;
  return {
    Name: facts.name,
    LegalName: facts.name,
    PaysTax: world.regime.percent > 0,
    Version: country,
    OrganisationType: 'COMPANY',
    BaseCurrency: world.baseCurrency,
    CountryCode: country,
    IsDemoCompany: facts.name.startsWith('Demo Company'),
    OrganisationStatus: 'ACTIVE',
    TaxNumber: '101-2-303',
    FinancialYearEndDay: 31,
    FinancialYearEndMonth: 3,
    SalesTaxBasis: 'PAYMENTS',
    SalesTaxPeriod: 'TWOMONTHS',
    DefaultSalesTax: 'Tax Exclusive',
    DefaultPurchasesTax: 'Tax Exclusive',
    PeriodLockDate: facts.periodLockDay === undefined ? undefined : calendarDate(facts.periodLockDay),
    EndOfYearLockDate: facts.endOfYearLockDay === undefined ? undefined : calendarDate(facts.endOfYearLockDay),
    CreatedDateUTC: new XeroDate(world.asOf - 1_900 * 86_400_000, false),
    OrganisationEntityType: 'COMPANY',
    Timezone: facts.timezone,
    ShortCode: `!${facts.tenantId.slice(0, 5)}`,
    OrganisationID: facts.tenantId,
    Edition: 'BUSINESS',
    Class: facts.tier.toUpperCase(),
    LineOfBusiness: 'Building and construction',
    Addresses: [],
    Phones: [],
    ExternalLinks: [],
    PaymentTerms: {},
  };
}

function accountRow(world: World, index: number, changed: number): Row {
  const spec = element(ACCOUNTS, index);
  const isBank = spec.type === 'BANK';
  const taxTypes = { sales: world.regime.sales, purchases: world.regime.purchases, none: 'NONE' };
  return {
    AccountID: world.ids('accounts').guid(index),
    Code: spec.code,
    Name: spec.name,
    Status: spec.archived ? 'ARCHIVED' : 'ACTIVE',
    Type: spec.type,
    TaxType: taxTypes[spec.tax],
    Description: isBank || spec.system ? undefined : `${spec.name} of the business`,
    Class: spec.class,
    SystemAccount: spec.system ?? (isBank ? '' : undefined),
    EnablePaymentsToAccount: spec.takesPayments ?? false,
    ShowInExpenseClaims: spec.type === 'EXPENSE',
    BankAccountNumber: isBank ? `120000000000${index}000` : undefined,
    BankAccountType: isBank ? 'BANK' : '',
    CurrencyCode: isBank ? world.baseCurrency : undefined,
    ReportingCode: spec.class === 'REVENUE' ? 'REV' : spec.class.slice(0, 3),
    ReportingCodeName: spec.class,
    HasAttachments: false,
    UpdatedDateUTC: new XeroDate(changed + index * 1_000),
    AddToWatchlist: false,
  };
}

function taxRateRows(world: World): Row[] {
  return world.taxRates.map(({ type, name, percent }, index) => ({
    Name: name,
    TaxType: type,
    ReportTaxType: type,
    CanApplyToAssets: true,
    CanApplyToEquity: true,
    CanApplyToExpenses: index !== 0,
    CanApplyToLiabilities: true,
    CanApplyToRevenue: index !== 1,
    DisplayTaxRate: new Decimal(percent * 10_000, 4),
    EffectiveRate: new Decimal(percent * 10_000, 4),
    Status: 'ACTIVE',
    TaxComponents: [
      { Name: 'GST', Rate: new Decimal(percent * 10_000, 4), IsCompound: false, IsNonRecoverable: false },
    ],
  }));
}

function trackingRows(world: World): Row[] {
  return TRACKING.map(({ name, options }, category) => ({
    Name: name,
    Status: 'ACTIVE',
    TrackingCategoryID: world.ids('trackingCategories').guid(category),
    Options: options.map((option, index) => ({
      TrackingOptionID: world.ids('trackingOptions').guid(category * 100 + index),
      Name: option,
      Status: 'ACTIVE',
      HasValidationErrors: false,
      IsDeleted: false,
      IsArchived: false,
      IsActive: true,
    })),
  }));
}

const USERS: readonly [string, string, string][] = [
  ['Aroha', 'Ngata', 'FINANCIALADVISER'],
  ['Ben', 'Smith', 'STANDARD'],
  ['Chloé', 'Brown', 'READONLY'],
];

function userRows(world: World, changed: number): Row[] {
  return USERS.map(([first, last, role], index) => ({
    UserID: world.ids('users').guid(index),
    EmailAddress: `${first.normalize('NFD').replace(/\W/g, '').toLowerCase()}@example.com`,
    FirstName: first,
    LastName: last,
    UpdatedDateUTC: new XeroDate(changed + index * 60_000),
    IsSubscriber: index === 0,
    OrganisationRole: role,
  }));
}

function contactGroupRows(world: World): Row[] {
  return GROUP_NAMES.map((name, index) => ({
    ContactGroupID: world.ids('contactGroups').guid(index),
    Name: name,
    Status: 'ACTIVE',
    Contacts: [],
    HasValidationErrors: false,
  }));
}

function brandingThemeRows(world: World, changed: number): Row[] {
  return ['Standard', 'Very orange invoice!'].map((name, index) => ({
    BrandingThemeID: world.ids('brandingThemes').guid(index),
    Name: name,
    LogoUrl: index === 0 ? undefined : 'https://in.xero.com/logo?id=ZXlK',
    Type: 'INVOICE',
    SortOrder: index,
    CreatedDateUTC: new XeroDate(changed),
  }));
}
