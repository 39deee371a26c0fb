import { notFound } from '../accounting/errors.js';
import { newGuid } from '../core/guid.js';
import type { Row } from '../core/values.js';
import type { Books, Found } from './books.js';
import { textOf } from './fields.js';
import { type ElementWriter, type Given, type How, type Planned, refuseIfAny } from './writer.js';

const MOST_ACTIVE = 2;
const STATES = ['ACTIVE', 'ARCHIVED'];
const LONGEST_NAME = 100;

/** `PUT /TrackingCategories` makes one, `POST …/{id}` renames or archives it, `DELETE …/{id}` deletes it: at most two are active. */
export const trackingCategories: ElementWriter = {
  path: 'TrackingCategories',
  collection: 'TrackingCategories',
  stream: 'trackingCategories',
  idField: 'TrackingCategoryID',
  methods: ['PUT', 'POST', 'DELETE'],
  largest: 1,
  errorFlag: 'HasValidationErrors',
  plan: (books, given, how) => {
    if (how.method === 'PUT') return changed(books, given, how, newCategory(books));
    return changed(books, given, how, categoryNamed(books, how.id ?? given.TrackingCategoryID));
  },
};

/** The options of a category: `PUT …/{id}/Options`, `POST` and `DELETE …/{id}/Options/{optionId}`. */
export const trackingOptions: ElementWriter = {
  path: 'TrackingCategories/Options',
  collection: 'Options',
  stream: 'trackingCategories',
  idField: 'TrackingOptionID',
  methods: ['PUT', 'POST', 'DELETE'],
  largest: 50,
  errorFlag: 'HasValidationErrors',
  plan: (books, given, how) => {
    const category = categoryNamed(books, how.id);
    const options = category.row.Options as Row[];
    const there = how.method === 'PUT' ? undefined : optionNamed(options, how.childId ?? given.TrackingOptionID);
    const option = optionRow(given, how, options, there);
    const list = there ? options.map((one) => (one === there ? option : one)) : [...options, option];
    return { ...planned(category, { ...category.row, Options: list }), shown: option };
  },
};

const planned = ({ index }: Found, row: Row): Planned => ({
  id: String(row.TrackingCategoryID),
  rows: [{ stream: 'trackingCategories', index, row }],
});

function categoryNamed(books: Books, id: unknown): Found {
  const found = books.byId('trackingCategories', id);
  if (!found || found.row.Status === 'DELETED') throw notFound();
  return found;
}

function optionNamed(options: readonly Row[], id: unknown): Row {
  const wanted = String(id).toLowerCase();
  const found = options.find(({ TrackingOptionID, Status }) => TrackingOptionID === wanted && Status !== 'DELETED');
  if (!found) throw notFound();
  return found;
}

function changed(books: Books, given: Given, how: How, category: Found): Planned {
  const complaints: string[] = [];
  const { row } = category;
  const { Name, Status } = nameAndStatus(given, how, row, complaints);
  const others = books.all('trackingCategories').filter((one) => one.TrackingCategoryID !== row.TrackingCategoryID);
  if (isNamed(others, Name)) complaints.push(`A tracking category with the name '${Name}' already exists`);
  const active = others.filter((one) => one.Status === 'ACTIVE').length;
  if (Status === 'ACTIVE' && active >= MOST_ACTIVE) {
    complaints.push(`An organisation can have at most ${MOST_ACTIVE} active tracking categories`);
  }
  refuseIfAny(complaints);
  return planned(category, { ...row, Name, Status });
}

function optionRow(given: Given, how: How, others: Row[], there: Row | undefined): Row {
  const complaints: string[] = [];
  const row = there ?? { TrackingOptionID: newGuid(), Name: '', Status: 'ACTIVE', HasValidationErrors: false };
  const { Name, Status } = nameAndStatus(given, how, row, complaints);
  if (
    isNamed(
      others.filter((one) => one !== there),
      Name,
    )
  ) {
    complaints.push(`A tracking option with the name '${Name}' already exists`);
  }
  refuseIfAny(complaints);
  const flags = { IsDeleted: Status === 'DELETED', IsArchived: Status === 'ARCHIVED', IsActive: Status === 'ACTIVE' };
  return { ...row, Name, Status, ...flags };
}

function nameAndStatus(
  given: Given,
  { method }: How,
  row: Row,
  complaints: string[],
): { Name: string; Status: string } {
  const Name = textOf(given, 'Name', complaints, LONGEST_NAME) || String(row.Name);
  if (Name === '') complaints.push('The Name must be specified');
  if (method === 'DELETE') return { Name, Status: 'DELETED' };
  const Status = textOf(given, 'Status', complaints) || String(row.Status);
  if (!STATES.includes(Status)) complaints.push(`'${Status}' is not a valid value for Status`);
  return { Name, Status };
}

const isNamed = (rows: readonly Row[], name: string): boolean =>
  rows.some(({ Name, Status }) => Status !== 'DELETED' && String(Name).toLowerCase() === name.toLowerCase());

function newCategory(books: Books): Found {
  const { index, id } = books.fresh('trackingCategories');
  return { index, row: { Name: '', Status: 'ACTIVE', TrackingCategoryID: id, Options: [] } };
}
