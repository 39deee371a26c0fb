/** The outboxes: who sends for a connection, what goes next, and what is noted of a call before it is sent. */
import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Body, QueuedDocument } from '../domain/documents/facts.js';
import { type DocumentKind, documentKinds } from '../domain/documents/kinds.js';
import type { Lookup } from '../domain/documents/lookup.js';
import {
  type AttemptToWrite,
  type CallToWrite,
  type OpenAttempt,
  type Outbox,
  type OutboxLease,
  OutboxLost,
  type WrittenAttempt,
} from '../domain/ports.js';
import { blocker, coveredDocuments } from './documentRows.js';
import { decide, settle } from './outcomes.js';
import { inTransaction } from './pool.js';

/** Which stream a kind goes to, as rows of SQL. */
const streamOfKind = `(VALUES ${Object.entries(documentKinds)
  .map(([kind, { stream }]) => `('${kind}', '${stream}')`)
  .join(', ')}) AS of_kind (kind, stream)`;

/**
 * Another run of the same workflow gives way: the token says whose run it is and which attempt. The flag goes off in the same
 * statement, by itself: whoever holds this row waits for no document.
 */
const acquireLease = `
  INSERT INTO outbox AS o (connection_id, lease_owner, lease_until)
  SELECT id, $2, clock_timestamp() + $4 * interval '1 millisecond' FROM connection WHERE id = $1
  ON CONFLICT (connection_id) DO UPDATE
     SET rung_at = NULL, lease_owner = excluded.lease_owner, lease_until = excluded.lease_until
   WHERE o.lease_owner IS NULL OR o.lease_until < clock_timestamp() OR starts_with(o.lease_owner, $3)
  RETURNING EXISTS (SELECT FROM push_call WHERE push_call.connection_id = $1 AND settled_at IS NULL) AS any_open`;

const releaseLease = `
  WITH released AS (
    UPDATE outbox SET lease_owner = NULL, lease_until = NULL WHERE connection_id = $1 AND lease_owner = $2
  )
  SELECT count(*) FILTER (WHERE d.state = 'queued')::int AS queued,
         count(*) FILTER (WHERE d.state = 'sending')::int AS sending
    FROM ${coveredDocuments}
   WHERE c.id = $1 AND d.company_id = (SELECT company_id FROM connection WHERE id = $1) AND d.state IN ('queued', 'sending')`;

/**
 * The batch: what is first decides the stream, and what else goes there comes along. A document whose outcome is not known
 * is nobody's to send. Steps that were sent before the version was queued (a resync) count as an earlier version's.
 */
const claimStatement = `
  WITH queue AS MATERIALIZED (
    SELECT d.id, d.urgent, d.rank, d.queued_at, of_kind.stream
      FROM ${coveredDocuments} JOIN ${streamOfKind} ON of_kind.kind = d.kind
     WHERE c.id = $1 AND d.company_id = (SELECT company_id FROM connection WHERE id = $1)
       AND d.state = 'queued' AND NOT d.excluded AND d.queued_version IS NOT NULL
       AND (d.urgent OR NOT $3::boolean) AND (${blocker}) IS NULL
       AND NOT EXISTS (SELECT FROM push_attempt a WHERE a.document_id = d.id AND a.outcome IS NULL)
  ),
  first AS (SELECT stream FROM queue ORDER BY urgent DESC, rank, queued_at, id LIMIT 1),
  chosen AS (
    SELECT queue.* FROM queue JOIN first USING (stream) ORDER BY urgent DESC, rank, queued_at, id LIMIT $2
  )
  SELECT (SELECT count(*) FROM queue)::int AS queued,
         d.id, d.company_id, d.kind, d.external_id, d.location_id, d.queued_version, d.urgent, d.xero_id, d.sent_version,
         d.xero_fingerprint, goes.deleted, stands.content AS sent_content,
         d.decided_version IS NOT DISTINCT FROM d.queued_version AS decided,
         EXISTS (SELECT FROM push_attempt a WHERE a.document_id = d.id AND a.version = d.queued_version
                    AND a.at < d.queued_at AND a.outcome <> 'absent')
           AND NOT EXISTS (SELECT FROM push_attempt a WHERE a.document_id = d.id AND a.version = d.queued_version
                              AND a.at >= d.queued_at AND a.outcome = 'sent') AS again,
         CASE WHEN d.decided_version = d.queued_version AND d.link_xero_id IS NOT NULL
              THEN goes.content || jsonb_build_object(
                CASE WHEN d.kind IN ('payment', 'billPayment') THEN 'xeroPaymentId' ELSE 'xeroId' END, d.link_xero_id)
              ELSE goes.content END AS content,
         (SELECT jsonb_agg(jsonb_build_object('step', a.step, 'sent', a.sent, 'xeroId', a.xero_id, 'version',
                   CASE WHEN a.at < d.queued_at THEN least(a.version, d.queued_version - 1) ELSE a.version END)
                   ORDER BY a.version, a.at)
            FROM push_attempt a WHERE a.document_id = d.id AND a.outcome = 'sent') AS done
    FROM chosen
    JOIN document d ON d.id = chosen.id
    JOIN document_version goes ON goes.document_id = d.id AND goes.version = d.queued_version
    LEFT JOIN document_version stands ON stands.document_id = d.id AND stands.version = d.sent_version
   ORDER BY chosen.urgent DESC, chosen.rank, chosen.queued_at, chosen.id`;

