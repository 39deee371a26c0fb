import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Direction } from '../../domain/connection.js';
import type { Mirror } from '../../domain/ports.js';
import { defaultSettings } from '../../domain/settings.js';
import { Bench } from '../simulator/support.js';
import { type ChartAnswers, chartAnswers, mirrorChart } from '../support/chart.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
let answers: ChartAnswers;

beforeAll(async () => {
  api = await startApi();
  const bench = await Bench.start();
  answers = await chartAnswers(bench);
  await bench.close();
});
afterAll(() => api?.close());

interface Books {
  id: string;
  settings: string;
  options: string;
  /** Mirrors these streams, by default all that settings are checked against. */
  read(some?: Partial<ChartAnswers>): Promise<void>;
}

/** A connection that is bound to an organisation of its own, of which nothing was read yet. */
async function books(direction: Direction = 'two-way'): Promise<Books> {
  const { id, state } = await api.connect(randomUUID(), { direction });
  const bound = organisation('Books');
  await api.callback({ code: api.xero.grant([bound]), state });
  const path = `/v1/connections/${id}`;
  return {
    id,
    settings: `${path}/settings`,
    options: `${path}/mapping-options`,
    read: (some = answers) => mirrorChart(api.deps.mirror as Mirror, { id, organisation: bound.tenantId }, some),
  };
}

async function readBooks(direction: Direction = 'two-way'): Promise<Books> {
  const made = await books(direction);
  await made.read();
  return made;
}

const good = { accounts: { sales: '200', purchases: '300' } };
const get = async (path: string) => (await api.call('GET', path)).json();
const fieldsOf = (faults: { field: string }[]) => faults.map(({ field }) => field);

