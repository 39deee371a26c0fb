/**
 * What the domain needs from the outside: interfaces that `xero/` and `db/` fulfil and `workers/` injects.
 * Instants are ISO 8601 UTC strings, durations milliseconds, dates calendar dates (`YYYY-MM-DD`).
 */
export * from './ports/books.js';
export * from './ports/budget.js';
export * from './ports/calls.js';
export * from './ports/chart.js';
export * from './ports/digest.js';
export * from './ports/documents.js';
export * from './ports/feed.js';
export * from './ports/figures.js';
export * from './ports/lists.js';
export * from './ports/mirror.js';
export * from './ports/oauth.js';
export * from './ports/outbox.js';
export * from './ports/payments.js';
export * from './ports/previews.js';
export * from './ports/pushFacts.js';
export * from './ports/reconciliation.js';
export * from './ports/runs.js';
export * from './ports/settings.js';
export * from './ports/webhooks.js';
export * from './ports/work.js';
export * from './ports/xero.js';
export * from './ports/xeroWriter.js';
