/** What people ask for one document: that it goes, that it is linked, that it is kept out, that it is deleted. */
import type pg from 'pg';
import type { DocumentReference } from '../domain/documents/kinds.js';
import type { DocumentState } from '../domain/documents/states.js';
import { type DocumentWish, type SaveContext, type Wished, WishRefused } from '../domain/ports.js';
import { nameOf, readDocuments } from './documentRows.js';
import type { Tell } from './feed.js';
import { turnOnBells } from './outboxBells.js';

const ofReference = 'company_id = $1 AND kind = $2 AND external_id = $3';

/** Nothing of it stands in Xero, nor is any of it on its way there. */
const standsNowhere = `(xero_id IS NULL AND state <> 'sending' OR state IN ('voidedInXero', 'deletedInXero'))`;

/** A deletion is a version: it is voided at once, or to be sent like another. What a person keeps out stays out. */
const removeStatement = `
  WITH removed AS (
    UPDATE document
       SET version = version + 1, deleted = true, actor = $4, urgent = true, updated_at = clock_timestamp(),
           state = CASE WHEN ${standsNowhere} THEN 'voided' WHEN excluded OR state = 'sending' THEN state ELSE 'queued' END,
           code = CASE WHEN NOT ${standsNowhere} AND (excluded OR state = 'sending') THEN code END,
           errors = '[]',
           queued_version = CASE WHEN NOT ${standsNowhere} AND NOT excluded THEN version + 1 END,
           queued_at = clock_timestamp(), export_id = NULL
     WHERE ${ofReference} AND NOT deleted
    RETURNING id, version, source_version, content, actor, state
  ),
  noted AS (
    INSERT INTO document_version (document_id, version, source_version, content, deleted, actor)
    SELECT id, version, source_version, content, true, actor FROM removed
  )
  SELECT id, version, state FROM removed`;

/** In the caller's transaction. @returns null where there is no such document; a second time it changes nothing. */
export async function removeDocument(
  client: pg.PoolClient,
  tell: Tell,
  context: SaveContext,
  reference: DocumentReference,
): Promise<Wished | null> {
  const { companyId, actor } = context;
  const { kind, externalId } = reference;
  const { rows } = await client.query<{ id: string; version: number; state: DocumentState }>(removeStatement, [
    ...[companyId, kind, externalId, actor],
  ]);
  const wished = await asWished(client, context, reference, rows[0]?.id);
  if (wished !== null && rows[0]?.state === 'voided') {
    const { connectionId } = wished.document;
    const data = { version: rows[0].version };
    tell({ type: 'document.voided', companyId, connectionId, kind, externalId, data });
  }
  return wished;
}

/** What is being sent stays so, and goes again when its outcome is known. */
const queued = `
  state = CASE WHEN state = 'sending' THEN state ELSE 'queued' END, code = CASE WHEN state = 'sending' THEN code END,
  errors = '[]', queued_version = version, queued_at = clock_timestamp(), urgent = true`;
const decided = `${queued}, decided_version = version, link_xero_id = $5`;

/** A payment is compared with the record it was, whatever became of that; anything else is made anew. */
const lost = `(state IN ('voidedInXero', 'deletedInXero') AND kind NOT IN ('payment', 'billPayment'))`;
const forgetLost = ['xero_id', 'xero_number', 'sent_version', 'xero_fingerprint']
  .map((column) => `${column} = CASE WHEN NOT ${lost} THEN ${column} END`)
  .join(', ');

/** Nothing of these goes by itself, so there is nothing to keep out now, and what is being sent cannot be held any more. */
const keepsState = `(state IN ('sending', 'voided', 'voidedInXero', 'deletedInXero'))`;
const isOwed = `(state = 'excluded' AND sent_version IS DISTINCT FROM version)`;

/** What each wish makes of a document, and of which: of any other it makes nothing. */
const wishes: Readonly<Record<DocumentWish['wish'], { set: string; where: string }>> = {
  resync: { set: `${queued}, export_id = NULL, ${forgetLost}`, where: `NOT excluded AND state <> 'voided'` },
  send: { set: decided, where: `state = 'held'` },
  link: { set: decided, where: `state = 'held'` },
  exclude: {
    set: `excluded = true, state = CASE WHEN ${keepsState} THEN state ELSE 'excluded' END,
          code = CASE WHEN ${keepsState} THEN code ELSE 'excluded' END, errors = '[]',
          queued_version = CASE WHEN ${keepsState} THEN queued_version END`,
    where: 'NOT excluded',
  },
  include: {
    set: `excluded = false, state = CASE WHEN ${isOwed} THEN 'queued' WHEN state = 'excluded' THEN 'sent' ELSE state END,
          code = CASE WHEN state <> 'excluded' THEN code END,
          queued_version = CASE WHEN ${isOwed} THEN version ELSE queued_version END,
          queued_at = clock_timestamp(), urgent = true`,
    where: 'excluded',
  },
};

/** In the caller's transaction. @throws WishRefused */
export async function grantWish(
  client: pg.PoolClient,
  context: SaveContext,
  reference: DocumentReference,
  wish: DocumentWish,
): Promise<Wished | null> {
  const { set, where } = wishes[wish.wish];
  const record = wish.wish === 'link' ? wish.xeroId : null;
  const { rows } = await client.query<{ id: string }>(
    `UPDATE document SET ${set}, actor = $4, updated_at = clock_timestamp()
      WHERE ${ofReference} AND ${where} AND NOT EXISTS (
        SELECT FROM document other WHERE other.company_id = $1 AND other.kind = $2 AND other.xero_id = $5::text)
     RETURNING id`,
    [context.companyId, reference.kind, reference.externalId, context.actor, record],
  );
  const wished = await asWished(client, context, reference, rows[0]?.id);
  if (wished !== null && rows.length === 0 && (wish.wish === 'send' || wish.wish === 'link')) {
    throw new WishRefused(wished.document.state === 'held' ? 'record_taken' : 'not_held');
  }
  return wished;
}

/** The document as it is now, and whom to ring for. */
async function asWished(
  client: pg.PoolClient,
  { companyId }: SaveContext,
  reference: DocumentReference,
  changedId: string | undefined,
): Promise<Wished | null> {
  const document = (await readDocuments(client, companyId, [reference])).get(nameOf(reference));
  if (document === undefined) return null;
  return { document, bells: changedId === undefined ? [] : await turnOnBells(client, companyId, [changedId], true) };
}
