import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { isPublic, isPublicOrLoopback } from '../../callbacks/addresses.js';
import { createPaymentCallback } from '../../callbacks/callback.js';

const secret = 'a secret of the tests';
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Received {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A platform's receiver that answers with this status, or not at all. */
async function receiver(status: number | null, headers: Record<string, string> = {}) {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body });
      if (status !== null) response.writeHead(status, headers).end('thanks');
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/payments` };
}

const here = createPaymentCallback({
  allowLoopback: true,
  deadlineMs: 500,
  now: () => new Date('2026-10-01T12:00:00Z'),
});
/** What an outside name is resolved to. */
const resolving = (...addresses: string[]) =>
  createPaymentCallback({
    allowLoopback: false,
    lookup: ((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as never,
  });

test('a call is signed over its time and its bytes, so that its receiver can tell who sent it and when', async () => {
  const { url, received } = await receiver(204);
  expect(await here.post({ url, secret }, { type: 'ping', name: 'é' })).toBe('accepted');
  const [{ headers, body }] = received as [Received];
  expect(JSON.parse(body)).toEqual({ type: 'ping', name: 'é' });
  expect(headers['nightledger-timestamp']).toBe('2026-10-01T12:00:00.000Z');
  const expected = createHmac('sha256', secret).update(`2026-10-01T12:00:00.000Z.${body}`).digest('hex');
  expect(headers['nightledger-signature']).toBe(expected);
});

test('anything but 2xx is a refusal, and a redirect is not followed', async () => {
  const other = await receiver(200);
  for (const status of [301, 302, 307, 400, 404, 409, 500, 503]) {
    const { url, received } = await receiver(status, { location: other.url });
    expect(await here.post({ url, secret }, {})).toBe('refused');
    expect(received).toHaveLength(1);
  }
  expect(other.received).toEqual([]);
});

test('no answer in time leaves the outcome unknown, and the call is not sent again', async () => {
  const { url, received } = await receiver(null);
  expect(await here.post({ url, secret }, {})).toBe('unknown');
  expect(received).toHaveLength(1);
});

test('a connection that breaks after it stood leaves the outcome unknown; one that never stood sent nothing', async () => {
  const server = createTcpServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect(await here.post({ url, secret }, {})).toBe('unknown');
  await new Promise((closed) => server.close(closed));
  expect(await here.post({ url, secret }, {})).toBe('unreachable');
});

describe('addresses', () => {
  const forbidden = [
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '240.0.0.1',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'not an address',
  ];

  test.each(forbidden)('%s is no public address', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  test.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('%s is public', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  test('loopback and nothing else of them is allowed where the platform runs on this machine', () => {
    expect(forbidden.filter(isPublicOrLoopback)).toEqual([
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
    ]);
  });

  test('nothing is sent to a loopback address, however it is written, unless it is allowed', async () => {
    const { url, received } = await receiver(200);
    const port = new URL(url).port;
    const strict = createPaymentCallback({ allowLoopback: false });
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '127.1', 'localhost']) {
      expect(await strict.post({ url: `https://${host}:${port}/`, secret }, {}), host).toBe('unreachable');
      expect(await strict.post({ url: `http://${host}:${port}/`, secret }, {}), host).toBe('unreachable');
    }
    expect(received).toEqual([]);
  });

  test('a name that is resolved to a private address is not connected to, be it one among public ones', async () => {
    const { url, received } = await receiver(200);
    const target = { url: `https://platform.test:${new URL(url).port}/`, secret };
    expect(await resolving('127.0.0.1').post(target, {})).toBe('unreachable');
    expect(await resolving('93.184.216.34', '10.0.0.1').post(target, {})).toBe('unreachable');
    expect(await resolving().post(target, {})).toBe('unreachable');
    expect(received).toEqual([]);
  });

  test('the address that was checked is the one connected to: a name is looked up once', async () => {
    const { url, received } = await receiver(200);
    let asked = 0;
    const callback = createPaymentCallback({
      allowLoopback: true,
      lookup: ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
        asked++;
        done(null, [{ address: '127.0.0.1', family: 4 }]);
      }) as never,
    });
    expect(await callback.post({ url: `http://platform.test:${new URL(url).port}/`, secret }, {})).toBe('accepted');
    expect([asked, received.length]).toEqual([1, 1]);
  });
});
