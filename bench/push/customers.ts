/** Companies that are connected both ways, each with a contact in Xero. */
import { randomUUID } from 'node:crypto';
import { consentTo } from '../../test/support/books.js';
import { eventually } from '../../test/support/waiting.js';
import { newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

export const today = new Date().toISOString().slice(0, 10);

export interface Customer {
  company: string;
  organisation: string;
  connection: string;
  /** The contact's id in Xero. */
  contactId: string;
}

interface Sent {
  state: string;
  xeroId: string;
}

export async function connectBothWays(stack: Stack): Promise<Customer> {
  const { api } = stack;
  const organisation = await newOrganisation(stack, { counts: { contacts: 5 } });
  const company = randomUUID();
  await api.put(`/companies/${company}`, { name: 'A company' });
  const wish = { company, direction: 'two-way', syncFromDate: null };
  const made = await api.post<{ id: string; consentUrl: string }>('/connections', wish);
  await consentTo(made.consentUrl, organisation);
  await api.patch(`/connections/${made.id}/settings`, { accounts: { sales: '200', purchases: '300' } });
  await eventually(
    'the first read is done',
    () => api.get<{ status: string }>(`/connections/${made.id}`),
    ({ status }) => status === 'active',
  );
  const contact = `/companies/${company}/documents/contact/c`;
  await api.put(contact, { name: 'Ada Fern' });
  const { xeroId } = await eventually(
    'its contact is sent',
    () => api.get<Sent>(contact),
    ({ state }) => state === 'sent',
  );
  return { company, organisation, connection: made.id, contactId: xeroId };
}

/** Of an amount of its own: equal ones of one contact and day would be looked at for duplicates. */
export function invoiceOf(number: string, cents: number) {
  const total = (cents / 100).toFixed(2);
  return {
    ...{ number, contact: 'c', date: today, dueDate: today, lineAmountTypes: 'noTax', total },
    lines: [{ description: 'Ferns', quantity: '1', unitAmount: total, taxType: 'NONE' }],
  };
}

/** Saves one invoice. @returns when our answer had come, milliseconds since 1970. */
export async function save({ api }: Stack, { company }: Customer, number: string, cents: number): Promise<number> {
  await api.put(`/companies/${company}/documents/invoice/${number}`, invoiceOf(number, cents));
  return Date.now();
}

/** When each invoice of a company came to stand in Xero, by its stamp and number; milliseconds since 1970. */
export async function standing({ pool }: Stack, { company }: Customer): Promise<Map<string, number>> {
  const ask = async () => {
    const { rows } = await pool.query<{ external_id: string; state: string; at: Date | null }>(
      `SELECT d.external_id, d.state, r.updated_at AS at
         FROM document d LEFT JOIN record r ON r.organisation_id = d.organisation_id AND r.xero_id = d.xero_id
        WHERE d.company_id = $1 AND d.kind = 'invoice'`,
      [company],
    );
    return rows;
  };
  const rows = await eventually('all are sent', ask, (now) => now.every(({ state }) => state === 'sent'), 600_000);
  return new Map(rows.map(({ external_id, at }) => [external_id, Number(at)]));
}
