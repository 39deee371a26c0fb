import {
  type AccountClass,
  accountClasses,
  type Chart,
  type ChartAccount,
  type Charts,
  type ChartTaxRate,
  type ChartTrackingCategory,
  type Mirror,
} from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';

/** The streams that a chart is made of. */
const chartStreams = ['organisation', 'accounts', 'taxRates', 'trackingCategories', 'currencies'] as const;

/** Rows of one question to the mirror; organisations have some hundreds of accounts. */
const rowsAtOnce = 1000;

type Body = Readonly<Record<string, unknown>>;

/** Charts of accounts out of the mirror, whose records are as Xero sent them (xero-api.md §4). */
export function createCharts(mirror: Pick<Mirror, 'progress' | 'records'>): Charts {
  return {
    async of({ id, organisation }) {
      const asOf = organisation === null ? null : await readAt(mirror, id);
      if (organisation === null || asOf === null) return null;
      const [organisations, accounts, taxRates, trackingCategories, currencies] = await Promise.all(
        chartStreams.map((stream) => bodies(mirror, organisation.id, stream)),
      );
      const baseCurrency = text(organisations?.[0]?.BaseCurrency);
      if (baseCurrency === null) return null;
      return { asOf, baseCurrency, ...chartOf({ accounts, taxRates, trackingCategories, currencies }) };
    },
  };
}

/** When the oldest of the chart's streams was last read to the end; null while one never was. */
async function readAt(mirror: Pick<Mirror, 'progress'>, connectionId: string): Promise<string | null> {
  const progress = await mirror.progress(connectionId);
  const times = chartStreams.map((name) => progress.find(({ stream }) => stream === name)?.completedAt ?? null);
  return times.includes(null) ? null : (times.sort()[0] ?? null);
}

async function bodies(mirror: Pick<Mirror, 'records'>, organisationId: string, stream: StreamName): Promise<Body[]> {
  const all: Body[] = [];
  let cursor: string | undefined;
  do {
    const page = { limit: rowsAtOnce, ...(cursor !== undefined && { cursor }) };
    const { data, nextCursor } = await mirror.records(organisationId, stream, page);
    all.push(...data.filter(({ deletedAt }) => deletedAt === null).map(({ body }) => JSON.parse(body) as Body));
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

type Lists = Record<'accounts' | 'taxRates' | 'trackingCategories' | 'currencies', readonly Body[] | undefined>;

function chartOf(lists: Lists): Omit<Chart, 'asOf' | 'baseCurrency'> {
  return {
    accounts: (lists.accounts ?? []).flatMap(accountOf),
    taxRates: (lists.taxRates ?? []).flatMap(taxRateOf),
    trackingCategories: (lists.trackingCategories ?? []).flatMap(trackingCategoryOf),
    currencies: (lists.currencies ?? []).flatMap(({ Code, Description }) => {
      const code = text(Code);
      return code === null ? [] : [{ code, name: text(Description) ?? code }];
    }),
  };
}

function accountOf(body: Body): ChartAccount[] {
  const code = text(body.Code);
  if (code === null) return [];
  return [
    {
      code,
      name: text(body.Name) ?? code,
      type: text(body.Type) ?? '',
      class: accountClasses.find((one) => one === body.Class) ?? null,
      system: text(body.SystemAccount),
      active: isActive(body),
      enablePayments: body.EnablePaymentsToAccount === true,
      currency: text(body.CurrencyCode),
      taxType: text(body.TaxType),
    },
  ];
}

/** The field that says whether a rate can apply to accounts of a class; where it is absent Xero said nothing against it. */
const canApply: Readonly<Record<AccountClass, string>> = {
  ASSET: 'CanApplyToAssets',
  EQUITY: 'CanApplyToEquity',
  EXPENSE: 'CanApplyToExpenses',
  LIABILITY: 'CanApplyToLiabilities',
  REVENUE: 'CanApplyToRevenue',
};

function taxRateOf(body: Body): ChartTaxRate[] {
  const taxType = text(body.TaxType);
  if (taxType === null) return [];
  return [
    {
      taxType,
      name: text(body.Name) ?? taxType,
      rate: typeof body.EffectiveRate === 'number' ? String(body.EffectiveRate) : null,
      active: isActive(body),
      appliesTo: accountClasses.filter((one) => body[canApply[one]] !== false),
    },
  ];
}

function trackingCategoryOf(body: Body): ChartTrackingCategory[] {
  const id = text(body.TrackingCategoryID);
  if (id === null) return [];
  const options = Array.isArray(body.Options) ? (body.Options as Body[]) : [];
  return [{ id, name: text(body.Name) ?? '', active: isActive(body), options: options.flatMap(trackingOptionOf) }];
}

function trackingOptionOf(body: Body): ChartTrackingCategory['options'][number][] {
  const id = text(body.TrackingOptionID)?.toLowerCase();
  return id === undefined ? [] : [{ id, name: text(body.Name) ?? '', active: isActive(body) }];
}

const isActive = ({ Status }: Body): boolean => Status === 'ACTIVE';

/** Null for what is no text, and for an empty one. */
function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
