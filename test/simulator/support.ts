import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.js';

export const CLIENT = { id: 'nightledger-demo', secret: 'nightledger-demo-secret' };
export const REDIRECT = 'http://localhost:3000/callback';
export const READ_SCOPES = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'accounting.settings.read',
  'accounting.contacts.read',
  'accounting.invoices.read',
  'accounting.payments.read',
  'accounting.banktransactions.read',
  'accounting.manualjournals.read',
  'accounting.journals.read',
];
/** What an app needs that also writes. */
export const WRITE_SCOPES = READ_SCOPES.map((scope) =>
  scope === 'accounting.journals.read' ? scope : scope.replace(/\.read$/, ''),
);
export const BASIC = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;

export interface Tokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  expires_in: number;
  error?: string;
}

/** biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field */
export type Json = any;

/** A simulator with one connected organisation, spoken to without any SDK. */
export class Bench {
  private constructor(
    readonly simulator: Simulator,
    readonly tenantId: string,
    public tokens: Tokens,
  ) {}

  static async start(options: SimulatorOptions & { organisation?: object; scopes?: string[] } = {}): Promise<Bench> {
    const { organisation, scopes = READ_SCOPES, ...rest } = options;
    const simulator = await startSimulator({ port: 0, records: 600, ...rest });
    let { tenantId } = (await json(await fetch(`${simulator.url}/_sim/organisations`)))[0] ?? {};
    if (organisation) tenantId = (await control(simulator, 'POST', '/organisations', organisation)).tenantId;
    const code = await consent(simulator, [tenantId], { scope: scopes.join(' ') });
    return new Bench(simulator, tenantId, await exchange(simulator, code));
  }

  /** A call of the accounting API. */
  get(path: string, query: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    const search = new URLSearchParams(query).toString();
    const own = { authorization: `Bearer ${this.tokens.access_token}`, 'xero-tenant-id': this.tenantId };
    return fetch(`${this.simulator.url}/api.xro/2.0/${path}${search && `?${search}`}`, {
      headers: { ...own, ...headers },
    });
  }

  /** A call that writes. */
  send(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const own = { authorization: `Bearer ${this.tokens.access_token}`, 'xero-tenant-id': this.tenantId };
    const content = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    return fetch(`${this.simulator.url}/api.xro/2.0/${path}`, {
      method,
      ...content,
      headers: { 'content-type': 'application/json', ...own, ...headers },
      signal,
    });
  }

  async read(path: string, query: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Json> {
    return json(await this.get(path, query, headers));
  }

  control(method: string, path: string, body?: unknown): Promise<Json> {
    return control(this.simulator, method, path, body);
  }

  edit(...edits: object[]): Promise<string[]> {
    return this.control('POST', `/organisations/${this.tenantId}/edits`, edits);
  }

  truth(stream = '', from = ''): Promise<Json> {
    const path = `/organisations/${this.tenantId}/truth${stream && `/${stream}`}${from && `?from=${from}`}`;
    return this.control('GET', path);
  }

  /** Which rows of a stream carry a value in a field. */
  matching(stream: string, field: string, value: string): Promise<{ count: number; ids: string[] }> {
    const query = new URLSearchParams({ field, value });
    return this.control('GET', `/organisations/${this.tenantId}/truth/${stream}/matching?${query}`);
  }

  /** Waits until a fault has struck a call. */
  async faultStruck(): Promise<void> {
    while (!(await this.control('GET', '/faults')).some(({ hits }: { hits: number }) => hits > 0));
  }

  moveClock(ms: number): Promise<Json> {
    return this.control('PUT', '/clock', { offsetMs: ms });
  }

  token(form: Record<string, string>): Promise<Response> {
    return token(this.simulator, form);
  }

  close(): Promise<void> {
    return this.simulator.close();
  }
}

export async function json(response: Response): Promise<Json> {
  return JSON.parse(await response.text());
}

export async function control(simulator: Simulator, method: string, path: string, body?: unknown): Promise<Json> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${simulator.url}/_sim${path}`, { method, ...content });
  const text = await response.text();
  return text === '' ? undefined : JSON.parse(text);
}

export function authorizeUrl(simulator: Simulator, more: Record<string, string> = {}): string {
  const query = {
    response_type: 'code',
    client_id: CLIENT.id,
    redirect_uri: REDIRECT,
    scope: READ_SCOPES.join(' '),
    state: 'some state',
    ...more,
  };
  return `${simulator.url}/identity/connect/authorize?${new URLSearchParams(query)}`;
}

/** Answers the consent page; gives back where the browser is sent. */
export async function decide(url: string, form: [string, string][]): Promise<URL> {
  const response = await fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(form) });
  return new URL(response.headers.get('location') ?? 'none:');
}

export async function consent(
  simulator: Simulator,
  tenants: string[],
  more: Record<string, string> = {},
): Promise<string> {
  const form = tenants.map((tenant): [string, string] => ['tenant', tenant]);
  const back = await decide(authorizeUrl(simulator, more), [...form, ['decision', 'allow']]);
  return back.searchParams.get('code') ?? '';
}

export function token(simulator: Simulator, form: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams(form);
  return fetch(`${simulator.url}/connect/token`, { method: 'POST', headers: { authorization: BASIC }, body });
}

export async function exchange(simulator: Simulator, code: string, more: Record<string, string> = {}): Promise<Tokens> {
  return json(await token(simulator, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...more }));
}
