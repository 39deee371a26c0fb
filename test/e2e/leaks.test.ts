import { inspect } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { scheduleIds } from '../../domain/names.js';
import { DEMO_CLIENT } from '../../simulator/index.js';
import { type BackfillView, type Books, openStreams } from '../support/books.js';
import type { Child } from '../support/childProcess.js';
import { decodedDescription, decodedHistory, decodedSchedules } from '../support/decodedHistory.js';
import { dumpOf } from '../support/dump.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';
import { giveConsent } from '../xero/support.js';

/** What Xero says when it fails, as it quotes customers and requests. */
const quoted = 'Zebedee Quillfeather <zebedee@quillfeather.example>';
const secretInAnError = 'a-token-that-xero-quoted-in-an-error';

let system: System;
let worker: Child;
let books: Books;
/** Where nothing may leak to, as text by name. */
const places: Record<string, string> = {};
/** What the simulator issued, and the app's own secret: no place may hold them. */
let secrets: string[] = [];
/** Of the organisation's contacts, and what Xero quoted of them in its errors: no history and no log may hold them. */
let people: string[] = [];

/** Headers and bodies of all that our API answered. */
const answers: string[] = [];
function keepAnswers(): void {
  const send = globalThis.fetch;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (...call) => {
    const answer = await send(...call);
    if (new URL(answer.url).pathname.startsWith('/v1/')) {
      answers.push(inspect([...answer.headers]), await answer.clone().text());
    }
    return answer;
  });
}

const fault = (path: string, more: object) =>
  system.xero('POST', '/faults', [{ match: { path }, kind: 'status', status: 500, body: quoted, ...more }]);

/** A first read of which only the invoices are missing, because Xero fails there; and what Temporal tells of it meanwhile. */
async function heldAtInvoices(): Promise<Books> {
  await fault('Invoices', {});
  const held = await system.connect(await system.organisation({ counts: { contacts: 30, invoices: 40 } }));
  const unread = (now: BackfillView) => openStreams(now).filter((name) => now.streams[name].status !== 'failed');
  await held.until('only invoices are missing', (now) => unread(now).join() === 'invoices');
  places[`the description of ${held.id} in hand`] = await eventually(
    'Temporal names the fault',
    () => decodedDescription(held.run),
    (text) => text.includes('Xero fault: unavailable'),
  );
  return held;
}

async function keepHouse(): Promise<void> {
  const schedule = system.client.schedule.getHandle(scheduleIds.housekeeping);
  const actions = async () => (await schedule.describe()).info.recentActions;
  const before = (await actions()).length;
  await schedule.trigger(ScheduleOverlapPolicy.SKIP);
  const started = await eventually('housekeeping was started', actions, (now) => now.length > before);
  const workflowId = started.at(-1)?.action.workflow.workflowId ?? '';
  await system.client.workflow.getHandle(workflowId).result();
}

const becomeIdle = () =>
  system.database.pool.query(
    `UPDATE oauth_grant SET used_at = used_at - interval '21 days',
       access_token_expires_at = access_token_expires_at - interval '21 days'`,
  );

/** Consents that come to nothing: denied, unknown, answered by a Xero that fails, used twice, with an id token besides. */
async function failConsents(): Promise<void> {
  await system.api.put('/companies/failing', { name: 'A company' });
  const { consentUrl } = await system.api.post<{ consentUrl: string }>('/connections', {
    company: 'failing',
    direction: 'import',
    syncFromDate: null,
  });
  const connection = await system.api.get<{ data: { id: string }[] }>('/connections?company=failing');
  const organisation = await system.organisation({ counts: { contacts: 1, invoices: 1 } });
  const redirect = new URL(consentUrl).searchParams.get('redirect_uri');
  const callback = (query: Record<string, string>) => fetch(`${redirect}?${new URLSearchParams(query)}`);
  const another = async () =>
    (await system.api.post<{ consentUrl: string }>(`/connections/${connection.data[0]?.id}/reconnect`, {})).consentUrl;

  await callback(await giveConsent(consentUrl, [], 'deny'));
  const query = await giveConsent(await another(), [organisation]);
  await callback({ ...query, state: 'unknown' });
  await fault('/connect/token', { times: 1, body: `${quoted} ${secretInAnError}` });
  await callback(query);
  await callback(query);
  const quoting = JSON.stringify({ error: 'invalid_request', error_description: `${secretInAnError} of ${quoted}` });
  await fault('/connect/token', { times: 1, status: 400, body: quoting });
  await callback(await giveConsent(await another(), [organisation]));
  const asksWho = new URL(await another());
  asksWho.searchParams.set('scope', `${asksWho.searchParams.get('scope')} openid profile email`);
  await callback(await giveConsent(asksWho.href, [organisation]));
}

async function refuseRequests(): Promise<void> {
  const tries = [
    () => system.api.get('/connections/not-an-id'),
    () => system.api.post('/connections', { company: 'nobody', direction: 'sideways' }),
    () => system.api.post(`/connections/${books.id}/backfill`, {}),
  ];
  for (const refused of tries) await expect(refused()).rejects.toThrow();
}

async function lookAtEverything(): Promise<void> {
  const paths = ['', '/backfill', '/runs', '/budget', '/records/contacts', '/records/invoices', '/settings'];
  for (const path of paths) await system.api.get(`/connections/${books.id}${path}`).catch(() => undefined);
  await system.api.get('/companies');
}

async function allRuns(): Promise<WorkflowHandle[]> {
  const listed = async () => {
    const handles: WorkflowHandle[] = [];
    for await (const { workflowId, runId } of system.client.workflow.list()) {
      handles.push(system.client.workflow.getHandle(workflowId, runId));
    }
    return handles;
  };
  return eventually('two first reads and two housekeepings are listed', listed, (handles) => handles.length >= 4);
}

