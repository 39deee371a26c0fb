import { notFound } from '../accounting/errors.js';
import { type Row, UnitAmount, type Value, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { decimalOf, objectOf, textOf, textsOf } from './fields.js';
import { type ElementWriter, type Given, type How, refuseIfAny, ValidationFailed } from './writer.js';

const LONGEST = { Code: 30, Name: 50, Description: 4_000, PurchaseDescription: 4_000 };

/** `PUT` and `POST /Items`: a POST finds its item by id, else by Code; there is no archived state (xero-api.md §4). */
export const items: ElementWriter = {
  path: 'Items',
  collection: 'Items',
  stream: 'items',
  idField: 'ItemID',
  methods: ['PUT', 'POST'],
  largest: 500,
  errorFlag: 'HasValidationErrors',
  plan(books, given, how) {
    const { index, row } = (how.method === 'POST' && target(books, given, how)) || newItem(books);
    const changed = planItem(books, given, how, row);
    // An item POST's stamp comes without the zone (xero-api.md §2).
    const shown = { ...changed, UpdatedDateUTC: new XeroDate(books.now(), how.method !== 'POST') };
    return { id: String(row.ItemID), rows: [{ stream: 'items', index, row: changed }], shown };
  },
};

function target(books: Books, given: Given, { id }: How): Found | undefined {
  if (id !== undefined) {
    const named = books.byId('items', id) ?? books.by('items', 'Code', id)[0];
    if (!named) throw notFound();
    return named;
  }
  if (!given.ItemID) return books.by('items', 'Code', given.Code)[0];
  const named = books.byId('items', given.ItemID);
  if (!named) throw new ValidationFailed([`The Item with ID ${given.ItemID} could not be found.`]);
  return named;
}

function planItem(books: Books, given: Given, how: How, row: Row): Row {
  const complaints: string[] = [];
  const changed: Row = {
    ...row,
    ...textsOf(given, LONGEST, complaints),
    ...flags(given),
    ...details(books, given, 'SalesDetails', how, row, complaints),
    ...details(books, given, 'PurchaseDetails', how, row, complaints),
  };
  if (!changed.Code) complaints.push('Price List Item Code must be specified');
  const taken = books.by('items', 'Code', changed.Code).some((other) => other.row.ItemID !== row.ItemID);
  if (taken) complaints.push(`Price List Item with Code '${changed.Code}' already exists`);
  refuseIfAny(complaints);
  return changed;
}

const flags = (given: Given): Row =>
  Object.fromEntries(
    ['IsSold', 'IsPurchased']
      .filter((field) => typeof given[field] === 'boolean')
      .map((field) => [field, given[field] as Value]),
  );

/** The price, account and tax of one side, laid over what the item has there. */
function details(
  books: Books,
  given: Given,
  field: string,
  { unitDecimals }: How,
  row: Row,
  complaints: string[],
): Row {
  const side = objectOf(given, field);
  if (!side) return {};
  const price = decimalOf(side, 'UnitPrice', unitDecimals, complaints);
  const AccountCode = textOf(side, 'AccountCode', complaints);
  const TaxType = textOf(side, 'TaxType', complaints);
  if (AccountCode && books.account(AccountCode)?.Status !== 'ACTIVE') {
    complaints.push(`Account code '${AccountCode}' is not a valid code for this document.`);
  }
  if (TaxType && books.taxRate(TaxType)?.Status !== 'ACTIVE') {
    complaints.push(`The TaxType code '${TaxType}' does not exist or has been archived.`);
  }
  return {
    [field]: {
      ...(row[field] as Row),
      ...(price && { UnitPrice: new UnitAmount(price.rescale(4).units) }),
      ...(AccountCode && { AccountCode }),
      ...(TaxType && { TaxType }),
    },
  };
}

function newItem(books: Books): Found {
  const { index, id } = books.fresh('items');
  return {
    index,
    row: {
      ItemID: id,
      Code: '',
      Description: '',
      PurchaseDescription: '',
      UpdatedDateUTC: new XeroDate(books.now()),
      PurchaseDetails: {},
      SalesDetails: {},
      Name: '',
      IsTrackedAsInventory: false,
      IsSold: true,
      IsPurchased: true,
      ValidationErrors: [],
    },
  };
}
