/** What became of documents: one transaction for the attempt, the document, what stands on it, the mirror and the feed. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { DocumentCode } from '../domain/codes.js';
import { type DocumentKind, documentKinds } from '../domain/documents/kinds.js';
import type { DocumentState } from '../domain/documents/states.js';
import type { EventData } from '../domain/feed.js';
import type {
  AnsweredRecords,
  AttemptOutcome,
  Decision,
  DocumentError,
  SettledAttempt,
  StateCounts,
} from '../domain/ports.js';
import { streams } from '../domain/streams.js';
import { type Tell, telling } from './feed.js';
import { storeRecords } from './storeRecords.js';

/** A document under its lock, with where it stands. */
interface Locked {
  id: string;
  company_id: string;
  kind: DocumentKind;
  external_id: string;
  state: DocumentState;
  queued_version: number | null;
  xero_id: string | null;
  /** It was queued once more after the part was noted. */
  again?: boolean;
}

/** What a document's row becomes; null leaves what is there. */
interface Change {
  id: string;
  /** The version that this is about. */
  version: number;
  state: DocumentState;
  code: DocumentCode | null;
  errors: readonly DocumentError[];
  xero_id: string | null;
  xero_number: string | null;
  fingerprint: string | null;
  /** What it was in Xero is deleted, and another record is made of it: it is none for now. */
  taken_back: boolean;
  /** This version stands in Xero now. */
  stands: boolean;
  /** By a call of ours. */
  pushed: boolean;
}

const order = 'd.rank, d.kind, d.external_id COLLATE "C"';

/** Settles parts of calls; see the port. */
export function settle(
  pool: pg.Pool,
  connectionId: string,
  settled: readonly SettledAttempt[],
  status: number | null,
  records: AnsweredRecords | null,
): Promise<StateCounts> {
  return telling(pool, async (client, tell) => {
    const organisationId = await organisationOf(client, connectionId);
    // Whoever locks records and documents does so in this order. What is being sent is no news by its own record.
    if (records !== null && records.texts.length > 0)
      await storeAnswer(client, tell, organisationId, connectionId, records);
    const documents = await lockOpen(client, settled);
    const open = settled.filter(({ attempt }) => documents.has(attempt.id));
    const taken = await takenRecords(client, organisationId, open);
    const outcomes = open.map(({ attempt, outcome }) => ({
      attempt,
      outcome: unlessTaken(outcome, attempt.documentId, taken),
    }));
    await closeAttempts(client, outcomes, status);
    const changes = outcomes.map((each) => changeOf(documents.get(each.attempt.id) as Locked, each));
    await changeDocuments(client, organisationId, changes);
    const woken = await wakeChildren(client, [...documents.values()], changes);
    for (const change of changes) tellChange(tell, connectionId, lockedOf(documents, change.id), change);
    return countsOf(changes, woken);
  });
}

/** Settles documents without a call; see the port. */
export function decide(pool: pg.Pool, connectionId: string, decisions: readonly Decision[]): Promise<StateCounts> {
  return telling(pool, async (client, tell) => {
    const organisationId = await organisationOf(client, connectionId);
    const documents = await lockQueued(client, decisions);
    const fitting = decisions.filter(
      ({ documentId, version }) => documents.get(documentId)?.queued_version === version,
    );
    const taken = await takenOf(
      client,
      organisationId,
      fitting.flatMap(({ record }) => record?.xeroId ?? []),
    );
    const changes = fitting.map((decision) => changeOfDecision(decision, taken));
    await noteDecisions(client, changes);
    await changeDocuments(client, organisationId, changes);
    const woken = await wakeChildren(client, [...documents.values()], changes);
    for (const change of changes) tellChange(tell, connectionId, lockedOf(documents, change.id), change);
    return countsOf(changes, woken);
  });
}

