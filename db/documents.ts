/** The platform's documents: saving, finding, and what people ask for one of them. */
import type pg from 'pg';
import type { DocumentReference } from '../domain/documents/kinds.js';
import type { DocumentFilter, Documents, Listed, ListPage, PushAttempt } from '../domain/ports.js';
import { instant, keyOf, listed, text, uuid } from './cursors.js';
import { type DocumentRow, documentOf, nameOf, readDocuments, selectDocuments } from './documentRows.js';
import { grantWish, removeDocument } from './documentWishes.js';
import { telling } from './feed.js';
import { inTransaction } from './pool.js';
import { saveDocuments } from './saveDocuments.js';

export function createDocuments(pool: pg.Pool): Documents {
  return {
    save: (context, documents) => inTransaction(pool, (client) => saveDocuments(client, context, documents)),

    async get(companyId, reference) {
      return (await readDocuments(pool, companyId, [reference])).get(nameOf(reference)) ?? null;
    },

    list: (companyId, page) => list(pool, companyId, page),
    remove: (context, reference) => telling(pool, (client, tell) => removeDocument(client, tell, context, reference)),
    wish: (context, reference, wish) => inTransaction(pool, (client) => grantWish(client, context, reference, wish)),
    attempts: (companyId, reference, page) => attempts(pool, companyId, reference, page),

    async needingPerson(connectionId) {
      const { rows } = await pool.query<{ state: 'held' | 'failed'; count: string }>(
        `SELECT d.state, count(*)
           FROM connection c JOIN document d ON d.company_id = c.company_id AND d.state IN ('held', 'failed')
          WHERE c.id = $1 AND (c.sync_by = 'company'
             OR d.location_id IN (SELECT id FROM location WHERE connection_id = c.id))
          GROUP BY d.state`,
        [connectionId],
      );
      const counts = Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
      return { held: 0, failed: 0, ...counts };
    },
  };
}

/** A shown state is one of the work's states or made of `queued`, which the index of states narrows down. */
async function list(pool: pg.Pool, companyId: string, page: ListPage & DocumentFilter) {
  const after = keyOf(page.cursor, [text, text]);
  const { rows } = await pool.query<DocumentRow>(
    `${selectDocuments}
      WHERE d.company_id = $1 AND ($2::text IS NULL OR (d.kind, d.external_id) > ($2, $3))
        AND ($4::text IS NULL OR d.kind = $4) AND ($5::text IS NULL OR d.location_id = $5)
        AND ($6::text IS NULL OR d.state IN ($6, CASE $6 WHEN 'waiting' THEN 'queued' END) AND shown.state = $6)
      ORDER BY d.kind, d.external_id LIMIT $7`,
    [
      ...[companyId, after?.[0] ?? null, after?.[1] ?? null],
      ...[page.kind ?? null, page.location ?? null, page.state ?? null, page.limit + 1],
    ],
  );
  return listed(rows, page, documentOf, (row) => [row.kind, row.external_id]);
}

interface AttemptRow {
  id: string;
  version: number;
  step: string;
  attempt: number;
  at: Date;
  at_key: string;
  ended_at: Date | null;
  outcome: string | null;
  code: PushAttempt['code'];
  errors: PushAttempt['errors'];
  sent: unknown;
  xero_id: string | null;
  run_id: string | null;
  actor: string | null;
}

async function attempts(
  pool: pg.Pool,
  companyId: string,
  { kind, externalId }: DocumentReference,
  page: ListPage,
): Promise<Listed<PushAttempt> | null> {
  const after = keyOf(page.cursor, [instant, uuid]);
  const { rows: found } = await pool.query<{ id: string }>(
    'SELECT id FROM document WHERE company_id = $1 AND kind = $2 AND external_id = $3',
    [companyId, kind, externalId],
  );
  if (found[0] === undefined) return null;
  const { rows } = await pool.query<AttemptRow>(
    `SELECT a.id, version, step, attempt, at, at::text AS at_key, ended_at, outcome, code, errors, sent, xero_id, run_id, actor
       FROM push_attempt a LEFT JOIN push_call ON push_call.id = a.push_call_id
      WHERE document_id = $1 AND ($2::timestamptz IS NULL OR (at, a.id) > ($2, $3::uuid))
      ORDER BY at, a.id LIMIT $4`,
    [found[0].id, after?.[0] ?? null, after?.[1] ?? null, page.limit + 1],
  );
  return listed(rows, page, attemptOf, (row) => [row.at_key, row.id]);
}

function attemptOf(row: AttemptRow): PushAttempt {
  return {
    id: row.id,
    version: row.version,
    step: row.step,
    attempt: row.attempt,
    at: row.at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    outcome: row.outcome,
    code: row.code,
    errors: row.errors,
    sent: row.sent,
    xeroId: row.xero_id,
    runId: row.run_id,
    actor: row.actor,
  };
}
