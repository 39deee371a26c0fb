/** The floor: what reading a Xero into Postgres cannot do without. Fetch, JSON.parse, COPY. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Stream, streamNames, streams } from '../../domain/streams.js';
import { DEMO_CLIENT } from '../../simulator/index.js';
import { giveConsent, redirectUri } from '../../test/xero/support.js';
import { scopesFor } from '../../xero/scopes.js';
import type { Stack } from '../stack/stack.js';

/** As many as Xero allows. */
const inFlight = 5;

export interface Floor {
  records: number;
  ms: number;
}

interface Page {
  stream: Stream;
  url: string;
}

/** Reads the pages that a backfill reads, five at a time, each into a table without keys. */
export async function readFloor(stack: Stack, organisation: string, token: string): Promise<Floor> {
  await stack.pool.query('DROP TABLE IF EXISTS floor_record');
  await stack.pool.query('CREATE TABLE floor_record (body jsonb)');
  const began = performance.now();
  const headers = { authorization: `Bearer ${token}`, 'xero-tenant-id': organisation, accept: 'application/json' };
  const queue = streamNames.filter((name) => !streams[name].optional).map((name) => pageOf(stack, streams[name], 1));
  let records = 0;
  const readNext = async (): Promise<void> => {
    for (let page = queue.shift(); page !== undefined; page = queue.shift()) {
      const answer = JSON.parse(await (await fetch(page.url, { headers })).text()) as Record<string, unknown>;
      const rows = answer[page.stream.collection] as unknown[];
      if (new URL(page.url).searchParams.get('page') === '1') queue.push(...otherPages(stack, page.stream, answer));
      await copy(stack.pool, rows);
      records += rows.length;
    }
  };
  // The first pages tell of the others; a reader that finds the queue empty before that would go.
  while (queue.length > 0) await Promise.all(Array.from({ length: inFlight }, readNext));
  return { records, ms: performance.now() - began };
}

function otherPages(stack: Stack, stream: Stream, answer: Record<string, unknown>): Page[] {
  const { pageCount = 1 } = (answer.pagination ?? {}) as { pageCount?: number };
  return Array.from({ length: Math.max(0, pageCount - 1) }, (_, index) => pageOf(stack, stream, index + 2));
}

function pageOf({ simulatorUrl }: Stack, stream: Stream, page: number): Page {
  const paging = {
    page: String(page),
    pageSize: String(stream.pageSize),
    ...(stream.way === 'orderedPages' ? { order: `${stream.idField} ASC` } : {}),
  };
  const query = new URLSearchParams({ ...stream.query, ...(stream.way === 'wholeList' ? {} : paging) });
  return { stream, url: `${simulatorUrl}/api.xro/2.0/${stream.endpoint}?${query}` };
}

async function copy(pool: pg.Pool, rows: readonly unknown[]): Promise<void> {
  const client = await pool.connect();
  try {
    const lines = rows.map((row) => `${JSON.stringify(row).replaceAll('\\', '\\\\')}\n`);
    await pipeline(Readable.from([lines.join('')]), client.query(copyFrom('COPY floor_record (body) FROM STDIN')));
  } finally {
    client.release();
  }
}

/** A token of another user's consent, so that the service's own is left alone. */
export async function tokenFor({ simulatorUrl }: Stack, organisation: string): Promise<string> {
  const authorize = new URL(`${simulatorUrl}/identity/connect/authorize`);
  authorize.search = new URLSearchParams({
    response_type: 'code',
    client_id: DEMO_CLIENT.id,
    redirect_uri: redirectUri,
    scope: scopesFor('two-way').join(' '),
    state: randomUUID(),
  }).toString();
  const { code = '' } = await giveConsent(authorize.href, [organisation]);
  const basic = Buffer.from(`${DEMO_CLIENT.id}:${DEMO_CLIENT.secret}`).toString('base64');
  const answer = await fetch(`${simulatorUrl}/connect/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}
