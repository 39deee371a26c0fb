import { notFound } from '../accounting/errors.js';
import { type Row, type Value, XeroDate } from '../core/values.js';
import type { Books, Found } from './books.js';
import { listOf, objectOf, textOf, textsOf } from './fields.js';
import { type ElementWriter, type Given, type How, refuseIfAny, ValidationFailed } from './writer.js';

/** The text fields of a contact, and the most characters each may have. */
const TEXTS: Record<string, number> = {
  Name: 255,
  ContactNumber: 50,
  AccountNumber: 50,
  FirstName: 255,
  LastName: 255,
  EmailAddress: 255,
  CompanyNumber: 50,
  BankAccountDetails: 255,
  TaxNumber: 50,
  SkypeUserName: 50,
  AccountsReceivableTaxType: 50,
  AccountsPayableTaxType: 50,
  SalesDefaultAccountCode: 10,
  PurchasesDefaultAccountCode: 10,
  SalesDefaultLineAmountType: 20,
  PurchasesDefaultLineAmountType: 20,
};
const MOST_PERSONS = 5;

const ARCHIVED_MATCH =
  'The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.';
const nameTaken = (name: string): string =>
  `The contact name ${name} is already assigned to another contact. The contact name must be unique across all active contacts.`;

/** `PUT` and `POST /Contacts`: by id, else by ContactNumber, else (a switch) by name (xero-api.md §4). */
export const contacts: ElementWriter = {
  path: 'Contacts',
  collection: 'Contacts',
  stream: 'contacts',
  idField: 'ContactID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasValidationErrors',
  plan(books, given, how) {
    const { index, row } = planContact(books, given, how.method === 'PUT' ? undefined : target(books, given, how));
    return { id: String(row.ContactID), rows: [{ stream: 'contacts', index, row }] };
  },
};

function target(books: Books, given: Given, { id }: How): Found | undefined {
  if (id !== undefined) {
    const named = books.byId('contacts', id) ?? books.by('contacts', 'ContactNumber', id)[0];
    if (!named) throw notFound();
    return named;
  }
  return matchingContact(books, given, books.switches.postEditsContactByName);
}

/**
 * The contact that given details mean: by id, which must exist, by ContactNumber, or by name, an active one first.
 * Throws ValidationFailed for an id that no contact has.
 */
export function matchingContact(books: Books, given: Given, alsoByName: boolean): Found | undefined {
  if (given.ContactID) {
    const named = books.byId('contacts', given.ContactID);
    if (!named) throw new ValidationFailed([`The Contact with ID ${given.ContactID} could not be found.`]);
    return named;
  }
  const [numbered] = books.by('contacts', 'ContactNumber', given.ContactNumber);
  if (numbered || !alsoByName) return numbered;
  const named = books.by('contacts', 'Name', given.Name);
  return named.find(({ row }) => row.ContactStatus === 'ACTIVE') ?? named[0];
}

/** Throws ValidationFailed for a contact that is archived, as merged ones are too. */
export function refuseArchived({ row }: Found): void {
  if (row.ContactStatus !== 'ACTIVE') throw new ValidationFailed([ARCHIVED_MATCH]);
}

/** The row of a contact with what is given laid over what there is; nothing there makes a new one. */
export function planContact(books: Books, given: Given, there: Found | undefined): Found {
  const complaints: string[] = [];
  if (there) refuseArchived(there);
  const { index, row } = there ?? newContact(books);
  const changed = { ...row, ...textsOf(given, TEXTS, complaints), ...parts(books, given, row, complaints) };
  if (!changed.Name) complaints.push('The Contact Name must be specified.');
  complaints.push(...taken(books, changed));
  refuseIfAny(complaints);
  return { index, row: changed };
}

