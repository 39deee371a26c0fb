import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import type { Journal } from '../core/journal.js';
import type { Organisation } from '../data/organisation.js';
import type { Organisations } from '../data/organisations.js';
import type { Stream } from '../data/stream.js';
import type { Settings } from '../settings.js';

interface Target {
  url: string;
  key: string;
}

interface Event {
  resourceUrl: string;
  resourceId: string;
  tenantId: string;
  tenantType: 'ORGANISATION';
  eventCategory: string;
  eventType: 'CREATE' | 'UPDATE';
  eventDateUtc: string;
}

export type WebhookStatus = 'none' | 'ok' | 'intentFailed' | 'disabled';

/** Xero waits five seconds, retries at once, then every 15 minutes for 24 hours (xero-api.md §6). */
const ANSWER_MS = 5_000;
const RETRY_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 60 * 60_000;
/** Events of one burst travel together. */
const GATHER_MS = 50;
const LARGEST_BATCH = 100;

/** `x-xero-signature`: HMAC-SHA256 of the raw body. */
export const signature = (body: string, key: string): string => createHmac('sha256', key).update(body).digest('base64');

/** Delivers webhooks for contacts, invoices, credit notes, prepayments and overpayments. */
export class Webhooks {
  private target: Target | undefined;
  private status: WebhookStatus = 'none';
  private sequence = 0;
  private queue: Event[] = [];
  private delivered = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly retries = new Set<NodeJS.Timeout>();
  private readonly recordTarget: (target: Target) => void;
  private readonly recordSequence: (data: { last: number }) => void;

  constructor(
    journal: Journal,
    private readonly clock: Clock,
    private readonly settings: Settings,
    organisations: Organisations,
  ) {
    this.recordTarget = journal.event<Target>('webhookTarget', (target) => {
      this.target = target;
      this.status = 'ok';
    });
    this.recordSequence = journal.event<{ last: number }>('webhookSequence', ({ last }) => {
      this.sequence = last;
    });
    organisations.onRows(({ organisation, stream: name, rows, before, byPayment }) => {
      const stream = organisation.stream(name);
      if (!stream || !this.target || !this.wanted(stream, byPayment)) return;
      for (const [n, { index }] of rows.entries()) this.raise(organisation, stream, index, before[n] === undefined);
    });
  }

  /** Sets where to deliver, and asks the receiver whether it checks signatures. */
  async register(target: Target): Promise<{ status: WebhookStatus; intentToReceive: number[] }> {
    this.recordTarget(target);
    const body = `{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "${entropy()}"}`;
    const answers = [await post(target, body, target.key), await post(target, body, `wrong ${target.key}`)];
    this.status = answers[0] === 200 && answers[1] === 401 ? 'ok' : 'intentFailed';
    return { status: this.status, intentToReceive: answers };
  }

  describe() {
    return {
      url: this.target?.url ?? null,
      status: this.status,
      lastEventSequence: this.sequence,
      waiting: this.queue.length,
      delivered: this.delivered,
    };
  }

  close(): void {
    clearTimeout(this.timer);
    for (const retry of this.retries) clearTimeout(retry);
  }

  private wanted({ endpoint }: Stream, byPayment: boolean): boolean {
    if (byPayment && !this.settings.values.switches.paymentRaisesInvoiceUpdate) return false;
    return endpoint.webhook !== undefined && this.status === 'ok';
  }

  private raise(organisation: Organisation, stream: Stream, index: number, created: boolean): void {
    const id = stream.idOf(index);
    this.queue.push({
      resourceUrl: `https://api.xero.com/api.xro/2.0/${stream.endpoint.name}/${id}`,
      resourceId: id,
      tenantId: organisation.tenantId,
      tenantType: 'ORGANISATION',
      eventCategory: stream.endpoint.webhook ?? '',
      eventType: created ? 'CREATE' : 'UPDATE',
      eventDateUtc: new Date(this.clock.now()).toISOString().slice(0, 23),
    });
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  private flush(): void {
    this.timer = undefined;
    while (this.queue.length > 0) {
      const events = this.queue.splice(0, LARGEST_BATCH);
      const firstEventSequence = this.sequence + 1;
      this.recordSequence({ last: this.sequence + events.length });
      const batch = { events, firstEventSequence, lastEventSequence: this.sequence, entropy: entropy() };
      void this.deliver(JSON.stringify(batch), this.clock.now(), 0);
    }
  }

  private async deliver(body: string, since: number, attempt: number): Promise<void> {
    if (!this.target || this.status === 'disabled') return;
    if ((await post(this.target, body, this.target.key)) === 200) {
      this.delivered++;
      return;
    }
    if (this.clock.now() - since >= GIVE_UP_MS) this.status = 'disabled';
    else this.later(attempt === 0 ? 0 : RETRY_MS, () => void this.deliver(body, since, attempt + 1));
  }

  private later(ms: number, action: () => void): void {
    const retry = setTimeout(() => {
      this.retries.delete(retry);
      action();
    }, ms);
    this.retries.add(retry);
  }
}

const entropy = (): string => randomBytes(15).toString('base64').replace(/\W/g, 'A');

/** Posts a signed body; answers the status, or 0 when there was no answer in time. */
async function post({ url }: Target, body: string, key: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-xero-signature': signature(body, key) };
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}
