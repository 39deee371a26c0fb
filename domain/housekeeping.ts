/** What housekeeping does, in this order (a schedule of its own does some of it more often): by name, with what the Temporal UI says of it. Another task is another row. */
export const housekeepingTasks = {
  startBackfills: 'start first full reads that nobody has started',
  repairSchedules: 'put right the schedules of connections',
  ringForWebhooks: 'ring for webhook events that nobody has fetched',
  ringOutboxes: 'ring for documents that could have gone half a minute ago',
  startReviews: 'start previews and exports that nobody has started',
  refreshIdleGrants: 'refresh grants that nobody used for 20 days',
  showDeadGrants: 'show which connections have to be consented to again',
  endLinks: 'end links of disconnected connections at Xero',
  forgetConsents: 'forget consents that ended more than a day ago',
  forgetGrants: 'forget grants that serve no connection',
  forgetChanges: 'forget events of the feed that are older than 30 days',
  forgetPreviews: 'forget previews and their exports that are older than 90 days',
  forgetWebhookEvents: 'forget webhook events that were settled more than a week ago',
} as const;
export type HousekeepingTask = keyof typeof housekeepingTasks;
export const housekeepingTaskNames = Object.keys(housekeepingTasks) as HousekeepingTask[];

/** What a task did, in numbers. */
export type Counts = Record<string, number>;
