/** Where the facts come from that planning needs. */
import type { ContactGroup, LookedUpBy, PushFacts, QueuedDocument } from '../documents/facts.js';
import type { StreamName } from '../streams.js';

/** What was just asked of Xero and lies in the mirror now. */
export interface LookedUp {
  stream: StreamName;
  by: LookedUpBy;
  value: string;
}

export interface PushFactsSource {
  /**
   * The facts for planning these documents, as the mirror and the documents are now.
   * @returns null when the connection has no organisation, or its chart was not read to the end yet.
   */
  load(
    connectionId: string,
    documents: readonly QueuedDocument[],
    lookedUp: readonly LookedUp[],
    contactGroups: readonly ContactGroup[] | null,
  ): Promise<PushFacts | null>;
}
