/** Workflow ids, task queues and search attributes: one place, so that the API, the workers and the UI agree. */

/** The queue that reading workflows and their activities are served from. */
export const readingTaskQueue = 'nightledger-reading';

export const workflowIds = {
  backfill: (connectionId: string): string => `backfill:${connectionId}`,
  sync: (connectionId: string): string => `sync:${connectionId}`,
  secondLook: (connectionId: string): string => `second-look:${connectionId}`,
  paymentImport: (connectionId: string): string => `payment-import:${connectionId}`,
  outbox: (connectionId: string): string => `outbox:${connectionId}`,
  preview: (previewId: string): string => `preview:${previewId}`,
  export: (exportId: string): string => `export:${exportId}`,
  webhookFetch: (organisationId: string): string => `webhook:${organisationId}`,
  deleteCompany: (companyId: string): string => `delete:${companyId}`,
};

/** The queue of the outboxes: what somebody saved never stands behind a long reading. */
export const pushTaskQueue = 'nightledger-push';

/** Ids of the schedules; the workflows that they start have the same with the time behind it. */
export const scheduleIds = {
  housekeeping: 'housekeeping',
  outboxBells: 'outbox-bells',
  nightly: (connectionId: string): string => `nightly:${connectionId}`,
  weekly: (connectionId: string): string => `weekly:${connectionId}`,
  payments: (connectionId: string): string => `payments:${connectionId}`,
} as const;

/** Names of the search attributes; ids and states only, they are never encrypted (temporal.md). */
export const searchAttributes = {
  company: 'NightledgerCompany',
  connection: 'NightledgerConnection',
  state: 'NightledgerState',
  sleepingUntil: 'NightledgerSleepingUntil',
} as const;
