import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { internalError, Refusal, UNAVAILABLE, unavailable } from '../accounting/errors.js';

export const FAULT_KINDS = [
  'timeout',
  'reset',
  'resetMidBody',
  'status',
  'truncate',
  'lateAnswer',
  'delay',
  'lostAnswer',
  'statusAfter',
  'commitLate',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A fault as the control API takes it; `skip` matching calls go through first, then `times` are hit. */
export interface FaultWish {
  match?: { path?: string; tenantId?: string; method?: string };
  kind: FaultKind;
  status?: number;
  body?: string;
  ms?: number;
  times?: number;
  skip?: number;
}

interface Fault extends FaultWish {
  hits: number;
  left: number;
  toSkip: number;
  path: RegExp;
}

const USUAL_DELAY_MS = 1_000;

/** What an answer waits for that is never sent: the connection hangs until the caller ends it. */
const NEVER = new Promise<never>(() => undefined);

/** How each kind ends a call; those without an entry act on the finished answer. */
const BEFORE: Partial<
  Record<FaultKind, (fault: Fault, request: FastifyRequest, reply: FastifyReply) => Promise<void> | void>
> = {
  timeout: (_fault, _request, reply) => void reply.hijack(),
  reset: (_fault, request, reply) => {
    reply.hijack();
    request.raw.socket.resetAndDestroy();
  },
  status: (fault) => {
    throw answerFor(fault);
  },
  delay: ({ ms = USUAL_DELAY_MS }) => sleep(ms),
};

function answerFor({ status = 503, body }: Fault): Refusal {
  if (status === 500 && body === undefined) return internalError();
  if (status === 503) return unavailable(body ?? UNAVAILABLE.unavailable);
  const isJson = body?.startsWith('{') ?? false;
  return new Refusal(status, body ?? '', isJson ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8');
}

/** Things that go wrong on purpose. */
export class Faults {
  private list: Fault[] = [];
  private readonly held: (() => void)[] = [];
  private readonly chosen = new WeakMap<FastifyRequest, Fault>();

  add(wishes: FaultWish[]): void {
    for (const wish of wishes) {
      const path = new RegExp(wish.match?.path ?? '');
      this.list.push({ ...wish, path, hits: 0, left: wish.times ?? Number.POSITIVE_INFINITY, toSkip: wish.skip ?? 0 });
    }
  }

  /** Forgets all faults, and lets the writes go that wait for it. */
  clear(): void {
    this.list = [];
    for (const release of this.held.splice(0)) release();
  }

  /** The faults as they were asked for, with how often each struck. */
  describe(): (FaultWish & { hits: number })[] {
    return this.list.map(({ path: _path, left: _left, toSkip: _toSkip, ...wish }) => wish);
  }

  /** Lets the faults act on every call but those of the control API. */
  install(app: FastifyInstance): void {
    app.addHook('onRequest', async (request, reply) => {
      if (request.url.startsWith('/_sim')) return;
      const fault = this.take(request);
      if (!fault) return;
      this.chosen.set(request, fault);
      await BEFORE[fault.kind]?.(fault, request, reply);
    });
    app.addHook('onSend', async (request, reply, payload: unknown) => this.spoil(request, reply, payload));
  }

  /** Waits as long as a fault wants a write to be late: some milliseconds, or until the faults are cleared. */
  async beforeCommit(request: FastifyRequest): Promise<void> {
    const fault = this.chosen.get(request);
    if (fault?.kind !== 'commitLate') return;
    await (fault.ms === undefined ? new Promise<void>((release) => this.held.push(release)) : sleep(fault.ms));
  }

  private take(request: FastifyRequest): Fault | undefined {
    const fault = this.list.find((one) => one.left > 0 && matches(one, request));
    if (!fault) return undefined;
    if (fault.toSkip > 0) {
      fault.toSkip--;
      return undefined;
    }
    fault.left--;
    fault.hits++;
    return fault;
  }

  private async spoil(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const fault = this.chosen.get(request);
    if (!fault) return payload;
    if (fault.kind === 'commitLate') await NEVER;
    if (fault.kind === 'lostAnswer') request.raw.socket.resetAndDestroy();
    if (fault.kind === 'lateAnswer') await sleep(fault.ms ?? USUAL_DELAY_MS);
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
    const body = Buffer.from(payload);
    if (fault.kind === 'statusAfter') return replace(reply, answerFor(fault));
    if (fault.kind === 'truncate') return firstHalf(body);
    if (fault.kind === 'resetMidBody') breakOff(request, reply, body);
    return payload;
  }
}

function matches({ match, path }: Fault, request: FastifyRequest): boolean {
  if (match?.method && match.method.toUpperCase() !== request.method) return false;
  if (match?.tenantId && match.tenantId !== request.headers['xero-tenant-id']) return false;
  return path.test(request.url);
}

/** Another answer instead of the one that was computed. */
function replace(reply: FastifyReply, { status, body, contentType }: Refusal): Buffer {
  reply.code(status).removeHeader('content-length');
  if (contentType !== undefined) reply.type(contentType);
  return Buffer.from(body);
}

const firstHalf = (body: Buffer): Buffer => body.subarray(0, Math.ceil(body.length / 2));

/** Announces the whole body, sends half of it, and resets the connection. */
function breakOff(request: FastifyRequest, reply: FastifyReply, body: Buffer): void {
  const { socket } = request.raw;
  reply.hijack();
  reply.raw.writeHead(reply.statusCode, { ...stringHeaders(reply), 'content-length': body.length });
  reply.raw.write(firstHalf(body), () => setImmediate(() => socket.destroy()));
}

function stringHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
