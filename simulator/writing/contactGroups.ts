import { notFound } from '../accounting/errors.js';
import type { Row } from '../core/values.js';
import type { Books, Found } from './books.js';
import { matchingContact, refuseArchived } from './contacts.js';
import { textOf } from './fields.js';
import { type ElementWriter, type Given, type Planned, refuseIfAny, ValidationFailed } from './writer.js';

/** `PUT /ContactGroups` makes a group, `POST /ContactGroups/{id}` renames or deletes it. */
export const contactGroups: ElementWriter = {
  path: 'ContactGroups',
  collection: 'ContactGroups',
  stream: 'contactGroups',
  idField: 'ContactGroupID',
  methods: ['PUT', 'POST'],
  largest: 50,
  errorFlag: 'HasValidationErrors',
  plan(books, given, { method, id }) {
    const { index, row } = method === 'PUT' ? newGroup(books) : groupNamed(books, id ?? given.ContactGroupID);
    const complaints: string[] = [];
    const changed: Row = {
      ...row,
      Name: textOf(given, 'Name', complaints, 255) ?? row.Name,
      Status: textOf(given, 'Status', complaints) ?? row.Status,
    };
    const others = books.by('contactGroups', 'Name', changed.Name).filter((one) => one.index !== index);
    if (!changed.Name) complaints.push('The Contact Group Name must be specified.');
    if (others.some((one) => one.row.Status === 'ACTIVE')) {
      complaints.push(`The contact group name ${changed.Name} is already in use.`);
    }
    refuseIfAny(complaints);
    return { id: String(row.ContactGroupID), rows: [{ stream: 'contactGroups', index, row: changed }] };
  },
};

/** `PUT /ContactGroups/{id}/Contacts` adds contacts, `DELETE …/{contactId}` takes one out again. */
export const contactGroupContacts: ElementWriter = {
  path: 'ContactGroups/Contacts',
  collection: 'Contacts',
  stream: 'contacts',
  idField: 'ContactID',
  methods: ['PUT', 'DELETE'],
  largest: 50,
  errorFlag: 'HasValidationErrors',
  deletesSilently: true,
  plan(books, given, { method, id, childId }) {
    const { row: group } = groupNamed(books, id);
    return method === 'DELETE' ? leave(books, group, childId) : join(books, group, given);
  },
};

function join(books: Books, group: Row, given: Given): Planned {
  const { ContactGroupID, Name, Status } = group;
  const contact = matchingContact(books, given, false);
  if (!contact) throw new ValidationFailed(['The ContactID must be specified.']);
  refuseArchived(contact);
  return grouped(contact, [...groupsBut(contact, group), { ContactGroupID, Name, Status }]);
}

function leave(books: Books, group: Row, contactId: string | undefined): Planned {
  const contact = books.byId('contacts', contactId);
  if (!contact) throw notFound();
  return grouped(contact, groupsBut(contact, group));
}

const groupsBut = ({ row }: Found, group: Row): Row[] =>
  (row.ContactGroups as Row[]).filter(({ ContactGroupID }) => ContactGroupID !== group.ContactGroupID);

const grouped = ({ index, row }: Found, ContactGroups: Row[]): Planned => ({
  id: String(row.ContactID),
  rows: [{ stream: 'contacts', index, row: { ...row, ContactGroups } }],
});

function groupNamed(books: Books, id: unknown): Found {
  const found = books.byId('contactGroups', id);
  if (!found) throw notFound();
  return found;
}

function newGroup(books: Books): Found {
  const { index, id } = books.fresh('contactGroups');
  const row = { ContactGroupID: id, Name: '', Status: 'ACTIVE', Contacts: [], HasValidationErrors: false };
  return { index, row };
}