describe('the settings of a connection', () => {
  it('are shown with their defaults, and without faults while there is nothing to check against', async () => {
    const { id } = await api.connect(randomUUID(), { direction: 'two-way' });
    expect(await get(`/v1/connections/${id}/settings`)).toEqual({ ...defaultSettings, faults: null });
  });

  it('keep what was chosen and only that', async () => {
    const { id, settings } = await books();
    const patch = { accounts: { sales: '200', payments: { card: '090' } }, optionalStreams: ['journals', 'quotes'] };
    const answer = await api.call('PATCH', settings, patch);
    expect(answer.json()).toMatchObject({ accounts: { ...patch.accounts, purchases: null }, exportMode: 'immediate' });
    expect((await api.call('PATCH', settings, {})).json()).toEqual(answer.json());
    expect(await get(settings)).toEqual(answer.json());
    const { rows } = await api.database.pool.query('SELECT settings FROM connection WHERE id = $1', [id]);
    expect(rows[0].settings).toEqual({ accounts: patch.accounts });
  });

  it('tell the readers of streams which optional ones were chosen', async () => {
    const { id, settings } = await books();
    await api.call('PATCH', settings, { optionalStreams: ['journals'], exportMode: 'reviewed' });
    expect((await api.deps.connections.get(id))?.optionalStreams).toEqual(['journals']);
    await api.call('PATCH', settings, { optionalStreams: null });
    expect((await api.deps.connections.get(id))?.optionalStreams).toEqual([]);
    expect(await get(settings)).toMatchObject({ optionalStreams: [], exportMode: 'reviewed' });
  });

  it.each([
    ['a stream that is always read', { optionalStreams: ['invoices'] }, 'optionalStreams.0'],
    ['a setting that does not exist', { optionalStream: ['journals'] }, 'optionalStream'],
    ['one within another that does not exist', { accounts: { revenue: '200' } }, 'accounts.revenue'],
    [
      'a code of a method that is too long',
      { accounts: { payments: { card: '12345678901' } } },
      'accounts.payments.card',
    ],
    ['a night in which clocks are changed', { nightlyTime: '02:00' }, 'nightlyTime'],
  ])('refuse %s and name the field', async (_what, body, field) => {
    const { settings } = await books();
    const answer = await api.call('PATCH', settings, { exportMode: 'reviewed', ...body });
    expect(answer.statusCode).toBe(422);
    expect(fieldsOf(answer.json().errors)).toEqual([field]);
    expect(await get(settings)).toMatchObject(defaultSettings);
  });

  it('refuse entries that are too many only together', async () => {
    const { settings } = await books();
    const methods = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${prefix}${index}`, '090']));
    expect((await api.call('PATCH', settings, { accounts: { payments: methods('a') } })).statusCode).toBe(200);
    const answer = await api.call('PATCH', settings, { accounts: { payments: methods('b') } });
    expect(answer.statusCode).toBe(422);
    expect(fieldsOf(answer.json().errors)).toEqual(['accounts.payments']);
    expect(Object.keys((await get(settings)).accounts.payments)).toHaveLength(30);
  });

  it('are changed by an admin only, and seen by those who see the company', async () => {
    const { settings, options } = await readBooks();
    expect((await api.call('PATCH', settings, { partPayments: true }, await api.key('viewer'))).statusCode).toBe(403);
    await api.call('PUT', '/v1/companies/another', { name: 'Another' });
    const stranger = await api.key('admin', 'another');
    for (const [method, path] of [
      ['GET', settings],
      ['PATCH', settings],
      ['GET', options],
    ] as const) {
      expect((await api.call(method, path, method === 'PATCH' ? {} : undefined, stranger)).statusCode).toBe(404);
    }
  });

  it('lose nothing when many change different ones at once', async () => {
    const { settings } = await books();
    const methods = Array.from({ length: 12 }, (_, index) => `method ${index}`);
    const patches = [
      ...methods.map((method) => ({ accounts: { payments: { [method]: '090' } } })),
      { accounts: { sales: '200' } },
      { paymentsIn: true },
      { optionalStreams: ['quotes'] },
      { contactNameTemplate: '{name} ({externalId})' },
    ];
    const changes = await Promise.all(patches.map((patch) => api.call('PATCH', settings, patch)));
    expect(new Set(changes.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    const now = await get(settings);
    expect(Object.keys(now.accounts.payments).sort()).toEqual(methods.sort());
    expect(now).toMatchObject({
      accounts: { sales: '200' },
      paymentsIn: true,
      optionalStreams: ['quotes'],
      contactNameTemplate: '{name} ({externalId})',
    });
  });
});

describe('settings against the books', () => {
  it('are stored unchecked before the books were read, and shown with what is wrong once they were', async () => {
    const { settings, read } = await books();
    const early = await api.call('PATCH', settings, { accounts: { sales: '090', payments: { card: '200' } } });
    expect(early.statusCode).toBe(200);
    expect(early.json().faults).toBeNull();
    await read();
    expect(fieldsOf((await get(settings)).faults).sort()).toEqual([
      'accounts.payments.card',
      'accounts.purchases',
      'accounts.sales',
    ]);
  });

  it('wait for all of the books, not for a part of them', async () => {
    const { settings, options, read } = await books();
    const { trackingCategories, ...others } = answers;
    await read(others);
    expect((await get(settings)).faults).toBeNull();
    expect((await api.call('GET', options)).statusCode).toBe(409);
    await read({ trackingCategories });
    expect(fieldsOf((await get(settings)).faults)).toEqual(['accounts.sales', 'accounts.purchases']);
  });

  it.each([
    ['an account that is not there', { accounts: { sales: '999' } }, 'accounts.sales'],
    ['an archived account', { accounts: { rounding: '825' } }, 'accounts.rounding'],
    ['a bank account on a line', { accounts: { purchases: '090' } }, 'accounts.purchases'],
    ['a method whose account takes no payments', { accounts: { payments: { card: '200' } } }, 'accounts.payments.card'],
    [
      'an expense type by an account that is not there',
      { accounts: { expenseTypes: { fuel: 'X' } } },
      'accounts.expenseTypes.fuel',
    ],
    ['a tax of expenses for sales', { taxCodes: { sales: 'INPUT2' } }, 'taxCodes.sales'],
    ['a tracking option that is not there', { locationTracking: { a: randomUUID() } }, 'locationTracking.a'],
    ['a needed code taken away', { accounts: { sales: null } }, 'accounts.sales'],
  ])('refuse %s by field, and keep nothing of the change', async (_what, body, field) => {
    const { settings } = await readBooks();
    expect((await api.call('PATCH', settings, good)).json().faults).toEqual([]);
    const answer = await api.call('PATCH', settings, { exportMode: 'reviewed', ...body });
    expect(answer.statusCode).toBe(422);
    expect(fieldsOf(answer.json().errors)).toEqual([field]);
    expect(await get(settings)).toMatchObject({ ...good, exportMode: 'immediate', faults: [] });
  });

  it('refuse no change for what it does not name', async () => {
    const { settings, read } = await books();
    await api.call('PATCH', settings, { accounts: { rounding: '999' } });
    await read();
    const answer = await api.call('PATCH', settings, good);
    expect(answer.statusCode).toBe(200);
    expect(fieldsOf(answer.json().faults)).toEqual(['accounts.rounding']);
    expect((await api.call('PATCH', settings, { accounts: { rounding: null } })).json().faults).toEqual([]);
  });

  it('need nothing for an import', async () => {
    const { settings } = await readBooks('import');
    expect((await get(settings)).faults).toEqual([]);
    const answer = await api.call('PATCH', settings, { accounts: { sales: '999' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json().faults).toEqual([]);
  });
});

describe('what settings can name', () => {
  it('is told once the books were read, and as of when', async () => {
    const { options, read } = await books();
    const early = await api.call('GET', options);
    expect(early.statusCode).toBe(409);
    expect(early.json()).toMatchObject({ code: 'connection_not_ready' });
    const before = await (api.deps.mirror as Mirror).now();
    await read();
    const told = await get(options);
    expect(told.asOf >= before).toBe(true);
    expect(told.accounts).toContainEqual({
      code: '200',
      name: 'Sales',
      type: 'REVENUE',
      class: 'REVENUE',
      taxType: 'OUTPUT2',
      takesLines: true,
    });
    expect(told.accounts.map(({ code }: { code: string }) => code)).not.toContain('825');
    expect(told.paymentAccounts.map(({ code }: { code: string }) => code).sort()).toEqual([
      '090',
      '091',
      '092',
      '650',
      '880',
    ]);
    expect(told.taxRates).toContainEqual({
      taxType: 'OUTPUT2',
      name: '15% GST on Income',
      rate: '15',
      appliesTo: ['ASSET', 'EQUITY', 'LIABILITY', 'REVENUE'],
    });
    expect(told.trackingCategories.map(({ name }: { name: string }) => name).sort()).toEqual(['Department', 'Region']);
    expect(told.baseCurrency).toBe('NZD');
    expect(told.currencies.map(({ code }: { code: string }) => code)).toContain('EUR');
  });

  it('is taken when it is named, tracking options by their ids', async () => {
    const { settings, options } = await readBooks();
    const told = await get(options);
    const lines = told.accounts.filter(({ takesLines }: { takesLines: boolean }) => takesLines);
    const answer = await api.call('PATCH', settings, {
      accounts: {
        sales: '200',
        purchases: '300',
        rounding: '860',
        payments: Object.fromEntries(told.paymentAccounts.map(({ code }: { code: string }) => [`by ${code}`, code])),
        expenseTypes: Object.fromEntries(lines.map(({ code }: { code: string }) => [`type ${code}`, code])),
      },
      taxCodes: { sales: 'OUTPUT2', purchases: 'INPUT2' },
      locationTracking: { 'site 1': told.trackingCategories[0].options[0].id.toUpperCase() },
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json().faults).toEqual([]);
  });
});