async function collect(): Promise<void> {
  for (const run of await allRuns()) {
    places[`the history of ${run.workflowId}`] = await decodedHistory(run);
    places[`the description of ${run.workflowId}`] = await decodedDescription(run);
    places[`the result or failure of ${run.workflowId}`] = await run.result().then(
      (result) => inspect(result, { depth: 20 }),
      (failure) => inspect(failure, { depth: 20 }),
    );
  }
  places['the schedules'] = await decodedSchedules(system.client);
  places['the API’s log'] = system.apiLog.join('');
  places['the worker’s log'] = worker.output();
  places['the API’s answers'] = answers.join('\n');
  places['the database'] = await dumpOf(system.database.pool);
}

interface Issued {
  codes: { code: string }[];
  accessTokens: { token: string }[];
  refreshTokens: { token: string }[];
  idTokens: string[];
}

async function issuedSecrets(): Promise<string[]> {
  const { codes, accessTokens, refreshTokens, idTokens } = await system.xero<Issued>('GET', '/tokens');
  const kinds = [
    codes.map(({ code }) => code),
    ...[accessTokens, refreshTokens].map((all) => all.map((one) => one.token)),
  ];
  expect([...kinds, idTokens].map((all) => all.length > 0)).toEqual([true, true, true, true]);
  // Of a JWT each part by itself too: what says who, and the signature.
  const parts = [...kinds.flat(), ...idTokens].flatMap((token) => [token, ...token.split('.').slice(1)]);
  const { id, secret } = DEMO_CLIENT;
  return [...parts, secret, Buffer.from(`${id}:${secret}`).toString('base64'), secretInAnError];
}

async function contactsOf(pool: System['database']['pool']): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; email: string }>(
    `SELECT DISTINCT body ->> 'Name' AS name, body ->> 'EmailAddress' AS email FROM record WHERE stream = 'contacts'`,
  );
  return rows.flatMap(({ name, email }) => [name, email]).filter((text) => text !== null && text !== '');
}

/** Which needles stand where; the first characters are enough to know one by. */
function found(needles: readonly string[], within: Readonly<Record<string, string>>): string[] {
  return Object.entries(within).flatMap(([place, text]) =>
    needles.filter((needle) => text.includes(needle)).map((needle) => `${needle.slice(0, 12)}… in ${place}`),
  );
}

beforeAll(async () => {
  keepAnswers();
  system = await startSystem();
  worker = system.startWorker();
  await fault('Contacts', { times: 1 });
  books = await heldAtInvoices();
  await system.xero('POST', '/tokens/expire');
  await system.xero('DELETE', '/faults');
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  await becomeIdle();
  await keepHouse();
  await failConsents();

  await fault('Items', { status: 400 });
  const revoked = await heldAtInvoices();
  await system.xero('POST', `/organisations/${revoked.organisation}/revoke`, { grant: true });
  await system.xero('DELETE', '/faults');
  expect(await revoked.ended()).toMatchObject({ outcome: 'xero_auth_failed' });
  await becomeIdle();
  await keepHouse();
  expect(await books.connection()).toMatchObject({ status: 'authFailed', lastError: { code: 'xero_auth_failed' } });

  await refuseRequests();
  await lookAtEverything();
  await collect();
  secrets = await issuedSecrets();
  people = [quoted, 'quillfeather', ...(await contactsOf(system.database.pool))];
});
afterAll(async () => {
  vi.restoreAllMocks();
  await system?.stop();
});

test('no code, no access, refresh or id token and no secret of the app stands anywhere', () => {
  expect(found(secrets, places)).toEqual([]);
});

test('no name and no e-mail address of a contact stands in a history or a log', () => {
  expect(people.length).toBeGreaterThan(30);
  const { 'the API’s answers': _answers, 'the database': _database, ...histories } = places;
  expect(Object.keys(histories).length).toBeGreaterThan(10);
  expect(found(people, histories)).toEqual([]);
});

describe('the search finds what is there', () => {
  const here = (name: string) => places[name] ?? '';

  test('contacts in the database and in the answers, which may hold them', () => {
    const [name = ''] = people.slice(2);
    expect(here('the database')).toContain(name);
    expect(found(people.slice(2), { answers: here('the API’s answers') }).length).toBeGreaterThan(0);
  });

  test('the connection’s id in every history, log, answer and dump', () => {
    const places = [`the history of ${books.run.workflowId}`, 'the API’s log', 'the worker’s log', 'the API’s answers'];
    for (const name of [...places, 'the database']) expect(here(name), name).toContain(books.id);
    expect(here('the API’s answers')).toContain("'content-type'");
    expect(here('the worker’s log')).toContain('housekeeping: one could not be refreshed');
  });

  test('the hash of an API key as hex, and a token that was stored unsealed, as bytes, as text or in JSON', async () => {
    const { pool } = system.database;
    const { rows } = await pool.query(`SELECT encode(secret_hash, 'hex') AS hash FROM api_key`);
    expect(here('the database')).toContain(rows[0].hash);
    const [token = ''] = secrets;
    await pool.query('CREATE TABLE planted (bytes bytea, words text, object jsonb)');
    for (const column of ['bytes', 'words', 'object']) {
      await pool.query('TRUNCATE planted');
      const value = { bytes: Buffer.from(token), words: `before ${token} after`, object: { token } }[column];
      await pool.query(`INSERT INTO planted (${column}) VALUES ($1)`, [value]);
      expect(found(secrets, { dump: await dumpOf(pool) }), column).toEqual([`${token.slice(0, 12)}… in dump`]);
    }
  });
});
