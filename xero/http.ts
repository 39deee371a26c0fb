/** One HTTP call to Xero's API host: over the built-in fetch, which keeps connections alive, and never without an end. */
import { type FaultKind, XeroFault } from '../domain/problems.js';

export interface HttpAnswer {
  status: number;
  headers: Headers;
  /** Empty when the body was cut short. */
  text: string;
  /** Bytes of the body after decompression. */
  bytes: number;
  /** Why the body is not to be used, though Xero answered (and counted) the call; null when it came whole. */
  cut: FaultKind | null;
}

export interface HttpCall {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  /** JSON. */
  body?: string | undefined;
  /** The caller's own end, e.g. a cancelled activity. */
  signal?: AbortSignal | undefined;
}

export type Http = (call: HttpCall) => Promise<HttpAnswer>;

export interface HttpSettings {
  /** Milliseconds for one call, body included; 60,000 by default. */
  deadlineMs?: number | undefined;
  /** In place of the built-in fetch. */
  fetch?: typeof fetch | undefined;
}

/**
 * @returns a function that makes one call.
 * @throws XeroFault `unreached` when nothing was sent, `network` or `timeout` when no answer came; the reason of the
 *   caller's signal when that ended it.
 *   No error holds a header or a word of the answer: they would carry tokens and names into logs and Temporal.
 */
export function createHttp({ deadlineMs = 60_000, fetch: send = fetch }: HttpSettings = {}): Http {
  return async ({ method, url, headers, body: content, signal }) => {
    const deadline = AbortSignal.timeout(deadlineMs);
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const faultKind = (): FaultKind => (deadline.aborted ? 'timeout' : 'network');
    const request = { method, headers, redirect: 'manual' as const, signal: either };
    const response = await send(url, content === undefined ? request : { ...request, body: content }).catch((error) => {
      signal?.throwIfAborted();
      throw new XeroFault(wasUnreached(error) ? 'unreached' : faultKind());
    });
    const body = await response.arrayBuffer().catch(() => {
      signal?.throwIfAborted();
      return faultKind();
    });
    return { status: response.status, headers: response.headers, ...decoded(body) };
  };
}

/** Codes of a connection that was never made, under the `cause` of fetch's error. */
const unreached = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A host of several addresses is tried at each: the errors of all come together. */
function wasUnreached(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string; errors?: { code?: string }[] } };
  const codes = cause?.errors?.map(({ code }) => code) ?? [cause?.code];
  return codes.every((code) => code !== undefined && unreached.has(code));
}

function decoded(body: ArrayBuffer | FaultKind): Pick<HttpAnswer, 'text' | 'bytes' | 'cut'> {
  if (typeof body === 'string') return { text: '', bytes: 0, cut: body };
  try {
    // Fatal: a silently replaced byte would be stored as if Xero had sent it.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { text, bytes: body.byteLength, cut: null };
  } catch {
    return { text: '', bytes: body.byteLength, cut: 'badAnswer' };
  }
}
