/** Payments from Xero: each found, claimed once in a transaction of its own, and settled for good. */
import type { Pool, PoolClient } from 'pg';
import type { PaymentCode } from '../domain/codes.js';
import {
  overdueMs,
  type PaymentImportState,
  type ShownPaymentState,
  unreconciledStates,
} from '../domain/payments/imports.js';
import { type Candidate, matchPayments } from '../domain/payments/matching.js';
import {
  type ClaimedPayment,
  type ImportingRun,
  type Listed,
  type ListPage,
  type PaymentCounts,
  type PaymentImport,
  type PaymentImports,
  type PaymentResolution,
  ResolutionRefused,
  type Unreconciled,
} from '../domain/ports.js';
import { instant, keyOf, listed, text } from './cursors.js';
import { type Tell, telling } from './feed.js';
import { enterPayment, holdXeroPayment, type ImportedPayment } from './paymentBooks.js';
import { candidatesOf, invoicesNear, type PaymentPlace, placeOf } from './paymentFacts.js';
import { findPayments } from './paymentFinding.js';
import { inTransaction } from './pool.js';
import type { Tombstones } from './tombstones.js';

export function createPaymentImports(pool: Pool, tombstones: Pick<Tombstones, 'buriedPayments'>): PaymentImports {
  return {
    async find(connectionId) {
      const place = await placeOf(pool, connectionId);
      if (place === null) return {};
      await findPayments(pool, tombstones, place);
      return await countsOf(pool, connectionId);
    },

    async claimable(connectionId, limit) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT xero_payment_id AS id FROM payment_import
          WHERE connection_id = $1 AND state = 'matched' ORDER BY date, xero_payment_id LIMIT $2`,
        [connectionId, limit],
      );
      return rows.map(({ id }) => id);
    },

    claim: (run, xeroPaymentId) => inTransaction(pool, (client) => claim(client, run, xeroPaymentId)),

    settle: (run, xeroPaymentId, outcome, calledBack) =>
      telling(pool, (client, tell) =>
        outcome === 'imported'
          ? settleImported(client, tell, run, xeroPaymentId, calledBack)
          : settleFailed(client, run, xeroPaymentId, outcome),
      ),

    async settleLost({ connectionId, runId }, which) {
      const { rowCount } = await pool.query(
        `UPDATE payment_import SET state = 'failed', code = 'outcome_unknown', settled_at = clock_timestamp()
          WHERE connection_id = $1 AND state = 'claimed' AND ($3 OR run_id <> $2)`,
        [connectionId, runId, which === 'all'],
      );
      return rowCount ?? 0;
    },

    async resolve(connectionId, xeroPaymentId, resolution) {
      const known = await telling(pool, (client, tell) =>
        resolve(client, tell, connectionId, xeroPaymentId, resolution),
      );
      return known ? await one(pool, connectionId, xeroPaymentId) : null;
    },

    list: (connectionId, page) => list(pool, connectionId, page),
    get: (connectionId, xeroPaymentId) => one(pool, connectionId, xeroPaymentId),
    counts: (connectionId) => countsOf(pool, connectionId),
    unreconciled: (connectionId) => unreconciledOf(pool, connectionId),
  };
}

/**
 * Under the invoice's lock everything is looked at once more: two payments for one invoice, or a save that came between,
 * find each other here. What does not fit any more is unmatched, and looked at again by the next run.
 */
async function claim(client: PoolClient, run: ImportingRun, xeroPaymentId: string): Promise<ClaimedPayment | null> {
  const place = await placeOf(client, run.connectionId);
  if (!place?.active) return null;
  const documentId = await lockInvoiceOf(client, place, xeroPaymentId);
  if (documentId === null) return null;
  const [payment] = await candidatesOf(client, place, xeroPaymentId);
  const [invoice] = await invoicesNear(client, place, { id: documentId });
  if (payment === undefined || invoice === undefined || payment.held || payment.onItsWay) {
    return await giveUp(client, place, xeroPaymentId);
  }
  if (matchPayments([payment], [invoice], place.settings).get(xeroPaymentId)?.state !== 'matched') {
    return await giveUp(client, place, xeroPaymentId);
  }
  const { rowCount } = await client.query(
    `UPDATE payment_import SET state = 'claimed', claimed_at = clock_timestamp(), run_id = $3, document_version = $4,
            amount = $5, currency = $6, date = $7, code = NULL
      WHERE organisation_id = $1 AND xero_payment_id = $2 AND state = 'matched'`,
    [place.organisationId, xeroPaymentId, run.runId, invoice.version, payment.amount, payment.currency, payment.date],
  );
  if (rowCount === 0) return null;
  const { amount, currency, date, invoiceId: xeroInvoiceId } = payment;
  const { companyId } = place;
  return { xeroPaymentId, xeroInvoiceId, invoice: invoice.externalId, companyId, amount, currency, date };
}

/** The invoice that a matched payment is to pay; null when it is not matched any more. */
async function lockInvoiceOf(client: PoolClient, place: PaymentPlace, xeroPaymentId: string): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT d.id FROM payment_import i JOIN document d ON d.id = i.document_id
      WHERE i.organisation_id = $1 AND i.xero_payment_id = $2 AND i.state = 'matched' FOR NO KEY UPDATE OF d`,
    [place.organisationId, xeroPaymentId],
  );
  return rows[0]?.id ?? null;
}

