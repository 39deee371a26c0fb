/** A platform whose invoices stand in Xero, its customers who pay there, and its callback that counts what it is told. */
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import type { ApiClient } from '../../embedded/apiClient.js';
import { control } from '../xero/support.js';
import type { Books } from './books.js';
import type { System } from './system.js';

export interface PaymentImportView {
  xeroPaymentId: string;
  state: string;
  code: string | null;
  amount: string;
  invoice: string | null;
}

export interface OpenInvoice {
  /** Xero's id, which is the external id of its document too. */
  id: string;
  due: string;
}

/** A service with a simulator beside it. */
export interface World {
  api: ApiClient;
  database: { pool: pg.Pool };
  xeroUrl: string;
}

/** The organisation of a connection. */
type Place = Pick<Books, 'id' | 'organisation'>;

/** Sales invoices that are open in Xero, saved and linked as the platform's own. */
export async function ownInvoices(system: World, books: Place, company: string, most: number): Promise<OpenInvoice[]> {
  const { pool } = system.database;
  const { rows } = await pool.query<OpenInvoice & { contact: string; currency: string; date: string; total: string }>(
    `SELECT xero_id AS id, body ->> 'AmountDue' AS due, contact_id AS contact, body ->> 'CurrencyCode' AS currency,
            date::text AS date, total::text AS total
       FROM record WHERE organisation_id = $1 AND stream = 'invoices' AND body ->> 'Type' = 'ACCREC'
        AND status = 'AUTHORISED' AND xero_decimal(body ->> 'AmountDue') > 0 ORDER BY xero_id LIMIT $2`,
    [books.organisation, most],
  );
  const documents = rows.flatMap(({ id, due, contact, currency, date, total }) => [
    { kind: 'contact', externalId: contact, name: `Customer ${contact}` },
    {
      ...{ kind: 'invoice', externalId: id, contact, date, currency, total, amountDue: due },
      lines: [{ description: 'Work', unitAmount: total }],
      lineAmountTypes: 'noTax',
    },
  ]);
  // Linked here and not by the outbox, which would write the customers to Xero first.
  await system.api.post(`/connections/${books.id}/pause`, {});
  for (let at = 0; at < documents.length; at += 400) await save(system, company, documents.slice(at, at + 400));
  await pool.query(
    `UPDATE document SET organisation_id = $2, xero_id = external_id, state = 'sent', sent_version = version,
            queued_version = NULL WHERE company_id = $1`,
    [company, books.organisation],
  );
  return rows.map(({ id, due }) => ({ id, due }));
}

async function save(system: World, company: string, documents: readonly object[]): Promise<void> {
  const { data } = await system.api.post<{ data: object[] }>(`/companies/${company}/documents`, {
    documents,
  });
  const refused = data.filter((each) => 'remedy' in each);
  if (refused.length > 0) throw new Error(`documents were refused: ${JSON.stringify(refused[0])}`);
}

/** As somebody at the customer's does in Xero: pays what is due, or a part. Answers the payments' ids. */
export async function payInXero(
  { xeroUrl }: World,
  { organisation }: Place,
  invoices: readonly { id: string; amount?: number }[],
): Promise<void> {
  const edits = invoices.map(({ id, amount }) => ({ stream: 'invoices', op: 'pay', id, ...(amount && { amount }) }));
  for (let at = 0; at < edits.length; at += 200) {
    await control(xeroUrl, 'POST', `/organisations/${organisation}/edits`, edits.slice(at, at + 200));
  }
}

export const paymentsOf = async (
  { api }: Pick<World, 'api'>,
  { id }: Place,
  state?: string,
): Promise<PaymentImportView[]> => {
  const query = `limit=200${state === undefined ? '' : `&state=${state}`}`;
  return (await api.get<{ data: PaymentImportView[] }>(`/connections/${id}/payment-imports?${query}`)).data;
};

/** Starts an import, or joins the one in hand, and waits for its end. */
export async function importNow(system: System, books: Books): Promise<string> {
  const { runId } = await system.api.post<{ runId: string }>(`/connections/${books.id}/payment-imports`, {});
  return (await books.runEnded(runId)).outcome;
}

export interface Receiver {
  url: string;
  /** How often each payment was sent, whatever was answered. */
  attempts: Map<string, number>;
  pings: number;
  /** What calls for payments are answered with; null: nothing at all. */
  answer: number | null;
  /** What pings are answered with. */
  pong: number;
  /** Milliseconds that each call takes. */
  delayMs: number;
  /** Signatures that did not fit. */
  forged: number;
  secret: string;
  close(): void;
}

/** The platform's own end of the callback. */
export async function startReceiver(): Promise<Receiver> {
  const receiver: Receiver = {
    ...{ url: '', attempts: new Map(), pings: 0, answer: 200, pong: 204, delayMs: 0, forged: 0, secret: '' },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const at = String(request.headers['nightledger-timestamp']);
      const expected = createHmac('sha256', receiver.secret).update(`${at}.${body}`).digest('hex');
      if (expected !== request.headers['nightledger-signature']) receiver.forged++;
      const { type, id } = JSON.parse(body) as { type: string; id: string };
      if (type === 'ping') {
        receiver.pings++;
        response.writeHead(receiver.pong).end();
        return;
      }
      receiver.attempts.set(id, (receiver.attempts.get(id) ?? 0) + 1);
      const { answer } = receiver;
      if (answer !== null) setTimeout(() => response.writeHead(answer).end(), receiver.delayMs);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/payments`;
  return receiver;
}

/** Has the connection call this receiver from now on. */
export async function callBack({ api }: Pick<World, 'api'>, books: Place, receiver: Receiver): Promise<void> {
  await api.patch(`/connections/${books.id}/settings`, { callbackUrl: receiver.url });
  const { secret } = await api.post<{ secret: string }>(`/connections/${books.id}/callback-secret`, {});
  receiver.secret = secret;
}
