import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, type Json, json, WRITE_SCOPES } from './support.js';

let bench: Bench;
beforeAll(async () => {
  const limits = { minute: 100_000, day: 100_000 };
  bench = await Bench.start({ records: 200, limits, scopes: WRITE_SCOPES });
});
afterAll(() => bench.close());

let serial = 0;
const newName = () => `Written ${++serial}`;

/** Writes one element; answers it, or the messages it was refused with. */
async function write(method: 'PUT' | 'POST', path: string, element: object): Promise<Json> {
  const answer = await json(await bench.send(method, path, element));
  if (answer.Elements) return answer.Elements[0].ValidationErrors.map((one: Json) => one.Message);
  return Object.values(answer).find(Array.isArray)?.[0];
}

describe('contacts', () => {
  it('are made by PUT and changed by POST: by id in the body or the path, or by ContactNumber', async () => {
    const ContactNumber = newName();
    const made = await write('PUT', 'Contacts', { Name: newName(), ContactNumber, EmailAddress: 'a@example.com' });
    const { ContactID } = made;
    await write('POST', 'Contacts', { ContactID, FirstName: 'Ann' });
    await write('POST', `Contacts/${ContactID}`, { LastName: 'Lee' });
    const changed = await write('POST', 'Contacts', { ContactNumber, AccountNumber: 'A1' });
    expect(changed).toMatchObject({
      ContactID,
      FirstName: 'Ann',
      LastName: 'Lee',
      AccountNumber: 'A1',
      EmailAddress: 'a@example.com',
      ContactStatus: 'ACTIVE',
      IsCustomer: false,
      IsSupplier: false,
    });
    expect((await bench.read(`Contacts/${ContactNumber}`)).Contacts[0]).toEqual(changed);
  });

  it('have one address and phone of each type', async () => {
    const Name = newName();
    const Addresses = [{ AddressType: 'POBOX', AddressLine1: '1 Road', City: 'Ōtaki' }];
    const Phones = [{ PhoneType: 'MOBILE', PhoneNumber: '123' }];
    const made = await write('PUT', 'Contacts', { Name, Addresses, Phones });
    expect(made.Addresses).toHaveLength(2);
    expect(made.Addresses[1]).toEqual(Addresses[0]);
    expect(made.Phones[3]).toEqual(Phones[0]);
  });

  it('have a name of their own among active ones, whatever the case, and a number of their own', async () => {
    const [Name, ContactNumber] = [newName(), newName()];
    await write('PUT', 'Contacts', { Name, ContactNumber });
    const taken = `The contact name ${Name.toUpperCase()} is already assigned to another contact. The contact name must be unique across all active contacts.`;
    expect(await write('PUT', 'Contacts', { Name: Name.toUpperCase() })).toEqual([taken]);
    expect(await write('POST', 'Contacts', { Name: Name.toUpperCase() })).toEqual([taken]);
    expect(await write('PUT', 'Contacts', { Name: newName(), ContactNumber })).toHaveLength(1);
    const { ContactID } = await write('POST', 'Contacts', { ContactNumber, ContactStatus: 'ARCHIVED' });
    expect((await write('PUT', 'Contacts', { Name })).ContactID).not.toBe(ContactID);
  });

  it('are found by name at a POST where the switch says so', async () => {
    const Name = newName();
    const { ContactID } = await write('PUT', 'Contacts', { Name });
    await bench.control('PATCH', '/settings', { switches: { postEditsContactByName: true } });
    expect((await write('POST', 'Contacts', { Name, FirstName: 'Bo' })).ContactID).toBe(ContactID);
    await bench.control('PATCH', '/settings', { switches: { postEditsContactByName: false } });
  });

  it('cannot be edited once archived or merged', async () => {
    const made = await write('PUT', 'Contacts', { Name: newName() });
    await bench.edit({ stream: 'contacts', op: 'merge', id: made.ContactID });
    const refused = await write('POST', 'Contacts', { ContactID: made.ContactID, FirstName: 'Cy' });
    expect(refused).toEqual([
      'The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.',
    ]);
  });

  it('are refused with everything that is wrong', async () => {
    const refused = await write('PUT', 'Contacts', {
      Name: 'n'.repeat(256),
      ContactNumber: 'c'.repeat(51),
      DefaultCurrency: 'JPY',
      ContactPersons: Array.from({ length: 6 }, () => ({ FirstName: 'P' })),
    });
    expect(refused).toHaveLength(4);
    expect(refused).toContain('Organisation is not subscribed to currency JPY');
    expect(await write('POST', 'Contacts', { ContactID: crypto.randomUUID() })).toHaveLength(1);
  });
});

