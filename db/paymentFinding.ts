/** Finding payments in the mirror: what each fits is noted, nothing is attempted. */
import type { Pool, PoolClient } from 'pg';
import { matchPayments, type Verdict } from '../domain/payments/matching.js';
import { type Tell, telling } from './feed.js';
import { candidatesOf, type FoundPayment, invoicesNear, type PaymentPlace } from './paymentFacts.js';
import type { Tombstones } from './tombstones.js';

/** One transaction: the feed tells of what is noted. What was attempted is not touched. */
export async function findPayments(
  pool: Pool,
  tombstones: Pick<Tombstones, 'buriedPayments'>,
  place: PaymentPlace,
): Promise<void> {
  await telling(pool, async (client, tell) => {
    const found = await candidatesOf(client, place);
    await forgetOthers(client, place, found);
    const buried = await tombstones.buriedPayments(
      client,
      place.organisationId,
      found.filter(({ known }) => !known).map(({ xeroPaymentId }) => xeroPaymentId),
    );
    const free = found.filter(({ held, xeroPaymentId }) => !held && !buried.has(xeroPaymentId));
    const open = free.filter(({ onItsWay }) => !onItsWay);
    await noteFinal(
      client,
      place,
      found.filter(({ held }) => held),
      'restored',
    );
    await noteFinal(
      client,
      place,
      found.filter(({ held, xeroPaymentId }) => !held && buried.has(xeroPaymentId)),
      'attempted_before',
    );
    const verdicts = matchPayments(open, await invoicesNear(client, place, { payments: open }), place.settings);
    await noteVerdicts(client, place, open, verdicts);
    await tellDeleted(client, tell, place);
    await tellBalances(client, tell, place);
  });
}

/** What is gone from Xero, or was saved by the platform meanwhile, and was never attempted. */
async function forgetOthers(client: PoolClient, place: PaymentPlace, found: readonly FoundPayment[]): Promise<void> {
  await client.query(
    `DELETE FROM payment_import
      WHERE connection_id = $1 AND state IN ('matched', 'unmatched', 'ambiguous') AND NOT xero_payment_id = ANY ($2)`,
    [place.connectionId, found.map(({ xeroPaymentId }) => xeroPaymentId)],
  );
}

const rowsOf = (payments: readonly FoundPayment[]) =>
  payments.map(({ xeroPaymentId, amount, currency, date, invoiceId, contactId, stampedAt }) => ({
    ...{ id: xeroPaymentId, amount, currency, date, invoice: invoiceId, contact: contactId, stamped: stampedAt },
  }));

const rowColumns = 'id text, amount numeric, currency text, date date, invoice text, contact text, stamped timestamptz';

/** Never to be attempted: only a person decides about it. */
async function noteFinal(
  client: PoolClient,
  { organisationId, companyId, connectionId }: PaymentPlace,
  payments: readonly FoundPayment[],
  code: 'restored' | 'attempted_before',
): Promise<void> {
  if (payments.length === 0) return;
  await client.query(
    `INSERT INTO payment_import AS i (organisation_id, xero_payment_id, company_id, connection_id, state, code, amount, currency,
                                 date, stamped_at, xero_invoice_id, contact_id, settled_at)
     SELECT $1, id, $2, $3, 'failed', $4, amount, currency, date, stamped, invoice, contact, clock_timestamp()
       FROM jsonb_to_recordset($5) AS each (${rowColumns}) ORDER BY id
     ON CONFLICT (organisation_id, xero_payment_id) DO UPDATE
        SET state = 'failed', code = excluded.code, settled_at = excluded.settled_at, document_id = NULL
      WHERE i.state IN ('matched', 'unmatched', 'ambiguous')`,
    [organisationId, companyId, connectionId, code, JSON.stringify(rowsOf(payments))],
  );
}

