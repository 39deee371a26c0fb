import { Decimal } from 'decimal.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Dice } from '../../simulator/core/random.js';
import { Bench, type Json, json, WRITE_SCOPES } from './support.js';

const UNIQUE = 'Invoice # must be unique.';
const NOT_MODIFIABLE = 'Invoice not of valid status for modification';
const HAS_ALLOCATIONS = 'This document cannot be edited as it has a payment or credit note allocated to it.';

let bench: Bench;
let contact: { ContactID: string };
beforeAll(async () => {
  const limits = { minute: 100_000, day: 100_000 };
  bench = await Bench.start({ records: 200, limits, scopes: WRITE_SCOPES });
  contact = { ContactID: (await write('PUT', 'Contacts', { Name: newName() })).ContactID };
});
afterAll(() => bench.close());

let serial = 0;
const newName = () => `Written ${++serial}`;
const line = (more: object = {}) => ({
  Description: 'Work',
  Quantity: 1,
  UnitAmount: 100,
  AccountCode: '200',
  ...more,
});
const sale = (more: object = {}) => ({
  Type: 'ACCREC',
  Contact: contact,
  Status: 'AUTHORISED',
  Date: '2026-03-31',
  DueDate: '2026-04-20',
  LineItems: [line()],
  ...more,
});
const bill = (more: object = {}) => sale({ Type: 'ACCPAY', LineItems: [line({ AccountCode: '300' })], ...more });

/** Writes one element; answers it, or the messages it was refused with. */
async function write(method: 'PUT' | 'POST', path: string, element: object): Promise<Json> {
  const answer = await json(await bench.send(method, path, element));
  if (answer.Elements) return answer.Elements[0].ValidationErrors.map((one: Json) => one.Message);
  return Object.values(answer).find(Array.isArray)?.[0];
}
const put = (element: object) => write('PUT', 'Invoices', element);
const post = (element: object) => write('POST', 'Invoices', element);
const readContact = async ({ ContactID }: { ContactID: string }) =>
  (await bench.read(`Contacts/${ContactID}`)).Contacts[0];
const change = (switches: object) => bench.control('PATCH', '/settings', { switches });

