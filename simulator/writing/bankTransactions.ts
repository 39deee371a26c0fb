import { notFound } from '../accounting/errors.js';
import { isoSeconds } from '../core/calendar.js';
import { type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { checkLocks, currencyOf, partyOf } from './documents.js';
import { dated, dayIn, dayOfDate, listOf, objectOf, textOf } from './fields.js';
import { type DocumentLines, documentLines } from './lines.js';
import {
  type ElementWriter,
  type Given,
  type How,
  type Planned,
  type PlannedRow,
  refuseIfAny,
  ValidationFailed,
} from './writer.js';

/** A kind of credit that a transaction of money received or spent ahead makes. */
interface Credit {
  stream: 'prepayments' | 'overpayments';
  idField: 'PrepaymentID' | 'OverpaymentID';
}
const PREPAYMENT: Credit = { stream: 'prepayments', idField: 'PrepaymentID' };
const OVERPAYMENT: Credit = { stream: 'overpayments', idField: 'OverpaymentID' };

/** The types that can be written, with the credit that each makes. Transfers have an endpoint of their own. */
const TYPES: Readonly<Record<string, Credit | undefined>> = {
  RECEIVE: undefined,
  SPEND: undefined,
  'RECEIVE-PREPAYMENT': PREPAYMENT,
  'SPEND-PREPAYMENT': PREPAYMENT,
  'RECEIVE-OVERPAYMENT': OVERPAYMENT,
  'SPEND-OVERPAYMENT': OVERPAYMENT,
};

const RECONCILED = 'This Bank Transaction cannot be edited as it has been reconciled with a Bank Statement.';
const NOT_MODIFIABLE = 'Bank Transaction not of valid status for modification';
const CREDIT_USED = 'This document cannot be edited as it has a payment or credit note allocated to it.';

/** `PUT` and `POST /BankTransactions`; prepayments and overpayments arise here and nowhere else (xero-api.md §4). */
export const bankTransactions: ElementWriter = {
  path: 'BankTransactions',
  collection: 'BankTransactions',
  stream: 'bankTransactions',
  idField: 'BankTransactionID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan: (books, given, how) => {
    const there = how.method === 'PUT' ? undefined : transactionNamed(books, given, how);
    return there ? change(books, given, how, there) : laidOver(books, given, how, blank(books, given), undefined);
  },
};

function transactionNamed(books: Books, given: Given, { id }: How): Found | undefined {
  const wanted = id ?? (given.BankTransactionID || undefined);
  const found = books.byId('bankTransactions', wanted);
  if (wanted !== undefined && !found) throw notFound();
  return found;
}

function change(books: Books, given: Given, how: How, there: Found): Planned {
  const { row } = there;
  if (row.Status !== 'AUTHORISED') throw new ValidationFailed([NOT_MODIFIABLE]);
  if (row.IsReconciled === true) throw new ValidationFailed([RECONCILED]);
  const credit = creditOf(books, row);
  if (credit && isUsed(credit.row)) throw new ValidationFailed([CREDIT_USED]);
  return given.Status === 'DELETED' ? remove(books, there, credit) : laidOver(books, given, how, there, credit);
}

const isUsed = (credit: Row): boolean => (credit.Allocations as Row[]).length + (credit.Payments as Row[]).length > 0;

/** The prepayment or overpayment that a transaction made. */
function creditOf(books: Books, row: Row): Found | undefined {
  const kind = TYPES[String(row.Type)];
  return kind && books.byId(kind.stream, row[kind.idField]);
}

function remove(books: Books, { index, row }: Found, credit: Found | undefined): Planned {
  const complaints: string[] = [];
  checkLocks(books, String(row.Status), dayOfDate(row.Date) ?? books.today(), complaints);
  refuseIfAny(complaints);
  const rows: PlannedRow[] = [{ stream: 'bankTransactions', index, row: { ...row, Status: 'DELETED' } }];
  const kind = TYPES[String(row.Type)];
  if (kind && credit) {
    rows.push({ stream: kind.stream, index: credit.index, row: { ...credit.row, Status: 'VOIDED' } });
  }
  return { id: String(row.BankTransactionID), rows };
}

