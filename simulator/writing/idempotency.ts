import { createHash } from 'node:crypto';
import type { Answer } from '../accounting/admission.js';
import { keyTooLong, keyUsedOtherwise, Refusal } from '../accounting/errors.js';
import type { Clock } from '../core/clock.js';
import type { Journal } from '../core/journal.js';

/** An answer as it was given, kept for the retries of its call. */
interface Kept {
  owner: string;
  key: string;
  /** The method, the URL and the body: what a retry must repeat. */
  request: string;
  at: number;
  status: number;
  body: string;
  /** Set when the call was refused. */
  contentType?: string;
}

export interface KeyedCall {
  /** Whose key it is: the app, and the organisation it calls for. */
  owner: string;
  key: string;
  method: string;
  url: string;
  body: Buffer;
}

const KEPT_MS = 6 * 60_000;
const LONGEST_KEY = 128;

/** The answers behind `Idempotency-Key`: kept six minutes, refusals too, repeated byte for byte (xero-api.md §3). */
export class KeptAnswers {
  private readonly kept = new Map<string, Kept>();
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly keep: (kept: Kept) => void;

  constructor(
    journal: Journal,
    private readonly clock: Clock,
  ) {
    this.keep = journal.event<Kept>('answerKept', (kept) => {
      this.kept.delete(nameOf(kept));
      this.kept.set(nameOf(kept), kept);
    });
  }

  /**
   * Answers a call under its key: a retry gets the answer of the first, and waits for it when that is still under way.
   * Throws the Refusal of the first call again, or one of its own when the key belongs to another request.
   */
  async once(call: KeyedCall, compute: () => Promise<Answer>): Promise<Answer> {
    if (call.key.length > LONGEST_KEY) throw keyTooLong(LONGEST_KEY);
    const name = nameOf(call);
    await this.running.get(name);
    const kept = this.find(name);
    if (kept && kept.request !== requestOf(call)) throw keyUsedOtherwise(call.key);
    if (kept) return answerAgain(kept);
    const answer = this.computeAndKeep(call, compute);
    const settled = answer.then(
      () => this.running.delete(name),
      () => this.running.delete(name),
    );
    this.running.set(name, settled);
    return answer;
  }

  private async computeAndKeep(call: KeyedCall, compute: () => Promise<Answer>): Promise<Answer> {
    const { owner, key } = call;
    const keep = (status: number, body: string, contentType?: string) =>
      this.keep({ owner, key, request: requestOf(call), at: this.clock.now(), status, body, contentType });
    try {
      const answer = await compute();
      keep(answer.status, answer.body.toString('utf8'));
      return answer;
    } catch (error) {
      if (error instanceof Refusal) keep(error.status, error.body, error.contentType);
      throw error;
    }
  }

  /** Forgets what is too old, oldest first, and finds what is left. */
  private find(name: string): Kept | undefined {
    const oldest = this.clock.now() - KEPT_MS;
    for (const [one, { at }] of this.kept) {
      if (at > oldest) break;
      this.kept.delete(one);
    }
    return this.kept.get(name);
  }
}

const nameOf = ({ owner, key }: { owner: string; key: string }): string => `${owner} ${key}`;

const requestOf = ({ method, url, body }: KeyedCall): string =>
  `${method} ${url} ${createHash('sha256').update(body).digest('hex')}`;

function answerAgain({ status, body, contentType }: Kept): Answer {
  if (contentType !== undefined) throw new Refusal(status, body, contentType);
  return { status, body: Buffer.from(body) };
}
