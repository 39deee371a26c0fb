/** What the matching of payments needs to know: payments of the mirror that nobody decided about, and invoices near them. */
import type { PlatformInvoice, XeroPayment } from '../domain/payments/matching.js';
import { type ChosenSettings, type Settings, settingsOf } from '../domain/settings.js';
import type { Queryable } from './pool.js';

/** The connection that payments are imported by. */
export interface PaymentPlace {
  connectionId: string;
  companyId: string;
  organisationId: string;
  baseCurrency: string | null;
  heldUntil: Date | null;
  active: boolean;
  settings: Settings;
}

export async function placeOf(db: Queryable, connectionId: string): Promise<PaymentPlace | null> {
  const { rows } = await db.query<PaymentPlace & { settings: ChosenSettings }>(
    `SELECT c.id AS "connectionId", c.company_id AS "companyId", o.id AS "organisationId", o.base_currency AS "baseCurrency",
            o.payments_held_until AS "heldUntil", c.status = 'active' AS active, c.settings
       FROM connection c JOIN organisation o ON o.id = c.organisation_id
       JOIN company ON company.id = c.company_id AND company.deleting_at IS NULL
      WHERE c.id = $1`,
    [connectionId],
  );
  return rows[0] === undefined ? null : { ...rows[0], settings: settingsOf(rows[0].settings) };
}

/** A payment that may be imported, with what is noted of it already. */
export interface FoundPayment extends XeroPayment {
  stampedAt: Date | null;
  /** Was it noted before? */
  known: boolean;
  /** A payment of ours to this invoice is on its way: what is new on it may be that one. */
  onItsWay: boolean;
  /** It lies in the time for which a restored backup knows nothing. */
  held: boolean;
}

/**
 * Authorised payments on sales invoices in scope, not our own and not saved by the platform, that were never attempted. A
 * payment may be stamped anew after it was held (it was reconciled), so its date counts too.
 */
const candidateStatement = `
  SELECT payment.xero_id AS "xeroPaymentId", (xero_decimal(payment.body ->> 'Amount'))::text AS amount,
         coalesce(payment.body #>> '{Invoice,CurrencyCode}', invoice.body ->> 'CurrencyCode', $3) AS currency,
         payment.date::text AS date, payment.body #>> '{Invoice,InvoiceID}' AS "invoiceId",
         coalesce(payment.body #>> '{Invoice,Contact,ContactID}', invoice.contact_id) AS "contactId",
         payment.updated_at AS "stampedAt", known.state IS NOT NULL AS known,
         EXISTS (SELECT FROM push_attempt attempt JOIN document ours ON ours.id = attempt.document_id
                   JOIN document paid ON paid.company_id = $2 AND paid.kind = 'invoice'
                                     AND paid.external_id = ours.content ->> 'invoice'
                  WHERE attempt.outcome IS NULL AND ours.company_id = $2 AND ours.kind = 'payment'
                    AND paid.xero_id = payment.body #>> '{Invoice,InvoiceID}') AS "onItsWay",
         coalesce(payment.updated_at < $4 OR payment.date <= ($4::timestamptz AT TIME ZONE 'UTC')::date, false) AS held
    FROM record payment
    LEFT JOIN record invoice ON invoice.organisation_id = $1 AND invoice.stream = 'invoices'
                            AND invoice.xero_id = payment.body #>> '{Invoice,InvoiceID}'
    LEFT JOIN payment_import known ON known.organisation_id = $1 AND known.xero_payment_id = payment.xero_id
   WHERE payment.organisation_id = $1 AND payment.stream = 'payments' AND payment.status = 'AUTHORISED'
     AND payment.body ->> 'PaymentType' = 'ACCRECPAYMENT' AND NOT payment.outside_window AND payment.deleted_at IS NULL
     AND xero_decimal(payment.body ->> 'Amount') > 0 AND payment.date IS NOT NULL
     AND (known.state IS NULL OR known.state IN ('matched', 'unmatched', 'ambiguous'))
     AND ($5::text IS NULL OR payment.xero_id = $5)
     AND NOT EXISTS (SELECT FROM document d WHERE d.organisation_id = $1 AND d.xero_id = payment.xero_id AND d.kind = 'payment')
     AND NOT EXISTS (SELECT FROM document d
                      WHERE d.company_id = $2 AND d.kind = 'payment' AND d.content ? 'xeroPaymentId'
                        AND lower(d.content ->> 'xeroPaymentId') = lower(payment.xero_id))
   ORDER BY payment.date, payment.xero_id`;

/** The oldest first. @param only this one, where it is given. */
export async function candidatesOf(db: Queryable, place: PaymentPlace, only?: string): Promise<FoundPayment[]> {
  const { organisationId, companyId, baseCurrency, heldUntil } = place;
  const values = [organisationId, companyId, baseCurrency, heldUntil, only ?? null];
  const { rows } = await db.query<FoundPayment>(candidateStatement, values);
  const follow = await mergesOf(db, organisationId);
  return rows.map((row) => ({ ...row, contactId: row.contactId && follow(row.contactId) }));
}

