import type { Endpoint } from '../accounting/endpoints.js';

/** A `where` or `order` that Xero cannot read: ErrorNumber 16 (xero-api.md §2). */
export class QueryParseError extends Error {
  static unknownField(path: string, endpoint: Endpoint): QueryParseError {
    return new QueryParseError(`No property or field '${path}' exists in type '${endpoint.name.replace(/s$/, '')}'`);
  }
}
