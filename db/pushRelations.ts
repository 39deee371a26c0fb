/** How documents that are to go stand to the company's other documents: what is ours, who claims the same, who takes before. */
import type pg from 'pg';
import { type PushFacts, type QueuedDocument, textOf } from '../domain/documents/facts.js';
import { type DocumentKind, type DocumentReference, documentKinds } from '../domain/documents/kinds.js';
import type { Settings } from '../domain/settings.js';
import type { StreamName } from '../domain/streams.js';

export interface Place {
  organisationId: string;
  companyId: string;
  connectionId: string;
}

export type Related = Pick<PushFacts, 'ours' | 'rivals' | 'promised'>;

/** Records that are a document, or the bill that an order of ours became. */
export async function ourRecords(
  pool: pg.Pool,
  { organisationId }: Place,
  records: readonly { stream: StreamName; xeroId: string }[],
): Promise<Related['ours']> {
  const ids = [...new Set(records.map(({ xeroId }) => xeroId))];
  if (ids.length === 0) return () => false;
  const { rows } = await pool.query<{ xero_id: string; kind: DocumentKind }>({
    name: 'push-facts-ours',
    text: `
      SELECT xero_id, kind FROM document WHERE organisation_id = $1 AND xero_id = ANY ($2)
      UNION ALL
      SELECT a.xero_id, 'bill' FROM push_attempt a
        JOIN push_call ON push_call.id = a.push_call_id AND push_call.organisation_id = $1
       WHERE a.step = 'bill' AND a.outcome = 'sent' AND a.xero_id = ANY ($2)`,
    values: [organisationId, ids],
  });
  const ours = new Set(rows.map(({ xero_id, kind }) => `${documentKinds[kind].stream} ${xero_id}`));
  return (stream, xeroId) => ours.has(`${stream} ${xeroId}`);
}

/** Kinds of which Xero takes a number once; bills have their suppliers' numbers. */
const numberedOnce: ReadonlySet<DocumentKind> = new Set(['invoice', 'creditNote', 'purchaseOrder', 'item']);

/** Does another document come before: does it stand in Xero, or is it on its way, and saved earlier, while this one is not there? */
const comesBefore = `
  other.id <> d.id AND NOT other.excluded
  AND (other.xero_id IS NOT NULL AND other.state NOT IN ('voided', 'voidedInXero', 'deletedInXero')
       OR d.xero_id IS NULL AND other.state IN ('queued', 'sending', 'waiting')
          AND (other.created_at, other.id) < (d.created_at, d.id))`;

/** Does another document go through the same connection? */
const sameConnection = `
  ((SELECT sync_by FROM connection WHERE id = $2) = 'company'
   OR other.location_id IN (SELECT id FROM location WHERE company_id = $1 AND connection_id = $2))`;

export async function earlierOnes(
  pool: pg.Pool,
  { companyId, connectionId }: Place,
  documents: readonly QueuedDocument[],
  { contactNameTemplate }: Settings,
): Promise<Omit<Related, 'ours'>> {
  const living = documents.filter(({ deleted }) => !deleted);
  const numbered = living.filter(({ kind }) => numberedOnce.has(kind));
  // With the id in the name no two are the same.
  const named = contactNameTemplate.includes('{externalId}') ? [] : living.filter(({ kind }) => kind === 'contact');
  const paying = living.filter(({ kind }) => kind === 'payment' || kind === 'billPayment');
  const place = [companyId, connectionId];
  return {
    rivals: await rivalsOf(pool, place, numbered, named),
    promised: await promisedBefore(pool, place, paying),
  };
}

const idsOf = (documents: readonly QueuedDocument[]): string[] => documents.map(({ id }) => id);

/**
 * Who claims the same is gathered first and then compared: while the tables are not analysed, a join over them all may become
 * one of each document with every other (2 s for 500 of 10,000, measured).
 */
async function rivalsOf(
  pool: pg.Pool,
  place: readonly string[],
  numbered: readonly QueuedDocument[],
  named: readonly QueuedDocument[],
): Promise<Related['rivals']> {
  if (numbered.length + named.length === 0) return () => [];
  const { rows } = await pool.query<{ id: string; rivals: DocumentReference[] }>({
    name: 'push-facts-rivals',
    text: `
      WITH claimant AS MATERIALIZED (
        SELECT *, coalesce(content ->> 'number', content ->> 'code') AS claim FROM document
         WHERE company_id = $1 AND kind = ANY ($4) AND NOT deleted
           AND coalesce(content ->> 'number', content ->> 'code') = ANY ($5)
        UNION ALL
        SELECT *, name_key(content ->> 'name') FROM document
         WHERE company_id = $1 AND kind = 'contact' AND NOT deleted
           AND name_key(content ->> 'name') = ANY (ARRAY(SELECT name_key(name) FROM unnest($6::text[]) AS each (name)))
      )
      SELECT d.id, jsonb_agg(jsonb_build_object('kind', other.kind, 'externalId', other.external_id)
                             ORDER BY other.xero_id IS NULL, other.created_at, other.id) AS rivals
        FROM claimant d JOIN claimant other ON other.kind = d.kind AND other.claim = d.claim
       WHERE d.id = ANY ($3) AND ${comesBefore} AND ${sameConnection}
       GROUP BY d.id`,
    values: [
      ...[...place, idsOf([...numbered, ...named])],
      [...new Set(numbered.map(({ kind }) => kind))],
      numbered.flatMap(({ content }) => textOf(content, 'number') ?? textOf(content, 'code') ?? []),
      named.flatMap(({ content }) => textOf(content, 'name') ?? []),
    ],
  });
  const rivals = new Map(rows.map((row) => [row.id, row.rivals]));
  return ({ id }) => rivals.get(id) ?? [];
}

/** Of payments that were saved earlier for the same invoice or bill and are still to go. */
async function promisedBefore(
  pool: pg.Pool,
  place: readonly string[],
  paying: readonly QueuedDocument[],
): Promise<Related['promised']> {
  if (paying.length === 0) return () => '0';
  const { rows } = await pool.query<{ id: string; promised: string }>({
    name: 'push-facts-promised',
    text: `
      SELECT d.id, sum((other.content ->> 'amount')::numeric)::text AS promised
        FROM document d
        JOIN document_parent own ON own.document_id = d.id AND own.parent_kind IN ('invoice', 'bill')
        JOIN document_parent same ON same.company_id = $1 AND same.parent_kind = own.parent_kind
         AND same.parent_external_id = own.parent_external_id
        JOIN document other ON other.id = same.document_id AND other.kind = d.kind AND NOT other.deleted
         AND other.xero_id IS NULL AND other.content ->> 'xeroPaymentId' IS NULL
       WHERE d.id = ANY ($3) AND ${comesBefore} AND ${sameConnection}
       GROUP BY d.id`,
    values: [...place, idsOf(paying)],
  });
  const promised = new Map(rows.map((row) => [row.id, row.promised]));
  return ({ id }) => promised.get(id) ?? '0';
}
