/** What somebody wants saved, held against the schema of its kind; every fault names its field. */
import type { z } from 'zod';
import { documentSchemas } from '../domain/documents/content.js';
import type { DocumentReference } from '../domain/documents/kinds.js';
import type { DocumentToSave } from '../domain/ports.js';
import type { FieldFault } from './problems.js';
import { documentName, sourceVersion } from './schemas/document.js';

/** The document, or what is wrong with it. */
export type ReadDocument = { document: DocumentToSave } | { faults: FieldFault[] };

/** An element of a bulk save: it names itself. */
export function readNamed({ kind, externalId, ...body }: Record<string, unknown>): ReadDocument {
  const name = documentName.safeParse({ kind, externalId });
  return name.success ? readDocument(name.data, body) : { faults: faultsOf(name.error) };
}

export function readDocument(reference: DocumentReference, body: Record<string, unknown>): ReadDocument {
  const { sourceVersion: givenVersion, ...given } = body;
  const content = documentSchemas[reference.kind].safeParse(given);
  const version = sourceVersion.optional().safeParse(givenVersion);
  if (content.success && version.success) {
    return { document: { ...reference, content: content.data, sourceVersion: version.data ?? null } };
  }
  const ofVersion = version.success ? [] : [{ field: 'sourceVersion', message: 'must be a whole number from 0 on' }];
  return { faults: [...(content.success ? [] : faultsOf(content.error)), ...ofVersion] };
}

/** A field that does not exist is named itself, not the object it was sent in. */
function faultsOf({ issues }: z.ZodError): FieldFault[] {
  return issues.flatMap((issue) => {
    const at = (field: PropertyKey[]) => field.map(String).join('.');
    if (issue.code !== 'unrecognized_keys') return [{ field: at(issue.path), message: issue.message }];
    return issue.keys.map((key) => ({ field: at([...issue.path, key]), message: 'does not exist' }));
  });
}
