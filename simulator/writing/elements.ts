import { noData, postDataInvalid, tooManyElements } from '../accounting/errors.js';
import type { ElementWriter, Given } from './writer.js';

/**
 * The elements of a body: one object, an array, or either under the collection's key. Throws the Refusal that Xero gives
 * for what is no JSON, holds nothing, or holds more than a call may.
 */
export function elementsOf({ collection, largest }: ElementWriter, body: Buffer): Given[] {
  const parsed = parse(body);
  const held = isObject(parsed) && collection in parsed ? parsed[collection] : parsed;
  const elements = (Array.isArray(held) ? held : [held]).filter(isObject);
  if (elements.length === 0) throw noData(collection);
  if (elements.length > largest) throw tooManyElements(collection, largest);
  return elements;
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw postDataInvalid();
  }
}

const isObject = (value: unknown): value is Given =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