async function giveUp(client: PoolClient, { organisationId }: PaymentPlace, xeroPaymentId: string): Promise<null> {
  await client.query(
    `UPDATE payment_import SET state = 'unmatched', code = 'no_match', document_id = NULL
      WHERE organisation_id = $1 AND xero_payment_id = $2 AND state = 'matched'`,
    [organisationId, xeroPaymentId],
  );
  return null;
}

interface SettledRow {
  organisationId: string;
  companyId: string;
  documentId: string;
  amount: string;
  date: string | null;
}

const settledColumns = `organisation_id AS "organisationId", company_id AS "companyId", document_id AS "documentId",
  amount::text AS amount, date::text AS date`;

/**
 * Without a callback the platform learns of it by the event, so a version that it saved since the claim does not know of it:
 * it counts for the version that stands now. With one it was told between.
 */
async function settleImported(
  client: PoolClient,
  tell: Tell,
  { connectionId, runId }: ImportingRun,
  xeroPaymentId: string,
  calledBack: boolean,
): Promise<boolean> {
  const { rows: places } = await client.query<{ company_id: string }>(
    `SELECT company_id FROM payment_import WHERE connection_id = $1 AND xero_payment_id = $2`,
    [connectionId, xeroPaymentId],
  );
  if (places[0] === undefined) return false;
  await holdXeroPayment(client, places[0].company_id, xeroPaymentId);
  const { rows: invoices } = await client.query<{ version: number }>(
    `SELECT d.version FROM payment_import i JOIN document d ON d.id = i.document_id
      WHERE i.connection_id = $1 AND i.xero_payment_id = $2 FOR NO KEY UPDATE OF d`,
    [connectionId, xeroPaymentId],
  );
  const { rows } = await client.query<SettledRow>(
    `UPDATE payment_import SET state = 'imported', settled_at = clock_timestamp(),
            document_version = CASE WHEN $4 THEN document_version ELSE $5 END
      WHERE connection_id = $1 AND xero_payment_id = $2 AND run_id = $3 AND state = 'claimed'
     RETURNING ${settledColumns}`,
    [connectionId, xeroPaymentId, runId, calledBack, invoices[0]?.version ?? null],
  );
  if (rows[0] === undefined) return false;
  await enterPayment(client, tell, { ...rows[0], connectionId, xeroPaymentId }, 'run');
  return true;
}

