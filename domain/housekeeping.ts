/** What housekeeping does, in this order: by name, with what the Temporal UI says of it. Another task is another row. */
export const housekeepingTasks = {
  refreshIdleGrants: 'refresh grants that nobody used for 20 days',
  showDeadGrants: 'show which connections have to be consented to again',
  forgetConsents: 'forget consents that ended more than a day ago',
  forgetGrants: 'forget grants that serve no connection',
} as const;
export type HousekeepingTask = keyof typeof housekeepingTasks;
export const housekeepingTaskNames = Object.keys(housekeepingTasks) as HousekeepingTask[];

/** What a task did, in numbers. */
export type Counts = Record<string, number>;