describe('an invoice', () => {
  it('is made as a draft unless it says otherwise, dated today, and answered as GET by id shows it', async () => {
    const made = await put({ Type: 'ACCREC', Contact: contact, LineItems: [{ Description: 'Only words' }] });
    expect(made).toMatchObject({ Status: 'DRAFT', Total: 0, AmountDue: 0, CurrencyCode: 'NZD', HasErrors: false });
    expect(made.DateString).toMatch(/^\d{4}-\d\d-\d\dT00:00:00$/);
    expect((await bench.read(`Invoices/${made.InvoiceID}`)).Invoices).toEqual([made]);
  });

  it('goes from draft to approved and void, or is deleted before it is approved', async () => {
    const { InvoiceID } = await put(sale({ Status: 'DRAFT' }));
    expect((await post({ InvoiceID, Status: 'SUBMITTED' })).Status).toBe('SUBMITTED');
    expect(await write('POST', `Invoices/${InvoiceID}`, { Status: 'AUTHORISED' })).toMatchObject({
      Status: 'AUTHORISED',
      Total: 115,
      AmountDue: 115,
    });
    expect(await post({ InvoiceID, Status: 'DELETED' })).toEqual([NOT_MODIFIABLE]);
    expect(await post({ InvoiceID, Status: 'VOIDED' })).toMatchObject({ Status: 'VOIDED', AmountDue: 0 });
    expect(await post({ InvoiceID, Reference: 'too late' })).toEqual([NOT_MODIFIABLE]);
    const draft = await put(sale({ Status: 'DRAFT' }));
    expect(await post({ InvoiceID: draft.InvoiceID, Status: 'VOIDED' })).toEqual([NOT_MODIFIABLE]);
    expect((await post({ InvoiceID: draft.InvoiceID, Status: 'DELETED' })).Status).toBe('DELETED');
  });

  it('is paid as soon as it is approved where it asks for nothing', async () => {
    const made = await put(sale({ LineItems: [line({ DiscountRate: 100 })] }));
    expect(made).toMatchObject({ Status: 'PAID', Total: 0, AmountDue: 0, IsDiscounted: true });
  });

  it('needs a contact, lines with accounts and a due date to be approved', async () => {
    const { DueDate, ...undated } = sale();
    expect(DueDate).toBeDefined();
    expect(await put(undated)).toEqual(['DueDate is required to authorise an invoice']);
    expect(await put(sale({ Contact: undefined }))).toHaveLength(1);
    expect(await put(sale({ LineItems: [] }))).toHaveLength(1);
    expect(await put(sale({ LineItems: [{ Description: 'Work', UnitAmount: 1 }] }))).toHaveLength(1);
    const { InvoiceID } = await put(sale({ Status: 'DRAFT', LineItems: [{ Description: 'Work' }] }));
    expect(await post({ InvoiceID, Status: 'AUTHORISED' })).toHaveLength(1);
  });

  it('keeps its lines where none are given, and replaces those whose LineItemID is not repeated', async () => {
    const made = await put(sale({ LineItems: [line(), line({ Description: 'Other' })] }));
    const { InvoiceID } = made;
    const kept = await post({ InvoiceID, Reference: 'new' });
    expect(kept.LineItems).toEqual(made.LineItems);
    const [{ LineItemID }] = made.LineItems;
    const changed = await post({ InvoiceID, LineItems: [line({ LineItemID, UnitAmount: 50 }), line()] });
    expect(changed.LineItems[0]).toMatchObject({ LineItemID, UnitAmount: 50 });
    expect(changed.LineItems[1].LineItemID).not.toBe(made.LineItems[1].LineItemID);
    expect(changed).toMatchObject({ Reference: 'new', SubTotal: 150, AmountDue: 172.5 });
  });

  it('refuses what Xero refuses about its lines', async () => {
    const refused = async (more: object, type = sale) => put(type({ LineItems: [line(more)] }));
    expect(await refused({ AccountCode: '999' })).toEqual([
      "Account code '999' is not a valid code for this document.",
    ]);
    expect(await refused({ AccountCode: '825' })).toHaveLength(1);
    expect(await refused({ AccountCode: '610' })).toHaveLength(1);
    expect(await refused({ TaxType: 'INPUT2' })).toEqual([
      "The TaxType code 'INPUT2' cannot be used with account code '200'",
    ]);
    expect(await refused({ TaxType: 'OUTPUT2', AccountCode: '300' }, bill)).toHaveLength(1);
    expect(await refused({ TaxType: 'NOSUCH' })).toHaveLength(1);
    expect(await refused({ ItemCode: 'NOSUCH' })).toHaveLength(1);
    expect(await refused({ LineAmount: 99 })).toEqual([
      'The line total 99.00 does not match the expected line total 100.00',
    ]);
    const three = ['Region', 'Department', 'Third'].map((Name) => ({ Name, Option: 'North' }));
    expect(await refused({ Tracking: three })).not.toHaveLength(0);
    expect(await put(sale({ LineItems: [line({ Quantity: -1 })] }))).toHaveLength(1);
    expect(await put(sale({ CurrencyCode: 'JPY' }))).toEqual(['Organisation is not subscribed to currency JPY']);
    expect(await put(sale({ Url: 'https://www.xero.com/x' }))).toHaveLength(1);
    expect(await put(sale({ LineAmountTypes: 'Gross' }))).toHaveLength(1);
    expect(await put(sale({ Date: 'yesterday' }))).toEqual(['Date is not a valid date.']);
  });

  it('takes from an item what the line leaves out, and names the tracking options of a line', async () => {
    const { Items } = await bench.read('Items');
    const [{ Code, ItemID, Description, SalesDetails }] = Items;
    const Tracking = [
      { Name: 'Region', Option: 'North' },
      { Name: 'Department', Option: 'Office' },
    ];
    const [made] = (await put(sale({ LineItems: [{ ItemCode: Code, Quantity: 2, Tracking }] }))).LineItems;
    expect(made).toMatchObject({
      ItemCode: Code,
      Item: { ItemID },
      Description,
      AccountCode: SalesDetails.AccountCode,
      TaxType: SalesDetails.TaxType,
      Tracking,
    });
    expect(made.Tracking[0].TrackingOptionID).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is asked for at the rate of the day in another currency, unless it says its rate', async () => {
    const byXero = await put(sale({ CurrencyCode: 'USD' }));
    expect(byXero.CurrencyCode).toBe('USD');
    expect(byXero.CurrencyRate).not.toBe(1);
    expect((await post({ InvoiceID: byXero.InvoiceID, Reference: 'x' })).CurrencyRate).toBe(byXero.CurrencyRate);
    expect((await put(sale({ CurrencyCode: 'USD', CurrencyRate: 0.5875 }))).CurrencyRate).toBe(0.5875);
    expect((await put(sale({ CurrencyRate: 3 }))).CurrencyRate).toBe(1);
  });

  it('of a part-paid document changes only dates beside the ledger, which its stamp does not tell', async () => {
    const made = await put(sale());
    const { InvoiceID } = made;
    await bench.edit({ stream: 'invoices', op: 'pay', id: InvoiceID, amount: 15 });
    const paid = (await bench.read(`Invoices/${InvoiceID}`)).Invoices[0];
    expect(await post({ InvoiceID, Reference: 'new' })).toEqual([HAS_ALLOCATIONS]);
    expect(await post({ InvoiceID, Status: 'VOIDED' })).toEqual([HAS_ALLOCATIONS]);
    const moved = await post({ InvoiceID, DueDate: '2026-05-20' });
    expect(moved).toMatchObject({ DueDateString: '2026-05-20T00:00:00', UpdatedDateUTC: paid.UpdatedDateUTC });
  });

  it('is not marked as sent before it is approved, and says so as a warning', async () => {
    const body = [sale({ Status: 'DRAFT', SentToContact: true }), sale({ SentToContact: true })];
    const { Invoices } = await json(await bench.send('PUT', 'Invoices?summarizeErrors=false', body));
    expect(Invoices[0]).toMatchObject({ SentToContact: false, StatusAttributeString: 'WARNING' });
    expect(Invoices[0].Warnings).toHaveLength(1);
    expect(Invoices[1]).toMatchObject({ SentToContact: true, StatusAttributeString: 'OK' });
    expect(Invoices[1]).not.toHaveProperty('Warnings');
  });

  it('keeps the Reference of a bill unless the switch says that bills have none', async () => {
    expect((await put(bill({ Reference: 'R' }))).Reference).toBe('R');
    await change({ billsKeepReference: false });
    expect((await put(bill({ Reference: 'R' }))).Reference).toBe('');
    expect((await put(sale({ Reference: 'R' }))).Reference).toBe('R');
    await change({ billsKeepReference: true });
  });
});