async function organisationOf(client: pg.PoolClient, connectionId: string): Promise<string> {
  const { rows } = await client.query<{ organisation_id: string }>(
    'SELECT organisation_id FROM connection WHERE id = $1',
    [connectionId],
  );
  return (rows[0] as { organisation_id: string }).organisation_id;
}

/** The documents of the parts that are still open, by the part's id. */
async function lockOpen(client: pg.PoolClient, settled: readonly SettledAttempt[]): Promise<Map<string, Locked>> {
  const { rows } = await client.query<Locked & { attempt_id: string }>({
    name: 'outcomes-lock-open',
    text: `SELECT a.id AS attempt_id, d.id, d.company_id, d.kind, d.external_id, d.state, d.queued_version, d.xero_id,
                  d.queued_version > a.version OR d.queued_at > a.at AS again
             FROM push_attempt a JOIN document d ON d.id = a.document_id
            WHERE a.id = ANY ($1) AND a.outcome IS NULL ORDER BY ${order} FOR NO KEY UPDATE`,
    values: [settled.map(({ attempt }) => attempt.id)],
  });
  return new Map(rows.map((row) => [row.attempt_id, row]));
}

async function lockQueued(client: pg.PoolClient, decisions: readonly Decision[]): Promise<Map<string, Locked>> {
  const { rows } = await client.query<Locked>({
    name: 'outcomes-lock-queued',
    text: `SELECT d.id, d.company_id, d.kind, d.external_id, d.state, d.queued_version, d.xero_id FROM document d
            WHERE d.id = ANY ($1) AND d.state = 'queued' AND NOT d.excluded ORDER BY ${order} FOR NO KEY UPDATE`,
    values: [decisions.map(({ documentId }) => documentId)],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

const lockedOf = (documents: Map<string, Locked>, id: string): Locked =>
  [...documents.values()].find((each) => each.id === id) as Locked;

/** Records that are a document's already, with whose. */
type Taken = Map<string, string>;

function takenRecords(
  client: pg.PoolClient,
  organisationId: string,
  settled: readonly SettledAttempt[],
): Promise<Taken> {
  const ids = settled.flatMap(({ outcome }) => ownRecord(outcome)?.xeroId ?? []);
  return takenOf(client, organisationId, ids);
}

async function takenOf(client: pg.PoolClient, organisationId: string, xeroIds: readonly string[]): Promise<Taken> {
  if (xeroIds.length === 0) return new Map();
  const { rows } = await client.query<{ xero_id: string; id: string }>({
    name: 'outcomes-taken',
    text: 'SELECT xero_id, id FROM document WHERE organisation_id = $1 AND xero_id = ANY ($2)',
    values: [organisationId, xeroIds],
  });
  return new Map(rows.map(({ xero_id, id }) => [xero_id, id]));
}

/** The document's own record that a step made or changed. */
function ownRecord(outcome: AttemptOutcome) {
  if (outcome.outcome !== 'sent' || outcome.fingerprint === null || outcome.xeroId === null) return null;
  return { xeroId: outcome.xeroId, number: outcome.number, fingerprint: outcome.fingerprint };
}

/** Xero gave a record that another document is: an item's code upserts, so two of one code are one. The first keeps it. */
const takenRefusal: AttemptOutcome = { outcome: 'refused', state: 'failed', code: 'number_taken', errors: [] };

function unlessTaken(outcome: AttemptOutcome, documentId: string, taken: Taken): AttemptOutcome {
  const xeroId = ownRecord(outcome)?.xeroId;
  if (xeroId === undefined) return outcome;
  if ((taken.get(xeroId) ?? documentId) !== documentId) return takenRefusal;
  taken.set(xeroId, documentId);
  return outcome;
}

/** What was saved or asked for meanwhile goes next, whatever became of this; what a person excluded stays out. */
function changeOf(document: Locked, { attempt, outcome }: SettledAttempt): Change {
  const { version, documentId: id, step, more } = attempt;
  const again = document.queued_version !== null && document.again === true;
  const takenBack = outcome.outcome === 'sent' && step === 'void' && more;
  const own = takenBack ? null : ownRecord(outcome);
  const after = stateAfter(outcome, step, more);
  const kept = document.state !== 'sending';
  const state = kept ? document.state : again ? 'queued' : after.state;
  return {
    ...{ id, version, state },
    code: state === after.state ? after.code : null,
    errors: state === after.state ? after.errors : [],
    xero_id: own?.xeroId ?? null,
    xero_number: own?.number ?? null,
    fingerprint: own?.fingerprint ?? null,
    taken_back: takenBack,
    stands: outcome.outcome === 'sent' && !more,
    pushed: outcome.outcome === 'sent',
  };
}

type After = Pick<Change, 'state' | 'code' | 'errors'>;

function stateAfter(outcome: AttemptOutcome, step: string, more: boolean): After {
  if (outcome.outcome === 'absent') return { state: 'queued', code: null, errors: [] };
  if (outcome.outcome === 'refused') return outcome;
  const done = step === 'void' ? 'voided' : 'sent';
  return { state: more ? 'queued' : done, code: null, errors: more ? [] : outcome.warnings };
}

function changeOfDecision({ documentId: id, version, state, code, errors, record }: Decision, taken: Taken): Change {
  const isTaken = record !== null && (taken.get(record.xeroId) ?? id) !== id;
  if (isTaken) return { ...nothingOf(id, version), ...(takenRefusal as After) };
  if (record !== null) taken.set(record.xeroId, id);
  return {
    ...{ id, version, state, code, errors },
    xero_id: record?.xeroId ?? null,
    xero_number: record?.number ?? null,
    fingerprint: record?.fingerprint ?? null,
    taken_back: false,
    stands: state === 'sent' || state === 'voided',
    pushed: false,
  };
}

const nothingOf = (id: string, version: number) => ({
  ...{ id, version, xero_id: null, xero_number: null, fingerprint: null },
  ...{ taken_back: false, stands: false, pushed: false },
});

/** A call is settled when none of its parts is open. */
async function closeAttempts(
  client: pg.PoolClient,
  settled: readonly SettledAttempt[],
  status: number | null,
): Promise<void> {
  const rows = settled.map(({ attempt: { id }, outcome }) => ({
    ...{ id, outcome: outcome.outcome },
    code: outcome.outcome === 'refused' ? outcome.code : null,
    errors: outcome.outcome === 'refused' ? outcome.errors : outcome.outcome === 'sent' ? outcome.warnings : [],
    xero_id: outcome.outcome === 'sent' ? outcome.xeroId : null,
  }));
  await client.query({
    name: 'outcomes-close',
    text: `UPDATE push_attempt a SET outcome = given.outcome, code = given.code, errors = given.errors,
                  xero_id = given.xero_id, ended_at = clock_timestamp()
             FROM jsonb_to_recordset($1) AS given (id uuid, outcome text, code text, errors jsonb, xero_id text)
            WHERE a.id = given.id`,
    values: [JSON.stringify(rows)],
  });
  await client.query({
    name: 'outcomes-close-calls',
    text: `UPDATE push_call SET settled_at = clock_timestamp(), status = coalesce($2, status)
            WHERE id = ANY ($1) AND settled_at IS NULL
              AND NOT EXISTS (SELECT FROM push_attempt a WHERE a.push_call_id = push_call.id AND a.outcome IS NULL)`,
    values: [[...new Set(settled.map(({ attempt }) => attempt.callId))], status],
  });
}

/** What the timeline tells of a decision; one to wait, or to go on with the next step, is none. */
const told: Partial<Record<DocumentState, string>> = {
  sent: 'linked',
  skipped: 'skipped',
  held: 'held',
  failed: 'refused',
  voided: 'voided',
};

async function noteDecisions(client: pg.PoolClient, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ id: document_id, version, state, code, errors, xero_id }) => {
    const outcome = state === 'sent' && xero_id === null ? undefined : told[state];
    return outcome === undefined ? [] : [{ id: randomUUID(), document_id, version, outcome, code, errors, xero_id }];
  });
  if (rows.length === 0) return;
  await client.query({
    name: 'outcomes-note',
    text: `INSERT INTO push_attempt (id, document_id, version, attempt, outcome, code, errors, xero_id, actor, ended_at)
           SELECT given.id, document_id, given.version,
                  1 + coalesce((SELECT max(attempt) FROM push_attempt before WHERE before.document_id = given.document_id
                                   AND before.version = given.version AND before.step = 'document'), 0),
                  outcome, given.code, given.errors, given.xero_id, document.actor, clock_timestamp()
             FROM jsonb_to_recordset($1) AS given
                  (id uuid, document_id uuid, version integer, outcome text, code text, errors jsonb, xero_id text)
             JOIN document ON document.id = given.document_id`,
    values: [JSON.stringify(rows)],
  });
}

