/** What people see of a document. */
import type { z } from 'zod';
import { documentCodes } from '../domain/codes.js';
import { xeroUrl } from '../domain/documents/links.js';
import type { Document } from '../domain/ports.js';
import type { documentSchema } from './schemas/document.js';

export function documentView(document: Document): z.infer<typeof documentSchema> {
  const { kind, externalId, xeroId, code } = document;
  return {
    kind,
    externalId,
    location: document.location,
    version: document.version,
    sourceVersion: document.sourceVersion,
    state: document.state,
    code,
    reason: code === null ? null : `${documentCodes[code].message} ${documentCodes[code].remedy}`,
    errors: document.errors,
    synced: document.synced,
    deleted: document.deleted,
    connection: document.connectionId,
    xeroId,
    xeroNumber: document.xeroNumber,
    xeroUrl: xeroUrl(kind, xeroId),
    lastPushedAt: document.lastPushedAt,
    updatedAt: document.updatedAt,
  };
}
