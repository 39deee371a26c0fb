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
  xero_fingerprint: string | null;
  sent_content: DocumentContent[DocumentKind] | null;
  body: Body;
  deleted: boolean;
}

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
  { organisationId, connectionId, companyId }: Owner,
  xeroIds: readonly string[],
): Promise<void> {
  if (xeroIds.length === 0) return;
  const { rows } = await client.query<KnownRow>({
    name: 'documents-in-xero',
    text: `SELECT d.id, d.kind, d.external_id, d.xero_id, d.xero_fingerprint, stands.content AS sent_content,
                  record.body, record.deleted_at IS NOT NULL AS deleted
             FROM document d
             JOIN record ON record.organisation_id = $1 AND record.stream = $2 AND record.xero_id = d.xero_id
             LEFT JOIN document_version stands ON stands.document_id = d.id AND stands.version = d.sent_version
            WHERE d.organisation_id = $1 AND d.xero_id = ANY ($3) AND ${known}`,
    values: [organisationId, stream, xeroIds],
  });
  const ours = rows.filter(({ kind }) => documentKinds[kind].stream === stream).map(knownOf);
  const ends = ours.filter(({ record }) => !isLiving(record)).map(({ id, record }) => [id, endOf(record)] as const);
  const ended = await endDocuments(client, new Map(ends));
  for (const each of ours) {
    const news = ended.get(each.id) ?? (isLiving(each.record) && isEdited(each) ? 'changedInXero' : null);
    if (news === null) continue;
    const { kind, externalId, record } = each;
    const about = { companyId, connectionId, kind, externalId, xeroId: record.xeroId };
    tell({ type: `document.${news}`, ...about, data: { stream } });
  }
}

type End = 'voidedInXero' | 'deletedInXero';

function knownOf(row: KnownRow) {
  const record: XeroRecord = { xeroId: row.xero_id, body: row.body, outsideWindow: false, deleted: row.deleted };
  const { id, kind, external_id: externalId, xero_fingerprint: fingerprint, sent_content: content } = row;
  return { id, kind, externalId, fingerprint, content, record };
}

const endOf = (record: XeroRecord): End =>
  !record.deleted && statusOf(record) === 'VOIDED' ? 'voidedInXero' : 'deletedInXero';

function isEdited({ kind, content, fingerprint, record }: ReturnType<typeof knownOf>): boolean {
  return fingerprint !== null && content !== null && fingerprintOf(kind, content, record) !== fingerprint;
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
  const { rows } = await client.query<{ xero_id: string }>({
    name: 'contacts-found',
    text: `SELECT record.xero_id FROM record
            WHERE organisation_id = $1 AND stream = 'contacts' AND record.xero_id = ANY ($3)
              AND body ->> 'ContactStatus' IS DISTINCT FROM 'ARCHIVED'
              AND NOT EXISTS (SELECT FROM document d WHERE d.organisation_id = $1 AND d.xero_id = record.xero_id)
              AND NOT EXISTS (SELECT FROM document d WHERE d.company_id = $2 AND d.kind = 'contact'
                                 AND d.external_id = record.body ->> 'ContactNumber')
            ORDER BY record.xero_id`,
    values: [organisationId, companyId, xeroIds],
  });
  for (const { xero_id: xeroId } of rows) tell({ type: 'contact.found', companyId, connectionId, xeroId, data: {} });
}
