import { notFound } from '../accounting/errors.js';
import { Decimal, money, type Row, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { checkLocks } from './documents.js';
import { centsOf, dated, dayIn, dayOfDate, decimalOf, listOf, textOf } from './fields.js';
import { postableAccount } from './lines.js';
import { lineTracking } from './tracking.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

/** The states that a journal of each state can be given; a new one stands under ''. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  '': ['DRAFT', 'POSTED'],
  DRAFT: ['DRAFT', 'POSTED', 'DELETED'],
  POSTED: ['POSTED', 'VOIDED'],
};
const FEWEST_LINES = 2;

/** `PUT` and `POST /ManualJournals`: at least two lines that balance (xero-api.md §4). Tax on lines is not simulated. */
export const manualJournals: ElementWriter = {
  path: 'ManualJournals',
  collection: 'ManualJournals',
  stream: 'manualJournals',
  idField: 'ManualJournalID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasErrors',
  plan: (books, given, how) => {
    const there = how.method === 'PUT' ? undefined : journalNamed(books, given, how);
    return there ? laidOver(books, given, there, String(there.row.Status)) : laidOver(books, given, blank(books), '');
  },
};

function journalNamed(books: Books, given: Given, { id }: How): Found | undefined {
  const wanted = id ?? (given.ManualJournalID || undefined);
  const found = books.byId('manualJournals', wanted);
  if (wanted !== undefined && !found) throw notFound();
  return found;
}

function laidOver(books: Books, given: Given, { index, row }: Found, from: string): Planned {
  const complaints: string[] = [];
  const Status = (textOf(given, 'Status', complaints) || String(row.Status)).toUpperCase();
  if (!MOVES[from]?.includes(Status)) {
    throw new ValidationFailed(['Manual Journal not of valid status for modification']);
  }
  const day = dayIn(given, 'Date', complaints) ?? dayOfDate(row.Date) ?? books.today();
  const lines = listOf(given, 'JournalLines')?.map((line) => lineRow(books, line, complaints));
  const journal = {
    ...row,
    Narration: textOf(given, 'Narration', complaints, 4_000) || String(row.Narration),
    Date: dated('Date', day).Date,
    Status,
    JournalLines: lines ?? (row.JournalLines as Row[]),
  };
  if (journal.Narration === '') complaints.push('Narration must be specified');
  checkBalance(journal.JournalLines, complaints);
  if (from !== '') checkLocks(books, from, dayOfDate(row.Date) ?? day, complaints);
  checkLocks(books, Status, day, complaints);
  refuseIfAny([...new Set(complaints)]);
  return { id: String(row.ManualJournalID), rows: [{ stream: 'manualJournals', index, row: journal }] };
}

function checkBalance(lines: readonly Row[], complaints: string[]): void {
  if (lines.length < FEWEST_LINES) complaints.push(`A manual journal must have at least ${FEWEST_LINES} lines`);
  const amounts = lines.map(({ LineAmount }) => centsOf(LineAmount));
  const sum = (side: number[]) => money(Math.abs(side.reduce((total, amount) => total + amount, 0)));
  const debits = sum(amounts.filter((amount) => amount > 0));
  const credits = sum(amounts.filter((amount) => amount < 0));
  if (debits.units !== credits.units) {
    complaints.push(`The total debits (${debits}) must equal total credits (${credits})`);
  }
}

function lineRow(books: Books, given: Given, complaints: string[]): Row {
  const account = postableAccount(books, given.AccountCode ?? given.AccountID, complaints);
  return {
    Description: textOf(given, 'Description', complaints, 4_000),
    TaxType: 'NONE',
    LineAmount: decimalOf(given, 'LineAmount', 2, complaints) ?? new Decimal(0, 2),
    AccountCode: account?.Code,
    AccountID: account?.AccountID,
    Tracking: lineTracking(books, given, complaints),
    IsBlank: false,
  };
}

function blank(books: Books): Found {
  const { index, id } = books.fresh('manualJournals');
  const row = {
    Status: 'DRAFT',
    LineAmountTypes: 'NoTax',
    UpdatedDateUTC: new XeroDate(books.now()),
    ManualJournalID: id,
    Narration: '',
    JournalLines: [],
    ShowOnCashBasisReports: true,
    HasAttachments: false,
  };
  return { index, row };
}