describe('the number of an invoice', () => {
  it('is its own among sales invoices, whatever the case, also once voided; a deleted draft gives it back', async () => {
    const InvoiceNumber = newName();
    const { InvoiceID } = await put(sale({ InvoiceNumber }));
    expect(await put(sale({ InvoiceNumber: InvoiceNumber.toUpperCase() }))).toEqual([UNIQUE]);
    await post({ InvoiceID, Status: 'VOIDED' });
    expect(await put(sale({ InvoiceNumber }))).toEqual([UNIQUE]);
    const draft = await put(sale({ Status: 'DRAFT', InvoiceNumber: newName() }));
    await post({ InvoiceID: draft.InvoiceID, Status: 'DELETED' });
    expect((await put(sale({ InvoiceNumber: draft.InvoiceNumber }))).InvoiceNumber).toBe(draft.InvoiceNumber);
  });

  it('may be shared by bills', async () => {
    const InvoiceNumber = newName();
    await put(sale({ InvoiceNumber }));
    for (let n = 0; n < 2; n++) expect((await put(bill({ InvoiceNumber }))).InvoiceNumber).toBe(InvoiceNumber);
    expect((await bench.matching('invoices', 'InvoiceNumber', InvoiceNumber)).count).toBe(3);
  });

  it('is given by Xero to a sales invoice without one, and to no bill', async () => {
    const [first, second] = [await put(sale()), await put(sale())];
    expect(first.InvoiceNumber).toMatch(/^INV-\d{5}$/);
    expect(second.InvoiceNumber).not.toBe(first.InvoiceNumber);
    expect((await put(bill())).InvoiceNumber).toBe('');
  });

  it('in use makes a POST edit that invoice, or be refused where the switch says so', async () => {
    const InvoiceNumber = newName();
    const { InvoiceID } = await post(sale({ InvoiceNumber }));
    expect((await post(sale({ InvoiceNumber, Reference: 'again' }))).InvoiceID).toBe(InvoiceID);
    await change({ postEditsInvoiceByNumber: false });
    expect(await post(sale({ InvoiceNumber }))).toEqual([UNIQUE]);
    await change({ postEditsInvoiceByNumber: true });
    expect((await bench.matching('invoices', 'InvoiceNumber', InvoiceNumber)).count).toBe(1);
  });
});

