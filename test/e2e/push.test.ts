import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AttemptView, connectBothWays, contentOf, type DocumentView, type Platform } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

quietWorkers();
let system: System;
let platform: Platform;
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
  await system.startSenderHere({ deadlineMs: 2000, patience: { absentAfterMs: 4000, firstWaitMs: 50 } });
  platform = await connectBothWays(system, { limits: { minute: 1000 } });
});
afterAll(() => system?.stop());
afterEach(async () => {
  await system.xero('DELETE', '/faults');
  await system.xero('PATCH', '/settings', { latencyMs: 0 });
});

/** A contact of its own, in Xero. */
async function sentContact(): Promise<string> {
  const id = randomUUID();
  await platform.save('contact', id, contentOf.contact());
  await platform.until('contact', id, 'sent');
  return id;
}

const invoices = (contact: string, count: number) =>
  [...Array(count).keys()].map((index) => ({
    kind: 'invoice' as const,
    externalId: `${contact}-${index}`,
    content: contentOf.invoice(contact, { number: `${contact}-${index}` }),
  }));

async function fault(kind: string, more: object = {}): Promise<void> {
  const match = { tenantId: platform.books.organisation, method: 'PUT', path: 'Invoices' };
  await system.xero('POST', '/faults', [{ kind, times: 1, match, ...more }]);
}

const outcomes = (attempts: readonly AttemptView[]) => attempts.map(({ outcome }) => outcome);
const countInXero = (number: string) => platform.inXero('invoices', 'InvoiceNumber', number);
const putWith = (externalId: string, contact: string, more: object = {}): Promise<DocumentView> =>
  platform.save('invoice', externalId, contentOf.invoice(contact, { number: externalId, ...more }));

test('a document that is saved is in Xero a moment later, once, with its number and its link', async () => {
  await platform.save('contact', 'ada', contentOf.contact('Ada Fern'));
  const contact = await platform.until('contact', 'ada', 'sent');
  expect(contact).toMatchObject({ synced: true, errors: [] });
  expect(await platform.inXero('contacts', 'ContactNumber', 'ada')).toBe(1);
  const invoice = await platform.save('invoice', 'i-1', contentOf.invoice('ada', { number: 'PL-1' }), '10s');
  expect(invoice).toMatchObject({ state: 'sent', xeroNumber: 'PL-1', synced: true });
  expect(invoice.xeroUrl).toContain(invoice.xeroId as string);
  expect(await platform.inXero('invoices', 'InvoiceNumber', 'PL-1')).toBe(1);
});

describe('what a document stands on', () => {
  test('comes first: an invoice that is saved before its contact waits, and goes by itself when that has gone', async () => {
    const [contact, invoice] = [randomUUID(), randomUUID()];
    await putWith(invoice, contact);
    expect(await platform.until('invoice', invoice, 'waiting')).toMatchObject({ code: 'parent_not_sent' });
    await platform.save('contact', contact, contentOf.contact());
    expect(await platform.until('invoice', invoice, 'sent')).toMatchObject({ errors: [] });
  });

  test('and what stands on it in one bulk go in their order', async () => {
    const [contact, invoice, payment] = [randomUUID(), randomUUID(), randomUUID()];
    await platform.saveAll([
      { kind: 'payment', externalId: payment, content: contentOf.payment(invoice) },
      { kind: 'invoice', externalId: invoice, content: contentOf.invoice(contact) },
      { kind: 'contact', externalId: contact, content: contentOf.contact() },
    ]);
    const { xeroId } = await platform.until('payment', payment, 'sent');
    const { xeroId: paid } = await platform.document('invoice', invoice);
    expect(await platform.record('payments', xeroId as string)).toMatchObject({ Invoice: { InvoiceID: paid } });
  });
});