/** Nothing is queued any more, and nobody waits, unless the work on it goes on. */
async function changeDocuments(
  client: pg.PoolClient,
  organisationId: string,
  changes: readonly Change[],
): Promise<void> {
  if (changes.length === 0) return;
  await client.query({
    name: 'outcomes-change',
    text: `UPDATE document d
              SET state = given.state, code = given.code, errors = given.errors,
                  organisation_id = CASE WHEN given.xero_id IS NOT NULL THEN $2 ELSE d.organisation_id END,
                  xero_id = CASE WHEN NOT given.taken_back THEN coalesce(given.xero_id, d.xero_id) END,
                  xero_number = CASE WHEN given.xero_id IS NOT NULL THEN given.xero_number ELSE d.xero_number END,
                  xero_fingerprint = CASE WHEN NOT given.taken_back THEN coalesce(given.fingerprint, d.xero_fingerprint) END,
                  sent_version = CASE WHEN given.stands THEN given.version ELSE d.sent_version END,
                  last_pushed_at = CASE WHEN given.pushed THEN clock_timestamp() ELSE d.last_pushed_at END,
                  queued_version = CASE WHEN given.state IN ('queued', 'waiting') THEN d.queued_version END,
                  urgent = d.urgent AND given.state IN ('queued', 'waiting'),
                  updated_at = clock_timestamp()
             FROM jsonb_to_recordset($1) AS given (id uuid, version integer, state text, code text, errors jsonb, xero_id text,
                                                   xero_number text, fingerprint text, taken_back boolean, stands boolean,
                                                   pushed boolean)
            WHERE d.id = given.id`,
    values: [JSON.stringify(changes), organisationId],
  });
}

