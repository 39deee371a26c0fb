/**
 * One reading with the simulator while its rows are edited: the activity, the reader, the budget and the mirror are the
 * real ones, only Temporal is left out.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type pg from 'pg';
import { defaultPatience } from '../../activities/patience.js';
import { createReadingActivities, type ReadStreamResult } from '../../activities/reading.js';
import { createCallBudget } from '../../db/budget.js';
import { createMirror } from '../../db/mirror.js';
import { beginNext, type ReadingState } from '../../domain/reading.js';
import { type Stream, type StreamName, streams } from '../../domain/streams.js';
import { connectionsIn } from '../../test/support/connections.js';
import { type Comparison, compareWithTruth } from '../../test/support/truth.js';
import { control, giveConsent, oauthAt } from '../../test/xero/support.js';
import { createXeroReader } from '../../xero/reader.js';
import { scopesFor } from '../../xero/scopes.js';
import type { SoakCase } from './cases.js';

export interface SoakResult {
  rows: number;
  edits: number;
  /** Records that were there before the cursor and are not as in Xero after the reading under edits. */
  lost: Comparison;
  /** The whole, after one more reading without edits. */
  left: Comparison;
}

const manyCalls = 1_000_000;
const lifted = { minute: manyCalls, day: manyCalls };
const leaseMs = 60_000;
/** Retries of one reading: more would be a reading that does not get on. */
const mostTurns = 60;

export async function readUnderEdits(pool: pg.Pool, xeroUrl: string, wish: SoakCase): Promise<SoakResult> {
  const stream = streams[wish.stream];
  await control(xeroUrl, 'PATCH', '/settings', { switches: wish.switches, limits: { appMinute: manyCalls } });
  const organisation = await makeOrganisation(xeroUrl, wish);
  const connectionId = await connect(pool, xeroUrl, organisation, wish);
  const read = reading(pool, xeroUrl, connectionId, wish.stream);

  await control(
    xeroUrl,
    'POST',
    '/faults',
    wish.delays.map((each) => delayFault(organisation, stream, each)),
  );
  const quiet = await disturb(xeroUrl, organisation, wish);
  const edits = await read().finally(quiet).then(quiet);
  await control(xeroUrl, 'DELETE', '/faults');

  const scope = { from: wish.syncFromDate };
  const state = await stateOf(pool, connectionId, wish.stream);
  const lost = await compareWithTruth(pool, xeroUrl, organisation, wish.stream, { ...scope, before: state.cursor });
  await beginAgain(pool, connectionId, stream, state, wish.syncFromDate);
  await read();
  const left = await compareWithTruth(pool, xeroUrl, organisation, wish.stream, scope);
  return { rows: left.equal, edits, lost, left };
}

async function makeOrganisation(xeroUrl: string, { way, seed, counts }: SoakCase): Promise<string> {
  const wish = { name: randomUUID(), seed: `${way}-${seed}`, counts, tier: 'advanced', limits: lifted };
  return (await control<{ tenantId: string }>(xeroUrl, 'POST', '/organisations', wish)).tenantId;
}

/** Rows of a connection, with the access token in the grant's place: nothing is refreshed here. */
async function connect(pool: pg.Pool, xeroUrl: string, organisation: string, wish: SoakCase): Promise<string> {
  const connectionId = randomUUID();
  const company = `company-${connectionId}`;
  await pool.query("INSERT INTO company (id, name, sync_by) VALUES ($1, 'Soak', 'company')", [company]);
  await pool.query("INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Soak')", [organisation, company]);
  await pool.query(
    `INSERT INTO connection (id, company_id, direction, status, organisation_id, sync_from_date_chosen, sync_from_date)
     VALUES ($1, $2, 'import', 'backfilling', $3, true, $4)`,
    [connectionId, company, organisation, wish.syncFromDate],
  );
  tokens.set(connectionId, await accessToken(xeroUrl, organisation));
  return connectionId;
}

const tokens = new Map<string, string>();

async function accessToken(xeroUrl: string, organisation: string): Promise<string> {
  const oauth = oauthAt(xeroUrl);
  const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
  const consentUrl = await oauth.consentUrl({ ...secret, scopes: scopesFor('import', ['journals']) });
  const callback = await giveConsent(consentUrl, [organisation]);
  return (await oauth.exchange(callback, secret)).tokens.accessToken;
}

