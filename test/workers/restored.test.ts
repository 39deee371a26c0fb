import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFeed } from '../../db/feed.js';
import { createPaymentImports } from '../../db/paymentImports.js';
import { createSealing } from '../../db/sealing.js';
import { createTombstones } from '../../db/tombstones.js';
import { createWrites } from '../../db/writes.js';
import { startChild } from '../support/childProcess.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aCustomer, aDocument, aPayment, aRecord, openRun, paymentBooks } from '../support/paymentBooks.js';

let database: FreshDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

/** The command as an operator runs it. */
async function restored(...args: string[]) {
  const child = startChild('workers/restored.ts', args, { ...process.env, DATABASE_URL: database.url });
  const { code } = await child.exited;
  return { code, printed: child.output() };
}

test('what may have happened after the backup is held for a person, and nothing of it goes by itself', async () => {
  const { pool } = database;
  const imports = createPaymentImports(
    pool,
    createTombstones(createSealing({ current: 'test', keys: { test: randomBytes(32) } })),
  );
  const books = await paymentBooks(pool);
  const { connectionId } = books;
  const run = { connectionId, runId: await openRun(pool, books) };
  const { externalId: contact, contactId } = await aCustomer(pool, books);
  const invoiceOf = async (amount: string) => {
    const xeroId = await aRecord(pool, books, 'invoices', { Status: 'AUTHORISED', AmountDue: Number(amount) });
    await aDocument(pool, books, { content: { contact, total: amount, amountDue: amount }, xeroId });
    return xeroId;
  };
  const pay = async (amount: number, more = {}) =>
    aPayment(pool, books, { amount, invoiceId: await invoiceOf(String(amount)), contactId, ...more });
  const [claimed, found] = [await pay(1), await pay(2)];
  const queued = await aDocument(pool, books, { state: 'queued', content: { contact, total: '5' } });
  await imports.find(connectionId);
  await imports.claim(run, claimed);

  const { code, printed } = await restored('--at', '2026-09-01T00:00:00Z');
  expect(code).toBe(0);
  expect(printed).toContain(
    'Held: 1 payments that were not imported, and all that Xero has until now in 1 organisations',
  );
  expect(printed).toContain('1 attempts without an outcome; 1 documents that were to be sent.');
  expect(printed).toContain('save again what it saved since 2026-09-01T00:00:00.000Z');

  // Found by the first run after it, made before.
  const later = await pay(3);
  const fresh = await pay(4, { date: '2099-01-01', stampedAt: '2099-01-01T00:00:00Z' });
  await imports.find(connectionId);
  const codeOf = async (id: string) => (await imports.get(connectionId, id))?.code;
  expect(await Promise.all([claimed, found, later, fresh].map(codeOf))).toEqual([
    'outcome_unknown',
    'restored',
    'restored',
    'next_run',
  ]);
  expect(await imports.claimable(connectionId, 10)).toEqual([fresh]);
  const { rows } = await pool.query('SELECT state, code FROM document WHERE external_id = $1', [queued]);
  expect(rows).toEqual([{ state: 'held', code: 'restored' }]);
  expect(await createWrites(pool).paused()).toMatchObject({ actor: 'npm run restored' });
  await expect(createFeed(pool).read({ after: '1', limit: 1 })).rejects.toThrow('feed');
});

test('without the instant of the backup, or with one that lies ahead, nothing is done', async () => {
  for (const args of [[], ['--at', 'yesterday'], ['--at', '2999-01-01T00:00:00Z'], [randomUUID()]]) {
    const { code, printed } = await restored(...args);
    expect(code).toBe(1);
    expect(printed).toContain('npm run restored -- --at');
  }
  expect(await createWrites(database.pool).paused()).toBeNull();
});