/** A row is written only where something about it is new. */
async function noteVerdicts(
  client: PoolClient,
  { organisationId, companyId, connectionId }: PaymentPlace,
  payments: readonly FoundPayment[],
  verdicts: ReadonlyMap<string, Verdict>,
): Promise<void> {
  const rows = rowsOf(payments).map((row) => {
    const { state, invoiceId, candidates, ...rest } = verdicts.get(row.id) as Verdict;
    return { ...row, state, candidates, document: invoiceId, code: 'code' in rest ? rest.code : null };
  });
  await client.query(
    `INSERT INTO payment_import AS i (organisation_id, xero_payment_id, company_id, connection_id, state, code, amount, currency,
                                 date, stamped_at, xero_invoice_id, contact_id, document_id, candidates)
     SELECT $1, id, $2, $3, state, code, amount, currency, date, stamped, invoice, contact, document, candidates
       FROM jsonb_to_recordset($4) AS each (${rowColumns}, state text, code text, document uuid, candidates jsonb) ORDER BY id
     ON CONFLICT (organisation_id, xero_payment_id) DO UPDATE
        SET (state, code, amount, currency, date, xero_invoice_id, contact_id, document_id, candidates)
          = (excluded.state, excluded.code, excluded.amount, excluded.currency, excluded.date, excluded.xero_invoice_id,
             excluded.contact_id, excluded.document_id, excluded.candidates)
      WHERE i.state IN ('matched', 'unmatched', 'ambiguous')
        AND (i.state, i.code, i.amount, i.currency, i.date, i.xero_invoice_id, i.contact_id, i.document_id, i.candidates)
            IS DISTINCT FROM
            (excluded.state, excluded.code, excluded.amount, excluded.currency, excluded.date, excluded.xero_invoice_id,
             excluded.contact_id, excluded.document_id, excluded.candidates)`,
    [organisationId, companyId, connectionId, JSON.stringify(rows)],
  );
}

/** Imported, and then deleted in Xero: the platform is told, once, and nothing is taken back. */
async function tellDeleted(client: PoolClient, tell: Tell, place: PaymentPlace): Promise<void> {
  const { rows } = await client.query<{ xero_payment_id: string; amount: string; invoice: string }>(
    `UPDATE payment_import i SET deleted_in_xero_at = clock_timestamp()
       FROM record, document d
      WHERE i.connection_id = $1 AND (i.state = 'imported' OR i.outcome = 'applied') AND i.deleted_in_xero_at IS NULL
        AND record.organisation_id = i.organisation_id AND record.stream = 'payments' AND record.xero_id = i.xero_payment_id
        AND (record.status = 'DELETED' OR record.deleted_at IS NOT NULL) AND d.id = i.document_id
     RETURNING i.xero_payment_id, i.amount::text AS amount, d.external_id AS invoice`,
    [place.connectionId],
  );
  for (const { xero_payment_id: xeroId, amount, invoice: externalId } of rows) {
    tell({ type: 'payment.deletedInXero', ...about(place), kind: 'invoice', externalId, xeroId, data: { amount } });
  }
}

/** What was settled of an invoice of ours by something that is no payment, told whenever it is another sum than before. */
async function tellBalances(client: PoolClient, tell: Tell, place: PaymentPlace): Promise<void> {
  const { rows } = await client.query<Balance>(
    `WITH moved AS (
       SELECT d.id, d.company_id, d.external_id, record.xero_id, record.body, now.credited
         FROM document d
         JOIN record ON record.organisation_id = d.organisation_id AND record.stream = 'invoices' AND record.xero_id = d.xero_id
         CROSS JOIN LATERAL (SELECT coalesce(xero_decimal(record.body ->> 'AmountCredited'), 0) AS credited) AS now
         LEFT JOIN balance_told told ON told.document_id = d.id
        WHERE d.organisation_id = $1 AND d.kind = 'invoice' AND now.credited <> coalesce(told.credited, 0)
     ),
     noted AS (
       INSERT INTO balance_told (document_id, company_id, credited) SELECT id, company_id, credited FROM moved ORDER BY id
       ON CONFLICT (document_id) DO UPDATE SET credited = excluded.credited
     )
     SELECT external_id, xero_id, body ->> 'AmountDue' AS due, body ->> 'AmountPaid' AS paid, credited::text AS credited
       FROM moved ORDER BY external_id`,
    [place.organisationId],
  );
  for (const { external_id: externalId, xero_id: xeroId, due, paid, credited } of rows) {
    const data = { amountDue: due ?? '0', amountPaid: paid ?? '0', amountCredited: credited };
    tell({ type: 'invoice.balanceChanged', ...about(place), kind: 'invoice', externalId, xeroId, data });
  }
}

interface Balance {
  external_id: string;
  xero_id: string;
  due: string | null;
  paid: string | null;
  credited: string;
}

const about = ({ companyId, connectionId }: PaymentPlace) => ({ companyId, connectionId });
