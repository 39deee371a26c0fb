/** What is looked at before a document goes: one table for the immediate push and for the preview. */
import type { DocumentCode } from '../codes.js';
import type { DocumentError } from '../ports/documents.js';
import type { PushFacts, QueuedDocument } from './facts.js';
import type { DocumentKind } from './kinds.js';
import type { DocumentState } from './states.js';

/** `error` blocks; `warning` does not block the others: the document goes all the same, or by the rules it is not sent. */
export type CheckLevel = 'error' | 'warning';

export interface Check {
  code: DocumentCode;
  level: CheckLevel;
  /** What becomes of a document that fails it; null: it goes. */
  state: DocumentState | null;
  /** What is checked, as a sentence; message and remedy of a fault are those of its code. */
  sentence: string;
  kinds: readonly DocumentKind[];
  faults(document: QueuedDocument, facts: PushFacts): readonly DocumentError[];
}

/** What a check found. */
export interface Finding {
  level: CheckLevel;
  state: DocumentState | null;
  error: DocumentError;
}

export const checks: readonly Check[] = [];

/** All that is to be said about a document, in the order of the table. */
export function findings(document: QueuedDocument, facts: PushFacts): Finding[] {
  return checks
    .filter(({ kinds }) => kinds.includes(document.kind))
    .flatMap(({ level, state, faults }) => faults(document, facts).map((error) => ({ level, state, error })));
}
