/** Waiting for what Xero says of a document, woken by the feed. */
import type { DocumentCode } from '../domain/codes.js';
import type { Document } from '../domain/ports.js';
import type { ApiDeps } from './deps.js';

/** Something has to happen first that no push brings about: nobody waits for it in a request. */
const longWaits: ReadonlySet<DocumentCode | null> = new Set<DocumentCode>([
  'not_connected',
  'location_required',
  'connection_not_active',
  'writes_paused',
  'awaiting_export',
]);

function isUnderWay({ state, code }: Document): boolean {
  return state === 'queued' || state === 'sending' || (state === 'waiting' && !longWaits.has(code));
}

/** The document once nothing of it is under way, or as it stands when the wait is stopped. */
export async function awaitDocument(
  { documents, feedBell }: Pick<ApiDeps, 'documents' | 'feedBell'>,
  document: Document,
  stop: AbortSignal,
): Promise<Document> {
  if (!isUnderWay(document)) return document;
  // Heard before it is looked at: nothing falls between.
  const listener = feedBell.listen(document.companyId);
  try {
    const look = async () => (await documents.get(document.companyId, document)) ?? document;
    let current = await look();
    while (isUnderWay(current) && (await listener.rung(stop))) current = await look();
    return current;
  } finally {
    listener.end();
  }
}
