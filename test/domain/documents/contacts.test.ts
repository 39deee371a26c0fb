import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../domain/documents/fingerprint.js';
import { planDocument } from '../../../domain/documents/plan.js';
import { type Books, factsOf, queued, record, sent } from '../../support/pushFacts.js';

const contact = (id: string, body: object = {}) =>
  record('contacts', { ContactID: id, ContactStatus: 'ACTIVE', Name: 'Aroha Ltd', ...body });
const aroha = queued('contact', { name: 'Aroha Ltd' }, { externalId: 'c-1' });
const plan = (document: typeof aroha, books: Books = {}) => planDocument(document, factsOf(books));

describe('a contact', () => {
  it('that nothing in Xero resembles is created with the platform’s id as its unique id', () => {
    expect(plan(aroha)).toMatchObject({
      do: 'send',
      method: 'PUT',
      path: 'Contacts',
      element: { Name: 'Aroha Ltd', ContactNumber: 'c-1' },
      lookup: { stream: 'contacts', xeroId: null, holds: { ContactNumber: 'c-1' } },
      warnings: [],
    });
  });

  it('of the same name and unique id is that one, and nothing is written where nothing differs', () => {
    const same = contact('x', { ContactNumber: 'c-1', Name: '  aroha   LTD ' });
    expect(plan(aroha, { records: [same] })).toMatchObject({ do: 'send', method: 'POST', xeroId: 'x' });
    const exact = contact('x', { ContactNumber: 'c-1' });
    expect(plan(aroha, { records: [exact] })).toMatchObject({ do: 'link', xeroId: 'x' });
  });

  it('is compared by AccountNumber only where ContactNumber is empty', () => {
    const byAccount = contact('x', { AccountNumber: 'c-1' });
    expect(plan(aroha, { records: [byAccount] })).toMatchObject({ do: 'send', xeroId: 'x' });
    const another = contact('x', { ContactNumber: 'other', AccountNumber: 'c-1' });
    expect(plan(aroha, { records: [another] })).toMatchObject({ do: 'settle', code: 'contact_name_taken' });
  });

  it('of the same name without a unique id is given ours, with a warning', () => {
    expect(plan(aroha, { records: [contact('x', { Name: 'AROHA  ltd' })] })).toMatchObject({
      do: 'send',
      method: 'POST',
      element: { ContactID: 'x', ContactNumber: 'c-1' },
      warnings: [{ code: 'matched_by_name' }],
    });
  });

  it('of a name that has another unique id is refused', () => {
    const taken = contact('x', { ContactNumber: 'c-2' });
    expect(plan(aroha, { records: [taken] })).toMatchObject({
      do: 'settle',
      state: 'failed',
      code: 'contact_name_taken',
    });
  });

  it('whose unique id stands under another name is refused, and never made anew', () => {
    const other = contact('x', { ContactNumber: 'c-1', Name: 'Tane' });
    expect(plan(aroha, { records: [other] })).toMatchObject({ state: 'failed', code: 'contact_id_taken' });
    expect(plan(aroha, { records: [other, contact('y')] })).toMatchObject({ code: 'contact_id_taken' });
  });

  it('matched to an archived one is refused', () => {
    const archived = { ContactStatus: 'ARCHIVED' };
    expect(plan(aroha, { records: [contact('x', archived)] })).toMatchObject({ code: 'contact_archived' });
    expect(plan(aroha, { records: [contact('x', { ...archived, ContactNumber: 'c-1' })] })).toMatchObject({
      code: 'contact_archived',
    });
  });

  it('that was renamed here is renamed in place', () => {
    const held = contact('x', { ContactNumber: 'c-1' });
    const renamed = sent(aroha, 'x', fingerprintOf('contact', aroha.content, held), { name: 'Aroha & Co' });
    expect(plan(renamed, { records: [held] })).toMatchObject({
      do: 'send',
      method: 'POST',
      element: { ContactID: 'x', Name: 'Aroha & Co', ContactNumber: 'c-1' },
    });
    const other = contact('y', { Name: 'Aroha & Co' });
    expect(plan(renamed, { records: [held, other] })).toMatchObject({ code: 'contact_name_taken' });
  });

  it('merged in Xero is followed to what it became, and is not archived', () => {
    const merged = contact('x', { ContactNumber: 'c-1', ContactStatus: 'ARCHIVED', MergedToContactID: 'y' });
    const target = contact('y', { Name: 'Aroha Group', ContactNumber: 'theirs' });
    const linked = sent(aroha, 'x', fingerprintOf('contact', aroha.content, contact('x')), {
      name: 'Aroha Ltd',
      email: 'a@aroha.example',
    });
    const update = plan(linked, { records: [merged, target] });
    expect(update).toMatchObject({ do: 'send', xeroId: 'y', element: { EmailAddress: 'a@aroha.example' } });
    expect(update).not.toHaveProperty('element.ContactNumber');
    expect(plan(linked, { records: [merged], lookedUp: ['x'] })).toMatchObject({ do: 'fetch', values: ['y'] });
  });

  it('whose unique id stands on what is another contact of ours already is refused', () => {
    const merged = contact('x', { ContactNumber: 'c-1', ContactStatus: 'ARCHIVED', MergedToContactID: 'y' });
    const target = contact('y', { Name: 'Tane', ContactNumber: 'c-2' });
    expect(plan(aroha, { records: [merged, target], ours: ['y'] })).toMatchObject({ code: 'contact_id_taken' });
  });

  it('merged into another contact of ours is left to that one', () => {
    const merged = contact('x', { ContactNumber: 'c-1', ContactStatus: 'ARCHIVED', MergedToContactID: 'y' });
    const target = contact('y', { Name: 'Tane', ContactNumber: 'c-2' });
    const linked = sent(aroha, 'x', fingerprintOf('contact', aroha.content, merged), { name: 'Aroha 2' });
    expect(plan(linked, { records: [merged, target], ours: ['x', 'y'] })).toMatchObject({
      do: 'link',
      xeroId: 'x',
    });
  });

  it('of two people of one name the second is refused, and the template is the way out', () => {
    const rivals = [{ kind: 'contact', externalId: 'c-0' } as const];
    expect(plan(aroha, { rivals })).toMatchObject({ state: 'failed', code: 'contact_name_taken' });
    const first = contact('x', { ContactNumber: 'c-0' });
    expect(plan(aroha, { records: [first] })).toMatchObject({ code: 'contact_name_taken' });
    const settings = { contactNameTemplate: '{name} ({externalId})' };
    expect(plan(aroha, { records: [first], settings })).toMatchObject({
      do: 'send',
      element: { Name: 'Aroha Ltd (c-1)' },
    });
  });

  it('never overwrites with what is empty here', () => {
    const held = contact('x', { ContactNumber: 'c-1', EmailAddress: 'kept@aroha.example', FirstName: 'Aroha' });
    const next = sent(aroha, 'x', fingerprintOf('contact', aroha.content, held), { name: 'Aroha Ltd', phone: '09 1' });
    const send = plan(next, { records: [held] });
    expect(send).toMatchObject({ element: { Phones: [{ PhoneType: 'DEFAULT', PhoneNumber: '09 1' }] } });
    expect(send).not.toHaveProperty('element.EmailAddress');
    expect(send).not.toHaveProperty('element.Addresses');
  });

  it('is put into the group of its role in a second step, as a staff member too', () => {
    const staff = queued('contact', { name: 'Aroha Ltd', role: 'staff' }, { externalId: 'c-1' });
    const settings = { contactGroups: { staff: 'Our staff' } };
    expect(plan(staff, { settings })).toMatchObject({ do: 'fetch', stream: 'contactGroups' });
    const facts = { contactGroups: [{ id: 'g', name: 'Our staff' }] };
    expect(plan(staff, { settings, facts })).toMatchObject({ step: 'document', more: true });
    const held = contact('x', { ContactNumber: 'c-1' });
    const made = { ...sent(staff, 'x', fingerprintOf('contact', staff.content, held)), version: 1 };
    expect(plan(made, { settings, facts, records: [held] })).toMatchObject({
      step: 'group',
      path: 'ContactGroups/g/Contacts',
      element: { ContactID: 'x' },
      more: false,
    });
    const grouped = contact('x', { ContactNumber: 'c-1', ContactGroups: [{ Name: 'Our staff' }] });
    expect(plan(made, { settings, facts, records: [grouped] })).toMatchObject({ do: 'link' });
    expect(plan(staff, { settings, facts: { contactGroups: [] } })).toMatchObject({
      do: 'send',
      warnings: [{ code: 'contact_group_missing' }],
    });
  });

  it('is looked at in Xero before it is updated', () => {
    const held = contact('x', { ContactNumber: 'c-1', Name: 'aroha ltd' });
    expect(plan(aroha, { records: [held], lookedUp: [] })).toEqual({
      do: 'fetch',
      stream: 'contacts',
      by: 'id',
      values: ['x'],
    });
  });

  it('linked by a xeroId that Xero does not have is refused', () => {
    const linked = queued('contact', { name: 'Aroha Ltd', xeroId: '11111111-2222-4333-8444-555555555555' });
    expect(plan(linked, { lookedUp: [] })).toMatchObject({ do: 'fetch', by: 'id' });
    expect(plan(linked)).toMatchObject({ state: 'failed', code: 'xero_id_unknown' });
  });

  it('that the platform deleted is archived', () => {
    const deleted = { ...sent(aroha, 'x', ''), deleted: true };
    expect(plan(deleted, { records: [contact('x')] })).toMatchObject({
      step: 'void',
      method: 'POST',
      element: { ContactID: 'x', ContactStatus: 'ARCHIVED' },
    });
    expect(plan({ ...aroha, deleted: true })).toMatchObject({ do: 'settle', state: 'voided' });
  });
});
