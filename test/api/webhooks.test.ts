import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPool } from '../../db/pool.js';
import { createWebhookEvents } from '../../db/webhooks.js';
import { type Api, organisation, startApi } from './harness.js';

const [newKey, oldKey] = ['the new key', 'the old key — ü'];

/** What the metrics page was given. */
const counted: Readonly<Record<string, number>>[] = [];
const metrics = {
  observe: () => undefined,
  countWebhookEvents: (counts: (typeof counted)[number]) => void counted.push(counts),
};

let api: Api;
beforeAll(async () => {
  api = await startApi({ webhookKeys: [newKey, oldKey], metrics });
});
afterAll(() => api.close());
beforeEach(() => {
  api.temporal.webhooks.rung.length = 0;
  api.temporal.webhooks.away = null;
});

const signed = (body: string | Buffer, key = newKey) => createHmac('sha256', key).update(body).digest('base64');

/** As Xero sends it. */
const deliver = (body: string | Buffer, signature: string | null = signed(body), to = api) =>
  to.app.inject({
    method: 'POST',
    url: '/v1/webhooks/xero',
    headers: { 'content-type': 'application/json', ...(signature !== null && { 'x-xero-signature': signature }) },
    payload: body,
  });

/** A company that is connected; answers its tenant id and the connection's id. */
async function connected(to = api) {
  const one = organisation('Fern Ltd');
  const { id, state } = await to.connect(randomUUID(), { syncFromDate: null });
  await to.callback({ state, code: to.xero.grant([one]) });
  return { tenantId: one.tenantId, connectionId: id };
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 23);

const eventOf = (tenantId: string, more: object = {}) => ({
  resourceUrl: 'https://api.xero.com/api.xro/2.0/Invoices/x',
  resourceId: randomUUID(),
  tenantId,
  tenantType: 'ORGANISATION',
  eventCategory: 'INVOICE',
  eventType: 'UPDATE',
  eventDateUtc: hoursAgo(0),
  ...more,
});

const bodyOf = (...events: unknown[]) =>
  JSON.stringify({ events, firstEventSequence: 1, lastEventSequence: events.length, entropy: 'X' });

async function stored(tenantId: string, from = api): Promise<{ stream: string; resource_id: string; at: Date }[]> {
  const { rows } = await from.database.pool.query(
    'SELECT stream, resource_id, at FROM webhook_event WHERE organisation_id = $1 ORDER BY id',
    [tenantId],
  );
  return rows;
}

/** The answer is Xero's to read: a status and nothing else. */
function expectBare(answer: Awaited<ReturnType<typeof deliver>>, status: number) {
  expect([answer.statusCode, answer.body, answer.headers['set-cookie']]).toEqual([status, '', undefined]);
}

test('the intent to receive, with its odd spaces, is answered 200 where it is signed rightly and 401 where it is not', async () => {
  const body = '{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "FQZZRUYUFVHLKQRIVCFF"}';
  expectBare(await deliver(body), 200);
  expectBare(await deliver(body, signed(body, `wrong ${newKey}`)), 401);
  expectBare(await deliver(body, signed(JSON.stringify(JSON.parse(body)))), 401);
  expectBare(await deliver(body, null), 401);
  expectBare(await deliver(body, ''), 401);
  expectBare(await deliver(body, signed(body).slice(0, -1)), 401);
  expectBare(await deliver('', null), 401);
});

test('the signature is over the bytes: a byte that is no text is signed as it is', async () => {
  const body = Buffer.concat([Buffer.from('{"events":[],"entropy":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}')]);
  expectBare(await deliver(body), 200);
  expectBare(await deliver(body, signed(body.toString())), 401);
});

test('what is not JSON is no reason to look at it: forged 401, signed 200 and nothing stored', async () => {
  for (const body of ['{"events":', 'null', '[]', '{"events":{}}', 'text']) {
    expectBare(await deliver(body, signed(body, 'forged')), 401);
    expectBare(await deliver(body), 200);
  }
});

test('while a key is changed either signs', async () => {
  const { tenantId } = await connected();
  for (const key of [newKey, oldKey]) {
    const body = bodyOf(eventOf(tenantId));
    expectBare(await deliver(body, signed(body, key)), 200);
  }
  expect(await stored(tenantId)).toHaveLength(2);
});

