import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Books, openStreams } from '../support/books.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';
import { allEqual } from '../support/truth.js';

const counts = { contacts: 30, invoices: 3300 };
/** A worker that waits tenths of a second where production waits seconds; nothing else differs. */
const patience = { firstWaitMs: 50, longestWaitMs: 100, offlineWaitMs: 100, mostFaults: 10 };

let system: System;
beforeAll(async () => {
  quietWorkers();
  system = await startSystem();
  await system.startWorkerHere({ patience, deadlineMs: 1000 });
});
afterEach(() => system.xero('DELETE', '/faults'));
afterAll(() => system?.stop());

const fault = (tenantId: string, path: string, kind: string, more: object = {}) =>
  system.xero('POST', '/faults', [{ match: { tenantId, path }, kind, ...more }]);

const rowsOf = (pages: readonly number[]) =>
  pages.reduce((rows, page) => rows + Math.min(1000, counts.invoices - 1000 * (page - 1)), 0);

/** A first full read of which all but these pages of invoices are committed, and these are never answered. */
async function heldAt(pages: readonly number[]): Promise<Books> {
  const organisation = await system.organisation({ counts });
  await fault(organisation, `Invoices.*[?&]page=[${pages.join('')}]&`, 'timeout');
  const books = await system.connect(organisation);
  await books.until(
    'everything else is committed',
    (now) => openStreams(now).join() === 'invoices' && now.streams.invoices.records === counts.invoices - rowsOf(pages),
  );
  return books;
}

async function expectEverythingReadOnce(books: Books): Promise<void> {
  expect(await books.backfill()).toMatchObject({ outcome: 'completed', status: 'active' });
  expect(await books.compare('contacts')).toEqual(allEqual(counts.contacts));
  expect(await books.compare('invoices')).toEqual(allEqual(counts.invoices));
  const { calls } = await books.usage();
  expect(calls.byEndpoint).toMatchObject({ Contacts: 1, Items: 1, Invoices: 4 });
}

test('timeouts, resets, halves of answers, 500 and 503 are asked again, and the read ends complete', async () => {
  const organisation = await system.organisation({ counts });
  await fault(organisation, 'Contacts', 'status', { status: 500, times: 2 });
  await fault(organisation, 'Accounts', 'status', { status: 503, times: 1 });
  await fault(organisation, 'TaxRates', 'reset', { times: 1 });
  await fault(organisation, 'Invoices.*[?&]page=1&', 'truncate', { times: 1 });
  await fault(organisation, 'Invoices.*[?&]page=2&', 'resetMidBody', { times: 1 });
  await fault(organisation, 'Invoices.*[?&]page=3&', 'timeout', { times: 1 });
  await fault(organisation, 'Invoices.*[?&]page=4&', 'lateAnswer', { times: 1, ms: 1500 });
  const books = await system.connect(organisation);
  expect(await books.ended()).toMatchObject({ outcome: 'completed', status: 'active' });
  expect(await books.compare('contacts')).toEqual(allEqual(counts.contacts));
  expect(await books.compare('invoices')).toEqual(allEqual(counts.invoices));
  const struck = await system.xero<{ hits: number; times: number }[]>('GET', '/faults');
  expect(struck.map(({ hits }) => hits)).toEqual([2, 1, 1, 1, 1, 1, 1]);
});

test('an organisation that is offline is waited for', async () => {
  const organisation = await system.organisation({ counts: { contacts: 30, invoices: 20 } });
  await system.xero('PATCH', `/organisations/${organisation}`, { offline: true });
  const books = await system.connect(organisation);
  await books.until('it was asked more than once', ({ calls }) => calls >= 3);
  await system.xero('PATCH', `/organisations/${organisation}`, { offline: false });
  expect(await books.ended()).toMatchObject({ outcome: 'completed', status: 'active' });
  expect(await books.compare('invoices')).toEqual(allEqual(20));
});

test('a Xero that does not recover ends the run as xero_unavailable, and a new start goes on from there', async () => {
  const organisation = await system.organisation({ counts: { contacts: 2300, invoices: 20 } });
  await fault(organisation, 'Contacts.*[?&]page=2&', 'status', { status: 500 });
  const books = await system.connect(organisation);
  expect(await books.ended()).toMatchObject({ outcome: 'xero_unavailable', streams: { contacts: { records: 1300 } } });
  expect(await books.connection()).toMatchObject({ lastError: { code: 'xero_unavailable' } });
  await system.xero('DELETE', '/faults');
  await books.start();
  await books.until('the new run ends', ({ outcome }) => outcome === 'completed');
  expect(await books.compare('contacts')).toEqual(allEqual(2300));
  expect((await books.usage()).calls.byEndpoint).toMatchObject({ Contacts: 3, Items: 1, Invoices: 1 });
});

test('an access token that ended is refreshed once, though three calls at a time find it ended', async () => {
  const books = await heldAt([2, 3, 4]);
  const issued = async () => (await system.xero<{ refreshTokens: unknown[] }>('GET', '/tokens')).refreshTokens.length;
  const before = await issued();
  await system.xero('POST', '/tokens/expire');
  await system.xero('DELETE', '/faults');
  await books.ended();
  expect(await issued()).toBe(before + 1);
  await expectEverythingReadOnce(books);
});

test('a pause holds it, and a resume goes on where it was', async () => {
  const books = await heldAt([3]);
  await books.steer('pause');
  await books.until('it is paused', ({ status }) => status === 'paused');
  await system.xero('DELETE', '/faults');
  expect(await books.backfill()).toMatchObject({ outcome: 'running', streams: { invoices: { records: 2300 } } });
  await books.steer('resume');
  await books.ended();
  await expectEverythingReadOnce(books);
});

test('a cancel keeps what was read, and a new start completes it from there', async () => {
  const books = await heldAt([2, 4]);
  await books.steer('cancel');
  const cancelled = await books.ended();
  expect(cancelled).toMatchObject({ outcome: 'cancelled', streams: { invoices: { records: 2000 } } });
  await system.xero('DELETE', '/faults');
  const { runId } = await books.start();
  expect(runId).not.toBe(cancelled.runId);
  await books.until('the new run ends', ({ outcome }) => outcome === 'completed');
  await expectEverythingReadOnce(books);
});

test.each([
  ['the organisation is disconnected from the app', {}],
  ['the whole consent is withdrawn', { grant: true }],
])('when %s the run ends as xero_auth_failed, and after a new consent it is completed', async (_what, revocation) => {
  const books = await heldAt([2]);
  await system.xero('POST', `/organisations/${books.organisation}/revoke`, revocation);
  await system.xero('DELETE', '/faults');
  const ended = await books.ended();
  expect(ended).toMatchObject({ outcome: 'xero_auth_failed', streams: { invoices: { records: 2300 } } });
  const { status, lastError } = await books.connection();
  expect(status).toBe('authFailed');
  expect(lastError).toMatchObject({
    code: 'xero_auth_failed',
    message: 'Xero no longer accepts this connection.',
    remedy: expect.stringContaining('connect again'),
  });
  await expect(books.start()).rejects.toMatchObject({ status: 409, code: 'connection_not_ready' });

  await books.reconnect();
  await books.start();
  await books.until('the new run ends', ({ outcome }) => outcome === 'completed');
  await expectEverythingReadOnce(books);
});