/** What of a contact is not plain text. */
function parts(books: Books, given: Given, row: Row, complaints: string[]): Row {
  const persons = listOf(given, 'ContactPersons');
  if (persons && persons.length > MOST_PERSONS) complaints.push(`A contact can have at most ${MOST_PERSONS} persons`);
  const terms = objectOf(given, 'PaymentTerms');
  return {
    Addresses: merged(row.Addresses as Row[], listOf(given, 'Addresses'), 'AddressType', ADDRESS_FIELDS),
    Phones: merged(row.Phones as Row[], listOf(given, 'Phones'), 'PhoneType', PHONE_FIELDS),
    ...(persons && { ContactPersons: persons.map(personRow) }),
    ...(terms && { PaymentTerms: plain(terms) as Row }),
    ...currency(books, given, complaints),
    ...status(given, complaints),
  };
}

const ADDRESS_FIELDS = [
  'AddressLine1',
  'AddressLine2',
  'AddressLine3',
  'AddressLine4',
  'City',
  'Region',
  'PostalCode',
  'Country',
  'AttentionTo',
];
const PHONE_FIELDS = ['PhoneNumber', 'PhoneAreaCode', 'PhoneCountryCode'];

/** A contact has one entry of each type; a given one replaces the one of its type. */
function merged(rows: Row[], given: Given[] | undefined, type: string, fields: string[]): Row[] {
  const entries = (given ?? []).map((one) => ({ [type]: one[type] as Value, ...strings(one, fields) }) as Row);
  const kept = rows.map((row) => entries.find((entry) => entry[type] === row[type]) ?? row);
  return [...kept, ...entries.filter((entry) => !rows.some((row) => row[type] === entry[type]))];
}

const strings = (given: Given, fields: string[]): Row =>
  Object.fromEntries(
    fields.filter((field) => typeof given[field] === 'string').map((field) => [field, String(given[field])]),
  );

const personRow = (given: Given): Row => ({
  ...strings(given, ['FirstName', 'LastName', 'EmailAddress']),
  IncludeInEmails: given.IncludeInEmails === true,
});

/** Nested JSON as a row holds it. */
function plain(value: unknown): Value {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value as Value;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, plain(inner)]));
}

function currency(books: Books, given: Given, complaints: string[]): Row {
  const code = textOf(given, 'DefaultCurrency', complaints);
  if (!code) return {};
  if (!books.subscribesTo(code)) complaints.push(`Organisation is not subscribed to currency ${code}`);
  return { DefaultCurrency: code };
}

function status(given: Given, complaints: string[]): Row {
  const text = textOf(given, 'ContactStatus', complaints);
  if (!text) return {};
  if (text !== 'ACTIVE' && text !== 'ARCHIVED') complaints.push(`'${text}' is not a valid value for ContactStatus`);
  return { ContactStatus: text };
}

/** A name is unique among active contacts, a ContactNumber among all. */
function taken(books: Books, row: Row): string[] {
  const another = ({ row: other }: Found) => other.ContactID !== row.ContactID;
  const named = books
    .by('contacts', 'Name', row.Name)
    .some((one) => another(one) && one.row.ContactStatus === 'ACTIVE');
  const numbered = books.by('contacts', 'ContactNumber', row.ContactNumber).some(another);
  return [
    ...(named ? [nameTaken(String(row.Name))] : []),
    ...(numbered ? [`The contact number ${row.ContactNumber} is already assigned to another contact.`] : []),
  ];
}

function newContact(books: Books): Found {
  const { index, id } = books.fresh('contacts');
  return {
    index,
    row: {
      ContactID: id,
      ContactStatus: 'ACTIVE',
      Name: '',
      FirstName: '',
      LastName: '',
      EmailAddress: '',
      BankAccountDetails: '',
      Addresses: ['STREET', 'POBOX'].map((AddressType) => ({
        AddressType,
        City: '',
        Region: '',
        PostalCode: '',
        Country: '',
      })),
      Phones: ['DDI', 'DEFAULT', 'FAX', 'MOBILE'].map((PhoneType) => ({
        PhoneType,
        PhoneNumber: '',
        PhoneAreaCode: '',
        PhoneCountryCode: '',
      })),
      UpdatedDateUTC: new XeroDate(books.now()),
      ContactGroups: [],
      IsSupplier: false,
      IsCustomer: false,
      ContactPersons: [],
      HasAttachments: false,
      HasValidationErrors: false,
    },
  };
}
