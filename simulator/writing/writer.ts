import type { Row } from '../core/values.js';
import type { Books } from './books.js';

/** One element of a body, as JSON says it. */
export type Given = Record<string, unknown>;

export type WriteMethod = 'PUT' | 'POST' | 'DELETE';

/** How an element came in. */
export interface How {
  method: WriteMethod;
  /** What the path names after the endpoint: an id, a number or a code. */
  id?: string;
  /** What a nested path names last: `/CreditNotes/{id}/Allocations/{childId}`. */
  childId?: string;
  /** How many decimals of unit prices are kept: 2, or 4 when the call says `unitdp=4`. */
  unitDecimals: number;
}

export interface PlannedRow {
  stream: string;
  index: number;
  row: Row;
  /** The row changes only because a payment was made or deleted. */
  byPayment?: boolean;
  /** The change does not move `UpdatedDateUTC`. */
  silent?: boolean;
}

/** What one element makes or changes. */
export interface Planned {
  /** The id of the row that the answer echoes. */
  id: string;
  rows: PlannedRow[];
  warnings?: string[];
  /** What the answer echoes where it is not the row of `id` in the writer's own stream. */
  shown?: Row;
}

/** How the elements of one kind are written (xero-api.md §3, §4). */
export interface ElementWriter {
  /** The path without ids: `Invoices`, `CreditNotes/Allocations`. */
  path: string;
  /** The key of the collection in bodies and answers. */
  collection: string;
  /** The stream whose row `Planned.id` names. */
  stream: string;
  /** The id field of an echoed element; a refused new one carries the zero GUID there. */
  idField: string;
  methods: readonly WriteMethod[];
  /** The most elements that one call may hold. */
  largest: number;
  /** Documents say `HasErrors`, other elements `HasValidationErrors`. */
  errorFlag: 'HasErrors' | 'HasValidationErrors';
  /** Whether a DELETE is answered 204 without a body. */
  deletesSilently?: boolean;
  /**
   * Plans the rows that one element makes or changes; writes nothing itself.
   * Throws ValidationFailed when the element is refused, and `notFound()` when the path names nothing.
   */
  plan(books: Books, given: Given, how: How): Planned;
}

/** Xero refuses an element, for these reasons. */
export class ValidationFailed extends Error {
  constructor(
    readonly messages: string[],
    readonly warnings: string[] = [],
  ) {
    super(messages.join(' '));
  }
}

/** Throws ValidationFailed when there is anything to complain about. */
export function refuseIfAny(complaints: string[], warnings: string[] = []): void {
  if (complaints.length > 0) throw new ValidationFailed(complaints, warnings);
}
