import { randomBytes, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPaymentActivities, type FoundPayments, type PaymentPorts } from '../../activities/payments.js';
import { createDocuments } from '../../db/documents.js';
import { createPaymentImports } from '../../db/paymentImports.js';
import { createSealing } from '../../db/sealing.js';
import { createSettings } from '../../db/settings.js';
import { createTombstones } from '../../db/tombstones.js';
import { type PaymentImports, ResolutionRefused } from '../../domain/ports.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import {
  aCustomer,
  aDocument,
  aPayment,
  aRecord,
  openRun,
  type PaymentBooks,
  paymentBooks,
} from '../support/paymentBooks.js';

let database: FreshDatabase;
let imports: PaymentImports;
beforeAll(async () => {
  database = await freshDatabase();
  const sealing = createSealing({ current: 'test', keys: { test: randomBytes(32) } });
  imports = createPaymentImports(database.pool, createTombstones(sealing));
});
afterAll(() => database.drop());

/** How an attempt goes: as the callback answers, or with the worker's death before the call or after it. */
const fates = [
  'accepted',
  'accepted',
  'accepted',
  'refused',
  'unreachable',
  'unknown',
  'diesBefore',
  'diesAfter',
] as const;
type Fate = (typeof fates)[number];

const step = fc.oneof(
  fc.record({ do: fc.constant('pay' as const), invoice: fc.nat(4), part: fc.constantFrom(1, 1, 0.5) }),
  fc.record({
    do: fc.constant('run' as const),
    fates: fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    do: fc.constant('race' as const),
    fates: fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    do: fc.constant('saveInvoice' as const),
    invoice: fc.nat(4),
    due: fc.constantFrom('10.00', '5.00', '0.00'),
  }),
  fc.record({ do: fc.constant('savePayment' as const), payment: fc.nat(6) }),
  fc.record({ do: fc.constant('deleteInXero' as const), payment: fc.nat(6) }),
  fc.record({
    do: fc.constant('resolve' as const),
    payment: fc.nat(6),
    outcome: fc.constantFrom('applied', 'ignored'),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A platform with five invoices, two of them not in Xero, whose callback counts what it is told. */
class World {
  readonly attempts = new Map<string, number>();
  private readonly payments: string[] = [];
  private next: Fate[] = [];
  private invoices: { externalId: string; xeroId: string }[] = [];
  private customer = { externalId: '', contactId: '' };
  private readonly activities;
  private readonly documents = createDocuments(database.pool);

  constructor(
    private readonly books: PaymentBooks,
    withCallback: boolean,
  ) {
    const { pool } = database;
    const ports: PaymentPorts = {
      connections: connectionsIn(pool),
      settings: withCallback
        ? {
            get: async (id) =>
              ({ ...(await createSettings(pool).get(id)), callbackUrl: 'https://platform.test' }) as never,
          }
        : createSettings(pool),
      payments: imports,
      callback: { post: async (_target, body) => this.answer(body as { type: string; id: string }) },
      callbackSecrets: { open: async () => 'a secret' },
      elapsed: () => 0,
    };
    this.activities = createPaymentActivities(ports);
  }

  async open(): Promise<void> {
    const { pool } = database;
    this.customer = await aCustomer(pool, this.books);
    for (let at = 0; at < 5; at++) {
      const content = { contact: this.customer.externalId, total: '10.00', amountDue: '10.00', currency: 'NZD' };
      const inXero = at < 3;
      const xeroId = inXero
        ? await aRecord(pool, this.books, 'invoices', { Status: 'AUTHORISED', AmountDue: 10 })
        : null;
      const state = inXero ? 'sent' : 'queued';
      const externalId = await aDocument(pool, this.books, { content, xeroId, state });
      this.invoices.push({ externalId, xeroId: xeroId ?? randomUUID() });
    }
  }

  private answer({ type, id }: { type: string; id: string }) {
    if (type === 'ping') return 'accepted' as const;
    const fate = this.next.shift() ?? 'accepted';
    if (fate === 'diesBefore') throw new Error('the worker dies');
    // What was sent counts, whatever the sender learns of it.
    if (fate !== 'unreachable') this.attempts.set(id, (this.attempts.get(id) ?? 0) + 1);
    if (fate === 'diesAfter') throw new Error('the worker dies');
    return fate;
  }

  async take(given: Step): Promise<void> {
    const { pool } = database;
    const { connectionId, companyId } = this.books;
    if (given.do === 'pay') {
      const { xeroId: invoiceId } = this.invoices[given.invoice] as World['invoices'][number];
      const { contactId } = this.customer;
      this.payments.push(await aPayment(pool, this.books, { amount: 10 * given.part, invoiceId, contactId }));
    }
    if (given.do === 'run') await this.run(given.fates);
    if (given.do === 'race') await Promise.all([this.run(given.fates), this.run([]), this.run([])]);
    if (given.do === 'saveInvoice') {
      const { externalId } = this.invoices[given.invoice] as World['invoices'][number];
      const content = { contact: this.customer.externalId, total: '10.00', amountDue: given.due, currency: 'NZD' };
      await pool.query('UPDATE document SET content = $2, version = version + 1 WHERE external_id = $1', [
        externalId,
        content,
      ]);
    }
    const payment = 'payment' in given ? this.payments[given.payment] : undefined;
    if (payment === undefined) return;
    if (given.do === 'savePayment') {
      const { externalId: invoice } = this.invoices[0] as World['invoices'][number];
      const content = { invoice, amount: '10.00', date: '2026-09-01', xeroPaymentId: payment };
      const theirs = { kind: 'payment', externalId: `theirs ${payment}`, content, sourceVersion: null } as const;
      await this.documents.save({ companyId, actor: null, urgent: false }, [theirs]);
    }
    if (given.do === 'deleteInXero') {
      await pool.query(`UPDATE record SET body = body || '{"Status":"DELETED"}' WHERE xero_id = $1`, [payment]);
    }
    if (given.do === 'resolve') {
      const { externalId: invoice } = this.invoices[1] as World['invoices'][number];
      const resolution = { outcome: given.outcome as 'applied', invoice, note: 'as agreed', actor: 'ann' };
      await imports.resolve(connectionId, payment, resolution).catch((error: unknown) => {
        if (!(error instanceof ResolutionRefused)) throw error;
      });
    }
  }

  /** As the workflow does it, up to the death of its worker. */
  private async run(next: readonly Fate[]): Promise<void> {
    const { connectionId } = this.books;
    const run = { connectionId, runId: await openRun(database.pool, this.books) };
    const environment = new MockActivityEnvironment();
    await imports.settleLost(run, 'ofOthers');
    const found = (await environment.run(this.activities.findPayments, run, false)) as FoundPayments;
    this.next.push(...next);
    expect(found.goOn).toBe('import');
    const input = { ...run, failuresInARow: 0, reviewed: null };
    await environment.run(this.activities.importPayments, input).catch(() => undefined);
    this.next = [];
    await database.pool.query('UPDATE run SET ended_at = now() WHERE run_id = $1', [run.runId]);
  }

  async check(withCallback: boolean): Promise<void> {
    const { pool } = database;
    const { rows } = await pool.query<Row>(
      `SELECT i.xero_payment_id AS id, i.state, i.outcome, i.claimed_at IS NOT NULL AS claimed, i.amount::text AS amount,
              (SELECT count(*)::int FROM document d WHERE d.company_id = i.company_id AND d.kind = 'payment'
                  AND (d.xero_id = i.xero_payment_id OR lower(d.content ->> 'xeroPaymentId') = i.xero_payment_id)) AS documents,
              (SELECT count(*)::int FROM feed_event e WHERE e.xero_id = i.xero_payment_id AND e.type = 'payment.imported') AS told
         FROM payment_import i WHERE connection_id = $1`,
      [this.books.connectionId],
    );
    const known = new Map(rows.map((row) => [row.id, row]));
    for (const id of this.payments) {
      const sent = this.attempts.get(id) ?? 0;
      const row = known.get(id);
      // None attempted twice, and none without a claim.
      expect(sent).toBeLessThanOrEqual(1);
      if (sent > 0) expect(row?.claimed).toBe(true);
      if (row === undefined) continue;
      // None applied twice; what is in the books is what the states say, and what was not attempted is not there by us.
      expect(row.documents).toBeLessThanOrEqual(1);
      expect(row.told).toBeLessThanOrEqual(1);
      const applied = row.state === 'imported' || row.outcome === 'applied';
      if (applied) expect(row.documents).toBe(1);
      if (row.told === 1) expect(applied).toBe(true);
      if (withCallback && row.state === 'imported') expect(sent).toBe(1);
    }
    await this.checkSums(rows);
  }

  /** What was applied to an invoice by runs never exceeds what its versions said was open. */
  private async checkSums(rows: readonly Row[]): Promise<void> {
    const sum = (of: readonly Row[]) => of.reduce((total, { amount }) => total + Number(amount), 0);
    const { rows: entered } = await database.pool.query<{ total: string | null }>(
      `SELECT sum((content ->> 'amount')::numeric) AS total FROM document
        WHERE company_id = $1 AND kind = 'payment' AND external_id LIKE 'xero:%'`,
      [this.books.companyId],
    );
    const byUs = rows.filter(
      ({ state, outcome, told }) => told === 1 && (state === 'imported' || outcome === 'applied'),
    );
    const { rows: adopted } = await database.pool.query<{ id: string }>(
      `SELECT content ->> 'xeroPaymentId' AS id FROM document WHERE company_id = $1 AND external_id LIKE 'theirs %'`,
      [this.books.companyId],
    );
    const theirs = new Set(adopted.map(({ id }) => id));
    expect(Number(entered[0]?.total ?? 0)).toBe(sum(byUs.filter(({ id }) => !theirs.has(id))));
  }
}

interface Row {
  id: string;
  state: string;
  outcome: string | null;
  claimed: boolean;
  amount: string;
  documents: number;
  told: number;
}

test.each([
  ['with a callback', true],
  ['in the books alone', false],
])(
  '%s: over any books, payments, faults and deaths none is attempted or applied twice, and the sums are what the states say',
  async (_how, withCallback) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
        const world = new World(await paymentBooks(database.pool, { partPayments: true }), withCallback);
        await world.open();
        for (const each of steps) {
          await world.take(each);
          await world.check(withCallback);
        }
      }),
      { numRuns: 60 },
    );
  },
);
