import { type ApiClient, ApiProblem } from './apiClient.js';
import { StartError } from './startError.js';

/** The platform's id of the company that `npm start` connects. */
export const demoCompany = 'demo';

/** Accounts that the simulator's organisations have: without them a two-way connection waits for a person. */
const settings = { accounts: { sales: '200', purchases: '300', payments: { card: '090' } } };

interface Connected {
  id: string;
  status: string;
  consentUrl?: string;
}

/**
 * Connects the demo company to the simulator's organisation through the whole OAuth round trip, as a customer's browser
 * would go it; at a later start finds it connected.
 * @returns the connection's id.
 */
export async function connectDemo(api: ApiClient): Promise<string> {
  await api.put(`/companies/${demoCompany}`, { name: 'Demo Company' });
  const id = await create(api);
  const { status } = await api.get<Connected>(`/connections/${id}`);
  if (status === 'pending') {
    await api.patch(`/connections/${id}/settings`, settings);
    const { consentUrl } = await api.post<{ consentUrl: string }>(`/connections/${id}/reconnect`, {});
    await consent(consentUrl);
  }
  return id;
}

async function create(api: ApiClient): Promise<string> {
  try {
    const made = await api.post<Connected>('/connections', {
      company: demoCompany,
      direction: 'two-way',
      syncFromDate: null,
    });
    return made.id;
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'already_connected') return String(error.body.existing);
    throw error;
  }
}

/** Opens the consent page, ticks what it offers first and allows it. */
async function consent(consentUrl: string): Promise<void> {
  const page = await fetch(consentUrl);
  const html = await page.text();
  const action = /<form[^>]*action="([^"]*)"/.exec(html)?.[1];
  if (!action) throw new StartError(`The consent page of the simulator has no form (status ${page.status}).`);
  const form = new URLSearchParams({ decision: 'allow' });
  for (const [input] of html.matchAll(/<input[^>]*>/g)) {
    const name = attribute(input, 'name');
    if (name && (!input.includes('type="checkbox"') || input.includes(' checked')))
      form.append(name, attribute(input, 'value') ?? '');
  }
  const back = await fetch(new URL(unescaped(action), consentUrl), { method: 'POST', body: form });
  if (!back.ok)
    throw new StartError(`The consent was not accepted (status ${back.status}): see logs/api.log in the state folder.`);
}

function attribute(tag: string, name: string): string | null {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescaped(value);
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code))).replaceAll('&amp;', '&');
}
