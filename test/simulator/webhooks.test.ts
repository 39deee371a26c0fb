import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, json, WRITE_SCOPES } from './support.js';

const KEY = 'a webhook key';

/** A receiver that checks signatures as Xero wants it. */
class Receiver {
  readonly bodies: string[] = [];
  refusals = 0;
  private waiting: (() => void) | undefined;

  private constructor(readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.statusCode = receiver.take(Buffer.concat(chunks), request.headers['x-xero-signature']);
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}/`;
  }

  private take(raw: Buffer, signature: unknown): number {
    if (createHmac('sha256', KEY).update(raw).digest('base64') !== signature) return 401;
    if (this.refusals > 0) {
      this.refusals--;
      return 500;
    }
    this.bodies.push(raw.toString());
    this.waiting?.();
    return 200;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }
}

describe('webhooks', () => {
  let bench: Bench;
  let receiver: Receiver;
  beforeEach(async () => {
    bench = await Bench.start({ scopes: WRITE_SCOPES });
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await bench.close();
    receiver.server.close();
  });

  const register = () => bench.control('PUT', '/webhooks', { url: receiver.url, key: KEY });

  it('begin with an intent to receive, with odd spaces and once with a wrong signature', async () => {
    expect(await register()).toEqual({ status: 'ok', intentToReceive: [200, 401] });
    expect(receiver.bodies[0]).toMatch(
      /^{"events":\[\],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "\w+"}$/,
    );
  });

  it('tell of created and updated contacts and invoices, signed over the raw body', async () => {
    await register();
    const arrived = receiver.next();
    const [invoice] = await bench.edit({ stream: 'invoices', op: 'edit', nth: 0 });
    const [contact] = await bench.edit({ stream: 'contacts', op: 'add' }, { stream: 'items', op: 'add' });
    await arrived;
    const batch = JSON.parse(receiver.bodies[1] ?? '');
    expect(batch).toMatchObject({ firstEventSequence: 1, lastEventSequence: 2 });
    expect(batch.events).toMatchObject([
      { resourceId: invoice, eventCategory: 'INVOICE', eventType: 'UPDATE', tenantId: bench.tenantId },
      { resourceId: contact, eventCategory: 'CONTACT', eventType: 'CREATE', tenantType: 'ORGANISATION' },
    ]);
    expect(batch.events[0].resourceUrl).toBe(`https://api.xero.com/api.xro/2.0/Invoices/${invoice}`);
  });

  it('tell of what an app writes: an invoice made for a contact that was made for it', async () => {
    await register();
    const arrived = receiver.next();
    const wish = { Type: 'ACCREC', Contact: { Name: 'Marble & Co' }, LineItems: [{ Description: 'Work' }] };
    const [{ InvoiceID, Contact }] = (await json(await bench.send('PUT', 'Invoices', wish))).Invoices;
    await arrived;
    expect(JSON.parse(receiver.bodies[1] ?? '').events).toMatchObject([
      { resourceId: Contact.ContactID, eventCategory: 'CONTACT', eventType: 'CREATE' },
      { resourceId: InvoiceID, eventCategory: 'INVOICE', eventType: 'CREATE' },
    ]);
  });

  it('are tried again at once after a failure', async () => {
    await register();
    receiver.refusals = 1;
    const arrived = receiver.next();
    await bench.edit({ stream: 'invoices', op: 'edit', nth: 0 });
    await arrived;
    expect(receiver.bodies).toHaveLength(2);
  });

  it.each([true, false])('tell of an invoice because of a payment: %s', async (paymentRaisesInvoiceUpdate) => {
    await bench.control('PATCH', '/settings', { switches: { paymentRaisesInvoiceUpdate } });
    await register();
    const arrived = receiver.next();
    const where = 'Status=="AUTHORISED" AND AmountDue>0';
    const [{ InvoiceID }] = (await bench.read('Invoices', { page: '1', where })).Invoices;
    await bench.edit({ stream: 'invoices', op: 'pay', id: InvoiceID }, { stream: 'contacts', op: 'edit', nth: 0 });
    await arrived;
    const categories = JSON.parse(receiver.bodies[1] ?? '').events.map(
      (event: { eventCategory: string }) => event.eventCategory,
    );
    expect(categories).toEqual(paymentRaisesInvoiceUpdate ? ['INVOICE', 'CONTACT'] : ['CONTACT']);
  });
});