/** A function that reads the stream to its end, as often as the activity asks to be called. */
function reading(pool: pg.Pool, xeroUrl: string, connectionId: string, stream: StreamName): () => Promise<void> {
  const connections = connectionsIn(pool);
  const { readStream } = createReadingActivities({
    xero: createXeroReader({
      budget: createCallBudget(pool, { limits: { minute: manyCalls, appMinute: manyCalls }, peopleMinute: 0 }),
      tokens: { accessToken: async (grantId) => tokens.get(grantId) ?? '' },
      apiUrl: xeroUrl,
    }),
    mirror: createMirror(pool),
    connections: {
      ...connections,
      get: async (id) => {
        const connection = await connections.get(id);
        return connection && { ...connection, grantId: connectionId };
      },
    },
    patience: { ...defaultPatience, firstWaitMs: 10, mostFaults: 5 },
    elapsed: () => performance.now(),
  });
  return async () => {
    let said = '';
    for (let turn = 0; turn < mostTurns; turn++) {
      try {
        const input = { connectionId, stream, runId: connectionId };
        const { outcome } = (await new MockActivityEnvironment().run(readStream, input)) as ReadStreamResult;
        if (outcome === 'complete') return;
        if (outcome !== 'more') throw new Error(`the reading of ${stream} ended as ${outcome}`);
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
        said = error.message;
        await delay(50);
      }
    }
    throw new Error(`the reading does not get on: ${said}`);
  };
}

const delayFault = (tenantId: string, { endpoint }: Stream, { kind, ms, skip }: SoakCase['delays'][number]) => ({
  match: { tenantId, path: `/${endpoint}(\\?|$)` },
  ...{ kind, ms, skip, times: 1 },
});

/** Edits the stream from now on. @returns what ends that, and tells how many edits were made. */
async function disturb(xeroUrl: string, organisation: string, wish: SoakCase): Promise<() => Promise<number>> {
  if (wish.way === 'numbered') return disturbDocuments(xeroUrl, organisation, wish);
  const path = `/organisations/${organisation}/whileReading`;
  let edits = 0;
  for (const campaign of wish.campaigns) {
    await control(xeroUrl, 'POST', path, { stream: wish.stream, times: 40, ...campaign });
  }
  return async () => {
    const [made = 0] = Object.values(await control<Record<string, number>>(xeroUrl, 'DELETE', path));
    edits += made;
    return edits;
  };
}

/** Journals follow from documents, so it is these that are edited and added while journals are read. */
function disturbDocuments(xeroUrl: string, organisation: string, { seed }: SoakCase): () => Promise<number> {
  let [edits, going] = [0, true];
  const editing = (async () => {
    for (let nth = seed % 50; going; nth = (nth * 31 + 7) % 340) {
      const op = nth % 2 === 0 ? 'add' : 'edit';
      await control(xeroUrl, 'POST', `/organisations/${organisation}/edits`, [{ stream: 'manualJournals', op, nth }]);
      edits++;
    }
  })();
  return async () => {
    going = false;
    await editing;
    return edits;
  };
}

async function stateOf(pool: pg.Pool, connectionId: string, stream: StreamName): Promise<ReadingState> {
  const { rows } = await pool.query<{ state: ReadingState }>(
    'SELECT state FROM stream_cursor WHERE connection_id = $1 AND stream = $2',
    [connectionId, stream],
  );
  return (rows[0] as { state: ReadingState }).state;
}

/** Puts the cursor to the start of the next reading, as a sync does. */
async function beginAgain(
  pool: pg.Pool,
  connectionId: string,
  stream: Stream,
  state: ReadingState,
  syncFromDate: string | null,
): Promise<void> {
  const mirror = createMirror(pool);
  const held = await mirror.acquire(connectionId, stream.name, connectionId, leaseMs);
  if (!held) throw new Error('somebody else reads the stream');
  await mirror.begin(held.lease, beginNext(stream, state, syncFromDate));
  await mirror.release(held.lease);
}
