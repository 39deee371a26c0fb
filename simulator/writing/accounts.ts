import { notFound } from '../accounting/errors.js';
import { type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { textOf, textsOf } from './fields.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

/** The class of each type of account. */
const CLASSES: Readonly<Record<string, string>> = {
  BANK: 'ASSET',
  CURRENT: 'ASSET',
  CURRLIAB: 'LIABILITY',
  DEPRECIATN: 'EXPENSE',
  DIRECTCOSTS: 'EXPENSE',
  EQUITY: 'EQUITY',
  EXPENSE: 'EXPENSE',
  FIXED: 'ASSET',
  INVENTORY: 'ASSET',
  LIABILITY: 'LIABILITY',
  NONCURRENT: 'ASSET',
  OTHERINCOME: 'REVENUE',
  OVERHEADS: 'EXPENSE',
  PREPAYMENT: 'ASSET',
  REVENUE: 'REVENUE',
  SALES: 'REVENUE',
  TERMLIAB: 'LIABILITY',
};
const LONGEST = { Code: 10, Name: 150, Description: 4_000, BankAccountNumber: 20 };
const STATES = ['ACTIVE', 'ARCHIVED'];

/** `PUT /Accounts` makes one account a call, `POST /Accounts/{id}` changes or archives it, `DELETE` deletes it. */
export const accounts: ElementWriter = {
  path: 'Accounts',
  collection: 'Accounts',
  stream: 'accounts',
  idField: 'AccountID',
  methods: ['PUT', 'POST', 'DELETE'],
  largest: 1,
  errorFlag: 'HasValidationErrors',
  plan: (books, given, how) => {
    if (how.method === 'PUT') return laidOver(books, given, newAccount(books, given));
    const there = accountNamed(books, given, how);
    return how.method === 'DELETE' ? remove(there) : laidOver(books, given, there);
  },
};

function accountNamed(books: Books, given: Given, { id }: How): Found {
  const found = books.byId('accounts', id ?? given.AccountID);
  if (!found || found.row.Status === 'DELETED') throw notFound();
  return found;
}

function remove({ index, row }: Found): Planned {
  if (row.SystemAccount) throw new ValidationFailed(['System accounts cannot be deleted']);
  const rows = [{ stream: 'accounts', index, row: { ...row, Status: 'DELETED' } }];
  return { id: String(row.AccountID), rows };
}

function laidOver(books: Books, given: Given, { index, row }: Found): Planned {
  const complaints: string[] = [];
  const Status = textOf(given, 'Status', complaints) || String(row.Status);
  if (!STATES.includes(Status)) complaints.push(`'${Status}' is not a valid value for Status`);
  if (row.SystemAccount && Status !== 'ACTIVE') complaints.push('System accounts cannot be archived');
  const account: Row = {
    ...row,
    ...textsOf(given, LONGEST, complaints),
    ...flags(given),
    Status,
    TaxType: taxTypeOf(books, given, row, complaints),
    CurrencyCode: currencyOf(books, given, row, complaints),
  };
  for (const field of ['Code', 'Name']) {
    if (!account[field] || isTaken(books, field, account)) complaints.push(`Please enter a unique ${field}.`);
  }
  if (row.Type === 'BANK' && !account.BankAccountNumber) complaints.push('Bank account number must be specified');
  refuseIfAny(complaints);
  return { id: String(row.AccountID), rows: [{ stream: 'accounts', index, row: account }] };
}

const flags = (given: Given): Row =>
  Object.fromEntries(
    ['EnablePaymentsToAccount', 'ShowInExpenseClaims', 'AddToWatchlist']
      .filter((field) => typeof given[field] === 'boolean')
      .map((field) => [field, given[field] === true]),
  );

const isTaken = (books: Books, field: string, account: Row): boolean =>
  books
    .by('accounts', field, account[field])
    .some(({ row }) => row.AccountID !== account.AccountID && row.Status !== 'DELETED');

/** What an account is taxed with where nothing else is said: sales with the sales rate, costs with that of purchases. */
const TAXED_AS = ['REVENUE', 'EXPENSE'];

function taxTypeOf(books: Books, given: Given, row: Row, complaints: string[]): string {
  const stated = textOf(given, 'TaxType', complaints);
  if (stated && books.taxRate(stated)?.Status !== 'ACTIVE') {
    complaints.push(`The TaxType code '${stated}' does not exist or has been archived.`);
  }
  const usual = books.all('taxRates')[TAXED_AS.indexOf(String(row.Class))]?.TaxType ?? 'NONE';
  return stated || String(row.TaxType ?? usual);
}

/** Only bank accounts have a currency. */
function currencyOf(books: Books, given: Given, row: Row, complaints: string[]): string | undefined {
  if (row.Type !== 'BANK') return undefined;
  const code = textOf(given, 'CurrencyCode', complaints) || String(row.CurrencyCode ?? books.baseCurrency);
  if (!books.subscribesTo(code)) complaints.push(`Organisation is not subscribed to currency ${code}`);
  return code;
}

function newAccount(books: Books, given: Given): Found {
  const Type = String(given.Type ?? '').toUpperCase();
  if (!(Type in CLASSES)) throw new ValidationFailed([`'${given.Type ?? ''}' is not a valid value for Type`]);
  const { index, id } = books.fresh('accounts');
  const row = {
    AccountID: id,
    Status: 'ACTIVE',
    Type,
    Class: CLASSES[Type],
    SystemAccount: '',
    EnablePaymentsToAccount: false,
    ShowInExpenseClaims: false,
    BankAccountType: Type === 'BANK' ? 'BANK' : '',
    HasAttachments: false,
    UpdatedDateUTC: new XeroDate(books.now()),
    AddToWatchlist: false,
  };
  return { index, row };
}