describe('in bulk', () => {
  test('500 invoices go in ten calls, and what a person saves meanwhile passes them', async () => {
    const contact = await sentContact();
    await system.xero('PATCH', '/settings', { latencyMs: 300 });
    const before = await platform.calls();
    await platform.saveAll(invoices(contact, 500));
    await platform.until('invoice', `${contact}-0`, 'sent');
    const lone = await platform.save('invoice', randomUUID(), contentOf.invoice(contact), '10s');
    expect(lone.state).toBe('sent');
    expect((await platform.states()).queued ?? 0).toBeGreaterThan(100);
    await eventually(
      'all are sent',
      () => platform.states(),
      ({ queued = 0, sending = 0 }) => queued + sending === 0,
    );
    expect((await platform.calls()) - before).toBe(11);
    expect(await countInXero(`${contact}-499`)).toBe(1);
  });

  test('an error stays with its document in Xero’s own words, and the rest goes on', async () => {
    const contact = await sentContact();
    const [first, second, third] = invoices(contact, 3) as [object, { content: object }, object];
    const bad = { ...second, content: { ...second.content, currency: 'ZZZ' } };
    await platform.saveAll([first, bad, third] as Parameters<Platform['saveAll']>[0]);
    const failed = await platform.until('invoice', `${contact}-1`, 'failed');
    expect(failed).toMatchObject({ code: 'currency_not_subscribed', synced: false, xeroId: null });
    await platform.until('invoice', `${contact}-0`, 'sent');
    await platform.until('invoice', `${contact}-2`, 'sent');
    await putWith(`${contact}-1`, contact);
    await platform.until('invoice', `${contact}-1`, 'sent');
  });
});

describe('held by a person', () => {
  test('a pause of the connection sends nothing and loses nothing', async () => {
    const contact = await sentContact();
    await system.api.post(`/connections/${platform.books.id}/pause`, {});
    const id = randomUUID();
    expect(await putWith(id, contact)).toMatchObject({ state: 'waiting', code: 'writes_paused' });
    expect(await countInXero(id)).toBe(0);
    await system.api.post(`/connections/${platform.books.id}/resume`, {});
    await platform.until('invoice', id, 'sent');
    expect(await countInXero(id)).toBe(1);
  });

  test('so does a pause of all writing', async () => {
    const contact = await sentContact();
    await system.api.post('/writes/pause', {});
    const id = randomUUID();
    expect(await putWith(id, contact)).toMatchObject({ state: 'waiting', code: 'writes_paused' });
    await system.api.post('/writes/resume', {});
    await platform.until('invoice', id, 'sent');
    expect(await countInXero(id)).toBe(1);
  });
});

describe('later versions', () => {
  const lineIds = async (xeroId: string) =>
    ((await platform.record('invoices', xeroId)).LineItems as { LineItemID: string }[]).map(
      ({ LineItemID }) => LineItemID,
    );

  test('update the same record, and its lines stay the lines they were', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await putWith(id, contact);
    const first = await platform.until('invoice', id, 'sent');
    const before = await lineIds(first.xeroId as string);
    const lines = [{ description: 'Mosses', quantity: '3', unitAmount: '10.00', taxType: 'NONE' }];
    await putWith(id, contact, { lines, total: '30.00' });
    const second = await eventually(
      'the second version stands',
      () => platform.document('invoice', id),
      ({ version, synced }) => version === 2 && synced,
    );
    expect(second.xeroId).toBe(first.xeroId);
    expect(await lineIds(first.xeroId as string)).toEqual(before);
    expect(await platform.record('invoices', first.xeroId as string)).toMatchObject({ Total: 30 });
  });

  test('never overwrite silently what was edited in Xero: that is a conflict until a person decides', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await putWith(id, contact);
    const { xeroId } = await platform.until('invoice', id, 'sent');
    const edit = { stream: 'invoices', op: 'edit', id: xeroId, set: { Reference: 'typed in Xero' } };
    await system.xero('POST', `/organisations/${platform.books.organisation}/edits`, [edit]);
    await putWith(id, contact, { reference: 'typed here' });
    expect(await platform.until('invoice', id, 'held')).toMatchObject({ code: 'conflict' });
    await platform.wish('invoice', id, 'decide', { action: 'send' });
    await platform.until('invoice', id, 'sent');
    expect(await platform.record('invoices', xeroId as string)).toMatchObject({ Reference: 'typed here' });
  });

  test('a deletion voids it in Xero; sent once more it stands as it was', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await putWith(id, contact);
    const { xeroId } = await platform.until('invoice', id, 'sent');
    await platform.wish('invoice', id, 'resync');
    await eventually(
      'it was sent once more',
      () => platform.attempts('invoice', id),
      (attempts) => attempts.length === 2 && outcomes(attempts).every((outcome) => outcome !== null),
    );
    expect(await countInXero(id)).toBe(1);
    await platform.remove('invoice', id);
    await platform.until('invoice', id, 'voided');
    expect(await platform.record('invoices', xeroId as string)).toMatchObject({ Status: 'VOIDED' });
  });
});

