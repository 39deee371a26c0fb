import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './apiClient.js';
import { StartError } from './startError.js';

const company = 'demo';

interface Group {
  records: number;
  errors: number;
  warnings: number;
  skipped: number;
  total: Record<string, string>;
}

interface Preview {
  state: string;
  code: string | null;
  groups: Record<string, Group>;
}

const pollMs = 200;

/**
 * Saves a few documents while nothing may go unreviewed, and shows what would move: a customer, two sales with a discount and
 * a zero total, a payment. Then they may go by themselves: the next save rings for them.
 * @param now makes their ids new at every start.
 * @returns the table of groups, line by line. @throws StartError when the preview could not be made.
 */
export async function showPreview(api: ApiClient, connectionId: string, now: Date): Promise<string[]> {
  const path = `/connections/${connectionId}`;
  await api.patch(`${path}/settings`, { exportMode: 'reviewed' });
  try {
    await api.post(`/companies/${company}/documents`, { documents: documents(now) });
    const { id } = await api.post<{ id: string }>(`${path}/previews`, {});
    return table(await made(api, id));
  } finally {
    await api.patch(`${path}/settings`, { exportMode: 'immediate' });
  }
}

function documents(now: Date): object[] {
  const stamp = String(now.getTime());
  const date = now.toISOString().slice(0, 10);
  const contact = `reviewed-${stamp}`;
  const invoice = { kind: 'invoice', contact, date, dueDate: date, lineAmountTypes: 'noTax' };
  return [
    { kind: 'contact', externalId: contact, name: `Reviewed Ferns ${stamp}` },
    {
      ...{ ...invoice, externalId: `sale-${stamp}`, number: `RV-${stamp}`, total: '90.00' },
      lines: [{ description: 'Tree ferns', quantity: '4', unitAmount: '25.00', discountRate: '10' }],
    },
    {
      ...{ ...invoice, externalId: `gift-${stamp}`, number: `RG-${stamp}`, total: '0.00' },
      lines: [{ description: 'A gift', quantity: '1', unitAmount: '0.00' }],
    },
    { kind: 'payment', externalId: `paid-${stamp}`, invoice: `sale-${stamp}`, amount: '90.00', date, method: 'card' },
  ];
}

async function made(api: ApiClient, id: string): Promise<Preview> {
  for (;;) {
    const preview = await api.get<Preview>(`/previews/${id}`);
    if (preview.state === 'ready') return preview;
    if (preview.state === 'failed') throw new StartError(`The preview could not be made: ${preview.code}.`);
    await delay(pollMs);
  }
}

/** What `importPayments` is called for people: `import payments`. */
const titleOf = (group: string): string => group.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function table({ groups }: Preview): string[] {
  const head = ['Preview', 'to send', 'errors', 'warnings', 'skipped', 'total'];
  const rows = Object.entries(groups).map(([group, { records, errors, warnings, skipped, total }]) => {
    const totals = Object.entries(total).map(([currency, amount]) => `${amount} ${currency}`);
    return [titleOf(group), ...[records, errors, warnings, skipped].map(String), totals.join(', ')];
  });
  return [head, ...rows].map(([name = '', ...cells]) =>
    `  ${name.padEnd(17)}${cells.map((cell) => cell.padStart(12)).join('')}`.trimEnd(),
  );
}