/**
 * What waits for these is queued again, to be planned anew: for one that stands in Xero now, and for one that is known to
 * have failed, which its children are to say. It keeps its place: what of it was sent since it was queued still counts.
 * @returns how many.
 */
async function wakeChildren(
  client: pg.PoolClient,
  documents: readonly Locked[],
  changes: readonly Change[],
): Promise<number> {
  const ended = changes.filter(({ state }) => !['queued', 'sending', 'waiting'].includes(state));
  const parents = ended.map(({ id, stands }) => ({ ...(documents.find((each) => each.id === id) as Locked), stands }));
  const [first] = parents;
  if (first === undefined) return 0;
  const { rowCount } = await client.query({
    name: 'outcomes-wake',
    text: `UPDATE document SET state = 'queued', code = NULL, errors = '[]', updated_at = clock_timestamp()
            WHERE id IN (
              SELECT d.id FROM unnest($2::text[], $3::text[], $4::boolean[]) AS parent (kind, external_id, stands)
                JOIN document_parent p ON p.company_id = $1 AND p.parent_kind = parent.kind
                                      AND p.parent_external_id = parent.external_id
                JOIN document d ON d.id = p.document_id
               WHERE d.state = 'waiting'
                 AND (d.code = 'parent_not_sent' OR d.code = 'parent_failed' AND parent.stands)
               ORDER BY ${order} FOR NO KEY UPDATE OF d)`,
    values: [
      first.company_id,
      parents.map(({ kind }) => kind),
      parents.map(({ external_id }) => external_id),
      parents.map(({ stands }) => stands),
    ],
  });
  return rowCount ?? 0;
}