test('a number that somebody typed into Xero is held, and linked when a person says that it is the same', async () => {
  const [contact, number] = [await sentContact(), randomUUID()];
  const [theirs] = await system.xero<string[]>('POST', `/organisations/${platform.books.organisation}/edits`, [
    { stream: 'invoices', op: 'add', set: { InvoiceNumber: number, Type: 'ACCREC', Status: 'AUTHORISED' } },
  ]);
  await putWith(number, contact);
  expect(await platform.until('invoice', number, 'held')).toMatchObject({ code: 'duplicate_suspected' });
  await platform.wish('invoice', number, 'decide', { action: 'link', xeroId: theirs });
  expect(await platform.until('invoice', number, 'sent')).toMatchObject({ xeroId: theirs });
  expect(await countInXero(number)).toBe(1);
});

describe('an answer that does not come', () => {
  test('is looked up at once: what is there is not sent again', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await fault('lostAnswer');
    await putWith(id, contact);
    await platform.until('invoice', id, 'sent');
    expect(await countInXero(id)).toBe(1);
    expect(outcomes(await platform.attempts('invoice', id))).toEqual(['sent']);
  });

  test('of something without a number is found by our key', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await fault('lostAnswer');
    await platform.save('invoice', id, contentOf.invoice(contact));
    const { xeroNumber } = await platform.until('invoice', id, 'sent');
    expect(await countInXero(xeroNumber as string)).toBe(1);
    expect(outcomes(await platform.attempts('invoice', id))).toEqual(['sent']);
  });

  test('is waited for while it may still arrive, and what is absent then is sent again', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await fault('status', { status: 503 });
    await putWith(id, contact);
    expect(await platform.until('invoice', id, 'sending')).toMatchObject({ state: 'sending' });
    const other = await platform.save('invoice', randomUUID(), contentOf.invoice(contact), '10s');
    expect(other.state).toBe('sent');
    await platform.until('invoice', id, 'sent');
    expect(await countInXero(id)).toBe(1);
    expect(outcomes(await platform.attempts('invoice', id))).toEqual(['absent', 'sent']);
  });

  test('and is late all the same: Xero carries it out after we gave up, and it stands there once', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await fault('commitLate', { ms: 3500 });
    await putWith(id, contact);
    await platform.until('invoice', id, 'sent');
    expect(await countInXero(id)).toBe(1);
    expect(outcomes(await platform.attempts('invoice', id))).toEqual(['sent']);
  });

  test('a payment whose answer was lost is found by what it pays', async () => {
    const [contact, id] = [await sentContact(), randomUUID()];
    await putWith(id, contact);
    await platform.until('invoice', id, 'sent');
    await fault('lostAnswer', { match: { tenantId: platform.books.organisation, method: 'PUT', path: 'Payments' } });
    await platform.save('payment', id, contentOf.payment(id));
    const { xeroId } = await platform.until('payment', id, 'sent');
    expect(await platform.inXero('payments', 'PaymentID', xeroId as string)).toBe(1);
    expect(outcomes(await platform.attempts('payment', id))).toEqual(['sent']);
  });
});