test('without a key every webhook is refused, and the log says so once', async () => {
  const other = await startApi();
  const body = bodyOf();
  for (const key of ['', newKey]) expectBare(await deliver(body, signed(body, key), other), 401);
  expect(other.log.filter((line) => line.includes('XERO_WEBHOOK_KEYS'))).toHaveLength(1);
  await other.close();
});

test('a body beyond 1 MiB is refused before it is read', async () => {
  const body = bodyOf('x'.repeat(1_048_576));
  expectBare(await deliver(body), 413);
});

test('an event is stored with its stream and instant, and the run of its organisation is rung for once', async () => {
  const { tenantId, connectionId } = await connected();
  const categories = ['CONTACT', 'INVOICE', 'CREDITNOTE', 'PREPAYMENT', 'OVERPAYMENT'];
  const events = categories.map((eventCategory) => eventOf(tenantId, { eventCategory }));
  expectBare(await deliver(bodyOf(...events)), 200);
  expectBare(await deliver(bodyOf(eventOf(tenantId))), 200);
  const streams = ['contacts', 'invoices', 'creditNotes', 'prepayments', 'overpayments', 'invoices'];
  expect((await stored(tenantId)).map(({ stream }) => stream).sort()).toEqual(streams.sort());
  const { rung } = api.temporal.webhooks;
  expect(rung).toEqual([{ organisationId: tenantId, connectionId, companyId: expect.any(String) }]);
});

test('an instant without a zone is UTC', async () => {
  const { tenantId } = await connected();
  const eventDateUtc = hoursAgo(1);
  await deliver(bodyOf(eventOf(tenantId, { eventDateUtc })));
  expect((await stored(tenantId))[0]?.at.toISOString()).toBe(`${eventDateUtc}Z`);
});

test('a replay changes nothing; another change of the same record is another event', async () => {
  const { tenantId } = await connected();
  const event = eventOf(tenantId);
  const body = bodyOf(event, event);
  for (const _ of [1, 2, 3]) expectBare(await deliver(body), 200);
  expect(await stored(tenantId)).toHaveLength(1);
  await deliver(bodyOf({ ...event, eventDateUtc: hoursAgo(0.01) }, { ...event, eventType: 'CREATE' }));
  expect(await stored(tenantId)).toHaveLength(3);
});

test('of twenty deliveries of the same at once one is stored, and one bell rung', async () => {
  const [one, other] = [await connected(), await connected()];
  const events = [...Array(10)].flatMap(() => [eventOf(one.tenantId), eventOf(other.tenantId)]);
  const bodies = [...Array(20)].map((_, index) => bodyOf(...(index % 2 ? events : events.toReversed())));
  const answers = await Promise.all(bodies.map((body) => deliver(body)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200));
  for (const { tenantId } of [one, other]) expect(await stored(tenantId)).toHaveLength(10);
  const { rung } = api.temporal.webhooks;
  expect(rung.map(({ connectionId }) => connectionId).sort()).toEqual([one.connectionId, other.connectionId].sort());
});

test('what is older than Xero would try for is not stored: the night has it', async () => {
  const { tenantId } = await connected();
  const [fresh, late, stale] = [0, 24.5, 26].map((hours) => eventOf(tenantId, { eventDateUtc: hoursAgo(hours) }));
  expectBare(await deliver(bodyOf(stale, late, fresh)), 200);
  const ids = (await stored(tenantId)).map(({ resource_id }) => resource_id);
  expect(ids.sort()).toEqual([late?.resourceId, fresh?.resourceId].sort());
});

test('of a mixed batch each organisation gets its own; what is not ours, not mirrored or not readable is passed over', async () => {
  const [one, other, ended] = [await connected(), await connected(), await connected()];
  await api.stand(ended.connectionId, 'disconnected');
  const body = bodyOf(
    eventOf(one.tenantId),
    eventOf(randomUUID()),
    eventOf(ended.tenantId),
    eventOf(other.tenantId),
    eventOf(other.tenantId, { eventCategory: 'SUBSCRIPTION' }),
    eventOf(other.tenantId, { eventCategory: 'constructor' }),
    eventOf(other.tenantId, { resourceId: "'; DROP TABLE webhook_event; --" }),
    eventOf(other.tenantId, { eventDateUtc: 'yesterday' }),
    null,
    7,
  );
  expectBare(await deliver(body), 200);
  expect(await stored(one.tenantId)).toHaveLength(1);
  expect(await stored(other.tenantId)).toHaveLength(1);
  expect(await stored(ended.tenantId)).toHaveLength(0);
  expect(counted.at(-1)).toEqual({ stored: 2, replayed: 0, stale: 0, foreign: 2, ignored: 2, unreadable: 4 });
});