async function settleFailed(
  client: PoolClient,
  { connectionId, runId }: ImportingRun,
  xeroPaymentId: string,
  code: PaymentCode,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE payment_import SET state = 'failed', code = $4, settled_at = clock_timestamp()
      WHERE connection_id = $1 AND xero_payment_id = $2 AND run_id = $3 AND state = 'claimed'`,
    [connectionId, xeroPaymentId, runId, code],
  );
  return rowCount === 1;
}

interface ResolvableRow {
  company_id: string;
  state: PaymentImportState;
  in_hand: boolean;
  document_id: string | null;
}

/** @returns false where there is none. */
async function resolve(
  client: PoolClient,
  tell: Tell,
  connectionId: string,
  xeroPaymentId: string,
  { outcome, invoice, note, actor }: PaymentResolution,
): Promise<boolean> {
  const { rows } = await client.query<ResolvableRow>(
    `SELECT company_id, state, document_id,
            state = 'claimed' AND EXISTS (SELECT FROM run WHERE run.run_id = i.run_id AND ended_at IS NULL) AS in_hand
       FROM payment_import i WHERE connection_id = $1 AND xero_payment_id = $2`,
    [connectionId, xeroPaymentId],
  );
  const [known] = rows;
  if (known === undefined) return false;
  await holdXeroPayment(client, known.company_id, xeroPaymentId);
  if (known.in_hand) throw new ResolutionRefused('inHand');
  const paid = outcome === 'applied' ? await lockPaid(client, known, invoice) : null;
  // What its run left claimed has failed, before a person decides about it.
  await client.query(
    `UPDATE payment_import SET state = 'failed', code = 'outcome_unknown', settled_at = clock_timestamp()
      WHERE connection_id = $1 AND xero_payment_id = $2 AND state = 'claimed'`,
    [connectionId, xeroPaymentId],
  );
  const { rows: resolved } = await client.query<SettledRow>(
    `UPDATE payment_import SET state = 'resolved', outcome = $3, note = $4, actor = $5, resolved_at = clock_timestamp(),
            settled_at = coalesce(settled_at, clock_timestamp()), document_id = coalesce($6, document_id),
            document_version = coalesce($7, document_version)
      WHERE connection_id = $1 AND xero_payment_id = $2 AND state IN ('matched', 'unmatched', 'ambiguous', 'failed')
     RETURNING ${settledColumns}`,
    [connectionId, xeroPaymentId, outcome, note, actor, paid?.id ?? null, paid?.version ?? null],
  );
  if (resolved[0] === undefined) throw new ResolutionRefused('settled');
  const payment: ImportedPayment = { ...resolved[0], connectionId, xeroPaymentId };
  if (outcome === 'applied') await enterPayment(client, tell, payment, 'person');
  return true;
}

/** The invoice that a person applies it to. @throws ResolutionRefused */
async function lockPaid(
  client: PoolClient,
  { company_id, document_id }: ResolvableRow,
  invoice: string | undefined,
): Promise<{ id: string; version: number }> {
  if (invoice === undefined && document_id === null) throw new ResolutionRefused('invoiceMissing');
  const { rows } = await client.query<{ id: string; version: number }>(
    `SELECT id, version FROM document
      WHERE company_id = $1 AND kind = 'invoice' AND (external_id = $2 OR $2 IS NULL AND id = $3) FOR NO KEY UPDATE`,
    [company_id, invoice ?? null, document_id],
  );
  if (rows[0] === undefined) throw new ResolutionRefused('invoiceUnknown');
  return rows[0];
}

interface ImportRow {
  xero_payment_id: string;
  xero_invoice_id: string | null;
  state: ShownPaymentState;
  code: PaymentCode | null;
  amount: string;
  currency: string | null;
  date: string | null;
  invoice: string | null;
  candidates: Candidate[];
  found_at: Date;
  found_key: string;
  claimed_at: Date | null;
  settled_at: Date | null;
  outcome: 'applied' | 'ignored' | null;
  note: string;
  actor: string;
  resolved_at: Date;
  deleted_in_xero_at: Date | null;
}

/** A claim whose run has ended is lost, whether or not somebody has noted that by now. */
const shownRows = `
  SELECT i.*, i.amount::text AS shown_amount, i.date::text AS shown_date, i.found_at::text AS found_key,
         shown.state AS shown_state,
         CASE WHEN shown.lost THEN 'outcome_unknown'
              WHEN i.state = 'matched' AND c.settings ->> 'exportMode' = 'reviewed' THEN 'awaiting_export'
              WHEN i.state = 'matched' THEN 'next_run' ELSE i.code END AS shown_code,
         d.external_id AS invoice
    FROM payment_import i
    JOIN connection c ON c.id = i.connection_id
    LEFT JOIN document d ON d.id = i.document_id
    CROSS JOIN LATERAL (
      SELECT i.state = 'claimed'
             AND NOT EXISTS (SELECT FROM run WHERE run.run_id = i.run_id AND run.ended_at IS NULL) AS lost) AS claim
    CROSS JOIN LATERAL (
      SELECT lost, CASE WHEN lost THEN 'failed' WHEN i.state = 'matched' THEN 'unmatched' ELSE i.state END AS state) AS shown`;

const selection = `
  SELECT xero_payment_id, xero_invoice_id, shown_state AS state, shown_code AS code, shown_amount AS amount, currency,
         shown_date AS date, invoice, candidates, found_at, found_key, claimed_at, settled_at, outcome, note, actor,
         resolved_at, deleted_in_xero_at
    FROM (${shownRows}) AS shown`;

/** Those found last first. */
async function list(
  pool: Pool,
  connectionId: string,
  page: ListPage & { state?: ShownPaymentState },
): Promise<Listed<PaymentImport>> {
  const after = keyOf(page.cursor, [instant, text]);
  const { rows } = await pool.query<ImportRow>(
    `${selection}
      WHERE connection_id = $1 AND ($2::text IS NULL OR shown_state = $2)
        AND ($3::timestamptz IS NULL OR (found_at, xero_payment_id) < ($3, $4))
      ORDER BY found_at DESC, xero_payment_id DESC LIMIT $5`,
    [connectionId, page.state ?? null, after?.[0] ?? null, after?.[1] ?? null, page.limit + 1],
  );
  return listed(rows, page, importOf, ({ found_key, xero_payment_id }) => [found_key, xero_payment_id]);
}

async function one(pool: Pool, connectionId: string, xeroPaymentId: string): Promise<PaymentImport | null> {
  const { rows } = await pool.query<ImportRow>(`${selection} WHERE connection_id = $1 AND xero_payment_id = $2`, [
    connectionId,
    xeroPaymentId,
  ]);
  return rows[0] === undefined ? null : importOf(rows[0]);
}

function importOf(row: ImportRow): PaymentImport {
  const { outcome, note, actor } = row;
  return {
    xeroPaymentId: row.xero_payment_id,
    xeroInvoiceId: row.xero_invoice_id,
    state: row.state,
    code: row.code,
    amount: row.amount,
    currency: row.currency,
    date: row.date,
    invoice: row.invoice,
    candidates: row.candidates,
    foundAt: row.found_at.toISOString(),
    claimedAt: row.claimed_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
    resolution: outcome === null ? null : { outcome, note, actor, at: row.resolved_at.toISOString() },
    deletedInXeroAt: row.deleted_in_xero_at?.toISOString() ?? null,
  };
}

async function countsOf(pool: Pool, connectionId: string): Promise<PaymentCounts> {
  const { rows } = await pool.query<{ state: PaymentImportState; count: number }>(
    'SELECT state, count(*)::int AS count FROM payment_import WHERE connection_id = $1 GROUP BY state',
    [connectionId],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** As the index of these says it. */
const unreconciled = `state IN (${unreconciledStates.map((state) => `'${state}'`).join(', ')})`;

async function unreconciledOf(pool: Pool, connectionId: string): Promise<Unreconciled> {
  const { rows } = await pool.query<{ count: number; oldest: Date | null; overdue: number }>(
    `SELECT count(*)::int AS count, min(since) AS oldest,
            (count(*) FILTER (WHERE since < clock_timestamp() - $2 * interval '1 millisecond'))::int AS overdue
       FROM (SELECT coalesce(stamped_at, found_at) AS since FROM payment_import
              WHERE connection_id = $1 AND ${unreconciled}) AS open`,
    [connectionId, overdueMs],
  );
  const { count, oldest, overdue } = rows[0] as (typeof rows)[number];
  return { count, oldestAt: oldest?.toISOString() ?? null, overdue };
}
