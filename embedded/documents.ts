import type { ApiClient } from './apiClient.js';
import { StartError } from './startError.js';

interface Saved {
  state: string;
  reason: string | null;
  errors: { message: string }[];
  xeroNumber: string | null;
  xeroUrl: string | null;
}

const company = 'demo';

/** A customer, what it bought, and that it paid, as a platform would save them one after the other. */
function documentsOf(mark: string, today: string): [kind: string, content: Record<string, unknown>][] {
  const line = { description: 'Annual service', item: mark, quantity: '1', unitAmount: '184.50' };
  const number = `NL-${mark}`;
  return [
    ['contact', { name: `Corner Garage ${mark}`, email: 'office@cornergarage.example' }],
    ['item', { code: `SERVICE-${mark}`, name: 'Annual service', salesPrice: '184.50' }],
    ['invoice', { number, contact: mark, date: today, lines: [line], lineAmountTypes: 'noTax', total: '184.50' }],
    ['payment', { invoice: mark, amount: '100.00', date: today, method: 'card' }],
  ];
}

/**
 * Saves a few documents with `?wait=`, each of which answers once it stands in Xero.
 * @returns a line for each: how long that took, its number and its link.
 * @throws StartError when one does not stand in Xero within ten seconds.
 */
export async function showPush(api: ApiClient, now: Date): Promise<string[]> {
  const mark = now.getTime().toString(36).toUpperCase();
  const lines: string[] = [];
  for (const [kind, content] of documentsOf(mark, now.toISOString().slice(0, 10))) {
    const began = performance.now();
    const saved = await api.put<Saved>(`/companies/${company}/documents/${kind}/${mark}?wait=10s`, content);
    if (saved.state !== 'sent') throw new StartError(notSent(kind, saved));
    const took = Math.round(performance.now() - began);
    lines.push([`Saved ${kind}: in Xero after ${took} ms`, saved.xeroNumber, saved.xeroUrl].filter(Boolean).join(', '));
  }
  return lines;
}

function notSent(kind: string, { state, reason, errors }: Saved): string {
  const words = errors.map(({ message }) => message).join(' ');
  return `The ${kind} is not in Xero but ${state}: ${words || reason || 'see logs/worker.log in the state folder'}`;
}