interface QueuedRow {
  /** All that may be sent now. */
  queued: number;
  id: string;
  company_id: string;
  kind: DocumentKind;
  external_id: string;
  location_id: string | null;
  queued_version: number;
  urgent: boolean;
  content: QueuedDocument['content'];
  deleted: boolean;
  decided: boolean;
  again: boolean;
  xero_id: string | null;
  sent_version: number | null;
  sent_content: QueuedDocument['sentContent'];
  xero_fingerprint: string | null;
  done: QueuedDocument['done'] | null;
}

export function createOutbox(pool: pg.Pool): Outbox {
  return {
    async acquire(connectionId, runId, leaseMs) {
      const owner = `${runId} ${randomUUID()}`;
      const values = [connectionId, owner, `${runId} `, leaseMs];
      const acquire = { name: 'outbox-acquire', text: acquireLease, values };
      const [row] = (await pool.query<{ any_open: boolean }>(acquire)).rows;
      return row === undefined ? null : { connectionId, owner, anyOpen: row.any_open };
    },

    async release({ connectionId, owner }) {
      const release = { name: 'outbox-release', text: releaseLease, values: [connectionId, owner] };
      return (await pool.query<{ queued: number; sending: number }>(release)).rows[0] as {
        queued: number;
        sending: number;
      };
    },

    async claim({ connectionId }, { most, urgentOnly }) {
      const values = [connectionId, most, urgentOnly];
      const { rows } = await pool.query<QueuedRow>({ name: 'outbox-claim', text: claimStatement, values });
      const left = (rows[0]?.queued ?? 0) - rows.length;
      return { documents: rows.map(queuedOf), urgent: rows.some(({ urgent }) => urgent), left };
    },

    write: (lease, call, attempts) => inTransaction(pool, (client) => write(client, lease, call, attempts)),
    settle: (connectionId, settled, status, records) => settle(pool, connectionId, settled, status, records),
    decide: (lease, decisions) => decide(pool, lease.connectionId, decisions),

    takeBack: (callId) => inTransaction(pool, (client) => takeBack(client, callId)),

    async outcomeUnknown(callId) {
      await pool.query(
        `UPDATE document SET code = 'outcome_unknown' FROM push_attempt a
          WHERE a.push_call_id = $1 AND a.outcome IS NULL AND document.id = a.document_id AND document.state = 'sending'`,
        [callId],
      );
    },

    async open(connectionId) {
      const { rows } = await pool.query<OpenRow>({ name: 'outbox-open', text: openStatement, values: [connectionId] });
      return rows.map(openOf);
    },

    async lookedUp(callIds) {
      await pool.query('UPDATE push_call SET looked_at = clock_timestamp() WHERE id = ANY ($1)', [callIds]);
    },

    async taken(organisationId, stream, xeroIds) {
      const { rows } = await pool.query<{ xero_id: string }>(
        `SELECT DISTINCT xero_id FROM document JOIN ${streamOfKind} ON of_kind.kind = document.kind
          WHERE organisation_id = $1 AND of_kind.stream = $2 AND xero_id = ANY ($3)`,
        [organisationId, stream, xeroIds],
      );
      return rows.map(({ xero_id }) => xero_id);
    },
  };
}

function queuedOf(row: QueuedRow): QueuedDocument {
  return {
    id: row.id,
    companyId: row.company_id,
    kind: row.kind,
    externalId: row.external_id,
    location: row.location_id,
    version: row.queued_version,
    content: row.content,
    deleted: row.deleted,
    decided: row.decided,
    again: row.again,
    xeroId: row.xero_id,
    sentVersion: row.sent_version,
    sentContent: row.sent_content,
    fingerprint: row.xero_fingerprint,
    done: row.done ?? [],
  } as QueuedDocument;
}

/** First the documents and then the outbox, as a save does; both until the call is noted. */
async function write(
  client: pg.PoolClient,
  lease: OutboxLease,
  call: CallToWrite,
  attempts: readonly AttemptToWrite[],
): Promise<WrittenAttempt[]> {
  const { rows: ready } = await client.query<{ id: string; kind: DocumentKind; queued_version: number }>({
    name: 'outbox-lock',
    text: `SELECT id, kind, queued_version FROM document
            WHERE id = ANY ($1) AND state = 'queued' AND NOT excluded
            ORDER BY rank, kind, external_id COLLATE "C" FOR NO KEY UPDATE`,
    values: [attempts.map(({ documentId }) => documentId)],
  });
  const { rows: mine } = await client.query({
    name: 'outbox-mine',
    text: 'SELECT FROM outbox WHERE connection_id = $1 AND lease_owner = $2 FOR SHARE',
    values: [lease.connectionId, lease.owner],
  });
  if (mine.length === 0) throw new OutboxLost();
  const written = attempts.flatMap((attempt) => {
    const row = ready.find(({ id, queued_version }) => id === attempt.documentId && queued_version === attempt.version);
    return row === undefined ? [] : [{ ...attempt, id: randomUUID(), callId: call.id, kind: row.kind }];
  });
  if (written.length === 0) return [];
  const writtenAt = await note(client, lease.connectionId, call, written);
  return written.map((attempt) => ({ ...attempt, writtenAt }));
}