/**
 * What is open in the books of the platform. Where it says so (`amountDue`): that, less what was applied to this version and
 * what may have been. Where it does not: the total less all payments that it has.
 */
const openSql = `
  CASE WHEN d.deleted OR d.state IN ('voided', 'voidedInXero', 'deletedInXero') THEN 0
       WHEN d.content ? 'amountDue' THEN (d.content ->> 'amountDue')::numeric - applied.to_version
       WHEN (d.content ->> 'paid')::boolean THEN 0
       ELSE (d.content ->> 'total')::numeric - applied.in_doubt - paid.sum END`;

const invoiceStatement = `
  SELECT d.id, d.external_id AS "externalId", d.version, coalesce(d.content ->> 'currency', $2) AS currency,
         (${openSql})::text AS open, contact.xero_id AS "contactId", d.xero_id AS "xeroId",
         CASE WHEN d.xero_id IS NULL AND d.state = 'sending' THEN 'unknown'
              WHEN d.xero_id IS NULL THEN 'absent'
              WHEN mirrored.status IS NULL THEN 'unknown'
              WHEN mirrored.status IN ('PAID', 'VOIDED', 'DELETED') OR xero_decimal(mirrored.body ->> 'AmountDue') <= 0
                THEN 'closed'
              ELSE 'open' END AS "inXero"
    FROM connection c
    JOIN document d ON d.company_id = c.company_id AND d.kind = 'invoice'
    LEFT JOIN document contact ON contact.company_id = d.company_id AND contact.kind = 'contact'
                              AND contact.external_id = d.content ->> 'contact'
    LEFT JOIN record mirrored ON mirrored.organisation_id = c.organisation_id AND mirrored.stream = 'invoices'
                             AND mirrored.xero_id = d.xero_id
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(amount) FILTER (WHERE document_version = d.version AND state IN ('claimed', 'failed', 'imported')
                                             OR document_version = d.version AND outcome = 'applied'), 0) AS to_version,
             coalesce(sum(amount) FILTER (WHERE state IN ('claimed', 'failed')), 0) AS in_doubt
        FROM payment_import WHERE document_id = d.id) AS applied
    CROSS JOIN LATERAL (
      SELECT coalesce(sum((payment.content ->> 'amount')::numeric), 0) AS sum
        FROM document_parent child JOIN document payment ON payment.id = child.document_id
       WHERE child.company_id = d.company_id AND child.parent_kind = 'invoice' AND child.parent_external_id = d.external_id
         AND payment.kind = 'payment' AND NOT payment.deleted) AS paid
   WHERE c.id = $1
     AND (c.sync_by = 'company'
          OR d.location_id IN (SELECT location.id FROM location WHERE location.connection_id = c.id))
     AND (d.xero_id = ANY ($3) OR contact.xero_id = ANY ($4) OR d.id = $5)`;

/** An invoice with its current version. */
export type FoundInvoice = PlatformInvoice & { version: number };

/** Those that the payments were entered on, and those of their customers. @param only this one. */
export async function invoicesNear(
  db: Queryable,
  place: PaymentPlace,
  near: { payments: readonly XeroPayment[] } | { id: string },
): Promise<FoundInvoice[]> {
  const payments = 'payments' in near ? near.payments : [];
  const follow = await mergesOf(db, place.organisationId);
  const { rows } = await db.query<FoundInvoice>(invoiceStatement, [
    place.connectionId,
    place.baseCurrency,
    idsOf(payments, 'invoiceId'),
    follow.into(idsOf(payments, 'contactId')),
    'id' in near ? near.id : null,
  ]);
  return rows.map((row) => ({ ...row, contactId: row.contactId && follow(row.contactId) }));
}

function idsOf(payments: readonly XeroPayment[], field: 'invoiceId' | 'contactId'): string[] {
  return [...new Set(payments.flatMap((payment) => payment[field] ?? []))];
}

/** Follows a contact into what it was merged into; `into` adds to contacts those that were merged into them. */
async function mergesOf(db: Queryable, organisationId: string) {
  const { rows } = await db.query<{ id: string; target: string }>(
    `SELECT xero_id AS id, body ->> 'MergedToContactID' AS target FROM record
      WHERE organisation_id = $1 AND stream = 'contacts' AND body ->> 'MergedToContactID' IS NOT NULL`,
    [organisationId],
  );
  const merged = new Map(rows.map(({ id, target }) => [id, target]));
  const follow = (contact: string): string => {
    // No ring leads on for ever: each step is another merge.
    let at = contact;
    for (let step = 0; step < merged.size && merged.has(at); step++) at = merged.get(at) as string;
    return at;
  };
  const into = (contacts: readonly string[]): string[] => {
    const wanted = new Set(contacts);
    return [...contacts, ...[...merged.keys()].filter((id) => wanted.has(follow(id)))];
  };
  return Object.assign(follow, { into });
}