describe('the contact of a document', () => {
  it('is made where no contact has the name, and found without case where one has', async () => {
    const Name = newName();
    const made = await put(sale({ Contact: { Name } }));
    const again = await put(bill({ Contact: { Name: Name.toUpperCase() } }));
    expect(again.Contact.ContactID).toBe(made.Contact.ContactID);
    expect(await readContact(made.Contact)).toMatchObject({ IsCustomer: true, IsSupplier: true });
  });

  it('becomes a customer or supplier without a new stamp, and is changed by fields beyond its id', async () => {
    const { ContactID } = await write('PUT', 'Contacts', { Name: newName() });
    const before = await readContact({ ContactID });
    await put(bill({ Contact: { ContactID } }));
    const supplier = await readContact({ ContactID });
    expect(supplier).toEqual({ ...before, IsSupplier: true });
    await put(bill({ Contact: { ContactID, EmailAddress: 'new@example.com' } }));
    expect((await readContact({ ContactID })).EmailAddress).toBe('new@example.com');
  });

  it('must not be archived', async () => {
    const { ContactID } = await write('PUT', 'Contacts', { Name: newName() });
    const { InvoiceID } = await put(sale({ Contact: { ContactID } }));
    await write('POST', 'Contacts', { ContactID, ContactStatus: 'ARCHIVED' });
    expect((await put(sale({ Contact: { ContactID } })))[0]).toContain('matched an archived contact');
    expect((await post({ InvoiceID, Reference: 'still edited' })).Reference).toBe('still edited');
  });
});

describe('the locks', () => {
  const lock = (locks: object) => bench.control('PATCH', `/organisations/${bench.tenantId}`, locks);
  afterEach(() => lock({ periodLockDate: null, endOfYearLockDate: null }));
  const PERIOD = 'The document date cannot be before the period lock date, currently set at 2026-03-31';

  it('hold everything dated on or before them but drafts and submitted ones', async () => {
    const approved = await put(sale());
    await lock({ periodLockDate: '2026-03-31' });
    expect(await put(sale())).toEqual([PERIOD]);
    expect((await put(sale({ Date: '2026-04-01' }))).Status).toBe('AUTHORISED');
    for (const Status of ['DRAFT', 'SUBMITTED']) expect((await put(sale({ Status }))).Status).toBe(Status);
    expect(await post({ InvoiceID: approved.InvoiceID, Status: 'VOIDED' })).toEqual([PERIOD]);
    expect(await post({ InvoiceID: approved.InvoiceID, Date: '2026-04-01' })).toEqual([PERIOD]);
  });

  it('let an adviser pass the period lock where the switch says so, never the end of the year', async () => {
    await lock({ periodLockDate: '2026-03-31' });
    await change({ adviserPassesPeriodLock: true });
    expect((await put(sale())).Status).toBe('AUTHORISED');
    await lock({ endOfYearLockDate: '2026-03-31' });
    expect((await put(sale()))[0]).toContain('end of year lock date');
    await change({ adviserPassesPeriodLock: false });
  });
});

