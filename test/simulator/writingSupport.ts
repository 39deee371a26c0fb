import type { SimulatorOptions } from '../../simulator/index.js';
import { Bench, consent, exchange, type Json, json } from './support.js';

const WRITE_SCOPES = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'accounting.settings',
  'accounting.contacts',
  'accounting.invoices',
  'accounting.payments',
  'accounting.banktransactions',
  'accounting.manualjournals',
  'accounting.journals.read',
];

export const GENEROUS = { minute: 1e6, day: 1e6, concurrent: 100 };

/** A bench whose app may write. */
export async function startWriting(options: SimulatorOptions & { organisation?: object } = {}): Promise<Bench> {
  const bench = await Bench.start({ records: 600, limits: GENEROUS, ...options });
  const code = await consent(bench.simulator, [bench.tenantId], { scope: WRITE_SCOPES.join(' ') });
  bench.tokens = await exchange(bench.simulator, code);
  return bench;
}

/** A call that writes. */
export function send(bench: Bench, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${bench.simulator.url}/api.xro/2.0/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${bench.tokens.access_token}`,
      'xero-tenant-id': bench.tenantId,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** The answer to a call that must succeed. */
export async function written(bench: Bench, method: string, path: string, body?: unknown): Promise<Json> {
  const answer = await send(bench, method, path, body);
  const said = await json(answer);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
  return said;
}

/** Why a call of one element is refused. */
export async function refusal(bench: Bench, method: string, path: string, body?: unknown): Promise<string[]> {
  const said = await json(await send(bench, method, path, body));
  return said.Elements[0].ValidationErrors.map(({ Message }: Json) => Message);
}

/** The one row of `GET /{endpoint}/{id}`. */
export async function one(bench: Bench, endpoint: string, id: string): Promise<Json> {
  return (await bench.read(`${endpoint}/${id}`))[endpoint][0];
}
