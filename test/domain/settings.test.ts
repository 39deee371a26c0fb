import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changed,
  concerns,
  defaultSettings,
  InvalidSettings,
  type SettingsPatch,
  settingsOf,
  settingsPatch,
  settingsSchema,
} from '../../domain/settings.js';

/** The fields that a change is faulted for. */
function faulted(patch: unknown): string[] {
  const { error } = settingsPatch.safeParse(patch);
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key].join('.')) : issue.path.join('.'),
  );
}

const settingsAfter = (...patches: SettingsPatch[]) =>
  settingsOf(patches.reduce((chosen, patch) => changed(chosen, patch), {} as Record<string, unknown>));

describe('the defaults', () => {
  it('are settings that may be', () => {
    expect(settingsSchema.parse(defaultSettings)).toEqual(defaultSettings);
    expect(settingsOf({})).toEqual(defaultSettings);
  });

  it('send payments and purchase orders out, take none in, and look for them every four hours once they do', () => {
    expect(defaultSettings).toMatchObject({
      paymentsOut: true,
      paymentsIn: false,
      paymentsInEveryHours: 4,
      partPayments: false,
      purchaseOrders: true,
      exportMode: 'immediate',
    });
  });
});

describe('a change', () => {
  it('merges objects key by key and leaves what it does not name', () => {
    const settings = settingsAfter(
      { accounts: { sales: '200', payments: { cash: '650' } } },
      { accounts: { payments: { card: '090' } }, exportMode: 'reviewed' },
    );
    expect(settings.accounts).toMatchObject({ sales: '200', purchases: null, payments: { cash: '650', card: '090' } });
    expect(settings.exportMode).toBe('reviewed');
  });

  it('forgets by null: a name, a code, a whole setting', () => {
    const chosen: SettingsPatch = {
      accounts: { sales: '200', payments: { cash: '650', card: '090' } },
      invoiceStatus: 'draft',
    };
    expect(settingsAfter(chosen, { accounts: { payments: { cash: null } } }).accounts.payments).toEqual({
      card: '090',
    });
    expect(settingsAfter(chosen, { accounts: { sales: null }, invoiceStatus: null })).toMatchObject({
      accounts: { sales: null, payments: { cash: '650', card: '090' } },
      invoiceStatus: 'authorised',
    });
    expect(settingsAfter(chosen, { accounts: null }).accounts).toEqual(defaultSettings.accounts);
  });

  it('replaces an array', () => {
    expect(settingsAfter({ optionalStreams: ['quotes'] }, { optionalStreams: ['journals'] }).optionalStreams).toEqual([
      'journals',
    ]);
  });

  it('keeps only what was chosen, so that a later default reaches those who never chose', () => {
    expect(changed({}, { paymentsIn: true })).toEqual({ paymentsIn: true });
    expect(changed({ paymentsIn: true }, { paymentsIn: null })).toEqual({});
  });

  it('is refused when many of them together name too much, and says where', () => {
    const methods = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${prefix}${index}`, '090']));
    const first = changed({}, { accounts: { payments: methods('a') } });
    const second = () => changed(first, { accounts: { payments: methods('b') } });
    expect(second).toThrow(InvalidSettings);
    expect(() => changed(first, { accounts: { payments: methods('a') } })).not.toThrow();
    try {
      second();
    } catch (error) {
      expect((error as InvalidSettings).faults).toEqual([
        { field: 'accounts.payments', message: 'must not have more than 50 entries' },
      ]);
    }
  });

  it('takes any name that the platform has for its methods and places, those of Object too', () => {
    const names = ['__proto__', 'constructor', 'toString', 'a.b', 'Kreditkarte 💳'];
    fc.assert(
      fc.property(fc.constantFrom(...names), (name) => {
        const payments = Object.fromEntries([[name, '090']]);
        const settings = settingsOf(changed({}, { accounts: { payments } }));
        expect(Object.entries(settings.accounts.payments)).toEqual([[name, '090']]);
        expect(defaultSettings.accounts.payments).toEqual({});
      }),
    );
  });

  it('concerns the fields that it names, and all below what it forgets', () => {
    const patch: SettingsPatch = { accounts: { payments: { card: '1' }, expenseTypes: null }, taxCodes: {} };
    expect(concerns(patch, 'accounts.payments.card')).toBe(true);
    expect(concerns(patch, 'accounts.expenseTypes.fuel')).toBe(true);
    expect(concerns(patch, 'accounts.payments.cardinal')).toBe(false);
    expect(concerns(patch, 'accounts.sales')).toBe(false);
    expect(concerns(patch, 'taxCodes.sales')).toBe(false);
  });
});

describe('the shape', () => {
  it.each([
    ['a setting that does not exist', { colour: 'red' }, 'colour'],
    ['one within another', { accounts: { revenue: '200' } }, 'accounts.revenue'],
    ['a code longer than Xero has them', { accounts: { sales: '12345678901' } }, 'accounts.sales'],
    ['an empty code', { accounts: { payments: { card: '' } } }, 'accounts.payments.card'],
    ['a code with a control character', { accounts: { sales: '2\u000000' } }, 'accounts.sales'],
    ['half of a character, which Postgres refuses', { contactGroups: { staff: '\ud83d' } }, 'contactGroups.staff'],
    [
      'a name that is too long',
      { accounts: { payments: { ['a'.repeat(51)]: '090' } } },
      `accounts.payments.${'a'.repeat(51)}`,
    ],
    [
      'an address with a character that Postgres refuses',
      { callbackUrl: 'https://platform.test/\u0000' },
      'callbackUrl',
    ],
    ['an address with half of a character', { callbackUrl: 'https://platform.test/\ud800' }, 'callbackUrl'],
    ['a status that Xero gives', { invoiceStatus: 'paid' }, 'invoiceStatus'],
    ['a tracking option by name', { locationTracking: { north: 'North' } }, 'locationTracking.north'],
    ['a stream that is always read', { optionalStreams: ['invoices'] }, 'optionalStreams.0'],
    ['payments looked for without end', { paymentsInEveryHours: 0 }, 'paymentsInEveryHours'],
    ['a template without the name', { contactNameTemplate: '{externalId}' }, 'contactNameTemplate'],
    ['a template with another placeholder', { contactNameTemplate: '{name} {email}' }, 'contactNameTemplate'],
    ['a template with a brace left open', { contactNameTemplate: '{name} {' }, 'contactNameTemplate'],
    ['no time of day', { nightlyTime: '24:00' }, 'nightlyTime'],
  ])('refuses %s by name', (_what, patch, field) => {
    expect(faulted(patch)).toEqual([field]);
  });

  it.each(['{name}', '{name} ({externalId})', '{externalId} – {name}'])(
    'takes the template %s',
    (contactNameTemplate) => {
      expect(faulted({ contactNameTemplate })).toEqual([]);
    },
  );

  it('keeps the night away from the hours in which clocks are changed', () => {
    for (const nightlyTime of ['00:30', '01:00', '02:30', '03:00']) {
      const { error } = settingsPatch.safeParse({ nightlyTime });
      expect(error?.issues[0]?.message).toBe('must not lie from 00:30 to 03:00, when clocks are changed');
    }
    for (const nightlyTime of ['00:29', '03:01', '23:59']) expect(faulted({ nightlyTime })).toEqual([]);
  });

  it('calls back over https, or on loopback, and keeps no secret in the address', () => {
    const refused = ['http://platform.test/x', 'ftp://platform.test', 'https://me:secret@platform.test/', 'platform'];
    for (const callbackUrl of refused)
      expect({ callbackUrl, at: faulted({ callbackUrl }) }).toEqual({ callbackUrl, at: ['callbackUrl'] });
    const taken = ['https://platform.test/x?y=1', 'http://localhost:3000/x', 'http://127.0.0.1/', 'http://[::1]:80/'];
    for (const callbackUrl of taken)
      expect({ callbackUrl, at: faulted({ callbackUrl }) }).toEqual({ callbackUrl, at: [] });
  });
});
