/** Saving documents: each version once, however many save it at once, and never an older one over a newer one. */
import type pg from 'pg';
import { parentsOf, projectItems } from '../domain/documents/content.js';
import { documentKinds } from '../domain/documents/kinds.js';
import type { Document, DocumentToSave, SaveContext, Saved, SavedDocuments } from '../domain/ports.js';
import { nameOf, readDocuments } from './documentRows.js';
import { turnOnBells } from './outboxBells.js';
import { adoptImported } from './paymentBooks.js';

/** Another content, or one that was deleted: a new version. */
const changed = '(d.content_hash <> excluded.content_hash OR d.deleted)';
/** An export sends the version that was reviewed; what is saved meanwhile waits for the next one. */
const inExport = `(d.export_id IS NOT NULL AND d.state IN ('queued', 'sending', 'waiting'))`;
/** It is to be sent: not what a person keeps out, and not by itself what was voided or deleted in Xero. */
const goes = `(${changed} AND NOT d.excluded AND NOT ${inExport}
                  AND d.state NOT IN ('voidedInXero', 'deletedInXero'))`;
/** What is being sent stays so: its newer version goes once the outcome of that one is known. */
const goesNow = `(${goes} AND d.state <> 'sending')`;
/** A later source version of the same content counts, or a retry of one between them would win. */
const counts = `NOT excluded.derived AND coalesce(excluded.source_version >= d.source_version, true)
  AND (${changed} OR excluded.source_version IS DISTINCT FROM d.source_version AND excluded.source_version IS NOT NULL)`;

/**
 * One statement, whose row locks make those who save the same document at once come one after the other; each then sees what
 * the one before made of it. A version that is queued already keeps its place. Answers the documents with a new version.
 */
const saveStatement = `
  WITH given AS (
    SELECT * FROM jsonb_to_recordset($2) AS each (kind text, external_id text, rank smallint, location_id text,
                                                  source_version bigint, content jsonb, derived boolean)
  ),
  saved AS (
    INSERT INTO document AS d (id, company_id, kind, external_id, rank, location_id, source_version, content, content_hash,
                               derived, queued_version, queued_at, urgent, actor)
    SELECT gen_random_uuid(), company.id, kind, external_id, rank, location_id, source_version, content,
           sha256(convert_to(content::text, 'UTF8')), derived, 1, clock_timestamp(), $3, $4
      FROM given JOIN company ON company.id = $1 AND company.deleting_at IS NULL
     ORDER BY rank, kind, external_id COLLATE "C"
    ON CONFLICT (company_id, kind, external_id) DO UPDATE
       SET version = d.version + ${changed}::integer,
           source_version = coalesce(excluded.source_version, d.source_version),
           content = excluded.content, content_hash = excluded.content_hash, location_id = excluded.location_id,
           deleted = false, derived = false,
           state = CASE WHEN ${goesNow} THEN 'queued' ELSE d.state END,
           code = CASE WHEN NOT ${goesNow} THEN d.code END,
           errors = CASE WHEN ${goesNow} THEN '[]' ELSE d.errors END,
           queued_version = CASE WHEN ${goes} THEN d.version + 1 ELSE d.queued_version END,
           queued_at = CASE WHEN ${goes} AND d.state <> 'queued' THEN clock_timestamp() ELSE d.queued_at END,
           export_id = CASE WHEN NOT ${goesNow} THEN d.export_id END,
           urgent = excluded.urgent OR d.urgent AND d.state IN ('queued', 'sending', 'waiting'),
           actor = CASE WHEN ${changed} THEN excluded.actor ELSE d.actor END,
           updated_at = clock_timestamp()
     WHERE ${counts}
    RETURNING id, kind, external_id, version, source_version, content, actor, xmax = 0 AS created
  ),
  noted AS (
    INSERT INTO document_version (document_id, version, source_version, content, actor)
    SELECT id, version, source_version, content, actor FROM saved
    ON CONFLICT DO NOTHING
    RETURNING document_id
  )
  SELECT id, kind, external_id, created FROM saved JOIN noted ON noted.document_id = saved.id`;

/** What the current versions stand on, in place of what their older ones did. The documents are locked by then. */
const parentStatement = `
  WITH parent AS (
    SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[]) AS each (document_id, parent_kind, parent_external_id)
  ),
  gone AS (
    DELETE FROM document_parent old
     WHERE old.document_id = ANY ($2) AND NOT EXISTS (
       SELECT FROM parent WHERE parent.document_id = old.document_id AND parent.parent_kind = old.parent_kind
                            AND parent.parent_external_id = old.parent_external_id)
  )
  INSERT INTO document_parent (document_id, company_id, parent_kind, parent_external_id)
  SELECT document_id, $1, parent_kind, parent_external_id FROM parent ON CONFLICT DO NOTHING`;

