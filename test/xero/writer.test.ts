import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WriteAnswer, XeroWrite } from '../../domain/ports.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { codeOfRefusal } from '../../xero/refusals.js';
import { scopesFor } from '../../xero/scopes.js';
import { createXeroWriter } from '../../xero/writer.js';
import { contextOf, control, giveConsent, MemoryBudget, oauthAt, oddServer } from './support.js';

const fixedToken = (token: string) => ({ accessToken: async () => token });
const contacts = (...elements: object[]): XeroWrite => ({
  ...{ method: 'PUT', path: 'Contacts', elements, idempotencyKey: randomUUID(), stream: 'contacts' },
});

describe('against the simulator', () => {
  let simulator: Simulator;
  let tenantId: string;
  let accessToken: string;

  beforeAll(async () => {
    simulator = await startSimulator({ port: 0, records: 500 });
    const [organisation] = await control<{ tenantId: string }[]>(simulator.url, 'GET', '/organisations');
    tenantId = organisation?.tenantId as string;
    const oauth = oauthAt(simulator.url);
    const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
    const callback = await giveConsent(await oauth.consentUrl({ ...secret, scopes: scopesFor('two-way') }), [tenantId]);
    ({ accessToken } = (await oauth.exchange(callback, secret)).tokens);
  });
  afterAll(() => simulator.close());
  afterEach(() => control(simulator.url, 'DELETE', '/faults'));

  const write = (call: XeroWrite, budget = new MemoryBudget()): Promise<WriteAnswer> =>
    createXeroWriter({
      ...{ budget, tokens: fixedToken(accessToken), apiUrl: simulator.url, http: { deadlineMs: 1000 } },
    }).write(contextOf(tenantId), call);
  const count = async (): Promise<number> =>
    (await control<{ count: number }>(simulator.url, 'GET', `/organisations/${tenantId}/truth/contacts`)).count;

  it('says of each element whether it was sent or refused, in order, in Xero’s own words', async () => {
    const budget = new MemoryBudget();
    const [one, other] = [randomUUID(), randomUUID()];
    const answer = await write(contacts({ Name: one }, { Name: one }, { Name: other, ContactNumber: 'c-1' }), budget);
    expect(answer).toMatchObject({
      kind: 'answered',
      status: 200,
      outcomes: [
        { kind: 'sent', number: null, warnings: [] },
        { kind: 'refused', code: 'contact_name_taken', words: [expect.stringContaining(one)] },
        { kind: 'sent', number: 'c-1' },
      ],
    });
    const [first] = (answer as Extract<WriteAnswer, { kind: 'answered' }>).outcomes;
    if (first?.kind !== 'sent') throw new Error('it was not sent');
    expect(JSON.parse(first.text as string)).toMatchObject({ ContactID: first.xeroId, Name: one });
    expect(budget.settled).toMatchObject([{ count: { stream: 'contacts' }, answered: { refused: null } }]);
    expect(budget.open).toBe(0);
  });

  it('gets the first answer again for the same call under its Idempotency-Key, and makes nothing twice', async () => {
    const call = contacts({ Name: randomUUID() });
    const first = await write(call);
    const before = await count();
    expect(await write(call)).toEqual(first);
    expect(await count()).toBe(before);
  });

  it('takes the same key with another body as refused, and blames no document for it', async () => {
    const call = contacts({ Name: randomUUID() });
    await write(call);
    const answer = await write({ ...call, elements: [{ Name: randomUUID() }] });
    expect(answer).toMatchObject({
      outcomes: [{ kind: 'refused', code: 'could_not_send', words: [expect.stringContaining('Idempotency')] }],
    });
  });

  it.each([
    ['lostAnswer', { kind: 'lostAnswer' }, 'network', 1],
    ['timeout', { kind: 'timeout' }, 'timeout', 0],
    ['truncate', { kind: 'truncate' }, 'badAnswer', 1],
    ['resetMidBody', { kind: 'resetMidBody' }, 'network', 1],
    ['a 500', { kind: 'status', status: 500 }, 'unavailable', 0],
    ['a 503', { kind: 'status', status: 503 }, 'unavailable', 0],
  ])('does not know the outcome after %s', async (_name, fault, kind, made) => {
    const before = await count();
    await control(simulator.url, 'POST', '/faults', [{ ...fault, match: { method: 'PUT' } }]);
    const budget = new MemoryBudget();
    const answer = await write(contacts({ Name: randomUUID() }), budget);
    expect(answer).toMatchObject({ kind: 'unknown', problem: { kind } });
    expect(await count()).toBe(before + made);
    expect(budget.open).toBe(0);
  });

  it.each([
    ['a 429', { status: 429, body: '' }, { limit: 'concurrent' }],
    ['a 403', { status: 403, body: '{}' }, { kind: 'authFailed' }],
    ['a 404', { status: 404, body: '<html>' }, { kind: 'notFound' }],
    ['a 401 after a new token', { status: 401, body: '{}' }, { kind: 'authFailed' }],
  ])('knows that nothing was carried out after %s', async (_name, fault, problem) => {
    await control(simulator.url, 'POST', '/faults', [{ kind: 'status', ...fault, match: { method: 'PUT' } }]);
    expect(await write(contacts({ Name: randomUUID() }))).toMatchObject({ kind: 'notCarriedOut', problem });
  });
});