describe('the arithmetic of lines', () => {
  const round = (value: Decimal) => value.toDecimalPlaces(2, Decimal.ROUND_HALF_UP);

  /** What a document must come to, worked out with another library. */
  function expected(lines: Json[], types: string, percent: number) {
    const amounts = lines.map(({ Quantity, UnitAmount, DiscountRate = 0 }) =>
      round(new Decimal(Quantity).mul(UnitAmount).mul(new Decimal(100).minus(DiscountRate)).div(100)),
    );
    const divisor = types === 'Inclusive' ? 100 + percent : 100;
    const taxes = amounts.map((one) => (types === 'NoTax' ? new Decimal(0) : round(one.mul(percent).div(divisor))));
    const [sum, TotalTax] = [Decimal.sum(...amounts), Decimal.sum(...taxes)];
    const SubTotal = types === 'Inclusive' ? sum.minus(TotalTax) : sum;
    return {
      SubTotal: SubTotal.toNumber(),
      TotalTax: TotalTax.toNumber(),
      Total: SubTotal.plus(TotalTax).toNumber(),
    };
  }

  it.each(['Exclusive', 'Inclusive', 'NoTax'])(
    '%s rounds each line half away from zero, and then sums',
    async (types) => {
      const dice = new Dice(types.length, 1);
      const documents = Array.from({ length: 40 }, () => {
        const LineItems = Array.from({ length: dice.between(2, 6) }, (_, n) =>
          line({
            Quantity: (n === 1 ? -1 : 1) * (dice.between(1, 99_999) / 10_000),
            UnitAmount: dice.between(1, 999_999) / 10_000,
            DiscountRate: dice.chance(40) ? dice.between(0, 9_999) / 100 : undefined,
          }),
        );
        LineItems.push(line({ UnitAmount: 10_000 }));
        return sale({ LineAmountTypes: types, LineItems });
      });
      const answer = await json(await bench.send('PUT', 'Invoices?unitdp=4', { Invoices: documents }));
      for (const [n, { LineItems }] of documents.entries()) {
        expect(answer.Invoices[n]).toMatchObject(expected(LineItems, types, 15));
      }
    },
  );

  it('keeps four decimals of a unit price with unitdp=4, else two', async () => {
    const element = sale({ LineItems: [line({ Quantity: 1_000, UnitAmount: 0.0456 })] });
    expect((await write('PUT', 'Invoices?unitdp=4', element)).SubTotal).toBe(45.6);
    expect((await put(element)).SubTotal).toBe(50);
  });

  it('taxes by the effective rate of a rate with components', async () => {
    const index = (await bench.read('TaxRates')).TaxRates.findIndex((one: Json) => one.TaxType === 'GSTONIMPORTS');
    const set = { EffectiveRate: 12.5375 };
    await bench.edit({ stream: 'taxRates', op: 'edit', nth: index, set });
    const taxed = await put(sale({ LineItems: [line({ UnitAmount: 200, TaxType: 'GSTONIMPORTS' })] }));
    expect(taxed).toMatchObject({ SubTotal: 200, TotalTax: 25.08, Total: 225.08 });
  });

  it('takes a stated tax as it is, and works out a price from a line amount', async () => {
    const stated = await put(sale({ LineItems: [line({ TaxAmount: 14.99 })] }));
    expect(stated).toMatchObject({ TotalTax: 14.99, Total: 114.99 });
    const { LineItems } = await put(
      sale({ LineItems: [{ Description: 'a', LineAmount: 9, Quantity: 3, AccountCode: '200' }] }),
    );
    expect(LineItems[0]).toMatchObject({ UnitAmount: 3, LineAmount: 9 });
  });
});