describe('contact groups', () => {
  it('are made, renamed, and take contacts in and out', async () => {
    const { ContactGroupID } = await write('PUT', 'ContactGroups', { Name: newName() });
    const Name = newName();
    await write('POST', `ContactGroups/${ContactGroupID}`, { Name });
    const { ContactID } = await write('PUT', 'Contacts', { Name: newName() });
    const joined = await write('PUT', `ContactGroups/${ContactGroupID}/Contacts`, { Contacts: [{ ContactID }] });
    expect(joined.ContactGroups).toEqual([{ ContactGroupID, Name, Status: 'ACTIVE' }]);
    const left = await bench.send('DELETE', `ContactGroups/${ContactGroupID}/Contacts/${ContactID}`);
    expect([left.status, await left.text()]).toEqual([204, '']);
    expect((await bench.read(`Contacts/${ContactID}`)).Contacts[0].ContactGroups).toEqual([]);
  });

  it('have names of their own, and only contacts that there are', async () => {
    const [first, second] = (await bench.read('ContactGroups')).ContactGroups;
    expect(await write('PUT', 'ContactGroups', { Name: first.Name })).toHaveLength(1);
    const unknown = { ContactID: crypto.randomUUID() };
    expect(await write('PUT', `ContactGroups/${second.ContactGroupID}/Contacts`, unknown)).toHaveLength(1);
    expect((await bench.send('PUT', `ContactGroups/${crypto.randomUUID()}/Contacts`, unknown)).status).toBe(404);
  });
});

describe('items', () => {
  const newCode = () => `W${++serial}`;

  it('are made by PUT; a POST changes the one of its Code or makes one', async () => {
    const Code = newCode();
    const made = await write('POST', 'Items', {
      Code,
      Name: 'Plank',
      SalesDetails: { UnitPrice: 1.5, AccountCode: '200' },
    });
    const changed = await write('POST', 'Items', { Code, SalesDetails: { UnitPrice: 2.5 } });
    expect(changed).toMatchObject({
      ItemID: made.ItemID,
      Name: 'Plank',
      SalesDetails: { UnitPrice: 2.5, AccountCode: '200' },
    });
    expect(await write('PUT', 'Items', { Code })).toEqual([`Price List Item with Code '${Code}' already exists`]);
    const other = await write('PUT', 'Items', { Code: newCode() });
    expect(await write('POST', `Items/${other.ItemID}`, { Code })).toEqual([
      `Price List Item with Code '${Code}' already exists`,
    ]);
  });

  it('keep four decimals of a price with unitdp=4, else two', async () => {
    const Code = newCode();
    await write('PUT', 'Items?unitdp=4', { Code, SalesDetails: { UnitPrice: 1.23456 } });
    const four = await bench.read(`Items/${Code}`, { unitdp: '4' });
    expect(four.Items[0].SalesDetails.UnitPrice).toBe(1.2346);
    await write('POST', 'Items', { Code, SalesDetails: { UnitPrice: 1.2346 } });
    expect((await bench.read(`Items/${Code}`, { unitdp: '4' })).Items[0].SalesDetails.UnitPrice).toBe(1.23);
  });

  it('answer a POST with a stamp without a zone', async () => {
    const [posted, put] = [
      await write('POST', 'Items', { Code: newCode() }),
      await write('PUT', 'Items', { Code: newCode() }),
    ];
    expect(posted.UpdatedDateUTC).toMatch(/^\/Date\(\d+\)\/$/);
    expect(put.UpdatedDateUTC).toMatch(/^\/Date\(\d+\+0000\)\/$/);
  });

  it('have a Code of up to 30 and a Name of up to 50 characters, and go 500 to a call', async () => {
    expect(await write('PUT', 'Items', { Code: 'c'.repeat(31), Name: 'n'.repeat(51) })).toHaveLength(2);
    expect(await write('PUT', 'Items', { Name: 'no code' })).toHaveLength(1);
    const many = Array.from({ length: 501 }, () => ({ Code: newCode() }));
    expect((await bench.send('PUT', 'Items', many)).status).toBe(400);
    const { Items } = await json(await bench.send('PUT', 'Items', many.slice(1)));
    expect(Items).toHaveLength(500);
  });
});