describe('against other answers', () => {
  const writeTo = (apiUrl: string, call: XeroWrite) =>
    createXeroWriter({
      ...{ budget: new MemoryBudget(), tokens: fixedToken('t'), apiUrl, http: { deadlineMs: 1000 } },
    }).write(contextOf(randomUUID()), call);

  it('knows that nothing was sent where no connection was made', async () => {
    const server = await oddServer(() => undefined);
    await server.close();
    const answer = await writeTo(server.url, contacts({ Name: 'a' }));
    expect(answer).toMatchObject({ kind: 'notCarriedOut', problem: { kind: 'unreached' } });
  });

  it('takes the elements with errors as refused where Xero sums them up, and knows nothing of the others', async () => {
    const body = {
      ErrorNumber: 10,
      Type: 'ValidationException',
      Message: 'A validation exception occurred',
      Elements: [
        { Name: 'a', HasValidationErrors: true, ValidationErrors: [{ Message: 'Invoice # must be unique.' }] },
        { Name: 'b', HasValidationErrors: false },
      ],
    };
    const server = await oddServer((_request, response) => response.writeHead(400).end(JSON.stringify(body)));
    const answer = await writeTo(server.url, contacts({ Name: 'a' }, { Name: 'b' }));
    await server.close();
    expect(answer).toMatchObject({
      outcomes: [{ kind: 'refused', code: 'number_taken', words: ['Invoice # must be unique.'] }, { kind: 'unknown' }],
    });
  });

  it('sends decimals as numbers with the digits they have, and a text that looks like one as it is', async () => {
    let received = '';
    const server = await oddServer((request, response) => {
      request.on('data', (part) => {
        received += part;
      });
      request.on('end', () => response.writeHead(200).end('{"Items":[{"ItemID":"i"}]}'));
    });
    const elements = [
      {
        Code: '12.50',
        Description: 'as "Amount":"1.00" says',
        SalesDetails: { UnitPrice: '1234567890123.4500', AccountCode: '200' },
      },
    ];
    const call = { elements, idempotencyKey: 'key', stream: 'items' } as const;
    await writeTo(server.url, { ...call, method: 'PUT', path: 'Items' });
    await server.close();
    expect(received).toContain('"SalesDetails":{"UnitPrice":1234567890123.4500,"AccountCode":"200"}');
    expect(JSON.parse(received).Items[0]).toMatchObject({ Code: '12.50', Description: 'as "Amount":"1.00" says' });
  });

  it('keeps every digit of what Xero answers, and hands over a body alone where the path names a record', async () => {
    const text = '{"Payments":[{"PaymentID":"p","Amount":12345678901234567890.0001,"Status":"DELETED"}]}';
    let [received, asked] = ['', ''];
    const server = await oddServer((request, response) => {
      asked = `${request.method} ${request.url} ${request.headers['idempotency-key']}`;
      request.on('data', (part) => {
        received += part;
      });
      request.on('end', () => response.writeHead(200).end(text));
    });
    const call = { elements: [{ Status: 'DELETED' }], idempotencyKey: 'key', stream: 'payments' } as const;
    const answer = await writeTo(server.url, { ...call, method: 'POST', path: 'Payments/p' });
    await server.close();
    expect(asked).toBe('POST /api.xro/2.0/Payments/p?summarizeErrors=false&unitdp=4 key');
    expect(received).toBe('{"Status":"DELETED"}');
    expect(answer).toMatchObject({
      outcomes: [{ kind: 'sent', xeroId: 'p', text: expect.stringContaining('7890.0001') }],
    });
  });

  it('does not know the outcome where Xero answers for another number of elements', async () => {
    const server = await oddServer((_request, response) => response.writeHead(200).end('{"Contacts":[]}'));
    const answer = await writeTo(server.url, contacts({ Name: 'a' }));
    await server.close();
    expect(answer).toMatchObject({ kind: 'unknown', problem: { kind: 'badAnswer' } });
  });
});

describe('Xero’s words', () => {
  it.each([
    ['Invoice # must be unique.', 'number_taken'],
    ['Payment amount exceeds the amount outstanding on this document', 'payment_exceeds_due'],
    ['Payments can only be made against Authorised documents', 'parent_not_authorised'],
    ['This document cannot be edited as it has a payment or credit note allocated to it.', 'has_payments'],
    [
      'The contact name A is already assigned to another contact. The contact name must be unique across all active contacts.',
      'contact_name_taken',
    ],
    [
      'The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.',
      'contact_archived',
    ],
    ["Price List Item with Code 'x' already exists", 'number_taken'],
    ["The TaxType code 'x' cannot be used with account code 'y'", 'tax_type_unusable'],
    ['Organisation is not subscribed to currency EUR', 'currency_not_subscribed'],
    ['The document date cannot be before the period lock date, currently set at 31 March 2026', 'period_locked'],
    ['Invoice not of valid status for modification', 'validation'],
  ])('“%s” is %s', (words, code) => {
    expect(codeOfRefusal([words])).toBe(code);
  });
});
