/** A payment from Xero in the platform's books: a document that is in Xero already, and an event. */
import type pg from 'pg';
import type { DocumentContent } from '../domain/documents/content.js';
import { documentKinds } from '../domain/documents/kinds.js';
import type { DocumentToSave } from '../domain/ports.js';
import type { Tell } from './feed.js';

/** An import whose row the caller holds. */
export interface ImportedPayment {
  organisationId: string;
  xeroPaymentId: string;
  companyId: string;
  connectionId: string;
  /** The document's id. */
  documentId: string;
  amount: string;
  date: string | null;
}

/** The external id of the payment that an import makes. */
export const importedPaymentId = (xeroPaymentId: string): string => `xero:${xeroPaymentId.toLowerCase()}`;

/**
 * Holds a payment of Xero's for this transaction against another that imports or saves it: they end as one. Taken before any
 * document's row.
 */
export async function holdXeroPayment(client: pg.PoolClient, companyId: string, xeroPaymentId: string): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1 || E'\\n' || lower($2), 0))`, [
    companyId,
    xeroPaymentId,
  ]);
}

/**
 * A payment that the platform saves as one of Xero's is the one that was imported, where it was: that takes the platform's
 * name, or gives way to what has it already. In the caller's transaction, before it takes any document's row.
 */
export async function adoptImported(
  client: pg.PoolClient,
  companyId: string,
  documents: readonly DocumentToSave[],
): Promise<void> {
  const saved = documents.flatMap(({ kind, externalId, content }) => {
    const xeroPaymentId = kind === 'payment' ? (content as DocumentContent['payment']).xeroPaymentId : undefined;
    return xeroPaymentId === undefined ? [] : [{ externalId, xeroPaymentId: xeroPaymentId.toLowerCase() }];
  });
  // Always in the same order, so two never wait for each other in a ring.
  for (const { externalId, xeroPaymentId } of saved.toSorted((a, b) => (a.xeroPaymentId < b.xeroPaymentId ? -1 : 1))) {
    await holdXeroPayment(client, companyId, xeroPaymentId);
    const names = [companyId, importedPaymentId(xeroPaymentId), externalId];
    await client.query(
      `DELETE FROM document WHERE company_id = $1 AND kind = 'payment' AND external_id = $2 AND external_id <> $3
          AND EXISTS (SELECT FROM document WHERE company_id = $1 AND kind = 'payment' AND external_id = $3)`,
      names,
    );
    await client.query(
      `UPDATE document SET external_id = $3 WHERE company_id = $1 AND kind = 'payment' AND external_id = $2`,
      names,
    );
  }
}

/**
 * Enters a payment, or finds that the platform has saved it itself meanwhile: then nothing is told. The caller holds the
 * payment (`holdXeroPayment`).
 */
export async function enterPayment(
  client: pg.PoolClient,
  tell: Tell,
  payment: ImportedPayment,
  by: 'run' | 'person',
): Promise<void> {
  const { rows } = await client.query<{ invoice: string }>(
    `WITH invoice AS (SELECT external_id, location_id FROM document WHERE id = $4),
     content AS (
       SELECT jsonb_strip_nulls(jsonb_build_object('invoice', external_id, 'amount', $5::text, 'date', $6::text,
                'xeroPaymentId', $2::text, 'location', location_id)) AS content, external_id AS invoice, location_id
         FROM invoice
     ),
     entered AS (
       INSERT INTO document (id, company_id, kind, external_id, rank, location_id, content, content_hash, state, code,
                             organisation_id, xero_id, sent_version, actor)
       SELECT gen_random_uuid(), $3, 'payment', $7, $8, location_id, content, sha256(convert_to(content::text, 'UTF8')),
              'sent', 'from_xero', $1, $2, 1, NULL
         FROM content
        WHERE NOT EXISTS (
          SELECT FROM document known
           WHERE known.kind = 'payment' AND known.company_id = $3
             AND (known.xero_id = $2 OR known.content ? 'xeroPaymentId' AND lower(known.content ->> 'xeroPaymentId') = lower($2)))
       ON CONFLICT DO NOTHING
       RETURNING id, content
     ),
     noted AS (INSERT INTO document_version (document_id, version, content) SELECT id, 1, content FROM entered),
     parent AS (
       INSERT INTO document_parent (document_id, company_id, parent_kind, parent_external_id)
       SELECT id, $3, 'invoice', invoice FROM entered, content
     )
     SELECT content.invoice FROM entered, content`,
    [
      payment.organisationId,
      payment.xeroPaymentId,
      payment.companyId,
      payment.documentId,
      payment.amount,
      payment.date,
      importedPaymentId(payment.xeroPaymentId),
      documentKinds.payment.rank,
    ],
  );
  const [entered] = rows;
  if (entered === undefined) return;
  tell({
    type: 'payment.imported',
    companyId: payment.companyId,
    connectionId: payment.connectionId,
    kind: 'invoice',
    externalId: entered.invoice,
    xeroId: payment.xeroPaymentId,
    data: { amount: payment.amount, date: payment.date, by },
  });
}
