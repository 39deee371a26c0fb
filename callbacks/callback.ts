/** One signed POST to the platform: once, to a checked address, without following a redirect. */
import { createHmac } from 'node:crypto';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CallbackAnswer, CallbackTarget, PaymentCallback } from '../domain/ports.js';
import { checkedLookup, isPublic, isPublicOrLoopback, mayBeLiteral } from './addresses.js';

export interface CallbackOptions {
  /** Where the platform runs on this machine: loopback, and http there, are allowed too. */
  allowLoopback: boolean;
  /** Milliseconds from the call to its answer. */
  deadlineMs?: number;
  now?: () => Date;
  lookup?: Parameters<typeof checkedLookup>[1];
}

const defaultDeadlineMs = 10_000;

/** HMAC-SHA256 over the timestamp, a dot and the body's bytes, in hex: what the receiver computes too. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
}

export function createPaymentCallback({
  allowLoopback,
  deadlineMs = defaultDeadlineMs,
  now = () => new Date(),
  lookup,
}: CallbackOptions): PaymentCallback {
  const permits = allowLoopback ? isPublicOrLoopback : isPublic;
  const options: RequestOptions = { method: 'POST', agent: false, lookup: checkedLookup(permits, lookup) };
  const allows = (url: URL): boolean =>
    (url.protocol === 'https:' || allowLoopback) && mayBeLiteral(url.hostname, permits);
  return {
    allows: (url) => allows(new URL(url)),
    post(target, body) {
      const url = new URL(target.url);
      if (!allows(url)) return Promise.resolve('unreachable');
      const signal = AbortSignal.timeout(deadlineMs);
      return send(url, { ...options, signal }, signed(target, JSON.stringify(body), now()));
    },
  };
}

interface SignedBody {
  headers: Record<string, string | number>;
  body: string;
}

function signed({ secret }: CallbackTarget, body: string, at: Date): SignedBody {
  const timestamp = at.toISOString();
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'nightledger-timestamp': timestamp,
      'nightledger-signature': signatureOf(secret, timestamp, body),
    },
  };
}

/** Before a connection stood, nothing was sent; afterwards nobody here knows what the other side has seen. */
function send(url: URL, options: RequestOptions, { headers, body }: SignedBody): Promise<CallbackAnswer> {
  return new Promise((done) => {
    let connected = false;
    const call = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { ...options, headers }, (answer) => {
      // The status says it all; what follows is not read.
      answer.destroy();
      const { statusCode = 0 } = answer;
      done(statusCode >= 200 && statusCode < 300 ? 'accepted' : 'refused');
    });
    call.on('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    call.on('error', () => done(connected ? 'unknown' : 'unreachable'));
    call.end(body);
  });
}
