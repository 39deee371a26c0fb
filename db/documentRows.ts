/** Reading documents: where each stands as people see it, and which connection it goes to. */
import type { DocumentCode } from '../domain/codes.js';
import type { DocumentContent } from '../domain/documents/content.js';
import type { DocumentKind, DocumentReference } from '../domain/documents/kinds.js';
import type { DocumentState } from '../domain/documents/states.js';
import type { Document, DocumentError } from '../domain/ports.js';
import type { Queryable } from './pool.js';

interface DocumentRow {
  id: string;
  company_id: string;
  kind: DocumentKind;
  external_id: string;
  location_id: string | null;
  version: number;
  source_version: string | null;
  content: DocumentContent[DocumentKind];
  deleted: boolean;
  state: DocumentState;
  code: DocumentCode | null;
  errors: DocumentError[];
  synced: boolean;
  connection_id: string | null;
  xero_id: string | null;
  xero_number: string | null;
  last_pushed_at: Date | null;
  updated_at: Date;
}

/**
 * Documents `d` of companies that are not being deleted, with the connection `c` that covers each: the whole company's, or
 * that of its location.
 */
export const coveredDocuments = `
  document d
  JOIN company ON company.id = d.company_id AND company.deleting_at IS NULL
  LEFT JOIN location ON location.company_id = d.company_id AND location.id = d.location_id
  LEFT JOIN connection whole ON whole.company_id = d.company_id AND whole.sync_by = 'company'
  LEFT JOIN connection c ON c.id = coalesce(whole.id, location.connection_id)
  CROSS JOIN writes`;

/**
 * What keeps a queued document of `coveredDocuments` from going, as a code; null: nothing does. It is worked out whenever
 * somebody looks, so a connection that becomes active, or is paused, has no document to change.
 */
export const blocker = `
  CASE WHEN c.id IS NULL AND company.sync_by = 'locations' AND d.location_id IS NULL THEN 'location_required'
       WHEN c.id IS NULL THEN 'not_connected'
       WHEN c.status <> 'active' THEN 'connection_not_active'
       WHEN c.paused_at IS NOT NULL OR writes.paused_at IS NOT NULL THEN 'writes_paused'
       WHEN c.direction = 'two-way' AND c.settings ->> 'exportMode' = 'reviewed' AND d.export_id IS NULL
         THEN 'awaiting_export' END`;

/** Rows of `documentOf`. A condition on what is shown says `shown.state`. */
export const selectDocuments = `
  SELECT d.id, d.company_id, d.kind, d.external_id, d.location_id, d.version, d.source_version, d.content, d.deleted,
         shown.state, shown.code, d.errors, c.id AS connection_id, d.xero_id, d.xero_number, d.last_pushed_at, d.updated_at,
         d.state = 'voided' OR d.state = 'sent' AND d.sent_version IS NOT DISTINCT FROM d.version AS synced
    FROM ${coveredDocuments}
    CROSS JOIN LATERAL (SELECT CASE WHEN d.state = 'queued' THEN ${blocker} END AS code) AS blocked
    CROSS JOIN LATERAL (SELECT CASE WHEN blocked.code IS NULL THEN d.state ELSE 'waiting' END AS state,
                               coalesce(blocked.code, d.code) AS code) AS shown`;

/** Those that exist, by `kind externalId`. */
export async function readDocuments(
  db: Queryable,
  companyId: string,
  references: readonly DocumentReference[],
): Promise<Map<string, Document>> {
  // Not named: one that was planned while the table was small would be kept, and reads a large one from end to end.
  const { rows } = await db.query<DocumentRow>(
    `${selectDocuments}
       JOIN unnest($2::text[], $3::text[]) AS asked (kind, external_id)
         ON asked.kind = d.kind AND asked.external_id = d.external_id
      WHERE d.company_id = $1`,
    [companyId, references.map(({ kind }) => kind), references.map(({ externalId }) => externalId)],
  );
  return new Map(rows.map((row) => [nameOf({ kind: row.kind, externalId: row.external_id }), documentOf(row)]));
}

/** A reference as a key; kinds have no space. */
export const nameOf = ({ kind, externalId }: DocumentReference): string => `${kind} ${externalId}`;

export function documentOf(row: DocumentRow): Document {
  return {
    kind: row.kind,
    externalId: row.external_id,
    companyId: row.company_id,
    location: row.location_id,
    version: row.version,
    sourceVersion: row.source_version === null ? null : Number(row.source_version),
    content: row.content,
    deleted: row.deleted,
    state: row.state,
    code: row.code,
    errors: row.errors,
    synced: row.synced,
    connectionId: row.connection_id,
    xeroId: row.xero_id,
    xeroNumber: row.xero_number,
    lastPushedAt: row.last_pushed_at?.toISOString() ?? null,
    updatedAt: row.updated_at.toISOString(),
  };
}

export type { DocumentRow };
