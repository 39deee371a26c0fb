import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bench, Json } from './support.js';
import { one, refusal, startWriting, written } from './writingSupport.js';

describe('settings written through the API', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startWriting();
  });
  afterEach(() => bench.close());

  const first = async (method: 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Json> => {
    const said = await written(bench, method, path, body);
    return Object.values<Json>(said).find(Array.isArray)?.[0];
  };
  const sale = (line: object) => ({
    Type: 'ACCREC',
    Status: 'AUTHORISED',
    Contact: { Name: 'Kauri Homes' },
    Date: '2026-03-02',
    DueDate: '2026-04-02',
    LineItems: [{ Description: 'Work', Quantity: 1, UnitAmount: 100, AccountCode: '200', ...line }],
  });

  it('accounts are made, used, archived and deleted, their codes and names being unique', async () => {
    const given = { Code: '245', Name: 'Callout Fees', Type: 'REVENUE' };
    const account = await first('PUT', 'Accounts', given);
    expect(account).toMatchObject({ ...given, Class: 'REVENUE', TaxType: 'OUTPUT2', Status: 'ACTIVE' });
    expect(await one(bench, 'Accounts', account.AccountID)).toEqual(account);
    expect(await refusal(bench, 'PUT', 'Accounts', given)).toEqual([
      'Please enter a unique Code.',
      'Please enter a unique Name.',
    ]);
    const invoice = await first('PUT', 'Invoices', sale({ AccountCode: '245' }));
    expect(invoice.LineItems[0]).toMatchObject({ AccountID: account.AccountID, TaxAmount: 15 });
    await first('POST', `Accounts/${account.AccountID}`, { Status: 'ARCHIVED' });
    expect(await refusal(bench, 'PUT', 'Invoices', sale({ AccountCode: '245' }))).toEqual([
      "Account code '245' is not a valid code for this document.",
    ]);
    expect((await first('DELETE', `Accounts/${account.AccountID}`)).Status).toBe('DELETED');
    const next = await first('PUT', 'Accounts', given);
    expect((await first('PUT', 'Invoices', sale({ AccountCode: '245' }))).LineItems[0].AccountID).toBe(next.AccountID);
  });

  it('accounts come one a call, and bank accounts take payments', async () => {
    const two = { Accounts: [{ Code: '1' }, { Code: '2' }] };
    expect((await bench.send('PUT', 'Accounts', two)).status).toBe(400);
    const given = { Code: '095', Name: 'Till', Type: 'BANK', BankAccountNumber: '12-3456-7890123-00' };
    expect(await first('PUT', 'Accounts', given)).toMatchObject({ CurrencyCode: 'NZD' });
    const { InvoiceID } = await first('PUT', 'Invoices', sale({}));
    const payment = { Invoice: { InvoiceID }, Account: { Code: '095' }, Amount: 5 };
    expect((await first('PUT', 'Payments', payment)).Account.Code).toBe('095');
  });

  it('tax rates are charged at the effective rate of their components', async () => {
    const TaxComponents = [
      { Name: 'State', Rate: 5 },
      { Name: 'City', Rate: 2, IsCompound: true },
    ];
    const rate = await first('PUT', 'TaxRates', { Name: 'State and city', TaxComponents });
    expect(rate).toMatchObject({ EffectiveRate: 7.1, Status: 'ACTIVE' });
    expect(rate.TaxType).toMatch(/^TAX\d{3}$/);
    const invoice = await first('PUT', 'Invoices', sale({ TaxType: rate.TaxType, UnitAmount: 33.33 }));
    expect(invoice).toMatchObject({ SubTotal: 33.33, TotalTax: 2.37, Total: 35.7 });
    await first('POST', 'TaxRates', { TaxType: rate.TaxType, Status: 'DELETED' });
    expect(await refusal(bench, 'PUT', 'Invoices', sale({ TaxType: rate.TaxType }))).toEqual([
      `The TaxType code '${rate.TaxType}' does not exist or has been archived.`,
    ]);
  });

  it('at most two tracking categories are active, each with options of its own', async () => {
    const { TrackingCategories } = await bench.read('TrackingCategories');
    expect(await refusal(bench, 'PUT', 'TrackingCategories', { Name: 'Crew' })).toEqual([
      'An organisation can have at most 2 active tracking categories',
    ]);
    await first('POST', `TrackingCategories/${TrackingCategories[0].TrackingCategoryID}`, { Status: 'ARCHIVED' });
    const { TrackingCategoryID } = await first('PUT', 'TrackingCategories', { Name: 'Crew' });
    const path = `TrackingCategories/${TrackingCategoryID}/Options`;
    const option = await first('PUT', path, { Options: [{ Name: 'Red' }] });
    expect(option).toMatchObject({ Name: 'Red', IsActive: true });
    const invoice = await first('PUT', 'Invoices', sale({ Tracking: [{ Name: 'Crew', Option: 'Red' }] }));
    expect(invoice.LineItems[0].Tracking).toMatchObject([{ TrackingOptionID: option.TrackingOptionID }]);
    expect((await first('POST', `${path}/${option.TrackingOptionID}`, { Name: 'Blue' })).Name).toBe('Blue');
    expect((await first('DELETE', `${path}/${option.TrackingOptionID}`)).Status).toBe('DELETED');
    expect((await one(bench, 'TrackingCategories', TrackingCategoryID)).Options).toMatchObject([{ IsDeleted: true }]);
  });

  it('a currency can be invoiced in once it is subscribed to', async () => {
    const invoice = { ...sale({ TaxType: 'NONE' }), CurrencyCode: 'SEK' };
    expect(await refusal(bench, 'PUT', 'Invoices', invoice)).toEqual([
      'Organisation is not subscribed to currency SEK',
    ]);
    await first('PUT', 'Currencies', { Code: 'SEK', Description: 'Swedish Krona' });
    expect((await bench.read('Currencies')).Currencies).toContainEqual({ Code: 'SEK', Description: 'Swedish Krona' });
    expect((await first('PUT', 'Invoices', invoice)).CurrencyCode).toBe('SEK');
  });
});