function laidOver(books: Books, given: Given, how: How, { index, row }: Found, credit: Found | undefined): Planned {
  const complaints: string[] = [];
  const isNew = row.Contact === undefined;
  const previous = isNew ? undefined : row;
  const day = dayIn(given, 'Date', complaints) ?? dayOfDate(row.Date) ?? books.today();
  const role = String(row.Type).startsWith('RECEIVE') ? 'customer' : 'supplier';
  const party = partyOf(books, given, role, previous, complaints);
  const kind = TYPES[String(row.Type)];
  const creditIndex = credit?.index ?? (kind && books.fresh(kind.stream).index);
  const transaction: Row = {
    ...row,
    BankAccount: bankAccountOf(books, given, row, complaints),
    Reference: textOf(given, 'Reference', complaints, 255) ?? row.Reference,
    IsReconciled: given.IsReconciled === true,
    ...(kind && { [kind.idField]: row[kind.idField] ?? books.fresh(kind.stream).id }),
    Contact: party.Contact,
    ...dated('Date', day),
    ...linesOf(books, given, how, row, complaints),
    ...currencyOf(books, given, day, previous, complaints),
  };
  if (previous) checkLocks(books, String(previous.Status), dayOfDate(previous.Date) ?? day, complaints);
  checkLocks(books, 'AUTHORISED', day, complaints);
  refuseIfAny([...new Set(complaints)]);
  const rows: PlannedRow[] = [...party.rows, { stream: 'bankTransactions', index, row: transaction }];
  if (kind && creditIndex !== undefined) {
    rows.push({ stream: kind.stream, index: creditIndex, row: creditRow(books, kind, transaction) });
  }
  return { id: String(row.BankTransactionID), rows };
}

function bankAccountOf(books: Books, given: Given, row: Row, complaints: string[]): Row | undefined {
  const named = objectOf(given, 'BankAccount');
  if (!named && row.BankAccount) return row.BankAccount as Row;
  const account = books.account(named?.AccountID ?? named?.Code);
  if (account?.Type !== 'BANK' || account.Status !== 'ACTIVE') {
    complaints.push('The BankAccount must be an active account of type BANK');
    return undefined;
  }
  const { AccountID, Code, Name } = account;
  return { AccountID, Code, Name };
}

/** The line of an overpayment stands on the account of receivables or payables, whatever it says. */
function linesOf(books: Books, given: Given, { unitDecimals }: How, row: Row, complaints: string[]): DocumentLines {
  const type = String(row.Type);
  const isOverpayment = TYPES[type] === OVERPAYMENT;
  const terms = {
    purchase: type.startsWith('SPEND'),
    unitDecimals,
    complete: !isOverpayment,
    previous: row.LineItems as Row[],
  };
  const stated = listOf(given, 'LineItems');
  const LineItems = isOverpayment && stated?.map(({ AccountCode: _code, AccountID: _id, ...line }) => line);
  const wanted = { LineAmountTypes: row.LineAmountTypes, ...given, ...(LineItems && { LineItems }) };
  const lines = documentLines(books, wanted, terms, complaints);
  if (lines.Total.units <= 0) complaints.push('The total of a bank transaction must be greater than zero');
  if (!isOverpayment) return lines;
  const control = books.by('accounts', 'SystemAccount', terms.purchase ? 'CREDITORS' : 'DEBTORS')[0]?.row;
  const account = { AccountCode: control?.Code, AccountID: control?.AccountID };
  return { ...lines, LineItems: lines.LineItems.map((line) => ({ ...line, ...account })) };
}

/** The prepayment or overpayment as its transaction makes it. */
function creditRow(books: Books, { idField }: Credit, transaction: Row): Row {
  const { Type, Reference, Contact, LineAmountTypes, LineItems, SubTotal, TotalTax, Total } = transaction;
  return {
    [idField]: transaction[idField],
    ID: transaction[idField],
    Type,
    Reference,
    Payments: [],
    RemainingCredit: Total,
    Allocations: [],
    HasErrors: false,
    HasAttachments: false,
    InvoiceAddresses: [],
    Contact,
    DateString: transaction.DateString,
    Date: transaction.Date,
    Status: 'AUTHORISED',
    LineAmountTypes,
    LineItems,
    SubTotal,
    TotalTax,
    Total,
    UpdatedDateUTC: new XeroDate(books.now()),
    UpdatedDateUTCString: isoSeconds(books.now()),
    CurrencyCode: transaction.CurrencyCode,
    CurrencyRate: transaction.CurrencyRate,
  };
}

function blank(books: Books, given: Given): Found {
  const Type = String(given.Type ?? '').toUpperCase();
  if (!(Type in TYPES)) throw new ValidationFailed([`'${given.Type ?? ''}' is not a valid value for Type`]);
  const { index, id } = books.fresh('bankTransactions');
  const row = {
    BankTransactionID: id,
    Type,
    Reference: '',
    IsReconciled: false,
    HasAttachments: false,
    Status: 'AUTHORISED',
    LineAmountTypes: TYPES[Type] === OVERPAYMENT ? 'NoTax' : 'Exclusive',
    LineItems: [],
    UpdatedDateUTC: new XeroDate(books.now()),
  };
  return { index, row };
}