test('a bell that a claim has turned off is rung again by the next event, and one that is on is not', async () => {
  const { tenantId, connectionId } = await connected();
  const { rung } = api.temporal.webhooks;
  const claims = createWebhookEvents(api.database.pool);
  await deliver(bodyOf(eventOf(tenantId)));
  await claims.claim(connectionId, 100);
  await deliver(bodyOf(eventOf(tenantId)));
  await deliver(bodyOf(eventOf(tenantId)));
  expect(rung).toHaveLength(2);
});

test('claims and deliveries at the same time: every event is claimed, or rung for after the last claim', async () => {
  const { tenantId, connectionId } = await connected();
  await api.database.pool.query(
    `INSERT INTO stream_cursor (connection_id, stream, completed_at) VALUES ($1, 'invoices', now())`,
    [connectionId],
  );
  const claims = createWebhookEvents(api.database.pool);
  let delivering = true;
  const deliveries = Promise.all(
    [...Array(4)].map(async () => {
      for (const _ of Array(25)) await deliver(bodyOf(eventOf(tenantId)));
    }),
  ).finally(() => {
    delivering = false;
  });
  const claimed = new Set<string>();
  const isOn = async () => {
    const { rows } = await api.database.pool.query(
      'SELECT FROM organisation WHERE id = $1 AND webhook_rung_at IS NOT NULL',
      [tenantId],
    );
    return rows.length > 0;
  };
  while (delivering || (await isOn())) {
    for (const { resourceId, eventIds } of await claims.claim(connectionId, 1000)) {
      claimed.add(resourceId);
      await claims.settle(eventIds, 'fetched');
    }
  }
  await deliveries;
  expect(claimed.size).toBe(100);
});

test('a disconnect ends the run that fetches, and what Xero still tells of is not stored', async () => {
  const { tenantId, connectionId } = await connected();
  expect((await api.call('POST', `/v1/connections/${connectionId}/disconnect`)).statusCode).toBe(200);
  expect(api.temporal.webhooks.cancelled).toEqual([tenantId]);
  expectBare(await deliver(bodyOf(eventOf(tenantId))), 200);
  expect(await stored(tenantId)).toEqual([]);
});

test('with Temporal away the event is stored and answered 200', async () => {
  const { tenantId } = await connected();
  api.temporal.webhooks.away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expectBare(await deliver(bodyOf(eventOf(tenantId))), 200);
  expect(await stored(tenantId)).toHaveLength(1);
});

test('the answer does not wait for Temporal', async () => {
  const { tenantId } = await connected();
  let answer = (): void => undefined;
  const ring = () => new Promise<void>((resolve) => (answer = resolve));
  const other = await startApi({
    webhookKeys: [newKey],
    webhookEvents: api.deps.webhookEvents,
    webhooks: { ring, cancel: async () => null },
  });
  expectBare(await deliver(bodyOf(eventOf(tenantId)), undefined, other), 200);
  answer();
  await other.close();
});

test('with Postgres away the answer is 503, so that Xero sends it again', async () => {
  const lost = createPool('postgres://nobody@127.0.0.1:1/none');
  const other = await startApi({ webhookKeys: [newKey], webhookEvents: createWebhookEvents(lost) });
  const body = bodyOf(eventOf(randomUUID()));
  expectBare(await deliver(body, signed(body), other), 503);
  await other.close();
  await lost.end();
});

test('Xero, which sends for all organisations from a few addresses, is not limited to a number of requests', async () => {
  const other = await startApi({ webhookKeys: [newKey], requestsPerMinute: 1 });
  const body = bodyOf();
  for (const _ of [1, 2, 3]) expectBare(await deliver(body, signed(body), other), 200);
  await other.close();
});
