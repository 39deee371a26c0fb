import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './apiClient.js';
import { StartError } from './startError.js';

interface Invoice {
  externalId: string;
  xeroId: string;
}

interface Import {
  invoice: string | null;
  amount: string;
  currency: string | null;
}

const pollMs = 300;

/**
 * Pays in the simulator what the platform has sent there and nobody has paid, and has the payment imported.
 * @returns a line that says what was imported.
 * @throws StartError when the import ends without being complete.
 */
export async function showPayments(
  api: ApiClient,
  simulatorUrl: string,
  connectionId: string,
  company: string,
): Promise<string> {
  const path = `/connections/${connectionId}`;
  await api.patch(`${path}/settings`, { paymentsIn: true });
  const { organisation } = await api.get<{ organisation: { id: string } }>(path);
  const { data } = await api.get<{ data: Invoice[] }>(
    `/companies/${company}/documents?kind=invoice&state=sent&limit=200`,
  );
  const paid = await payOne(`${simulatorUrl}/_sim/organisations/${organisation.id}/edits`, data);
  if (paid === null) return 'Payments in: every invoice that was sent is paid.';
  const { runId, url } = await api.post<{ runId: string; url: string }>(`${path}/payment-imports`, {});
  for (;;) {
    const { outcome } = await api.get<{ outcome: string }>(`${path}/runs/${runId}`);
    if (outcome === 'completed') break;
    if (outcome !== 'running') throw new StartError(`The payment import ended as ${outcome}: look at ${url}`);
    await delay(pollMs);
  }
  const { data: imports } = await api.get<{ data: Import[] }>(`${path}/payment-imports?state=imported&limit=200`);
  const imported = imports.find(({ invoice }) => invoice === paid.externalId);
  if (imported === undefined) return `Payments in: nothing was imported for invoice ${paid.externalId}. ${url}`;
  const { amount, currency } = imported;
  return `Payments in: ${currency} ${amount}, paid in Xero on invoice ${paid.externalId}, is imported. ${url}`;
}

/** The first that the simulator lets be paid; null where it lets none. */
async function payOne(edits: string, invoices: readonly Invoice[]): Promise<Invoice | null> {
  for (const invoice of invoices) {
    const { ok } = await fetch(edits, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ stream: 'invoices', op: 'pay', id: invoice.xeroId }]),
    });
    if (ok) return invoice;
  }
  return null;
}
