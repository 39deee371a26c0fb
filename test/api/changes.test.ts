import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool } from '../../db/pool.js';
import { eventTypeNames } from '../../domain/feed.js';
import { company, tellOf } from '../support/feed.js';
import { type Api, organisation, startApi } from './harness.js';

let api: Api;
let mine: string;
let other: string;
beforeEach(async () => {
  api = await startApi();
  [mine, other] = [await company(api.database.pool, 'mine'), await company(api.database.pool, 'other')];
});
afterEach(() => api.close());

const changes = (query = '', secret?: string) => api.call('GET', `/v1/changes${query}`, undefined, secret);
const idsOf = (answer: { json(): { data: { xeroId: string | null }[] } }) =>
  answer.json().data.map(({ xeroId }) => xeroId);
const tell = (about: string, ...ids: string[]) => tellOf(api.database.pool, about, ...ids);

/** Notes the waits: fulfilled when the next request waits, and when it waits no more. */
function nextWait() {
  const { feedBell } = api.deps;
  const listen = feedBell.listen.bind(feedBell);
  let begun = () => {};
  let over = () => {};
  const begins = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const ends = new Promise<void>((resolve) => {
    over = resolve;
  });
  feedBell.listen = (about) => {
    const listener = listen(about);
    return {
      rung: (signal) => {
        begun();
        return listener.rung(signal);
      },
      end: () => {
        listener.end();
        over();
      },
    };
  };
  return { begins, ends };
}

test('a reader without a cursor begins at the oldest event, and goes on with nextCursor or the id of an event', async () => {
  await tell(mine, 'a', 'b');
  await tell(other, 'c');
  const first = await changes('?limit=2');
  expect(first.statusCode).toBe(200);
  expect(first.json()).toEqual({
    data: [
      {
        id: '1',
        type: 'record.changed',
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        company: 'mine',
        connection: '00000000-0000-4000-8000-000000000000',
        kind: null,
        externalId: null,
        xeroId: 'a',
        data: { stream: 'invoices' },
      },
      expect.objectContaining({ id: '2', xeroId: 'b' }),
    ],
    nextCursor: '2',
  });
  expect(idsOf(await changes('?after=2'))).toEqual(['c']);
  expect(idsOf(await changes('?after=1&limit=1'))).toEqual(['b']);
  expect((await changes('?after=3')).json()).toEqual({ data: [], nextCursor: '3' });
});

test('a new reader starts at the newest position', async () => {
  await tell(mine, 'a', 'b');
  expect((await changes('?after=latest')).json()).toEqual({ data: [], nextCursor: '2' });
});

test('a key of one company sees its events only, and its cursor moves on past the others', async () => {
  const bound = await api.key('viewer', 'mine');
  await tell(other, 'x');
  await tell(mine, 'a');
  await tell(other, 'y', 'z');
  const answer = await changes('', bound);
  expect([idsOf(answer), answer.json().nextCursor]).toEqual([['a'], '4']);
  expect(idsOf(await changes('?company=mine', bound))).toEqual(['a']);
  expect(idsOf(await changes('?company=other'))).toEqual(['x', 'y', 'z']);
  for (const hidden of ['other', 'nobody']) {
    expect((await changes(`?company=${hidden}`, bound)).statusCode).toBe(404);
  }
});

test('a position whose events are forgotten is answered 410, with what to do', async () => {
  await tell(mine, 'a', 'b');
  await api.database.pool.query('UPDATE feed_counter SET removed_to = 2');
  const answer = await changes('?after=1');
  expect([answer.statusCode, answer.json().code]).toEqual([410, 'position_gone']);
  expect(answer.json().remedy).toContain('after=latest');
  expect((await changes('?after=3')).statusCode).toBe(410);
  expect((await changes('?after=2')).statusCode).toBe(200);
});

test.each([
  ['after', 'after=yesterday'],
  ['after', 'after=-1'],
  ['wait', 'wait=30'],
  ['wait', 'wait=61s'],
  ['limit', 'limit=1001'],
  ['company', 'company='],
])('what is no %s is refused by name: %s', async (field, query) => {
  const answer = await changes(`?${query}`);
  expect([answer.statusCode, answer.json().errors[0].field]).toEqual([422, field]);
});

test('who waits is answered by an event that another process commits', async () => {
  const elsewhere = createPool(api.database.url);
  const wait = nextWait();
  const answer = changes('?after=0&wait=60s&company=mine');
  await wait.begins;
  await tellOf(elsewhere, other, 'not this one');
  await tellOf(elsewhere, mine, 'a');
  expect(idsOf(await answer)).toEqual(['a']);
  await wait.ends;
  await elsewhere.end();
});

test('who asks to wait is answered at once when there is something', async () => {
  await tell(mine, 'a');
  expect(idsOf(await changes('?wait=60s'))).toEqual(['a']);
});

test('a wait in which nothing happens ends with an empty list and the same cursor', async () => {
  await tell(mine, 'a');
  expect((await changes('?after=1&wait=1s')).json()).toEqual({ data: [], nextCursor: '1' });
});

test('when the app is closed, who waits is answered', async () => {
  await tell(mine, 'a');
  const { begins } = nextWait();
  const waiting = changes('?after=1&wait=60s');
  await begins;
  await api.app.close();
  expect((await waiting).json()).toEqual({ data: [], nextCursor: '1' });
});

test('the wait of a client that goes away is over', async () => {
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;
  const secret = await api.key('viewer');
  const { begins, ends } = nextWait();
  const client = new AbortController();
  const asked = fetch(`http://127.0.0.1:${port}/v1/changes?wait=60s`, {
    headers: { authorization: `Bearer ${secret}` },
    signal: client.signal,
  });
  await begins;
  client.abort();
  await expect(asked).rejects.toThrow();
  await ends;
});

test('a consent, a pause and an end are told of as the statuses that people see', async () => {
  const { id, state } = await api.connect('shop');
  const code = api.xero.grant([organisation('Shop')]);
  await api.callback({ state, code });
  for (const act of ['pause', 'resume', 'disconnect']) await api.call('POST', `/v1/connections/${id}/${act}`);
  const { data } = (await changes('?company=shop')).json();
  expect(
    data.map(({ connection, type, data: { status } }: (typeof data)[number]) => [connection, type, status]),
  ).toEqual(
    ['syncingContacts', 'paused', 'syncingContacts', 'disconnected'].map((status) => [
      id,
      'connection.statusChanged',
      status,
    ]),
  );
});

test('the API reference lists every type of event', async () => {
  const document = (await api.app.inject('/openapi.json')).json();
  const { type } = document.components.schemas.Event.properties;
  expect(type.enum).toEqual(eventTypeNames);
  for (const name of eventTypeNames) expect(type.description).toContain(`\`${name}\``);
});