/** The call, its parts and the state of their documents, in one statement. @returns when it was noted. */
async function note(
  client: pg.PoolClient,
  connectionId: string,
  { id, organisationId, runId, method, path }: CallToWrite,
  written: readonly Omit<WrittenAttempt, 'writtenAt'>[],
): Promise<string> {
  const parts = written.map(({ id: attemptId, documentId, version, step, sent, lookup, own, more }, place) => ({
    id: attemptId,
    document_id: documentId,
    ...{ version, step, sent, place },
    lookup: { ...lookup, own, more } satisfies KeptLookup,
  }));
  const text = JSON.stringify(parts);
  const { rows } = await client.query<{ written_at: Date }>({
    name: 'outbox-note',
    text: `
      WITH part AS (
        SELECT * FROM jsonb_to_recordset($7) AS each
          (id uuid, document_id uuid, version integer, step text, sent jsonb, place integer, lookup jsonb)
      ),
      call AS (
        INSERT INTO push_call (id, connection_id, organisation_id, run_id, method, path, body_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $8)
        RETURNING written_at
      ),
      sending AS (
        UPDATE document SET state = 'sending', code = NULL, errors = '[]', updated_at = clock_timestamp()
          FROM part WHERE document.id = part.document_id
      ),
      noted AS (
      INSERT INTO push_attempt (id, document_id, version, step, attempt, push_call_id, place, sent, lookup, actor)
      SELECT part.id, part.document_id, part.version, part.step,
             1 + coalesce((SELECT max(attempt) FROM push_attempt before
                            WHERE before.document_id = part.document_id AND before.version = part.version
                              AND before.step = part.step), 0),
             $1, part.place, part.sent, part.lookup, document.actor
        FROM part JOIN document ON document.id = part.document_id
      )
      SELECT written_at FROM call`,
    values: [id, connectionId, organisationId, runId, method, path, text, createHash('sha256').update(text).digest()],
  });
  return (rows[0] as { written_at: Date }).written_at.toISOString();
}

/** A newer version, or what a person said meanwhile, stands as it is. */
async function takeBack(client: pg.PoolClient, callId: string): Promise<void> {
  await client.query(
    `SELECT FROM document d WHERE id IN (SELECT document_id FROM push_attempt WHERE push_call_id = $1)
      ORDER BY d.rank, d.kind, d.external_id COLLATE "C" FOR NO KEY UPDATE`,
    [callId],
  );
  const { rows } = await client.query<{ document_id: string }>(
    'DELETE FROM push_attempt WHERE push_call_id = $1 AND outcome IS NULL RETURNING document_id',
    [callId],
  );
  await client.query('DELETE FROM push_call WHERE id = $1 AND settled_at IS NULL', [callId]);
  await client.query(
    `UPDATE document SET state = CASE WHEN excluded THEN 'excluded' ELSE 'queued' END, updated_at = clock_timestamp()
      WHERE id = ANY ($1) AND state = 'sending'`,
    [rows.map(({ document_id }) => document_id)],
  );
}

/** What is kept beside the look-up itself. */
type KeptLookup = Lookup & { own: boolean; more: boolean };

interface OpenRow {
  id: string;
  push_call_id: string;
  document_id: string;
  kind: DocumentKind;
  version: number;
  step: string;
  sent: Body | null;
  lookup: KeptLookup;
  path: string;
  content: OpenAttempt['content'];
  written_at: Date;
  looked_at: Date | null;
}

const openStatement = `
  SELECT a.id, a.push_call_id, a.document_id, d.kind, a.version, a.step, a.sent, a.lookup, call.path, call.written_at,
         call.looked_at, v.content
    FROM push_call call JOIN push_attempt a ON a.push_call_id = call.id JOIN document d ON d.id = a.document_id
    JOIN document_version v ON v.document_id = a.document_id AND v.version = a.version
   WHERE call.connection_id = $1 AND call.settled_at IS NULL AND a.outcome IS NULL
   ORDER BY call.written_at, call.id, a.place`;

function openOf(row: OpenRow): OpenAttempt & { lookedAt: string | null } {
  const { own, more, ...lookup } = row.lookup;
  return {
    id: row.id,
    callId: row.push_call_id,
    documentId: row.document_id,
    kind: row.kind,
    version: row.version,
    step: row.step,
    sent: row.sent,
    lookup,
    own,
    more,
    path: row.path,
    content: row.content,
    writtenAt: row.written_at.toISOString(),
    lookedAt: row.looked_at?.toISOString() ?? null,
  };
}
