/** Temporal events that a first full read needs. */

import { backfill, newOrganisation } from '../stack/organisation.js';
import type { Stack } from '../stack/stack.js';

export interface Events {
  records: number;
  events: number;
  /** Activities that only went on reading: what grows with the records. */
  turns: number;
  perMillion: number;
}

/** Of one turn: scheduled, started, completed, and the workflow task that follows it with its three. */
const eventsOfATurn = 6;

/** Counts the events of a read's only run. */
export async function measureEvents(stack: Stack, records: number): Promise<Events> {
  const read = await backfill(stack, await newOrganisation(stack, { records }));
  const events = (await read.handle.fetchHistory()).events ?? [];
  const activities = events.filter((event) => event.activityTaskScheduledEventAttributes);
  const turns = activities.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'readStream',
  ).length;
  const rate = (read.records / read.ms) * 60_000;
  const moreTurns = Math.ceil(Math.max(0, 1_000_000 - read.records) / rate);
  return { records: read.records, events: events.length, turns, perMillion: events.length + moreTurns * eventsOfATurn };
}