interface Written {
  id: string;
  kind: DocumentToSave['kind'];
  external_id: string;
  created: boolean;
}

/** `derived`: the item of a project number, made where it is not there yet. */
type Given = DocumentToSave & { derived: boolean };

/** In the caller's transaction. @returns null when there is no such company. */
export async function saveDocuments(
  client: pg.PoolClient,
  context: SaveContext,
  documents: readonly DocumentToSave[],
): Promise<SavedDocuments | null> {
  const { companyId, urgent } = context;
  await adoptImported(client, companyId, documents);
  const given = documents.map((document): Given => ({ ...document, derived: false }));
  const outcomes = new Map<Given, Written>();
  for (const wave of wavesOf([...given, ...projectItemsOf(given)])) {
    for (const [document, written] of await saveEachOnce(client, context, wave)) outcomes.set(document, written);
  }
  const stored = await readDocuments(client, companyId, given);
  const results = given.map((each) => resultOf(each, stored.get(nameOf(each)), outcomes.get(each)));
  if (results.includes(null)) return null;
  const ids = new Set([...outcomes.values()].map(({ id }) => id));
  return { results: results as Saved[], bells: await turnOnBells(client, companyId, [...ids], urgent) };
}

function resultOf(given: Given, document: Document | undefined, written: Written | undefined): Saved | null {
  if (document === undefined) return null;
  const isLate = (given.sourceVersion ?? Infinity) < (document.sourceVersion ?? -Infinity);
  if (written === undefined && isLate) return { kind: 'stale', document };
  return { kind: 'saved', document, created: written?.created ?? false };
}

/** The items that lines name by a project number and that are not given themselves, each once. */
function projectItemsOf(given: readonly Given[]): Given[] {
  const named = given.flatMap(({ content }) => projectItems(content)).map((item) => [nameOf(item), item] as const);
  const known = new Set(given.map(nameOf));
  return [...new Map(named)]
    .filter(([name]) => !known.has(name))
    .map(([, item]) => ({ ...item, sourceVersion: null, derived: true }));
}

/** A document that is given more than once is saved as often, in that order: a statement saves each once. */
function wavesOf(given: readonly Given[]): Given[][] {
  const waves: Given[][] = [];
  const times = new Map<string, number>();
  for (const each of given) {
    const time = times.get(nameOf(each)) ?? 0;
    times.set(nameOf(each), time + 1);
    const wave = waves[time];
    if (wave === undefined) waves.push([each]);
    else wave.push(each);
  }
  return waves;
}

/** @returns those that have a new version by it. */
async function saveEachOnce(
  client: pg.PoolClient,
  { companyId, urgent, actor }: SaveContext,
  documents: readonly Given[],
): Promise<Map<Given, Written>> {
  const { rows } = await client.query<Written>({
    name: 'documents-save',
    text: saveStatement,
    values: [companyId, JSON.stringify(documents.map(rowOf)), urgent, actor],
  });
  const written = new Map(rows.map((row) => [nameOf({ kind: row.kind, externalId: row.external_id }), row]));
  const outcomes = new Map<Given, Written>();
  for (const document of documents) {
    const row = written.get(nameOf(document));
    if (row !== undefined) outcomes.set(document, row);
  }
  await saveParents(client, companyId, outcomes);
  return outcomes;
}

function rowOf({ kind, externalId, content, sourceVersion, derived }: Given) {
  const { rank } = documentKinds[kind];
  return {
    ...{ kind, rank, content, derived },
    external_id: externalId,
    location_id: content.location ?? null,
    source_version: sourceVersion,
  };
}

async function saveParents(client: pg.PoolClient, companyId: string, outcomes: Map<Given, Written>): Promise<void> {
  const parents = [...outcomes].flatMap(([{ kind, content }, { id }]) =>
    parentsOf(kind, content).map((parent) => ({ id, ...parent })),
  );
  const written = [...outcomes.values()];
  if (parents.length === 0 && written.every(({ created }) => created)) return;
  await client.query(parentStatement, [
    companyId,
    written.map(({ id }) => id),
    parents.map(({ id }) => id),
    parents.map(({ kind }) => kind),
    parents.map(({ externalId }) => externalId),
  ]);
}