/**
 * What Xero says of a call stands beside the record in its answer, and in no answer to a reading. A record of ours is kept
 * wherever its date lies.
 */
async function storeAnswer(
  client: pg.PoolClient,
  tell: Tell,
  organisationId: string,
  connectionId: string,
  { stream, texts, readAt }: AnsweredRecords,
): Promise<void> {
  const { rows } = await client.query<{ text: string | null; sync_from_date: string | null }>({
    name: 'outcomes-answer',
    text: `SELECT sync_from_date::text,
                  (SELECT jsonb_build_object($2::text, jsonb_agg(
                            try_jsonb(body) - '{StatusAttributeString,ValidationErrors,Warnings}'::text[]))
                     FROM unnest($3::text[]) AS each (body) WHERE try_jsonb(body) IS NOT NULL)::text AS text
             FROM connection WHERE id = $1`,
    values: [connectionId, streams[stream].collection, texts],
  });
  const { text, sync_from_date: syncFromDate } = rows[0] as { text: string | null; sync_from_date: string | null };
  if (text === null) return;
  await storeRecords(
    client,
    tell,
    stream,
    { organisationId, text, readAt, syncFromDate, complete: false, seen: false },
    true,
  );
}

type DocumentEvent = { [Type in keyof EventData]: Type extends `document.${string}` ? Type : never }[keyof EventData];

/** What the feed tells of a document that has come to a state. */
const events: Partial<Record<DocumentState, DocumentEvent>> = {
  sent: 'document.sent',
  voided: 'document.voided',
  failed: 'document.failed',
  held: 'document.held',
  skipped: 'document.skipped',
  voidedInXero: 'document.voidedInXero',
  deletedInXero: 'document.deletedInXero',
};

function tellChange(
  tell: Tell,
  connectionId: string,
  document: Locked,
  { state, code, version, xero_id, stands }: Change,
): void {
  const type = code === 'conflict' ? 'document.conflict' : events[stands && state === 'queued' ? 'sent' : state];
  if (type === undefined) return;
  const xeroId = xero_id ?? document.xero_id;
  const { company_id: companyId, kind, external_id: externalId } = document;
  const about = { companyId, connectionId, kind, externalId, ...(xeroId !== null && { xeroId }) };
  const data = { version, ...(code !== null && { code }), stream: documentKinds[kind].stream };
  tell({ type, ...about, data: dataOf[type](data) } as Parameters<Tell>[0]);
}

type Known = { version: number; code?: DocumentCode; stream: (typeof documentKinds)[DocumentKind]['stream'] };
const versionOnly = ({ version }: Known) => ({ version });
const versionAndCode = ({ version, code }: Known) => ({ version, code });
const streamOnly = ({ stream }: Known) => ({ stream });

const dataOf: Record<DocumentEvent, (known: Known) => object> = {
  'document.sent': versionOnly,
  'document.voided': versionOnly,
  'document.conflict': versionOnly,
  'document.failed': versionAndCode,
  'document.held': versionAndCode,
  'document.skipped': versionAndCode,
  'document.changedInXero': streamOnly,
  'document.voidedInXero': streamOnly,
  'document.deletedInXero': streamOnly,
};

function countsOf(changes: readonly Change[], woken: number): StateCounts {
  const counts: StateCounts = woken === 0 ? {} : { queued: woken };
  for (const { state } of changes) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
