import type { Row } from '../core/values.js';
import type { Books } from './books.js';
import { listOf } from './fields.js';
import type { Given } from './writer.js';

const MOST = 2;

const same = (a: unknown, b: unknown): boolean =>
  a !== undefined && a !== null && String(a).trim().toLowerCase() === String(b).trim().toLowerCase();

/** The tracking options of a line, named by ids or by names: at most two, each of an active category (xero-api.md §4). */
export function lineTracking(books: Books, given: Given, complaints: string[]): Row[] {
  const wanted = listOf(given, 'Tracking') ?? [];
  if (wanted.length > MOST) complaints.push(`A line item can have at most ${MOST} tracking categories`);
  return wanted.slice(0, MOST).flatMap((one) => optionRow(books, one, complaints));
}

function optionRow(books: Books, given: Given, complaints: string[]): Row[] {
  const category = books
    .all('trackingCategories')
    .find((row) => same(given.TrackingCategoryID, row.TrackingCategoryID) || same(given.Name, row.Name));
  const option = ((category?.Options ?? []) as Row[]).find(
    (row) => same(given.TrackingOptionID, row.TrackingOptionID) || same(given.Option, row.Name),
  );
  if (category?.Status !== 'ACTIVE' || !option || option.Status !== 'ACTIVE') {
    complaints.push(`The tracking option '${given.Option ?? given.TrackingOptionID}' does not exist or is not active`);
    return [];
  }
  const { Name, TrackingCategoryID } = category;
  return [{ Name, Option: option.Name, TrackingCategoryID, TrackingOptionID: option.TrackingOptionID }];
}
