/** A company with invoices, connected to an organisation whose payments the mirror has, written as rows. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

export interface PaymentBooks {
  companyId: string;
  connectionId: string;
  organisationId: string;
}

export async function paymentBooks(
  pool: pg.Pool,
  settings: object = {},
  ids: Partial<PaymentBooks> = {},
): Promise<PaymentBooks> {
  const books = { companyId: randomUUID(), connectionId: randomUUID(), organisationId: randomUUID(), ...ids };
  await pool.query(`INSERT INTO company (id, name, sync_by) VALUES ($1, $1, 'company')`, [books.companyId]);
  await pool.query(`INSERT INTO organisation (id, company_id, name, base_currency) VALUES ($1, $2, 'Fern', 'NZD')`, [
    books.organisationId,
    books.companyId,
  ]);
  await pool.query(
    `INSERT INTO connection (id, company_id, direction, status, organisation_id, settings, sync_from_date_chosen)
     VALUES ($1, $2, 'two-way', 'active', $3, $4, true)`,
    [books.connectionId, books.companyId, books.organisationId, { paymentsIn: true, ...settings }],
  );
  return books;
}

/** A run in hand of that connection; answers its id. */
export async function openRun(pool: pg.Pool, { connectionId }: PaymentBooks): Promise<string> {
  const runId = randomUUID();
  await pool.query(
    `INSERT INTO run (run_id, workflow_id, kind, connection_id) VALUES ($1, 'payment-import', 'paymentImport', $2)`,
    [runId, connectionId],
  );
  return runId;
}

interface DocumentWish {
  kind?: string;
  externalId?: string;
  state?: string;
  content: Record<string, unknown>;
  xeroId?: string | null;
}

const ranks: Record<string, number> = { contact: 0, invoice: 2, payment: 4 };

/** @returns its external id. */
export async function aDocument(pool: pg.Pool, books: PaymentBooks, wish: DocumentWish): Promise<string> {
  const { kind = 'invoice', externalId = randomUUID(), state = 'sent', content, xeroId = null } = wish;
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO document (id, company_id, kind, external_id, rank, content, content_hash, state, organisation_id, xero_id)
     VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, '', $6, CASE WHEN $7::text IS NOT NULL THEN $8::uuid END, $7) RETURNING id`,
    [books.companyId, kind, externalId, ranks[kind], content, state, xeroId, books.organisationId],
  );
  if (typeof content.invoice === 'string') {
    await pool.query('INSERT INTO document_parent VALUES ($1, $2, $3, $4)', [
      rows[0]?.id,
      books.companyId,
      'invoice',
      content.invoice,
    ]);
  }
  return externalId;
}

/** A customer that is linked with a contact in Xero. */
export async function aCustomer(
  pool: pg.Pool,
  books: PaymentBooks,
): Promise<{ externalId: string; contactId: string }> {
  const contactId = randomUUID();
  const content = { name: 'Ann' };
  const externalId = await aDocument(pool, books, { kind: 'contact', content, xeroId: contactId });
  return { externalId, contactId };
}

/** What stands in Xero, as the mirror has it. */
export async function aRecord(
  pool: pg.Pool,
  { organisationId }: PaymentBooks,
  stream: string,
  body: Record<string, unknown>,
  { xeroId = randomUUID(), stampedAt = '2026-09-01T00:00:00Z' }: { xeroId?: string; stampedAt?: string } = {},
): Promise<string> {
  await pool.query(
    `INSERT INTO record (organisation_id, stream, xero_id, body, updated_at, read_at, date)
     VALUES ($1, $2, $3, $4, $5, now(), $6)
     ON CONFLICT (organisation_id, stream, xero_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
    [organisationId, stream, xeroId, body, stampedAt, body.DateString ?? null],
  );
  return xeroId;
}

interface PaymentWish {
  amount: number;
  invoiceId: string;
  contactId: string;
  currency?: string;
  type?: string;
  status?: string;
  date?: string;
  stampedAt?: string;
  xeroId?: string;
}

/** A payment that somebody made in Xero. */
export function aPayment(pool: pg.Pool, books: PaymentBooks, wish: PaymentWish): Promise<string> {
  const { amount, invoiceId, contactId, currency = 'NZD', date = '2026-09-01' } = wish;
  const body = {
    Amount: amount,
    BankAmount: amount * 7,
    PaymentType: wish.type ?? 'ACCRECPAYMENT',
    Status: wish.status ?? 'AUTHORISED',
    DateString: date,
    Invoice: { InvoiceID: invoiceId, CurrencyCode: currency, Contact: { ContactID: contactId } },
  };
  return aRecord(pool, books, 'payments', body, {
    ...(wish.stampedAt && { stampedAt: wish.stampedAt }),
    ...(wish.xeroId && { xeroId: wish.xeroId }),
  });
}
