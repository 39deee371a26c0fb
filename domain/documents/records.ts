/** Reading what Xero sent: bodies of records as the mirror holds them (xero-api.md §4). */
import type { Body, XeroRecord } from './facts.js';

export const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The objects of a list field; none where there is no list. */
export function listIn(body: Body, field: string): Body[] {
  const value = body[field];
  return Array.isArray(value) ? value.filter(isBody) : [];
}

/** What lies at a dotted path; through a list, all that its elements have there. */
export function valuesAt(value: unknown, path: string): unknown[] {
  const [field, ...rest] = path.split('.');
  const holders = (Array.isArray(value) ? value : [value]).filter(isBody);
  const found = holders.map((holder) => holder[field as string]);
  return rest.length === 0 ? found : found.flatMap((inner) => valuesAt(inner, rest.join('.')));
}

export const textAt = (body: Body, path: string): string | null => {
  const [value] = valuesAt(body, path);
  return typeof value === 'string' && value !== '' ? value : null;
};

/** The calendar date of a field: `DateString` where there is one, `/Date(ms)/` else (xero-api.md §2). */
export function dateAt(body: Body, field: string): string | null {
  const text = textAt(body, `${field}String`) ?? textAt(body, field);
  if (text === null) return null;
  const stamp = /^\/Date\((-?\d{1,14})[+)]/.exec(text);
  if (stamp) return new Date(Number(stamp[1])).toISOString().slice(0, 10);
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? text.slice(0, 10) : null;
}

export const statusOf = ({ body }: XeroRecord): string => textAt(body, 'Status') ?? textAt(body, 'ContactStatus') ?? '';

/** Statuses of what stands in Xero no more. */
const ended: ReadonlySet<string> = new Set(['VOIDED', 'DELETED']);

export const isLiving = (record: XeroRecord): boolean => !record.deleted && !ended.has(statusOf(record));

/** Merged contacts are ARCHIVED too, with the contact that they became. */
export const mergedInto = ({ body }: XeroRecord): string | null => textAt(body, 'MergedToContactID');

export const isArchived = (contact: XeroRecord): boolean =>
  statusOf(contact) === 'ARCHIVED' && mergedInto(contact) === null;

const numberFields = ['InvoiceNumber', 'CreditNoteNumber', 'PurchaseOrderNumber', 'ContactNumber', 'Code'];

/** The number of a record, as people know it. */
export const numberOf = ({ body }: XeroRecord): string | null =>
  numberFields.map((field) => textAt(body, field)).find((number) => number !== null) ?? null;
