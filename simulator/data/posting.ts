import { Decimal, money, type Row, type Value } from '../core/values.js';
import { systemAccountCode } from './chart.js';
import { cents } from './settling.js';
import type { World } from './world.js';

/** One line of a journal before it is written out: cents in the base currency, debits positive. */
interface Entry {
  /** Its code. */
  account: string;
  net: number;
  tax: number;
  taxType: string;
  description: Value;
}

/** What a document posts to the general ledger. */
export interface Posting {
  sourceType: string;
  reference: Value;
  entries: Entry[];
}

/** How the documents of a stream are posted. */
export interface PostingRule {
  idField: string;
  /** Whether a document of this state and type stands in the ledger. */
  posts(status: Value, type: Value): boolean;
  entries(row: Row): { sourceType: string; entries: Entry[] };
}

const RECEIVABLE = systemAccountCode('DEBTORS');
const PAYABLE = systemAccountCode('CREDITORS');
const TAX = systemAccountCode('GST');
const BANK = '090';

const accountOf = (account: Value): string => String((account as Row | undefined)?.Code);
const isOneOf = (status: Value, ...states: string[]): boolean => states.includes(String(status));

/** The opposite account takes whatever the others sum to, so that a journal always balances. */
function balanced(account: string, entries: Entry[]): Entry[] {
  const sum = entries.reduce((total, { net }) => total + net, 0);
  return [{ account, net: -sum, tax: 0, taxType: 'NONE', description: undefined }, ...entries];
}

function fromLines(row: Row, sign: number): Entry[] {
  const rate = row.CurrencyRate instanceof Decimal ? row.CurrencyRate.toNumber() : 1;
  const based = (amount: number) => Math.round(amount / rate);
  const lines = (row.LineItems as Row[]).map((line): Entry => {
    const tax = row.LineAmountTypes === 'NoTax' ? 0 : cents(line.TaxAmount);
    const net = cents(line.LineAmount) - (row.LineAmountTypes === 'Inclusive' ? tax : 0);
    return {
      account: String(line.AccountCode),
      net: sign * based(net),
      tax: sign * based(tax),
      taxType: String(line.TaxType),
      description: line.Description,
    };
  });
  const tax = lines.reduce((total, line) => total + line.tax, 0);
  return tax === 0 ? lines : [...lines, { account: TAX, net: tax, tax: 0, taxType: 'NONE', description: undefined }];
}

/** A document of lines against one account; `receives` tells which side the lines stand on. */
const lined = (
  idField: string,
  states: string[],
  sourceType: (type: string) => string,
  receives: (type: string) => boolean,
  control: (row: Row, receives: boolean) => string,
): PostingRule => ({
  idField,
  posts: (status) => isOneOf(status, ...states),
  entries: (row) => {
    const type = String(row.Type);
    const isReceived = receives(type);
    const entries = balanced(control(row, isReceived), fromLines(row, isReceived ? -1 : 1));
    return { sourceType: sourceType(type), entries };
  },
});

const receivesMoney = (type: string): boolean => type.startsWith('RECEIVE');

/** Which documents journals follow, in the order in which those of one moment are posted (xero-api.md §2). */
export const POSTING_RULES: Readonly<Record<string, PostingRule>> = {
  invoices: lined(
    'InvoiceID',
    ['AUTHORISED', 'PAID'],
    (type) => type,
    (type) => type === 'ACCREC',
    (_row, receives) => (receives ? RECEIVABLE : PAYABLE),
  ),
  creditNotes: lined(
    'CreditNoteID',
    ['AUTHORISED', 'PAID'],
    (type) => type,
    (type) => type === 'ACCPAYCREDIT',
    (_row, receives) => (receives ? PAYABLE : RECEIVABLE),
  ),
  prepayments: lined(
    'PrepaymentID',
    ['AUTHORISED', 'PAID'],
    (type) => (receivesMoney(type) ? 'ARPREPAYMENT' : 'APPREPAYMENT'),
    receivesMoney,
    () => BANK,
  ),
  overpayments: lined(
    'OverpaymentID',
    ['AUTHORISED', 'PAID'],
    (type) => (receivesMoney(type) ? 'AROVERPAYMENT' : 'APOVERPAYMENT'),
    receivesMoney,
    () => BANK,
  ),
  bankTransactions: {
    ...lined(
      'BankTransactionID',
      [],
      (type) => (type === 'RECEIVE' ? 'CASHREC' : 'CASHPAID'),
      receivesMoney,
      (row) => accountOf(row.BankAccount),
    ),
    posts: (status, type) => status === 'AUTHORISED' && isOneOf(type, 'RECEIVE', 'SPEND'),
  },
  payments: {
    idField: 'PaymentID',
    posts: (status) => status === 'AUTHORISED',
    entries: (row) => {
      const receivable = /^(ACCREC|AR)/.test(String(row.PaymentType));
      const refund = !String(row.PaymentType).startsWith('ACC');
      const net = (receivable !== refund ? -1 : 1) * cents(row.Amount);
      const entry = {
        account: receivable ? RECEIVABLE : PAYABLE,
        net,
        tax: 0,
        taxType: 'NONE',
        description: row.Reference,
      };
      return { sourceType: String(row.PaymentType), entries: balanced(accountOf(row.Account), [entry]) };
    },
  },
  manualJournals: {
    idField: 'ManualJournalID',
    posts: (status) => status === 'POSTED',
    entries: (row) => ({
      sourceType: 'MANJOURNAL',
      entries: (row.JournalLines as Row[]).map((line) => ({
        account: String(line.AccountCode),
        net: cents(line.LineAmount),
        tax: 0,
        taxType: 'NONE',
        description: line.Description,
      })),
    }),
  },
  bankTransfers: {
    idField: 'BankTransferID',
    posts: () => true,
    entries: (row) => {
      const to = { account: accountOf(row.ToBankAccount), net: cents(row.Amount), tax: 0, taxType: 'NONE' };
      const entries = balanced(accountOf(row.FromBankAccount), [{ ...to, description: row.Reference }]);
      return { sourceType: 'TRANSFER', entries };
    },
  },
};

/** What a row posts, if it stands in the ledger. */
export function postingOf(stream: string, row: Row): Posting | undefined {
  const rule = POSTING_RULES[stream];
  if (!rule?.posts(row.Status, row.Type)) return undefined;
  return { ...rule.entries(row), reference: row.Reference ?? row.Narration };
}

/** The same posting the other way round. */
export const reversed = (posting: Posting): Posting => ({
  ...posting,
  entries: posting.entries.map((entry) => ({ ...entry, net: -entry.net, tax: -entry.tax })),
});

/** Finds the account of a code. */
export type Chart = (code: string) => Row;

/** The lines of a journal as Xero sends them. */
export function journalLines(world: World, chart: Chart, journal: number, entries: Entry[]): Row[] {
  const ids = world.ids('journal lines');
  return entries.map(({ account, net, tax, taxType, description }, n) => {
    const { AccountID, Type, Name } = chart(account);
    return {
      JournalLineID: ids.guid(journal * ROOM_FOR_ENTRIES + n),
      AccountID,
      AccountCode: account,
      AccountType: Type,
      AccountName: Name,
      Description: description ?? '',
      NetAmount: money(net),
      GrossAmount: money(net + tax),
      TaxAmount: money(tax),
      TaxType: taxType,
      TaxName: world.taxRates.find((rate) => rate.type === taxType)?.name ?? '',
      TrackingCategories: [],
    };
  });
}

const ROOM_FOR_ENTRIES = 64;
