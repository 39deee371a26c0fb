import type { SimulatorOptions } from '../../simulator/index.js';
import { Bench, type Json, json, WRITE_SCOPES } from './support.js';

const GENEROUS = { minute: 1e6, day: 1e6, concurrent: 100 };

/** A bench whose app may write, and is not limited. */
export const startWriting = (options: SimulatorOptions & { organisation?: object } = {}): Promise<Bench> =>
  Bench.start({ limits: GENEROUS, scopes: WRITE_SCOPES, ...options });

type Method = 'PUT' | 'POST' | 'DELETE';

/** The answer to a call that must succeed. */
export async function written(bench: Bench, method: Method, path: string, body?: unknown): Promise<Json> {
  const answer = await bench.send(method, path, body);
  const said = await json(answer);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
  return said;
}

/** Why a call of one element is refused. */
export async function refusal(bench: Bench, method: Method, path: string, body?: unknown): Promise<string[]> {
  const said = await json(await bench.send(method, path, body));
  return said.Elements[0].ValidationErrors.map(({ Message }: Json) => Message);
}

/** The one row of `GET /{endpoint}/{id}`. */
export async function one(bench: Bench, endpoint: string, id: string): Promise<Json> {
  return (await bench.read(`${endpoint}/${id}`))[endpoint][0];
}
