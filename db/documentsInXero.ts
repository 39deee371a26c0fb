/** What changes in Xero comes back to the documents that are these records: told, and where a record ended, their state too. */
import type pg from 'pg';
import type { DocumentContent } from '../domain/documents/content.js';
import type { Body, XeroRecord } from '../domain/documents/facts.js';
import { fingerprintOf } from '../domain/documents/fingerprint.js';
import { type DocumentKind, documentKinds } from '../domain/documents/kinds.js';
import { isLiving, statusOf } from '../domain/documents/records.js';
import type { StreamName } from '../domain/streams.js';
import type { Tell } from './feed.js';

/** Whose mirror the records are in. */
export interface Owner {
  organisationId: string;
  connectionId: string;
  companyId: string;
}

interface KnownRow {
  id: string;
  kind: DocumentKind;
  external_id: string;
  xero_id: string;
  fingerprint: string | null;
  content: DocumentContent[DocumentKind] | null;
}

/** A document with the record that it is, and with what of it was sent last. */
type Known = KnownRow & { record: XeroRecord };

/** What is being sent is no news until its outcome is known: it may be our own doing. So is what the platform deleted. */
const known = `d.state NOT IN ('sending', 'voided', 'voidedInXero', 'deletedInXero') AND NOT d.deleted`;

/**
 * In the caller's transaction, behind the storing of the records: whoever locks records and documents does so in this order.
 * A record that is VOIDED, DELETED or gone ends its document; any other that shows another fingerprint than ours was edited.
 */
export async function followDocuments(
  client: pg.PoolClient,
  tell: Tell,
  stream: StreamName,
  owner: Owner,
  xeroIds: readonly string[],
): Promise<void> {
  const { connectionId, companyId } = owner;
  const ours = await knownDocuments(client, stream, owner, xeroIds);
  const ends = ours.filter(({ record }) => !isLiving(record)).map(({ id, record }) => [id, endOf(record)] as const);
  const ended = await endDocuments(client, new Map(ends));
  for (const each of ours) {
    const news = ended.get(each.id) ?? (isEdited(each) ? 'changedInXero' : null);
    if (news === null) continue;
    const about = { companyId, connectionId, kind: each.kind, externalId: each.external_id, xeroId: each.xero_id };
    tell({ type: `document.${news}`, ...about, data: { stream } });
  }
}

/** The records are read for those that are a document: of most pages nothing is. */
async function knownDocuments(
  client: pg.PoolClient,
  stream: StreamName,
  { organisationId }: Owner,
  xeroIds: readonly string[],
): Promise<Known[]> {
  if (xeroIds.length === 0) return [];
  const { rows } = await client.query<KnownRow>(
    `SELECT d.id, d.kind, d.external_id, d.xero_id, d.xero_fingerprint AS fingerprint, stands.content
       FROM document d
       LEFT JOIN document_version stands ON stands.document_id = d.id AND stands.version = d.sent_version
      WHERE d.organisation_id = $1 AND d.xero_id = ANY ($2) AND ${known}`,
    [organisationId, xeroIds],
  );
  const ours = rows.filter(({ kind }) => documentKinds[kind].stream === stream);
  if (ours.length === 0) return [];
  const { rows: records } = await client.query<{ xero_id: string; body: Body; deleted: boolean }>(
    `SELECT xero_id, body, deleted_at IS NOT NULL AS deleted FROM record
      WHERE organisation_id = $1 AND stream = $2 AND xero_id = ANY ($3)`,
    [organisationId, stream, ours.map(({ xero_id }) => xero_id)],
  );
  const found = new Map(records.map((record) => [record.xero_id, record]));
  return ours.flatMap((row) => {
    const { xero_id: xeroId } = row;
    const record = found.get(xeroId);
    return record === undefined ? [] : [{ ...row, record: { ...record, xeroId, outsideWindow: false } }];
  });
}

type End = 'voidedInXero' | 'deletedInXero';

const endOf = (record: XeroRecord): End =>
  !record.deleted && statusOf(record) === 'VOIDED' ? 'voidedInXero' : 'deletedInXero';

function isEdited({ kind, content, fingerprint, record }: Known): boolean {
  if (!isLiving(record) || fingerprint === null || content === null) return false;
  return fingerprintOf(kind, content, record) !== fingerprint;
}

/** @returns those that are ended by it: what was sent or deleted at this very moment is not. */
async function endDocuments(client: pg.PoolClient, ends: ReadonlyMap<string, End>): Promise<Map<string, End>> {
  if (ends.size === 0) return new Map();
  const { rows } = await client.query<{ id: string; state: End }>(
    `UPDATE document SET state = ended.state, code = 'deleted_in_xero', errors = '[]', queued_version = NULL,
            updated_at = clock_timestamp()
       FROM (SELECT d.id, given.state FROM document d JOIN unnest($1::uuid[], $2::text[]) AS given (id, state) USING (id)
              WHERE ${known} ORDER BY d.rank, d.kind, d.external_id COLLATE "C" FOR NO KEY UPDATE OF d) AS ended
      WHERE document.id = ended.id
     RETURNING document.id, document.state`,
    [[...ends.keys()], [...ends.values()]],
  );
  return new Map(rows.map(({ id, state }) => [id, state]));
}

/**
 * Tells of contacts that are new in the mirror and that no document is, nor will be by its unique id (rules.md, "Contacts"):
 * the platform may adopt them. Archived ones, and those that were merged, are none of these.
 */
export async function tellFoundContacts(
  client: pg.PoolClient,
  tell: Tell,
  { organisationId, connectionId, companyId }: Owner,
  xeroIds: readonly string[],
): Promise<void> {
  if (xeroIds.length === 0) return;
  const { rows } = await client.query<{ xero_id: string }>(
    `SELECT record.xero_id FROM record
            WHERE organisation_id = $1 AND stream = 'contacts' AND record.xero_id = ANY ($3)
              AND body ->> 'ContactStatus' IS DISTINCT FROM 'ARCHIVED'
              AND NOT EXISTS (SELECT FROM document d WHERE d.organisation_id = $1 AND d.xero_id = record.xero_id)
              AND NOT EXISTS (SELECT FROM document d WHERE d.company_id = $2 AND d.kind = 'contact'
                                 AND d.external_id = record.body ->> 'ContactNumber')
            ORDER BY record.xero_id`,
    [organisationId, companyId, xeroIds],
  );
  for (const { xero_id: xeroId } of rows) tell({ type: 'contact.found', companyId, connectionId, xeroId, data: {} });
}
