import { Decimal, type Row } from '../core/values.js';
import type { Books, Found } from './books.js';
import { decimalOf, listOf, textOf } from './fields.js';
import { type ElementWriter, type Given, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

const RATE_DECIMALS = 4;
const STATES = ['ACTIVE', 'ARCHIVED', 'DELETED'];

/** `PUT` and `POST /TaxRates`, one rate a call; Xero gives a new one its TaxType. */
export const taxRates: ElementWriter = {
  path: 'TaxRates',
  collection: 'TaxRates',
  stream: 'taxRates',
  idField: 'TaxType',
  methods: ['PUT', 'POST'],
  largest: 1,
  errorFlag: 'HasValidationErrors',
  plan: (books, given, how) =>
    laidOver(books, given, (how.method === 'POST' && rateNamed(books, given)) || newRate(books)),
};

function rateNamed(books: Books, given: Given): Found | undefined {
  if (!given.TaxType) return books.by('taxRates', 'Name', given.Name)[0];
  const [found] = books.by('taxRates', 'TaxType', given.TaxType);
  if (!found) throw new ValidationFailed([`The TaxType code '${given.TaxType}' does not exist or has been archived.`]);
  return found;
}

function laidOver(books: Books, given: Given, { index, row }: Found): Planned {
  const complaints: string[] = [];
  const Name = textOf(given, 'Name', complaints, 50) || row.Name;
  const Status = textOf(given, 'Status', complaints) || String(row.Status);
  const components = listOf(given, 'TaxComponents')?.map((one) => componentRow(one, complaints));
  const TaxComponents = components ?? (row.TaxComponents as Row[]);
  const rate = effectiveRate(TaxComponents);
  if (!STATES.includes(Status)) complaints.push(`'${Status}' is not a valid value for Status`);
  if (!Name) complaints.push('The Name must be specified');
  const others = books.by('taxRates', 'Name', Name).filter((one) => one.index !== index);
  if (others.some((one) => one.row.Status !== 'DELETED')) complaints.push('Tax Rate Name must be unique');
  if (TaxComponents.length === 0) complaints.push('At least one tax component must be specified');
  refuseIfAny(complaints);
  const figures = { TaxComponents, DisplayTaxRate: rate, EffectiveRate: rate };
  const ReportTaxType = textOf(given, 'ReportTaxType', complaints) || row.ReportTaxType;
  const changed = { ...row, Name, Status, ReportTaxType, ...figures };
  return { id: String(row.TaxType), rows: [{ stream: 'taxRates', index, row: changed }] };
}

function componentRow(given: Given, complaints: string[]): Row {
  return {
    Name: textOf(given, 'Name', complaints, 50) ?? '',
    Rate: decimalOf(given, 'Rate', RATE_DECIMALS, complaints) ?? new Decimal(0, RATE_DECIMALS),
    IsCompound: given.IsCompound === true,
    IsNonRecoverable: given.IsNonRecoverable === true,
  };
}

/** A compound component is charged on the amount with the other taxes. */
function effectiveRate(components: readonly Row[]): Decimal {
  const sum = (compound: boolean) =>
    components
      .filter(({ IsCompound }) => IsCompound === compound)
      .reduce((total, { Rate }) => total + (Rate as Decimal).toNumber(), 0);
  const simple = sum(false);
  return Decimal.parse(simple + sum(true) * (1 + simple / 100), RATE_DECIMALS);
}

function newRate(books: Books): Found {
  const { index } = books.fresh('taxRates');
  const row = {
    Name: '',
    TaxType: `TAX${String(index + 1).padStart(3, '0')}`,
    ReportTaxType: 'NONE',
    CanApplyToAssets: true,
    CanApplyToEquity: true,
    CanApplyToExpenses: true,
    CanApplyToLiabilities: true,
    CanApplyToRevenue: true,
    Status: 'ACTIVE',
    TaxComponents: [],
  };
  return { index, row };
}
