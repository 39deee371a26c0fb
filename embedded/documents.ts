import type { ApiClient } from './apiClient.js';
import { StartError } from './startError.js';

interface Saved {
  state: string;
  reason: string | null;
  errors: { message: string }[];
  xeroNumber: string | null;
  xeroUrl: string | null;
}

/** A customer, what it bought twice, and that it paid once, as a platform would save them one after the other. */
function documentsOf(mark: string, date: string): [kind: string, externalId: string, content: object][] {
  const line = { description: 'Annual service', item: mark, quantity: '1', unitAmount: '184.50' };
  const sale = { contact: mark, date, lines: [line], lineAmountTypes: 'noTax', total: '184.50' };
  return [
    ['contact', mark, { name: `Corner Garage ${mark}`, email: 'office@cornergarage.example' }],
    ['item', mark, { code: `SERVICE-${mark}`, name: 'Annual service', salesPrice: '184.50' }],
    ['invoice', `${mark}-1`, { ...sale, number: `NL-${mark}-1` }],
    ['payment', `${mark}-1`, { invoice: `${mark}-1`, amount: '184.50', date, method: 'card' }],
    ['invoice', `${mark}-2`, { ...sale, number: `NL-${mark}-2`, reference: 'second visit' }],
  ];
}

/**
 * Saves a few documents with `?wait=`, each of which answers once it stands in Xero.
 * @returns a line for each: how long that took, its number and its link.
 * @throws StartError when one does not stand in Xero within ten seconds.
 */
export async function showPush(api: ApiClient, company: string, now: Date): Promise<string[]> {
  const mark = now.getTime().toString(36).toUpperCase();
  const lines: string[] = [];
  for (const [kind, externalId, content] of documentsOf(mark, now.toISOString().slice(0, 10))) {
    const began = performance.now();
    const saved = await api.put<Saved>(`/companies/${company}/documents/${kind}/${externalId}?wait=10s`, content);
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
